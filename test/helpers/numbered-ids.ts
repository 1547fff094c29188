/** Ids for encoders' tests: a charge's hash is its row number. */
import type { Batch } from '../../pipelines/focus/batch.ts';
import type { ChargeIds } from '../../pipelines/focus/charge-ids.ts';

/** Ids of a batch; every charge is the `ordinal`th of its kind. */
export function numberedIds({ rows, rowNumbers }: Batch, ordinal = 1): ChargeIds {
  const hashes = new Int32Array(rows * 4);
  for (let row = 0; row < rows; row++) {
    const number = rowNumbers[row] as number;
    hashes[row * 4 + 2] = Math.floor(number / 2 ** 32);
    hashes[row * 4 + 3] = number;
  }
  return { hashes, ordinals: new Uint32Array(rows).fill(ordinal) };
}

/** The id as a log record has it. */
export function numberedUid(prefix: string, number: number, ordinal = 1): string {
  const hash = number.toString(16).padStart(32, '0');
  return `${prefix}-${hash}${ordinal === 1 ? '' : `-${ordinal}`}`;
}
