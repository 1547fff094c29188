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
/** Rows whose slots are looked at ahead: that memory stays in the nearest cache. */
const BLOCK = 256;
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
      if (this.#seen.putAll(hashes, rows, ordinals) > 0) this.#recount(hashes, rows, ordinals);
    } finally {
      this.#unlock();
    }
  }

  /** Of the rows that have no number yet. */
  #recount(hashes: Int32Array, rows: number, ordinals: Uint32Array): void {
    const again = this.#again;
    for (let row = 0; row < rows; row++) {
      if (ordinals[row] !== 0) continue;
      const a = hashes[row * 4] as number;
      const isSecond = again.put(a, secondWord(a, hashes[row * 4 + 1] as number));
      const at = again.found + 2;
      const count = isSecond ? 2 : (again.words[at] as number) + 1;
      again.words[at] = count;
      ordinals[row] = count;
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
}

/** Both words 0 would mean a free slot. */
function secondWord(a: number, b: number): number {
  return a === 0 ? b | 1 : b;
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
  /** First word of the slot where the hash of each row of a block is looked for first. */
  readonly #firsts = new Uint32Array(BLOCK);
  #touched = 0;
  /** A run of slots that moves. */
  #run = new Int32Array(64);

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

  /** Puts in the hashes of rows of four words. A row gets 1 if its hash was new, 0 if not; answers how many were not. */
  putAll(hashes: Int32Array, rows: number, ordinals: Uint32Array): number {
    let known = 0;
    for (let from = 0; from < rows; from += BLOCK) {
      const to = Math.min(rows, from + BLOCK);
      this.#touched ^= this.#touch(hashes, from, to);
      known += this.#putBlock(hashes, ordinals, from, to);
    }
    this.#size[1] = (this.#size[1] as number) + rows - known;
    return known;
  }

  /** Notes where each row's slot is and answers something of what is in all of them: their memory comes at the same time, while one after the other would be waited for. */
  #touch(hashes: Int32Array, from: number, to: number): number {
    const { words } = this;
    const firsts = this.#firsts;
    const scale = this.#scale;
    let all = 0;
    for (let row = from; row < to; row++) {
      const a = hashes[row * 4] as number;
      const b = secondWord(a, hashes[row * 4 + 1] as number);
      const at = Math.floor((b >>> 0) * scale) * SEEN_WORDS;
      firsts[row - from] = at;
      all ^= words[at] as number;
    }
    return all;
  }

  #putBlock(hashes: Int32Array, ordinals: Uint32Array, from: number, to: number): number {
    const { words } = this;
    const { length } = words;
    const firsts = this.#firsts;
    let known = 0;
    for (let row = from; row < to; row++) {
      const a = hashes[row * 4] as number;
      const b = secondWord(a, hashes[row * 4 + 1] as number);
      let at = firsts[row - from] as number;
      let isNew = 0;
      for (;;) {
        const first = words[at] as number;
        const second = words[at + 1] as number;
        if (first === a && second === b) break;
        if ((first | second) === 0) {
          words[at] = a;
          words[at + 1] = b;
          isNew = 1;
          break;
        }
        at += SEEN_WORDS;
        if (at === length) at = 0;
      }
      ordinals[row] = isNew;
      known += 1 - isNew;
    }
    return known;
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
    const { words } = this;
    const step = this.#slotWords;
    let first = 0;
    while (isTaken(words, first)) first += step;
    const wrapped = words.slice(0, first);
    words.fill(0, 0, first);
    for (let end = slots * step; end > first; ) {
      let start = end;
      while (isTaken(words, start - step)) start -= step;
      if (start < end) this.#move(start, end);
      end = start - step;
    }
    this.#place(wrapped, first);
  }

  /** Takes what stands in the words [start, end) to where it belongs. */
  #move(start: number, end: number): void {
    const { words } = this;
    if (this.#run.length < end - start) this.#run = new Int32Array((end - start) * 2);
    const run = this.#run;
    for (let at = start; at < end; at++) {
      run[at - start] = words[at] as number;
      words[at] = 0;
    }
    this.#place(run, end - start);
  }

  /** Puts the first `length` words, whole slots, where they belong. */
  #place(slots: Int32Array, length: number): void {
    const { words } = this;
    const step = this.#slotWords;
    for (let from = 0; from < length; from += step) {
      let at = this.#first(slots[from + 1] as number);
      while (isTaken(words, at)) at = at + step === words.length ? 0 : at + step;
      for (let word = 0; word < step; word++) words[at + word] = slots[from + word] as number;
    }
  }

  #view(): Int32Array {
    const [slots = 0] = this.#size;
    this.#scale = slots / 2 ** 32;
    return new Int32Array(this.#memory, 0, slots * this.#slotWords);
  }
}

/** Whether the slot from `at` is. */
function isTaken(words: Int32Array, at: number): boolean {
  return ((words[at] as number) | (words[at + 1] as number)) !== 0;
}
