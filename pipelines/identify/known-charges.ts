/**
 * The charges of the revision before, by id, and which of them came again. A hash table in shared memory, 16 bytes a slot, at most
 * two thirds full: filled by one, then read by all workers; a charge is met by one of them at most. Hot: plain integers.
 */
import type { ChargeIds } from '../focus/charge-ids.ts';

/** The memory that the workers of a delivery share. */
export interface KnownChargesMemory {
  /** Slots: three words of the id, then the number of the revision that sent the charge; 0: free. */
  readonly slots: SharedArrayBuffer;
}

const WORDS = 4;
const REVISION = 3;
/** Of the word with the revision: the charge came again. */
const MET = 1 << 31;
/** Tells the second of equal charges from the first. Odd: no two ordinals turn into one. */
const SPREAD = [0x9e3779b1, 0x85ebca77] as const;

/** Memory for so many charges. */
export function knownChargesMemory(charges: number): KnownChargesMemory {
  const slots = Math.ceil(charges * 1.5) + 1;
  return { slots: new SharedArrayBuffer(slots * WORDS * 4) };
}

/** Nothing came again yet: rows are read from the first. */
export function forgetMeetings({ slots }: KnownChargesMemory): void {
  const words = new Int32Array(slots);
  for (let at = REVISION; at < words.length; at += WORDS) words[at] = (words[at] as number) & ~MET;
}

/** A worker's way to the table. */
export class KnownCharges {
  readonly #slots: Int32Array;
  readonly #count: number;

  constructor({ slots }: KnownChargesMemory) {
    this.#slots = new Int32Array(slots);
    this.#count = this.#slots.length / WORDS;
  }

  /** Takes charges in, each with the revision that sent it (at least 1). */
  add(ids: ChargeIds, revisions: Uint32Array, rows: number): void {
    const slots = this.#slots;
    for (let row = 0; row < rows; row++) {
      const at = this.#slotOf(ids, row);
      const from = row * 4;
      const extra = (ids.ordinals[row] as number) - 1;
      slots[at] = (ids.hashes[from] as number) + Math.imul(extra, SPREAD[0]);
      slots[at + 1] = (ids.hashes[from + 1] as number) + Math.imul(extra, SPREAD[1]);
      slots[at + 2] = ids.hashes[from + 2] as number;
      slots[at + REVISION] = revisions[row] as number;
    }
  }

  /** Notes that these charges came again. Writes the revision that sent each one; `revision`, the present one, for those that are new. Answers how many are. */
  meet(ids: ChargeIds, rows: number, to: { revisions: Uint32Array; revision: number }): number {
    const slots = this.#slots;
    let added = 0;
    for (let row = 0; row < rows; row++) {
      const at = this.#slotOf(ids, row);
      const known = slots[at + REVISION] as number;
      if (known === 0) {
        added++;
        to.revisions[row] = to.revision;
        continue;
      }
      slots[at + REVISION] = known | MET;
      to.revisions[row] = known & ~MET;
    }
    return added;
  }

  /** Which of these charges did not come again; answers how many, their rows stand in `vanished`. */
  missing(ids: ChargeIds, rows: number, vanished: Uint32Array): number {
    let count = 0;
    for (let row = 0; row < rows; row++)
      if (((this.#slots[this.#slotOf(ids, row) + REVISION] as number) & MET) === 0)
        vanished[count++] = row;
    return count;
  }

  /** Where the charge is, or belongs. */
  #slotOf({ hashes, ordinals }: ChargeIds, row: number): number {
    const slots = this.#slots;
    const end = slots.length;
    const extra = (ordinals[row] as number) - 1;
    const a = ((hashes[row * 4] as number) + Math.imul(extra, SPREAD[0])) | 0;
    const b = ((hashes[row * 4 + 1] as number) + Math.imul(extra, SPREAD[1])) | 0;
    const c = hashes[row * 4 + 2] as number;
    let at = Math.floor(((b >>> 0) / 4294967296) * this.#count) * WORDS;
    while (
      slots[at + REVISION] !== 0 &&
      (slots[at] !== a || slots[at + 1] !== b || slots[at + 2] !== c)
    ) {
      at += WORDS;
      if (at === end) at = 0;
    }
    return at;
  }
}
