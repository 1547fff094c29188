import { constants, createZstdDecompress } from 'node:zlib';

/** Where inflated bytes go: `size` of them, from `at` on; one more byte behind them can be written. */
export interface Target {
  readonly output: Uint8Array;
  readonly at: number;
  readonly size: number;
}

/**
 * Inflates zstd frames with one decompressor of Node that is held open: `zstdDecompressSync` makes a stream, a context and
 * a buffer for every page, which costs more than inflating most pages. What it uses for that is not documented; `open`
 * answers undefined on a Node that has it no more.
 */
export class HeldZstd {
  readonly #handle: Handle;
  /** What the last write left: bytes of output that are free, bytes of input that were not taken. */
  readonly #left: Uint32Array;
  #failure: string | undefined;

  private constructor(handle: Handle, left: Uint32Array) {
    this.#handle = handle;
    this.#left = left;
    handle.onerror = (message) => {
      this.#failure = message;
    };
  }

  /** Opens a decompressor; undefined: this Node gives no way to hold one. */
  static open(): HeldZstd | undefined {
    const { _handle: handle, _writeState: left } = createZstdDecompress() as Opened;
    if (typeof handle?.writeSync !== 'function' || left?.length !== 2) return undefined;
    return new HeldZstd(handle, left);
  }

  /** Inflates all of `input` to exactly the target's size; after it threw, the decompressor is of no use. */
  inflate(input: Uint8Array, { output, at, size }: Target): void {
    let from = 0;
    let done = 0;
    do {
      const length = input.length - from;
      // One byte more than wanted: whether there is more shows.
      const room = size + 1 - done;
      this.#handle.writeSync(constants.ZSTD_e_end, input, from, length, output, at + done, room);
      if (this.#failure !== undefined) throw new Error(this.#failure);
      const rest = this.#left[1] as number;
      if (rest === length) throw new Error('a page is not compressed as it says');
      done += room - (this.#left[0] as number);
      from = input.length - rest;
      if (done > size) throw new Error(`a page inflates to more than ${size} bytes as it says`);
    } while (from < input.length);
    if (done !== size)
      throw new Error(`a page inflates to ${done} bytes, not to ${size} as it says`);
  }
}

interface Opened {
  readonly _handle?: Handle;
  readonly _writeState?: Uint32Array;
}

interface Handle {
  onerror: (message: string) => void;
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void;
}
