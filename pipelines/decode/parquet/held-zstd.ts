import { constants, createZstdDecompress } from 'node:zlib';
import { type SyncZlib, syncZlib } from '../sync-zlib.ts';

/** Where inflated bytes go: `size` of them, from `at` on; one more byte behind them can be written. */
export interface Target {
  readonly output: Uint8Array;
  readonly at: number;
  readonly size: number;
}

/**
 * Inflates zstd frames with one decompressor of Node that is held open: `zstdDecompressSync` makes a stream, a context and
 * a buffer for every page, which costs more than inflating most pages.
 */
export class HeldZstd {
  readonly #sync: SyncZlib;
  #failure: string | undefined;

  private constructor(sync: SyncZlib) {
    this.#sync = sync;
    sync.handle.onerror = (message) => {
      this.#failure = message;
    };
  }

  /** Opens a decompressor; undefined: this Node gives no way to hold one. */
  static open(): HeldZstd | undefined {
    const sync = syncZlib(createZstdDecompress());
    return sync === undefined ? undefined : new HeldZstd(sync);
  }

  /** Inflates all of `input` to exactly the target's size; after it threw, the decompressor is of no use. */
  inflate(input: Uint8Array, { output, at, size }: Target): void {
    const { handle, left } = this.#sync;
    let from = 0;
    let done = 0;
    do {
      const length = input.length - from;
      // One byte more than wanted: whether there is more shows.
      const room = size + 1 - done;
      handle.writeSync(constants.ZSTD_e_end, input, from, length, output, at + done, room);
      if (this.#failure !== undefined) throw new Error(this.#failure);
      const rest = left[1] as number;
      if (rest === length) throw new Error('a page is not compressed as it says');
      done += room - (left[0] as number);
      from = input.length - rest;
      if (done > size) throw new Error(`a page inflates to more than ${size} bytes as it says`);
    } while (from < input.length);
    if (done !== size)
      throw new Error(`a page inflates to ${done} bytes, not to ${size} as it says`);
  }
}
