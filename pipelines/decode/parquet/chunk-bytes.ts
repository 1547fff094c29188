import type { PartFile } from './part-file.ts';
import { roomFor, type Scratch } from './scratch.ts';

/** Bytes read at once where pages are smaller; what is longer is not held. */
export const AHEAD = 32 * 1024;

/**
 * The bytes of column chunks: small pages come several with one read. What it gives is valid until it is asked again, in case
 * of more than AHEAD bytes only until another column's is. */
export class ChunkBytes {
  readonly #file: PartFile;
  readonly #scratch: Scratch;
  /** The file's bytes [from, to). */
  #held = new Uint8Array(0);
  #from = 0;
  #to = 0;
  /** Nothing is read ahead from there on. */
  #end = 0;

  constructor(file: PartFile, shared: Scratch) {
    this.#file = file;
    this.#scratch = shared;
  }

  /** Starts on a chunk that is said to end there. */
  open(end: number): void {
    this.#end = end;
    this.#from = 0;
    this.#to = 0;
  }

  /** What is at hand of the bytes from `position` on, one at least. */
  ahead(position: number): Uint8Array {
    if (position < this.#from || position >= this.#to) this.#fill(position, 1);
    return this.#held.subarray(position - this.#from, this.#to - this.#from);
  }

  /** The bytes [position, position + length). */
  read(position: number, length: number): Uint8Array {
    if (position < this.#from || position + length > this.#to) {
      if (length > AHEAD) return this.#aside(position, length);
      this.#fill(position, length);
    }
    const from = position - this.#from;
    return this.#held.subarray(from, from + length);
  }

  #fill(position: number, least: number): void {
    const length = Math.max(least, Math.min(AHEAD, this.#end - position));
    this.#held = roomFor(this.#held, length);
    this.#to = 0;
    this.#file.read(this.#held, length, position);
    this.#from = position;
    this.#to = position + length;
  }

  #aside(position: number, length: number): Uint8Array {
    this.#scratch.input = roomFor(this.#scratch.input, length);
    this.#file.read(this.#scratch.input, length, position);
    return this.#scratch.input.subarray(0, length);
  }
}
