/** The id of a charge as text, as far as it differs from row to row. Hot: runs once per charge. */
import type { ChargeIds } from '../focus/charge-ids.ts';
import { writeInteger } from './digits.ts';
import type { ChargeExtras } from './encoder.ts';

/** Most bytes of a mark and a 32-bit number. */
const NUMBER_BYTES = 2 + 10;
/** Most bytes that `writeUid` writes. */
export const UID_BYTES = 32 + 3 * NUMBER_BYTES;

/** Two hexadecimal digits of each byte. */
const DIGITS = Buffer.from(
  Buffer.from(Uint8Array.from({ length: 256 }, (_, i) => i)).toString('hex'),
);

/** The ids of the batch; a format that writes them cannot do without. */
export function idsOf({ ids }: ChargeExtras): ChargeIds {
  if (ids === undefined) throw new Error('log records need the ids of their charges');
  return ids;
}

/**
 * Writes 32 hexadecimal digits from `at`; for all but the first of equal charges then `-` and its ordinal; for what a later revision
 * than the first sent `.r` and its number; for what takes a charge back `.c` and the number of the revision that does. Answers where it ends.
 */
export function writeUid(buffer: Uint8Array, at: number, ids: ChargeIds, row: number): number {
  const { hashes, ordinals, revisions, correction } = ids;
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
  if (ordinal !== 1) {
    buffer[end++] = 45;
    end = writeInteger(buffer, end, ordinal);
  }
  const revision = revisions === undefined ? 1 : (revisions[row] as number);
  if (revision !== 1) end = writeMarked(buffer, end, REVISION, revision);
  return correction === undefined ? end : writeMarked(buffer, end, CORRECTION, correction);
}

/** `r` and `c`. */
const REVISION = 114;
const CORRECTION = 99;

function writeMarked(buffer: Uint8Array, at: number, mark: number, value: number): number {
  buffer[at] = 46;
  buffer[at + 1] = mark;
  return writeInteger(buffer, at + 2, value);
}

/** The whole ids of the first `rows` charges as texts. */
export function uidTexts(prefix: string, ids: ChargeIds, rows: number): string[] {
  const buffer = Buffer.alloc(UID_BYTES);
  return Array.from({ length: rows }, (_, row) => {
    const end = writeUid(buffer, 0, ids, row);
    return `${prefix}-${buffer.toString('latin1', 0, end)}`;
  });
}
