import { SLACK } from '../../focus/dictionary.ts';
import { grown, release } from '../../focus/grown.ts';

/** Bytes in memory of their own. */
type Memory = Uint8Array<ArrayBuffer>;

/** Memory that the columns of one part use in turn; it grows and is never given back. */
export interface Scratch {
  /** Compressed pages. */
  input: Memory;
  /** A dictionary page, until its values are taken. */
  dictionary: Memory;
  /** Where values begin and end. */
  starts: Uint32Array<ArrayBuffer>;
  ends: Uint32Array<ArrayBuffer>;
  /** Definition levels of a batch. */
  levels: Uint32Array;
  /** Levels and codes of up to 4096 stored values of a nested column. */
  readonly repetitions: Uint32Array;
  readonly definitions: Uint32Array;
  readonly codes: Uint32Array;
}

/** Empty scratch memory. */
export function scratch(): Scratch {
  return {
    input: new Uint8Array(64 * 1024),
    dictionary: new Uint8Array(64 * 1024),
    starts: new Uint32Array(4096),
    ends: new Uint32Array(4096),
    levels: new Uint32Array(4096),
    repetitions: new Uint32Array(4096),
    definitions: new Uint32Array(4096),
    codes: new Uint32Array(4096),
  };
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
