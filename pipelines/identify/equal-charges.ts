/**
 * Counts equal charges of a delivery over all the workers that read it. A hash table in shared memory, 8 bytes a slot and at most
 * three quarters full: 11 to 16 bytes per distinct charge. The few that come more than once stand in a second table with their number.
 * One worker at a time counts a batch.
 */

/** The memory that the workers of a delivery share. */
export interface EqualChargesMemory {
  /** Whether somebody counts; then of each table the number of slots and of those taken. */
  readonly state: SharedArrayBuffer;
  /** Slots of two words, those of the hash; grows. */
  readonly seen: SharedArrayBuffer;
  /** Of charges that came again: slots of three words, those of the hash, then how many there were; grows. */
  readonly again: SharedArrayBuffer;
}

const FIRST_SLOTS = 1 << 12;
/** Address space, not memory, is taken for so many: room for 200 million distinct charges. */
const MOST_SLOTS = 1 << 28;
const GROWTH = 1.5;
const MOST_TAKEN = 0.75;
const LOCK = 0;
const TABLES = 1;
/** Words of a slot: those of the hash alone, or with a count behind them. */
const SEEN_WORDS = 2;
const AGAIN_WORDS = 3;
/** Counting a batch takes milliseconds, growing a table at most seconds: after that whoever has the lock is dead. */
const PATIENCE_MS = 120_000;

/** Memory for a delivery of which nothing is counted yet; nothing has to be moved while no more than `expected` distinct charges come. */
export function equalChargesMemory(expected = 0): EqualChargesMemory {
  const state = new SharedArrayBuffer((TABLES + 4) * 4);
  const words = new Int32Array(state);
  const table = (number: number, slotWords: number, slots: number): SharedArrayBuffer => {
    words[TABLES + number * 2] = slots;
    return new SharedArrayBuffer(slots * slotWords * 4, {
      maxByteLength: MOST_SLOTS * slotWords * 4,
    });
  };
  const slots = Math.min(MOST_SLOTS, Math.max(FIRST_SLOTS, Math.ceil(expected / MOST_TAKEN)));
  return { state, seen: table(0, SEEN_WORDS, slots), again: table(1, AGAIN_WORDS, FIRST_SLOTS) };
}

/** A worker's way to the tables. */
export class EqualCharges {
  readonly #state: Int32Array;
  readonly #seen: Table;
  readonly #again: Table;

  constructor({ state, seen, again }: EqualChargesMemory) {
    this.#state = new Int32Array(state);
    this.#seen = new Table(seen, new Int32Array(state, TABLES * 4, 2), SEEN_WORDS);
    this.#again = new Table(again, new Int32Array(state, TABLES * 4 + 8, 2), AGAIN_WORDS);
  }

  /** Writes for each row how many charges with its hash there were in the delivery, itself included. */
  count(hashes: Int32Array, rows: number, ordinals: Uint32Array): void {
    this.#lock();
    try {
      this.#seen.reserve(rows);
      this.#again.reserve(rows);
      for (let row = 0; row < rows; row++) {
        // Both words 0 mean a free slot.
        const a = hashes[row * 4] as number;
        const b = (hashes[row * 4 + 1] as number) | (a === 0 ? 1 : 0);
        ordinals[row] = this.#seen.put(a, b) ? 1 : this.#recount(a, b);
      }
    } finally {
      this.#unlock();
    }
  }

  #recount(a: number, b: number): number {
    const again = this.#again;
    const isSecond = again.put(a, b);
    const at = again.found + 2;
    const count = isSecond ? 2 : (again.words[at] as number) + 1;
    again.words[at] = count;
    return count;
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
}

/**
 * Hashes by open addressing. Slots follow the order of the second word: when the table grows, every hash moves towards its end or stays,
 * so that it grows in place.
 */
class Table {
  /** All slots. */
  words: Int32Array;
  /** First word of the slot that `put` came to. */
  found = 0;
  readonly #memory: SharedArrayBuffer;
  /** Number of slots, and of those taken. */
  readonly #size: Int32Array;
  readonly #slotWords: number;
  /** Slots per hash. */
  #scale = 0;

  constructor(memory: SharedArrayBuffer, size: Int32Array, slotWords: number) {
    this.#memory = memory;
    this.#size = size;
    this.#slotWords = slotWords;
    this.words = this.#view();
  }

  /** Makes room for `more` hashes; sees what others did. */
  reserve(more: number): void {
    const [slots = 0, taken = 0] = this.#size;
    if (taken + more > slots * MOST_TAKEN) this.#grow(Math.ceil((taken + more) / MOST_TAKEN));
    else if (this.words.length !== slots * this.#slotWords) this.words = this.#view();
  }

  /** Puts a hash in; false: it is there. */
  put(a: number, b: number): boolean {
    const { words } = this;
    const step = this.#slotWords;
    for (let at = this.#first(b); ; at = at + step === words.length ? 0 : at + step) {
      if (words[at] === a && words[at + 1] === b) {
        this.found = at;
        return false;
      }
      if (words[at] !== 0 || words[at + 1] !== 0) continue;
      words[at] = a;
      words[at + 1] = b;
      this.#size[1] = (this.#size[1] as number) + 1;
      this.found = at;
      return true;
    }
  }

  /** First word of the slot where a hash is looked for first. */
  #first(b: number): number {
    return Math.floor((b >>> 0) * this.#scale) * this.#slotWords;
  }

  #grow(needed: number): void {
    const [slots = 0] = this.#size;
    const more = Math.max(needed, Math.ceil(slots * GROWTH));
    if (more > MOST_SLOTS) throw new Error('a delivery has too many charges to tell them apart');
    this.#memory.grow(more * this.#slotWords * 4);
    this.#size[0] = more;
    this.words = this.#view();
    // Run by run from the end: what is put back stands behind all that is still to be moved. The first run may have begun at the end.
    let first = 0;
    while (first < slots && this.#isTaken(first)) first++;
    const wrapped = this.#take(0, first);
    for (let end = slots; end > first; ) {
      let start = end;
      while (this.#isTaken(start - 1)) start--;
      if (start < end) this.#place(this.#take(start, end));
      end = start - 1;
    }
    this.#place(wrapped);
  }

  #isTaken(slot: number): boolean {
    const at = slot * this.#slotWords;
    return this.words[at] !== 0 || this.words[at + 1] !== 0;
  }

  /** Empties the slots [start, end). */
  #take(start: number, end: number): Int32Array {
    const step = this.#slotWords;
    const taken = this.words.slice(start * step, end * step);
    this.words.fill(0, start * step, end * step);
    return taken;
  }

  /** Puts slots where they belong. */
  #place(slots: Int32Array): void {
    const { words } = this;
    const step = this.#slotWords;
    for (let from = 0; from < slots.length; from += step) {
      let at = this.#first(slots[from + 1] as number);
      while (words[at] !== 0 || words[at + 1] !== 0)
        at = at + step === words.length ? 0 : at + step;
      for (let word = 0; word < step; word++) words[at + word] = slots[from + word] as number;
    }
  }

  #view(): Int32Array {
    const [slots = 0] = this.#size;
    this.#scale = slots / 2 ** 32;
    return new Int32Array(this.#memory, 0, slots * this.#slotWords);
  }
}
