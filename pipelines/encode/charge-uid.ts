/** The id of a charge as text, as far as it differs from row to row. Hot: runs once per charge. */
import type { ChargeIds } from '../focus/charge-ids.ts';
import { INTEGER_BYTES, writeInteger } from './digits.ts';
import type { ChargeExtras } from './encoder.ts';

/** Most bytes that `writeUid` writes. */
export const UID_BYTES = 32 + 1 + INTEGER_BYTES;

/** Two hexadecimal digits of each byte. */
const DIGITS = Buffer.from(
  Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('hex'),
);

/** The ids of the batch; a format that writes them cannot do without. */
export function idsOf({ ids }: ChargeExtras): ChargeIds {
  if (ids === undefined) throw new Error('log records need the ids of their charges');
  return ids;
}

/** Writes 32 hexadecimal digits from `at`, for all but the first of equal charges then `-` and its ordinal; answers where it ends. */
export function writeUid(
  buffer: Uint8Array,
  at: number,
  { hashes, ordinals }: ChargeIds,
  row: number,
): number {
  let end = at;
  for (let word = row * 4; word < row * 4 + 4; word++) {
    const bits = hashes[word] as number;
    for (let shift = 24; shift >= 0; shift -= 8) {
      const digits = ((bits >>> shift) & 255) << 1;
      buffer[end++] = DIGITS[digits] as number;
      buffer[end++] = DIGITS[digits + 1] as number;
    }
  }
  const ordinal = ordinals[row] as number;
  if (ordinal === 1) return end;
  buffer[end++] = 45;
  return writeInteger(buffer, end, ordinal);
}
