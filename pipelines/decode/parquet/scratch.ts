import { SLACK } from '../../focus/dictionary.ts';
import { grown, release } from '../../focus/grown.ts';
import type { Kernel } from './kernel.ts';

/** Bytes in memory of their own. */
type Memory = Uint8Array<ArrayBuffer>;

/** Memory that the columns of one part use in turn; it grows and is never given back. */
export interface Scratch {
  readonly kernel: Kernel;
  /** Compressed pages. */
  input: Memory;
  /** Inflated pages that are taken in at once: dictionaries, indices. */
  readonly page: PageMemory;
  /** Where values begin and end. */
  starts: Uint32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
  /** Codes of values without a dictionary. */
  readonly codes: Uint32Array;
}

/** Empty scratch memory, for up to `values` values at once. */
export function scratch(kernel: Kernel, values: number): Scratch {
  return {
    kernel,
    input: new Uint8Array(64 * 1024),
    page: new PageMemory(),
    starts: new Uint32Array(4096),
    ends: new Uint32Array(4096),
    codes: new Uint32Array(values),
  };
}

/** Memory for one inflated page, with SLACK readable bytes behind it. */
export class PageMemory {
  bytes: Memory = new Uint8Array(0);
  /** The same bytes. */
  view = new DataView(this.bytes.buffer);

  /** Makes room; what it holds is lost. */
  fit(bytes: number): void {
    if (bytes + SLACK <= this.bytes.length) return;
    this.bytes = roomFor(this.bytes, bytes);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** `buffer` or a larger one of at least `bytes` and slack; what it holds is lost. */
export function roomFor(buffer: Memory, bytes: number): Memory {
  if (buffer.length >= bytes + SLACK) return buffer;
  release(buffer);
  return new Uint8Array(bytes + (bytes >>> 2) + SLACK);
}

/** `array` or a larger one of at least `length`, with the same values. */
export function longer(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  if (array.length >= length) return array;
  return grown(array, Math.max(length, array.length * 2));
}
