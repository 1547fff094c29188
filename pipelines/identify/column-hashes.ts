/**
 * Adds up the hashes of what columns say. Hot where values live for one batch: plain loops over a column with nothing made per value.
 */
import { createHash } from 'node:crypto';
import type { Column } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import type { Times } from '../focus/times.ts';
import { addAmountHashes } from './amount-hashes.ts';
import { addHash, HASH_SLACK } from './hash-bytes.ts';

/**
 * Adds to the four words from `4 * i` the hash of the value with the code `codes[i]`, for all i of [from, to). What is null adds nothing.
 */
export function addColumn(
  into: Int32Array,
  { kind, values }: Column,
  seed: Int32Array,
  codes: Uint32Array,
  from: number,
  to: number,
): void {
  if (kind === 'text') addTextHashes(into, values, seed, codes, from, to);
  else if (kind === 'amount') addAmountHashes(into, values, seed, codes, from, to);
  else addTimeHashes(into, values, seed, codes, from, to);
}

/** What the hashes of a column start from: equal values of different columns differ. */
export function seedOf(name: string): Int32Array {
  const digest = createHash('sha256').update(name).digest();
  return Int32Array.from({ length: 4 }, (_, i) => digest.readInt32LE(i * 4));
}

function addTextHashes(
  into: Int32Array,
  { view, starts, ends }: Dictionary,
  seed: Int32Array,
  codes: Uint32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const code = codes[i] as number;
    const start = starts[code] as number;
    const end = ends[code] as number;
    if (start <= end) addHash(into, i * 4, view, start, end, seed);
  }
}

/** A time as bytes. */
const scratch = new DataView(new ArrayBuffer(8 + HASH_SLACK));

function addTimeHashes(
  into: Int32Array,
  { ms }: Times,
  seed: Int32Array,
  codes: Uint32Array,
  from: number,
  to: number,
): void {
  for (let i = from; i < to; i++) {
    const value = ms[codes[i] as number] as number;
    if (!Number.isFinite(value)) continue;
    scratch.setFloat64(0, value, true);
    addHash(into, i * 4, scratch, 0, 8, seed);
  }
}
