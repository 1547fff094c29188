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
}

/** Empty scratch memory. */
export function scratch(): Scratch {
  return {
    input: new Uint8Array(64 * 1024),
    starts: new Uint32Array(4096),
    ends: new Uint32Array(4096),
    levels: new Uint32Array(4096),
  };
}

/** `buffer` or a larger one of at least `bytes` and slack; what it holds is lost. */
export function roomFor(buffer: Uint8Array, bytes: number): Uint8Array {
  const needed = bytes + SLACK;
  if (buffer.length >= needed) return buffer;
  giveBack(buffer);
  const fitting = spare.findIndex(({ length }) => length >= needed && length < needed * 4);
  const [found] = fitting < 0 ? [] : spare.splice(fitting, 1);
  spareBytes -= found?.length ?? 0;
  return found ?? new Uint8Array(bytes + (bytes >>> 2) + SLACK);
}

/** Keeps a buffer for whoever needs one next: the parts that a thread reads one after the other use the same memory. */
export function giveBack(buffer: Uint8Array): void {
  if (buffer.length < SMALLEST_SPARE || spareBytes + buffer.length > MAX_SPARE) return;
  spare.push(buffer);
  spareBytes += buffer.length;
}

const SMALLEST_SPARE = 4096;
const MAX_SPARE = 48 * 1024 * 1024;
/** Per thread. */
const spare: Uint8Array[] = [];
let spareBytes = 0;

/** `array` or a larger one of at least `length`, with the same values. */
export function longer(array: Uint32Array, length: number): Uint32Array {
  if (array.length >= length) return array;
  const copy = new Uint32Array(Math.max(length, array.length * 2));
  copy.set(array);
  return copy;
}
