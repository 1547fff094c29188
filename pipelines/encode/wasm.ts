/** A compiled kernel with a memory of its own. */

/** What is used of WebAssembly; its types come with the browser's only. */
declare namespace WebAssembly {
  const Memory: new (size: { readonly initial: number }) => Memory;
  const Module: new (bytes: Uint8Array) => object;
  const Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** A memory that keeps its contents when it grows, in pages of 64 KiB: WebAssembly's. Who else uses it is told to `refresh`. */
export interface Memory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What WebAssembly's memory is counted in. */
export const PAGE = 65_536;

/** One per kernel and thread. */
const modules = new Map<string, object>();

/** An instance of a module in base64 (`…-wasm.ts`) with a memory of at least so many bytes. */
export function instantiate<Exports>(
  base64: string,
  bytes: number,
): { readonly exports: Exports; readonly memory: Memory } {
  const module = modules.get(base64) ?? new WebAssembly.Module(Buffer.from(base64, 'base64'));
  modules.set(base64, module);
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE) });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return { exports: { ...exports } as Exports, memory };
}
