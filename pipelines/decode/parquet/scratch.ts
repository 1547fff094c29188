import { SLACK } from '../../focus/dictionary.ts';

/** Memory that the columns of one part use in turn; it grows and is never given back. */
export interface Scratch {
  /** Compressed pages. */
  input: Uint8Array;
  /** Where values begin and end. */
  starts: Uint32Array;
  ends: Uint32Array;
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
    starts: new Uint32Array(4096),
    ends: new Uint32Array(4096),
    levels: new Uint32Array(4096),
    repetitions: new Uint32Array(4096),
    definitions: new Uint32Array(4096),
    codes: new Uint32Array(4096),
  };
}

/** `buffer` or a larger one of at least `bytes` and slack; what it holds is lost. */
export function roomFor(buffer: Uint8Array, bytes: number): Uint8Array {
  if (buffer.length >= bytes + SLACK) return buffer;
  return new Uint8Array(bytes + (bytes >>> 2) + SLACK);
}

/** `array` or a larger one of at least `length`, with the same values. */
export function longer(array: Uint32Array, length: number): Uint32Array {
  if (array.length >= length) return array;
  const copy = new Uint32Array(Math.max(length, array.length * 2));
  copy.set(array);
  return copy;
}
