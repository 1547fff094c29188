/**
 * Counts equal charges of a delivery over all the workers that read it. A hash table in shared memory, 8 bytes a slot and at most
 * three quarters full: 11 to 16 bytes per distinct charge. The few that come more than once stand in a second table with their number.
 * One worker at a time counts a batch. The loops are WebAssembly: `assembly/equal-charges.ts`.
 */
import { instance, type Memory, PAGE, sharedMemory } from '../focus/wasm.ts';
import { EQUAL_CHARGES_WASM } from './equal-charges-wasm.ts';

/** The memory that the workers of a delivery share. */
export interface EqualChargesMemory {
  /** Whether somebody counts; then of each table the number of slots and of those taken. */
  readonly state: SharedArrayBuffer;
  /** Slots of two words, those of the hash; grows. */
  readonly seen: Memory<SharedArrayBuffer>;
  /** Of charges that came again: slots of three words, those of the hash, then how many there were; grows. */
  readonly again: Memory<SharedArrayBuffer>;
}

/** What `assembly/equal-charges.ts` exports. */
interface Loops {
  put(table: number, slots: number, hashes: number, rows: number, ordinals: number): number;
  count(table: number, slots: number, hashes: number, rows: number, ordinals: number): number;
  grow(table: number, slots: number, more: number, size: number): number;
}

const FIRST_SLOTS = 1 << 12;
/** Address space, not memory, is taken for so many: room for 200 million distinct charges. */
const MOST_SLOTS = 1 << 28;
/** Tables have whole lines of slots. */
const LINE = 8;
const GROWTH = 1.5;
const MOST_TAKEN = 0.75;
const LOCK = 0;
const TABLES = 1;
/** Bytes of a slot: those of the hash alone, or with a count behind them. */
const SEEN_BYTES = 8;
const AGAIN_BYTES = 12;
/** Rows that are counted at a time. */
const ROWS = 4_096;
/** Where in both memories are the hashes of the rows, their ordinals, the slots. */
const HASHES = 64;
const ORDINALS = HASHES + ROWS * 16;
const SLOTS = ORDINALS + ROWS * 4;
/** Memory behind the slots for those that move. */
const SPARE_BYTES = 1 << 16;
/** Counting a batch takes milliseconds, growing a table at most seconds: after that whoever has the lock is dead. */
const PATIENCE_MS = 120_000;

/** Memory for a delivery of which nothing is counted yet; nothing has to be moved while no more than `expected` distinct charges come. */
export function equalChargesMemory(expected = 0): EqualChargesMemory {
  const state = new SharedArrayBuffer((TABLES + 4) * 4);
  const words = new Int32Array(state);
  const table = (number: number, slotBytes: number, slots: number): Memory<SharedArrayBuffer> => {
    words[TABLES + number * 2] = slots;
    return sharedMemory(bytesFor(slots, slotBytes), bytesFor(MOST_SLOTS, slotBytes));
  };
  const slots = Math.min(MOST_SLOTS, Math.max(FIRST_SLOTS, slotsFor(expected)));
  return { state, seen: table(0, SEEN_BYTES, slots), again: table(1, AGAIN_BYTES, FIRST_SLOTS) };
}

/** Slots of which so many may be taken. */
function slotsFor(taken: number): number {
  return Math.ceil(taken / MOST_TAKEN / LINE) * LINE;
}

function bytesFor(slots: number, slotBytes: number): number {
  return SLOTS + slots * slotBytes + SPARE_BYTES;
}

/** A worker's way to the tables. */
export class EqualCharges {
  readonly #state: Int32Array;
  readonly #seen: Table;
  readonly #again: Table;

  constructor({ state, seen, again }: EqualChargesMemory) {
    this.#state = new Int32Array(state);
    this.#seen = new Table(seen, new Int32Array(state, TABLES * 4, 2), SEEN_BYTES);
    this.#again = new Table(again, new Int32Array(state, TABLES * 4 + 8, 2), AGAIN_BYTES);
  }

  /** Writes for each row how many charges with its hash there were in the delivery, itself included. */
  count(hashes: Int32Array, rows: number, ordinals: Uint32Array): void {
    this.#lock();
    try {
      for (let from = 0; from < rows; from += ROWS) {
        const to = Math.min(rows, from + ROWS);
        this.#count(hashes.subarray(from * 4, to * 4), ordinals.subarray(from, to));
      }
    } finally {
      this.#unlock();
    }
  }

  #count(hashes: Int32Array, ordinals: Uint32Array): void {
    const known = this.#seen.put(hashes, ordinals);
    if (known > 0) this.#again.count(hashes, ordinals, known);
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

/** Hashes by open addressing. */
class Table {
  readonly #memory: Memory<SharedArrayBuffer>;
  readonly #loops: Loops;
  /** Number of slots, and of those taken. */
  readonly #size: Int32Array;
  readonly #slotBytes: number;
  /** Of the rows that are counted. */
  readonly #hashes: Int32Array;
  readonly #ordinals: Uint32Array;

  constructor(memory: Memory<SharedArrayBuffer>, size: Int32Array, slotBytes: number) {
    this.#memory = memory;
    this.#loops = instance<Loops>(EQUAL_CHARGES_WASM, memory);
    this.#size = size;
    this.#slotBytes = slotBytes;
    this.#hashes = new Int32Array(memory.buffer, HASHES, ROWS * 4);
    this.#ordinals = new Uint32Array(memory.buffer, ORDINALS, ROWS);
  }

  /** Puts the hashes in. A row's ordinal becomes 1 if its hash was new, 0 if not; answers how many were not. */
  put(hashes: Int32Array, ordinals: Uint32Array): number {
    const slots = this.#reserve(ordinals.length);
    this.#hashes.set(hashes);
    const known = this.#loops.put(SLOTS, slots, HASHES, ordinals.length, ORDINALS);
    ordinals.set(this.#ordinals.subarray(0, ordinals.length));
    this.#take(ordinals.length - known);
    return known;
  }

  /** Gives the rows whose ordinal is 0, `most` of them, the number of those with their hash. */
  count(hashes: Int32Array, ordinals: Uint32Array, most: number): void {
    const slots = this.#reserve(most);
    this.#hashes.set(hashes);
    this.#ordinals.set(ordinals);
    this.#take(this.#loops.count(SLOTS, slots, HASHES, ordinals.length, ORDINALS));
    ordinals.set(this.#ordinals.subarray(0, ordinals.length));
  }

  #take(more: number): void {
    this.#size[1] = (this.#size[1] as number) + more;
  }

  /** Makes room for `more` hashes; answers how many slots there are. */
  #reserve(more: number): number {
    const [slots = 0, taken = 0] = this.#size;
    if (taken + more <= slots * MOST_TAKEN) return slots;
    const grown = slotsFor(slots * MOST_TAKEN * GROWTH);
    return this.#grow(slots, Math.max(slotsFor(taken + more), grown));
  }

  #grow(slots: number, more: number): number {
    if (more > MOST_SLOTS) throw new Error('a delivery has too many charges to tell them apart');
    const memory = this.#memory;
    // What another worker added to it counts.
    const there = memory.grow(0);
    const pages = Math.ceil(bytesFor(more, this.#slotBytes) / PAGE);
    if (pages > there) memory.grow(pages - there);
    if (this.#loops.grow(SLOTS, slots, more, this.#slotBytes) === 0)
      throw new Error('too many charges of a delivery have hashes that are alike');
    this.#size[0] = more;
    return more;
  }
}
