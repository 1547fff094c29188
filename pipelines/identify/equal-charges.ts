/**
 * Counts equal charges of a delivery over all the workers that read it. A hash table in shared memory, 12 bytes a slot, at most two
 * thirds full (18 to 36 bytes per distinct charge); one worker at a time counts a batch.
 */

/** The memory that the workers of a delivery share. */
export interface EqualChargesMemory {
  /** Whether somebody counts, number of slots, number of those taken. */
  readonly state: SharedArrayBuffer;
  /** Slots: two words of the hash, then how many charges have it; grows. */
  readonly slots: SharedArrayBuffer;
}

const WORDS = 3;
const FIRST_SLOTS = 1 << 14;
/** Address space, not memory, is taken for so many: room for 178 million distinct charges. */
const MOST_SLOTS = 1 << 28;
const LOCK = 0;
const SLOTS = 1;
const TAKEN = 2;
/** Counting a batch takes milliseconds, growing the table at most seconds: after that whoever has the lock is dead. */
const PATIENCE_MS = 120_000;

/** Memory for a delivery of which nothing is counted yet. */
export function equalChargesMemory(): EqualChargesMemory {
  const state = new SharedArrayBuffer(WORDS * 4);
  new Int32Array(state)[SLOTS] = FIRST_SLOTS;
  const slots = new SharedArrayBuffer(FIRST_SLOTS * WORDS * 4, {
    maxByteLength: MOST_SLOTS * WORDS * 4,
  });
  return { state, slots };
}

/** A worker's way to the table. */
export class EqualCharges {
  readonly #state: Int32Array;
  readonly #memory: SharedArrayBuffer;
  #slots: Int32Array;

  constructor({ state, slots }: EqualChargesMemory) {
    this.#state = new Int32Array(state);
    this.#memory = slots;
    this.#slots = this.#view();
  }

  /** Writes for each row how many charges with its hash there were in the delivery, itself included. */
  count(hashes: Int32Array, rows: number, ordinals: Uint32Array): void {
    this.#lock();
    try {
      this.#reserve(rows);
      let taken = 0;
      for (let row = 0; row < rows; row++) {
        const slot = slotOf(this.#slots, hashes[row * 4] as number, hashes[row * 4 + 1] as number);
        const count = (this.#slots[slot + 2] as number) + 1;
        if (count === 1) {
          this.#slots[slot] = hashes[row * 4] as number;
          this.#slots[slot + 1] = hashes[row * 4 + 1] as number;
          taken++;
        }
        this.#slots[slot + 2] = count;
        ordinals[row] = count;
      }
      this.#state[TAKEN] = (this.#state[TAKEN] as number) + taken;
    } finally {
      this.#unlock();
    }
  }

  #lock(): void {
    while (Atomics.compareExchange(this.#state, LOCK, 0, 1) !== 0)
      if (Atomics.wait(this.#state, LOCK, 1, PATIENCE_MS) === 'timed-out')
        throw new Error('a worker died while it counted charges');
  }

  #unlock(): void {
    Atomics.store(this.#state, LOCK, 0);
    Atomics.notify(this.#state, LOCK, 1);
  }

  /** Makes room for `rows` charges that may all be new. */
  #reserve(rows: number): void {
    const known = this.#state[SLOTS] as number;
    const needed = ((this.#state[TAKEN] as number) + rows) * 1.5;
    let slots = known;
    while (slots < needed) slots *= 2;
    if (slots > MOST_SLOTS) throw new Error('a delivery has too many charges to tell them apart');
    if (slots > known) this.#grow(slots);
    else if (this.#slots.length !== known * WORDS) this.#slots = this.#view();
  }

  #grow(slots: number): void {
    const old = this.#view().slice();
    this.#memory.grow(slots * WORDS * 4);
    this.#state[SLOTS] = slots;
    this.#slots = this.#view();
    this.#slots.fill(0);
    for (let at = 0; at < old.length; at += WORDS) {
      if (old[at + 2] === 0) continue;
      const slot = slotOf(this.#slots, old[at] as number, old[at + 1] as number);
      for (let word = 0; word < WORDS; word++) this.#slots[slot + word] = old[at + word] as number;
    }
  }

  #view(): Int32Array {
    return new Int32Array(this.#memory, 0, (this.#state[SLOTS] as number) * WORDS);
  }
}

/** Where the hash is, or belongs. */
function slotOf(slots: Int32Array, a: number, b: number): number {
  const mask = slots.length / WORDS - 1;
  for (let slot = b & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS;
    if (slots[at + 2] === 0 || (slots[at] === a && slots[at + 1] === b)) return at;
  }
}
