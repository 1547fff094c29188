/** Kernels: loops that are compiled to WebAssembly, each instance with a memory of its own. Their sources are in folders `assembly`. */

/** A memory that keeps its contents when it grows, in pages; `buffer` is another one then, and arrays over the one before are empty. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What is used of WebAssembly; its types come with the browser's only. */
declare namespace WebAssembly {
  const Memory: new (pages: { readonly initial: number; readonly maximum?: number }) => Memory;
  const Module: new (bytes: Uint8Array) => object;
  const Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** Bytes of a page. */
export const PAGE = 65_536;

/** One per kernel and thread. */
const modules = new Map<string, object>();

/** An instance of a module in base64 (`…-wasm.ts`) with a memory of at least so many bytes; what it imports besides is in `env`. */
export function instantiate<Exports>(
  base64: string,
  bytes: number,
  more: { readonly mostPages?: number; readonly env?: object } = {},
): { readonly exports: Exports; readonly memory: Memory } {
  const module = modules.get(base64) ?? new WebAssembly.Module(Buffer.from(base64, 'base64'));
  modules.set(base64, module);
  const maximum = more.mostPages === undefined ? {} : { maximum: more.mostPages };
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE), ...maximum });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, ...more.env } });
  return { exports: { ...exports } as Exports, memory };
}
