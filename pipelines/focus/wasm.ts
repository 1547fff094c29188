/** Kernels: loops that are compiled to WebAssembly, each instance with a memory of its own. Their sources are in folders `assembly`. */

/**
 * A memory that keeps its contents when it grows, in pages (the number before is answered); `buffer` is another one then, and arrays over the one before
 * are empty, but if it is shared.
 */
export interface Memory<Bytes extends ArrayBufferLike = ArrayBuffer> {
  readonly buffer: Bytes;
  grow(pages: number): number;
}

/** What is used of WebAssembly; its types come with the browser's only. */
declare namespace WebAssembly {
  const Memory: new <Bytes extends ArrayBufferLike = ArrayBuffer>(pages: {
    readonly initial: number;
    readonly maximum?: number;
    readonly shared?: boolean;
  }) => Memory<Bytes>;
  const Module: new (bytes: Uint8Array) => object;
  const Instance: new (module: object, imports: object) => { readonly exports: object };
}

/** Bytes of a page. */
export const PAGE = 65_536;

/** Most pages where positions have to be positive numbers: below 2 GiB. */
export const MOST_PAGES = 0x7fff;

/** One per kernel and thread. */
const modules = new Map<string, object>();

/** An instance of a module in base64 (`…-wasm.ts`) with a memory of at least so many bytes; what it imports besides is in `env`. */
export function instantiate<Exports>(
  base64: string,
  bytes: number,
  more: { readonly mostPages?: number; readonly env?: object } = {},
): { readonly exports: Exports; readonly memory: Memory } {
  const maximum = more.mostPages === undefined ? {} : { maximum: more.mostPages };
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / PAGE), ...maximum });
  return { exports: instance<Exports>(base64, memory, more.env), memory };
}

/** What an instance of a module in base64 over a memory exports. */
export function instance<Exports>(
  base64: string,
  memory: Memory<ArrayBufferLike>,
  env?: object,
): Exports {
  const module = modules.get(base64) ?? new WebAssembly.Module(Buffer.from(base64, 'base64'));
  modules.set(base64, module);
  const { exports } = new WebAssembly.Instance(module, { env: { memory, ...env } });
  return { ...exports } as Exports;
}

/** A memory of at least so many bytes, zeros, that threads can share. It may grow to `most` bytes: so much address space is taken. */
export function sharedMemory(bytes: number, most: number): Memory<SharedArrayBuffer> {
  const [initial, maximum] = [Math.ceil(bytes / PAGE), Math.ceil(most / PAGE)];
  return new WebAssembly.Memory<SharedArrayBuffer>({ initial, maximum, shared: true });
}

/** A memory as arrays; those that were had before are empty once it has grown. */
export class MemoryViews {
  readonly #memory: Memory;
  #bytes = new Uint8Array(0);
  #words = new Uint32Array(0);

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Bytes of the memory. */
  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }

  /** The same as words of 32 bits. */
  get words(): Uint32Array {
    if (this.#words.length === 0) this.#words = new Uint32Array(this.#memory.buffer);
    return this.#words;
  }
}

/** Some of a memory. */
export interface Region {
  readonly at: number;
  readonly bytes: number;
}

export const NO_REGION: Region = { at: 0, bytes: 0 };

const ALIGNMENT = 16;
/** Bytes at the start that no region has. */
const START = 64;

/** A memory in regions that grow. */
export class KernelMemory {
  readonly #memory: Memory;
  #used = START;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** The memory itself; another one once a region was made to fit. */
  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** Bytes of the memory. */
  get size(): number {
    return this.#memory.buffer.byteLength;
  }

  /** Forgets all regions. */
  clear(): void {
    this.#used = START;
  }

  /** A region of at least so many bytes: the one there is, or another, in which the first `kept` bytes are the same. Views are void then. */
  fit(region: Region, bytes: number, kept = 0): Region {
    if (region.bytes >= bytes) return region;
    const size = Math.ceil(Math.max(bytes, region.bytes * 2) / ALIGNMENT) * ALIGNMENT;
    const isLast = region.bytes > 0 && region.at + region.bytes === this.#used;
    const at = isLast ? region.at : this.#used;
    this.#used = at + size;
    const missing = this.#used - this.size;
    if (missing > 0) this.#memory.grow(Math.ceil(Math.max(missing, this.size / 2) / PAGE));
    if (kept > 0 && !isLast)
      new Uint8Array(this.#memory.buffer).copyWithin(at, region.at, region.at + kept);
    return { at, bytes: size };
  }

  /** Words of the memory. Void once a region was made to fit. */
  words({ at }: Region, count: number): Uint32Array {
    return new Uint32Array(this.#memory.buffer, at, count);
  }
}

/** Kernels that nobody uses at the moment; the memory of one is costly to make. One pool per kernel and thread. */
export class IdleKernels<Kernel extends { readonly size: number }> {
  readonly #create: () => Kernel;
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #idle: Kernel[] = [];

  /** At most `most` are kept, none whose memory one large part made larger than `mostBytes`. */
  constructor(
    create: () => Kernel,
    { most, mostBytes }: { readonly most: number; readonly mostBytes: number },
  ) {
    this.#create = create;
    this.#most = most;
    this.#mostBytes = mostBytes;
  }

  /** One that was used before, as it was left, or a new one. */
  take(): Kernel {
    return this.#idle.pop() ?? this.#create();
  }

  /** Takes one back; its memory belongs to the next user. */
  giveBack(kernel: Kernel): void {
    if (this.#idle.length < this.#most && kernel.size <= this.#mostBytes) this.#idle.push(kernel);
  }
}
