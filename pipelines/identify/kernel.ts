/**
 * Adds hashes up in WebAssembly, four rows at a time; its source is `assembly/hashes.ts`. What it works on has to be in its one memory:
 * columns of a batch are copied there, tables of hashes live there. All positions are bytes from the start of that memory.
 */
import type { Amounts } from '../focus/amounts.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { IdleKernels, instantiate, KernelMemory, NO_REGION, type Region } from '../focus/wasm.ts';
import { addAmountHashes } from './amount-hashes.ts';
import { HASH_SLACK } from './hash-bytes.ts';
import { HASHES_WASM } from './hashes-wasm.ts';

/** What `assembly/hashes.ts` exports. */
interface Loops {
  addTable(hashes: number, rows: number, codes: number, table: number): void;
  addAmounts(
    hashes: number,
    rows: number,
    codes: number,
    states: number,
    whole: number,
    nano: number,
    atto: number,
    seed: number,
    left: number,
  ): number;
  addTexts(
    hashes: number,
    rows: number,
    codes: number,
    starts: number,
    ends: number,
    bytes: number,
    seed: number,
  ): void;
  span(starts: number, ends: number, texts: number, result: number): void;
}

const FIRST_BYTES = 1 << 20;
/** Entries of a column [from, to) and what their hashes start from. */
export interface Entries {
  readonly from: number;
  readonly to: number;
  readonly seed: Int32Array;
}

/** Where the seed of a column is, and where its texts lie. */
const SEED: Region = { at: 0, bytes: 16 };
const SPAN: Region = { at: 16, bytes: 12 };
/** Bytes between texts that are copied with them. */
const SPARE_BYTES = 4_096;

/** The memory and the loops over it. */
export class HashKernel {
  readonly #memory: KernelMemory;
  readonly #loops: Loops;
  #hashes = NO_REGION;
  #codes = NO_REGION;
  #left = NO_REGION;
  #states = NO_REGION;
  #whole = NO_REGION;
  #nano = NO_REGION;
  #atto = NO_REGION;
  #starts = NO_REGION;
  #ends = NO_REGION;
  #bytes = NO_REGION;
  #rows = 0;
  /** What was copied last. */
  #codesThere: Uint32Array | undefined;
  #amountsThere: Amounts | undefined;

  constructor() {
    const { exports, memory } = instantiate<Loops>(HASHES_WASM, FIRST_BYTES);
    this.#loops = exports;
    this.#memory = new KernelMemory(memory);
  }

  /** Bytes of the memory. */
  get size(): number {
    return this.#memory.size;
  }

  /** Forgets everything. */
  clear(): void {
    this.#memory.clear();
    this.#hashes = this.#codes = this.#left = NO_REGION;
    this.#states = this.#whole = this.#nano = this.#atto = NO_REGION;
    this.#starts = this.#ends = this.#bytes = NO_REGION;
  }

  /** As that of `KernelMemory`. */
  fit(region: Region, bytes: number, kept = 0): Region {
    return this.#memory.fit(region, bytes, kept);
  }

  /** Words of the memory. Void once a region was made to fit. */
  words({ at }: Region, count: number): Int32Array {
    return new Int32Array(this.#memory.buffer, at, count);
  }

  /** Turns to a batch of so many rows. */
  begin(rows: number): void {
    this.#hashes = this.fit(this.#hashes, rows * 16);
    this.#codes = this.fit(this.#codes, rows * 4);
    this.#left = this.fit(this.#left, rows * 4);
    this.#rows = rows;
    this.#codesThere = undefined;
    this.#amountsThere = undefined;
  }

  /** Four words per row, at first of unknown content. Void once a region was made to fit or something was added. */
  get hashes(): Int32Array {
    return this.words(this.#hashes, this.#rows * 4);
  }

  /** Adds to each row the four words that its code has in a table. */
  addTable(codes: Uint32Array, table: Region): void {
    this.#takeCodes(codes);
    this.#loops.addTable(this.#hashes.at, this.#rows, this.#codes.at, table.at);
  }

  /** Adds to each row the hash of its amount: what `addAmountHashes` does. */
  addAmounts(codes: Uint32Array, amounts: Amounts, seed: Int32Array): void {
    this.#takeCodes(codes);
    if (this.#amountsThere !== amounts) this.#takeAmounts(amounts, 0, amounts.size);
    this.#amountsThere = amounts;
    this.#addAmounts(this.#hashes, this.#rows, seed, (hashes, row) =>
      addAmountHashes(hashes, amounts, seed, codes, row, row + 1),
    );
  }

  /** Adds to the four words of each code [from, to) in a table the hash of its amount. */
  addAmountsTo(table: Region, amounts: Amounts, { from, to, seed }: Entries): void {
    const entries = to - from;
    this.#codes = this.fit(this.#codes, entries * 4);
    this.#left = this.fit(this.#left, entries * 4);
    this.#takeAmounts(amounts, from, to);
    this.#takeCodes(upTo(entries), entries);
    this.#amountsThere = this.#codesThere = undefined;
    const rows: Region = { at: table.at + from * 16, bytes: entries * 16 };
    this.#addAmounts(rows, entries, seed, (hashes, row) => {
      const code = Uint32Array.of(from + row);
      addAmountHashes(hashes.subarray(row * 4), amounts, seed, code, 0, 1);
    });
  }

  /** `add` adds what the loop leaves. */
  #addAmounts(
    into: Region,
    rows: number,
    seed: Int32Array,
    add: (hashes: Int32Array, row: number) => void,
  ): void {
    this.words(SEED, 4).set(seed);
    const left = this.#loops.addAmounts(
      into.at,
      rows,
      this.#codes.at,
      this.#states.at,
      this.#whole.at,
      this.#nano.at,
      this.#atto.at,
      SEED.at,
      this.#left.at,
    );
    if (left === 0) return;
    const hashes = this.words(into, rows * 4);
    for (const row of this.words(this.#left, left)) add(hashes, row);
  }

  /** Adds to each row the hash of its text. False, and nothing is done: the texts lie too far apart to be copied. */
  addTexts(codes: Uint32Array, texts: Dictionary, seed: Int32Array): boolean {
    const bytes = this.#takeTexts(texts, 0, texts.size);
    if (bytes === undefined) return false;
    this.#takeCodes(codes);
    this.words(SEED, 4).set(seed);
    const [starts, ends] = [this.#starts.at, this.#ends.at];
    this.#loops.addTexts(this.#hashes.at, this.#rows, this.#codes.at, starts, ends, bytes, SEED.at);
    return true;
  }

  /** Adds to the four words of each code [from, to) in a table the hash of its text. False, and nothing is done: they lie too far apart. */
  addTextsTo(table: Region, texts: Dictionary, { from, to, seed }: Entries): boolean {
    const bytes = this.#takeTexts(texts, from, to);
    if (bytes === undefined) return false;
    this.words(SEED, 4).set(seed);
    const [starts, ends] = [this.#starts.at, this.#ends.at];
    this.#loops.addTexts(table.at + from * 16, to - from, 0, starts, ends, bytes, SEED.at);
    return true;
  }

  #takeCodes(codes: Uint32Array, rows = this.#rows): void {
    if (this.#codesThere === codes) return;
    this.#codesThere = codes;
    this.#memory.words(this.#codes, rows).set(codes.subarray(0, rows));
  }

  /** Answers where the first byte of the dictionary would be; undefined: too many bytes that are none of these texts'. */
  #takeTexts({ starts, ends, arena }: Dictionary, from: number, to: number): number | undefined {
    const texts = to - from;
    this.#starts = this.fit(this.#starts, texts * 4);
    this.#ends = this.fit(this.#ends, texts * 4);
    const memory = this.#memory;
    memory.words(this.#starts, texts).set(starts.subarray(from, to));
    memory.words(this.#ends, texts).set(ends.subarray(from, to));
    this.#loops.span(this.#starts.at, this.#ends.at, texts, SPAN.at);
    const [first = 0, last = 0, bytes = 0] = memory.words(SPAN, 3);
    const length = Math.max(0, last - first);
    if (length > bytes * 2 + SPARE_BYTES) return undefined;
    this.#bytes = this.fit(this.#bytes, length + HASH_SLACK);
    new Uint8Array(memory.buffer, this.#bytes.at, length).set(arena.subarray(first, last));
    return this.#bytes.at - first;
  }

  #takeAmounts({ state, whole, nano, atto }: Amounts, from: number, to: number): void {
    const entries = to - from;
    this.#states = this.fit(this.#states, entries);
    this.#whole = this.fit(this.#whole, entries * 8);
    this.#nano = this.fit(this.#nano, entries * 8);
    this.#atto = this.fit(this.#atto, entries * 8);
    const { buffer } = this.#memory;
    new Uint8Array(buffer, this.#states.at, entries).set(state.subarray(from, to));
    new Float64Array(buffer, this.#whole.at, entries).set(whole.subarray(from, to));
    new Float64Array(buffer, this.#nano.at, entries).set(nano.subarray(from, to));
    new Float64Array(buffer, this.#atto.at, entries).set(atto.subarray(from, to));
  }
}

let numbers = new Uint32Array(0);

/** The numbers below `size`, and more. */
export function upTo(size: number): Uint32Array {
  if (numbers.length < size) numbers = Uint32Array.from({ length: size * 2 }, (_, i) => i);
  return numbers;
}

const idle = new IdleKernels(() => new HashKernel(), { most: 2, mostBytes: 16 << 20 });

/** A kernel of its own for a task. */
export function takeKernel(): HashKernel {
  return idle.take();
}

/** Gives a kernel back; its memory belongs to the next. */
export function returnKernel(kernel: HashKernel): void {
  kernel.clear();
  idle.giveBack(kernel);
}
