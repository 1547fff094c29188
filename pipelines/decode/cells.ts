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

/** Collects the codes of one column: interned texts, or an entry per row once nearly every cell is different. */
export class Cells {
  readonly name: string;
  /** False: the column is skipped. */
  readonly wanted: boolean;
  /** Stand up to row `#filled`; the rows behind it are null. */
  readonly codes: Uint32Array;
  values = new Dictionary();
  #filled = 0;
  #rows = 0;

  constructor(name: string, rows: number, wanted = true) {
    this.name = name;
    this.wanted = wanted;
    this.codes = new Uint32Array(wanted ? rows : 0);
    this.values.add(undefined);
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
    if (this.#filled < rows) this.codes.fill(0, this.#filled, rows);
    this.#rows += rows;
    return { kind: 'text', codes: this.codes, values: this.values };
  }

  /** Prepares for the next batch: what was handed out may be overwritten now. */
  restart(): void {
    this.#filled = 0;
    const next = successor(this.values, this.#rows);
    if (next === this.values) return;
    this.values = next;
    this.#rows = 0;
  }
}

/** The dictionary of the next batch after `rows` rows with this one: the same, which is emptied when it is transient, or a new one. */
export function successor(values: Dictionary, rows: number): Dictionary {
  if (values.transient) {
    if (values.arena.length > MAX_KEPT_BYTES) return begun(true);
    values.clear();
    values.add(undefined);
    return values;
  }
  const outgrown = values.used > MAX_BYTES || values.size > MAX_ENTRIES;
  if (isMostlyDistinct(values, rows, outgrown)) return begun(true);
  return outgrown ? begun(false) : values;
}

function begun(transient: boolean): Dictionary {
  const values = new Dictionary({ transient });
  values.add(undefined);
  return values;
}

function isMostlyDistinct({ size, used }: Dictionary, rows: number, outgrown: boolean): boolean {
  const [, long, short] = DISTINCT.find(([least]) => rows >= least) ?? [0, 1, 1];
  const share = used <= size * SHORT ? short : long;
  return size > rows * (outgrown ? Math.min(share, 0.5) : share);
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
