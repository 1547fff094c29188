import type { Kernel } from './kernel.ts';

const STATE_BYTES = 32;

/** Levels, dictionary indices or booleans as a page stores them: runs of equal values and runs of bit-packed ones. */
export class Stream {
  /** Where the kernel finds it. */
  readonly at: number;
  readonly #kernel: Kernel;
  #bytes = 0;
  #room = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.at = kernel.take(STATE_BYTES);
    kernel.call.open(this.at, 0, 0, 0);
  }

  /** Starts on bytes [start, end) of a page; throws when the width is impossible. */
  open(page: Uint8Array, start: number, end: number, width: number): void {
    const at = this.#put(page, start, end, width);
    this.#kernel.call.open(this.at, at, at + end - start, width);
  }

  /** Starts on bytes that are all bit-packed, without run headers. */
  openPacked(page: Uint8Array, start: number, end: number, width: number): void {
    const at = this.#put(page, start, end, width);
    this.#kernel.call.openPacked(this.at, at, at + end - start, width);
  }

  /** The value of the next `count` entries when they are one run, which is then behind; else -1 and nothing is consumed. */
  run(count: number): number {
    return this.#kernel.call.run(this.at, count);
  }

  #put(page: Uint8Array, start: number, end: number, width: number): number {
    if (width > 32) throw new Error(`values of ${width} bits`);
    if (start > end || end > page.length) throw new Error('levels reach beyond their page');
    const length = end - start;
    if (length > this.#room) {
      this.#room = length + (length >>> 2);
      this.#bytes = this.#kernel.take(this.#room);
    }
    this.#kernel.bytes(this.#bytes, length).set(page.subarray(start, end));
    return this.#bytes;
  }
}
