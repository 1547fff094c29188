/**
 * The cells of one column on their way into a batch. Hot: plain fields, one shape for all columns.
 */
import type { TextColumn } from '../focus/batch.ts';
import { Dictionary, hashWords } from '../focus/dictionary.ts';

/** A dictionary that outgrew one of these gives way to a new one between two batches. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_ENTRIES = 65_536;
/** Memory that one long cell made a transient dictionary take is given back. */
const MAX_KEPT_BYTES = 16 * 1024 * 1024;

/**
 * From so many rows on, a column with more than this share of distinct cells is not worth a lasting dictionary: finding a cell
 * in a large one costs more than reading a short one (a number) again, though less than a long one.
 */
const DISTINCT: readonly (readonly [rows: number, share: number, ofShort: number])[] = [
  [32_768, 0.75, 0.2],
  [8_192, 0.97, 0.5],
  [4_096, 0.99, 0.75],
];
/** Bytes of a short cell. */
const SHORT = 16;

/** Rows whose cells are noted before they are looked up. */
export const BLOCK_ROWS = 256;

/**
 * Collects the codes of one column: interned texts, or an entry per change of value once nearly every cell is different.
 * Cells are noted row by row but looked up column by column (`settle`), while one dictionary is in the processor's cache.
 */
export class Cells {
  readonly name: string;
  /** False: the column is skipped. */
  readonly wanted: boolean;
  /** Stand up to row `#filled`; the rows behind it have the code `#last`. */
  readonly codes: Uint32Array;
  values = new Dictionary();
  /** Row, first byte and byte behind the last of each noted cell; `~end` when quotes in it are doubled. */
  readonly noted: Int32Array;
  /** Numbers in `noted`. */
  notes = 0;
  #filled = 0;
  #last = 0;
  #rows = 0;

  constructor(name: string, rows: number, wanted = true) {
    this.name = name;
    this.wanted = wanted;
    this.codes = new Uint32Array(wanted ? rows : 0);
    this.noted = new Int32Array(wanted ? BLOCK_ROWS * 3 : 0);
    this.values.add(undefined);
  }

  /** Notes that the cell of `row` is [start, end); rows between it and the one noted before repeat that one. */
  note(row: number, start: number, end: number): void {
    const { noted, notes } = this;
    noted[notes] = row;
    noted[notes + 1] = start;
    noted[notes + 2] = end;
    this.notes = notes + 3;
  }

  /** Forgets what was noted of this row, the last one. */
  forget(row: number): void {
    if (this.notes > 0 && this.noted[this.notes - 3] === row) this.notes -= 3;
  }

  /** Looks up the noted cells; behind them SLACK bytes of `source` are readable. */
  settle(source: DataView, undouble: (start: number, end: number) => Scratch): void {
    const { codes, noted, notes, values } = this;
    let last = this.#last;
    let filled = this.#filled;
    for (let i = 0; i < notes; i += 3) {
      const row = noted[i] as number;
      const start = noted[i + 1] as number;
      const end = noted[i + 2] as number;
      while (filled < row) codes[filled++] = last;
      if (end < 0) {
        const text = undouble(start, ~end);
        last = codeOf(values, text.view, 0, text.length);
      } else last = codeOf(values, source, start, end);
      codes[filled++] = last;
    }
    this.#last = last;
    this.#filled = filled;
    this.notes = 0;
  }

  /** Row `row` has this text, those between it and the last one set are null. */
  set(row: number, source: DataView, start: number, end: number): void {
    const { codes } = this;
    for (let i = this.#filled; i < row; i++) codes[i] = 0;
    codes[row] = codeOf(this.values, source, start, end);
    this.#filled = row + 1;
  }

  /** Row `row` is null. */
  setNull(row: number): void {
    if (this.#filled > row) this.codes[row] = 0;
  }

  /** Row `row` is not set any more. */
  unset(row: number): void {
    if (this.#filled > row) this.#filled = row;
  }

  /** Completes the column of a batch. */
  finish(rows: number): TextColumn {
    if (this.#filled < rows) this.codes.fill(this.#last, this.#filled, rows);
    this.#rows += rows;
    return { kind: 'text', codes: this.codes, values: this.values };
  }

  /** Prepares for the next batch: what was handed out may be overwritten now. */
  restart(): void {
    this.#filled = 0;
    this.#last = 0;
    const { values } = this;
    const outgrown = values.used > MAX_BYTES || values.size > MAX_ENTRIES;
    if (values.transient) {
      if (values.arena.length > MAX_KEPT_BYTES) this.#replace(true);
      else this.#clear();
    } else if (this.#isMostlyDistinct(outgrown)) this.#replace(true);
    else if (outgrown) this.#replace(false);
  }

  #isMostlyDistinct(outgrown: boolean): boolean {
    const { size, used } = this.values;
    const rows = this.#rows;
    const [, long, short] = DISTINCT.find(([least]) => rows >= least) ?? [0, 1, 1];
    const share = used <= size * SHORT ? short : long;
    return size > rows * (outgrown ? Math.min(share, 0.5) : share);
  }

  #replace(transient: boolean): void {
    this.values = new Dictionary({ transient });
    this.#rows = 0;
    this.values.add(undefined);
  }

  #clear(): void {
    this.values.clear();
    this.values.add(undefined);
  }
}

/** A text made for the purpose: `length` bytes from the start, then SLACK. */
export interface Scratch {
  readonly view: DataView;
  readonly length: number;
}

/** `NULL`, `null` and `\N` read as little-endian words. */
const NULL_WORD = 0x4c4c554e;
const LOWER_NULL_WORD = 0x6c6c756e;
const BACKSLASH_N = 0x4e5c;

/** Empty, NULL and null (data warehouses, scripts) and `\N` (MySQL, Hive) are null. */
function codeOf(values: Dictionary, source: DataView, start: number, end: number): number {
  const length = end - start;
  if (length === 0) return 0;
  if (length === 4) {
    const word = source.getInt32(start, true);
    if (word === NULL_WORD || word === LOWER_NULL_WORD) return 0;
  } else if (length === 2 && source.getUint16(start, true) === BACKSLASH_N) return 0;
  return values.transient
    ? values.addWords(source, start, end)
    : values.internWords(source, start, end, hashWords(source, start, end));
}
