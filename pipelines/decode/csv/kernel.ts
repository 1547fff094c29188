/**
 * Reads plain rows of a window and looks up their cells: WebAssembly with instructions for sixteen bytes at a time, more than
 * twice as fast as the same in JavaScript. Everything it works on stands in one memory of its own: the window, notes where
 * cells lie, codes, and what is known of each column's dictionary. What is not plain (a blank line, one that may be the header
 * again, quotes astray, a wrong number of fields, too long a cell, a row that does not end in the window) is left to the caller.
 */
import { IdleKernels, instantiate, MemoryViews, MOST_PAGES } from '../../focus/wasm.ts';
import { ROWS_WASM } from './rows-wasm.ts';

/** Rows whose cells may be noted before they are looked up. */
export const BLOCK_ROWS = 256;

/** The functions of `assembly/rows.ts`. Positions are bytes of the kernel's memory. */
export interface KernelFunctions {
  /** How the part is written: a cell of more than `longestCell` bytes is not plain; rows may have `shortFields` fields, too; the first eight bytes of the header, fewer where the mask says so. */
  form(
    delimiter: number,
    newline: number,
    longestCell: number,
    shortFields: number,
    head: bigint,
    headMask: bigint,
  ): void;
  /** The column is wanted, in batches of at most so many rows. */
  want(column: number, rows: number): void;
  /** Begins a batch. */
  restart(): void;
  /** Reads plain rows from `start`, as many as `most` and until more than `budget` bytes are read; answers how many. The row before stands at `previous`, 0 when it is not to be compared with. */
  scan(
    start: number,
    end: number,
    previous: number,
    row: number,
    most: number,
    budget: number,
  ): number;
  /** Notes that the cell of `row` is [start, end), or [start, ~end) with quotes doubled in it. Rows between it and the one noted before repeat that one. */
  note(column: number, row: number, start: number, end: number): void;
  /** Forgets what was noted of this row, the last one. */
  forget(row: number): void;
  /** Looks up the noted cells. */
  settle(): void;
  /** Completes the codes of a column up to `rows`. */
  finish(column: number, rows: number): void;
}

interface Functions extends KernelFunctions {
  /** Forgets everything. */
  reset(): void;
  /** Memory for so many bytes. */
  take(bytes: number): number;
  /** Makes that many columns, none of them wanted; answers where their table stands. */
  open(columns: number): number;
  /** Empties the dictionary of a column: its cells are interned or, where it is transient, get an entry each. */
  begin(column: number, kind: number): void;
}

const INTERNED = 1;
const TRANSIENT = 2;

/** The table of columns, words of 32 bits. */
const COLUMN_WORDS = 16;
const CODES = 2;
const ENDS = 7;
const ARENA = 9;
const SIZE = 11;
const USED = 12;
/** Where `scan` leaves what it found. */
const FOUND = 1024 >> 2;

const FIRST_BYTES = 1 << 20;

/** The kernel of one part at a time. */
export class Kernel {
  readonly call: KernelFunctions;
  readonly #functions: Functions;
  readonly #memory: MemoryViews;
  #window = 0;
  #windowBytes = 0;
  /** Where the table of columns stands, in words. */
  #columns = 0;

  constructor() {
    const { exports, memory } = instantiate<Functions>(ROWS_WASM, FIRST_BYTES, {
      mostPages: MOST_PAGES,
      env: { full },
    });
    this.#memory = new MemoryViews(memory);
    this.#functions = exports;
    this.call = this.#functions;
  }

  /** Bytes of its memory. */
  get size(): number {
    return this.#memory.size;
  }

  /** Forgets everything: the next part. */
  reset(): void {
    this.#functions.reset();
    this.#windowBytes = 0;
  }

  /** Memory for a window, and for a larger one, which begins with what stands in the one before. */
  readonly allocate = (bytes: number): Uint8Array => {
    const at = this.#functions.take(bytes);
    this.#memory.bytes.copyWithin(at, this.#window, this.#window + this.#windowBytes);
    this.#window = at;
    this.#windowBytes = bytes;
    return this.window();
  };

  /** The window. An array that was had before is empty now if the memory has grown since. */
  window(): Uint8Array {
    return this.#memory.bytes.subarray(this.#window, this.#window + this.#windowBytes);
  }

  /** Makes the columns of the part. */
  open(columns: number): void {
    this.#columns = this.#functions.open(columns) >> 2;
  }

  /** Where `scan` stopped, where the last row it read begins, and how many rows were short. */
  found(): readonly [next: number, previous: number, short: number] {
    const words = this.#memory.words;
    return [words[FOUND] ?? 0, words[FOUND + 1] ?? 0, words[FOUND + 2] ?? 0];
  }

  /** The codes of a column for the first `rows` rows. */
  codes(column: number, rows: number): Uint32Array {
    const at = this.#field(column, CODES) >> 2;
    return this.#memory.words.subarray(at, at + rows);
  }

  /** The entries of a column from `first` on: their texts, the first at byte `used` of all, and their ends. */
  entries(column: number, first: number, used: number): readonly [Uint8Array, Uint32Array] {
    const ends = this.#field(column, ENDS) >> 2;
    const texts = this.#field(column, ARENA);
    return [
      this.#memory.bytes.subarray(texts + used, texts + this.#field(column, USED)),
      this.#memory.words.subarray(ends + first, ends + this.#field(column, SIZE)),
    ];
  }

  /** Empties the dictionary of a column. */
  begin(column: number, transient: boolean): void {
    this.#functions.begin(column, transient ? TRANSIENT : INTERNED);
  }

  #field(column: number, field: number): number {
    return this.#memory.words[this.#columns + column * COLUMN_WORDS + field] as number;
  }
}

function full(): never {
  throw new RangeError('the texts of a csv part do not fit into 2 GiB of memory');
}

const idle = new IdleKernels(() => new Kernel(), { most: 1, mostBytes: 24 << 20 });

/** A kernel for one part, its memory empty. */
export function takeKernel(): Kernel {
  const kernel = idle.take();
  kernel.reset();
  return kernel;
}

/** Gives a kernel back; its memory belongs to the next part. */
export function returnKernel(kernel: Kernel): void {
  idle.giveBack(kernel);
}
