/**
 * RFC 4180 rows into columns of codes. Hot: plain fields, indexed loops, four bytes at a time. What makes it fast: cells
 * that equal those of the row before are found by comparing the two rows, not by splitting them; where the others lie is
 * noted, and every few hundred rows they are looked up column by column. A row that is not complete is scanned again.
 */

import { BatchRows } from '../batch-rows.ts';
import { BLOCK_ROWS, type Cells, type Scratch } from '../cells.ts';
import type { RowScanner } from '../text-source.ts';
import type { Window } from '../window.ts';
import type { Header } from './header.ts';
import { INCOMPLETE, QuotedCell, REFUSED, undoubler } from './quoted-cell.ts';
import {
  type CsvLimits,
  endless,
  malformedQuote,
  type Refusal,
  tooLong,
  wrongCount,
} from './refusals.ts';

const LF = 10;
const CR = 13;
const QUOTE = 34;
/** A byte order mark, which stands before the header in files that were joined. */
const MARK = Uint8Array.of(0xef, 0xbb, 0xbf);
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/** Fills one batch after the other from a window whose header has been read. */
export class CsvScanner implements RowScanner {
  readonly rows: BatchRows;
  readonly columns: readonly Cells[];
  readonly #window: Window;
  readonly #header: Header;
  readonly #limits: CsvLimits;
  readonly #shortFields: number;
  readonly #repaired: (code: string, count: number) => void;
  readonly #quoted: QuotedCell;
  readonly #undouble: (start: number, end: number) => Scratch;
  /** Where the row before starts, or -1: it is not to be compared with. */
  #previous = -1;
  /** Ends of its cells, counted from its start; then those of the row at hand. */
  #before: Int32Array;
  #ends: Int32Array;
  /** How many fields these rows have. */
  #fieldsBefore = 0;
  #fields = 0;
  /** The row at hand has empty fields beyond those of the header. */
  #overlong = false;
  /** Start of the cell at hand, and its column. */
  #cellAt = 0;
  #cellColumn = 0;
  #passed = 0;
  #refusal: Refusal | undefined;
  #settled = 0;
  #skipping = false;

  constructor(
    window: Window,
    header: Header,
    options: {
      readonly columns: readonly Cells[];
      readonly batchRows: number;
      /** How many fields a row may have besides as many as the header. */
      readonly shortFields: number;
      readonly limits: CsvLimits;
      readonly repaired: (code: string, count: number) => void;
    },
  ) {
    this.#window = window;
    this.#header = header;
    this.columns = options.columns;
    this.#limits = options.limits;
    this.#shortFields = options.shortFields;
    this.#repaired = options.repaired;
    this.#quoted = new QuotedCell(header.delimiter);
    this.#undouble = undoubler(window);
    this.rows = new BatchRows(options.batchRows);
    this.#before = new Int32Array(options.columns.length);
    this.#ends = new Int32Array(options.columns.length);
  }

  scan(): boolean {
    const full = this.#scan();
    this.#settle();
    return full;
  }

  restart(): void {
    for (const column of this.columns) column.restart();
    this.rows.restart();
    this.#settled = 0;
    this.#previous = -1;
  }

  get keep(): number {
    return this.#previous >= 0 ? this.#previous : this.#window.start;
  }

  moved(by: number): void {
    if (this.#previous >= 0) this.#previous -= by;
  }

  #scan(): boolean {
    const window = this.#window;
    while (!this.rows.isFull()) {
      if (this.#skipping && !this.#skipLine()) return false;
      const start = this.#skipNoRows(window.start);
      window.start = start;
      if (start >= window.end) return false;
      const next = this.#row(start);
      if (next >= 0) this.#accept(start, next);
      else if (!this.#giveUp(start, next)) return false;
      if (this.rows.count - this.#settled === BLOCK_ROWS) this.#settle();
    }
    return true;
  }

  /** Looks up the cells noted so far. */
  #settle(): void {
    if (this.rows.count === this.#settled) return;
    this.#settled = this.rows.count;
    const { view } = this.#window;
    for (const column of this.columns) if (column.wanted) column.settle(view, this.#undouble);
  }

  /** The row could not be read: refuses it, or answers false to wait for more of it. */
  #giveUp(start: number, result: number): boolean {
    for (const column of this.columns) column.forget(this.rows.count);
    if (result === INCOMPLETE) return this.#refuseEndless(start);
    this.#refuse(start, this.#refusal as Refusal);
    return true;
  }

  #accept(start: number, next: number): void {
    this.rows.accept(next - start);
    this.#window.start = next;
    const before = this.#before;
    this.#before = this.#ends;
    this.#ends = before;
    this.#fieldsBefore = this.#fields;
    this.#previous = start;
    if (this.#fields < this.columns.length) this.#repaired('missing_fields', 1);
    if (this.#overlong || this.#quoted.strays > 0) this.#acceptRepaired();
  }

  /** Rows like this one are not found by comparing with it. */
  #acceptRepaired(): void {
    if (this.#overlong) this.#repaired('extra_fields', 1);
    if (this.#quoted.strays > 0) this.#repaired('stray_quote', 1);
    this.#overlong = false;
    this.#quoted.strays = 0;
    this.#previous = -1;
  }

  /** Blank lines, and header lines of files that were joined; answers where a row starts. */
  #skipNoRows(start: number): number {
    const { bytes, end, newline } = this.#window;
    const { line } = this.#header;
    const first = line[0];
    let at = start;
    while (at < end) {
      const byte = bytes[at];
      const text = byte === MARK[0] && startsWith(bytes, at, MARK) ? at + MARK.length : at;
      if (byte === newline) at++;
      else if (byte === CR && newline === LF && at + 1 < end && bytes[at + 1] === LF) at += 2;
      else if (bytes[text] === first && text + line.length < end && isLine(bytes, text, line)) {
        this.#repaired('repeated_header', 1);
        at = text + line.length;
      } else break;
    }
    if (at !== start) this.#previous = -1;
    return at;
  }

  /** Reads the row at `start`; answers where the next one starts, INCOMPLETE or REFUSED. */
  #row(start: number): number {
    const { bytes, view, end, newline } = this.#window;
    const { delimiter } = this.#header;
    const delimiters = delimiter * ONES;
    const newlines = newline * ONES;
    const columns = this.columns;
    const count = columns.length;
    const row = this.rows.count;
    const quoted = this.#quoted;
    const ends = this.#ends;
    const before = this.#before;
    const previous = this.#previous;
    const compared = previous < 0 ? 0 : this.#fieldsBefore;
    const previousEnd = previous + (before[compared - 1] ?? 0) + 1;
    let at = start;
    for (let c = 0; ; ) {
      if (c < compared) {
        // Cells that lie, with what ends them, within the bytes both rows have in common.
        const same = c === 0 ? previous : previous + (before[c - 1] as number) + 1;
        const most = Math.min(previousEnd - same, end - at);
        let equal = 0;
        while (equal < most) {
          const difference = view.getInt32(at + equal, true) ^ view.getInt32(same + equal, true);
          if (difference !== 0) {
            equal += (31 - Math.clz32(difference & -difference)) >> 3;
            break;
          }
          equal += 4;
        }
        const reach = same + (equal < most ? equal : most) - previous;
        const shift = at - start - (same - previous);
        for (; c < compared && (before[c] as number) < reach; c++)
          ends[c] = (before[c] as number) + shift;
        if (c > 0) at = start + (ends[c - 1] as number) + 1;
        if (c === compared) {
          this.#fields = c;
          return at;
        }
      }
      const column = columns[c] as Cells;
      let stop = at;
      if (bytes[at] === QUOTE) {
        stop = quoted.find(this.#window, at);
        if (stop < 0) return this.#unread(stop, at, c);
        if (column.wanted) column.note(row, at + 1, quoted.doubled ? ~quoted.end : quoted.end);
      } else {
        let hit = 0;
        for (; ; stop += 4) {
          const word = view.getInt32(stop, true);
          const d = word ^ delimiters;
          const n = word ^ newlines;
          hit = (((d - ONES) & ~d) | ((n - ONES) & ~n)) & HIGHS;
          if (hit !== 0) break;
        }
        stop += (31 - Math.clz32(hit & -hit)) >> 3;
        if (stop >= end) return this.#unread(INCOMPLETE, at, c);
        if (column.wanted) {
          const stripped = stop > at && bytes[stop] === LF && bytes[stop - 1] === CR;
          column.note(row, at, stripped ? stop - 1 : stop);
        }
      }
      if (stop - at > this.#limits.cell) return this.#tooLong(stop, c);
      ends[c++] = stop - start;
      at = stop + 1;
      if (bytes[stop] === newline) return this.#endOfRow(c, at);
      if (c === count) return this.#tooMany(at);
    }
  }

  /** The cell could not be read to its end. */
  #unread(result: number, at: number, column: number): number {
    this.#cellAt = at;
    this.#cellColumn = column;
    if (result === REFUSED)
      this.#refusal = malformedQuote(this.#quoted.next, this.#header.names[column]);
    return result;
  }

  /** The row ends after `fields` fields. */
  #endOfRow(fields: number, next: number): number {
    const { columns } = this;
    this.#fields = fields;
    if (fields === columns.length) return next;
    if (fields !== this.#shortFields) return this.#wrongCount(fields, next);
    for (let c = fields; c < columns.length; c++) {
      const column = columns[c] as Cells;
      if (column.wanted) column.note(this.rows.count, next, next);
    }
    return next;
  }

  /** The row goes on behind its last field: with empty ones it is accepted all the same. */
  #tooMany(start: number): number {
    const next = this.#restOfRow(start);
    if (next < 0) return next;
    const { bytes } = this.#window;
    const { delimiter } = this.#header;
    let at = start;
    while (bytes[at] === delimiter || bytes[at] === CR) at++;
    if (at + 1 !== next) return this.#wrongCount(this.columns.length + this.#passed, next);
    this.#fields = this.columns.length;
    this.#overlong = true;
    return next;
  }

  /** Passes the cells from `start` to the end of the row, counting them; answers where the next row starts. */
  #restOfRow(start: number): number {
    const { bytes, end, newline } = this.#window;
    const { delimiter } = this.#header;
    this.#passed = 0;
    for (let at = start; ; at++) {
      this.#passed++;
      if (bytes[at] === QUOTE) {
        const stop = this.#quoted.find(this.#window, at);
        if (stop < 0) return this.#unread(stop, at, this.columns.length - 1);
        at = stop;
      } else while (bytes[at] !== delimiter && bytes[at] !== newline) at++;
      if (at >= end) return this.#unread(INCOMPLETE, start, this.columns.length - 1);
      if (bytes[at] === newline) return at + 1;
    }
  }

  #wrongCount(found: number, next: number): number {
    this.#refusal = wrongCount(next, found, this.columns.length);
    return REFUSED;
  }

  #tooLong(stop: number, column: number): number {
    const isLast = this.#window.bytes[stop] === this.#window.newline;
    const next = isLast ? stop + 1 : this.#restOfRow(stop + 1);
    if (next < 0) return next;
    this.#refusal = tooLong(next, this.#limits, this.#header.names[column]);
    return REFUSED;
  }

  /** Refuses a row that does not end: its text does, or it is too long to wait for its end. False: wait. */
  #refuseEndless(start: number): boolean {
    const window = this.#window;
    const at = this.#cellAt;
    const tooMuch = window.end - at > this.#limits.cell || window.end - start > this.#limits.row;
    if (!window.ended && !tooMuch) return false;
    const column = this.#header.names[this.#cellColumn];
    const next = this.#lineAfter(at);
    const isOpen = window.ended || window.bytes[at] === QUOTE;
    this.#refuse(start, isOpen ? endless(next, column) : tooLong(next, this.#limits, column));
    return true;
  }

  /** Where the line after the one with `at` starts; the end of the window when it is not there yet. */
  #lineAfter(at: number): number {
    const { bytes, end, newline } = this.#window;
    const found = bytes.indexOf(newline, at);
    return found < end ? found + 1 : end;
  }

  #refuse(start: number, refusal: Refusal): void {
    const window = this.#window;
    const { next } = refusal;
    this.rows.refuse(refusal, { window, start, end: lineEnd(window, next) });
    this.#quoted.strays = 0;
    this.#overlong = false;
    this.#previous = -1;
    window.start = next;
    this.#skipping = window.bytes[next - 1] !== window.newline;
  }

  /** Passes the rest of a line that was too long; false when its end is not in the window. */
  #skipLine(): boolean {
    const window = this.#window;
    window.start = this.#lineAfter(window.start);
    this.#skipping = window.bytes[window.start - 1] !== window.newline;
    return !this.#skipping;
  }
}

/** Whether `line` and nothing else stands in the line at `at`. */
function isLine(bytes: Uint8Array, at: number, line: Uint8Array): boolean {
  const behind = bytes[at + line.length];
  return (behind === LF || behind === CR) && startsWith(bytes, at, line);
}

function startsWith(bytes: Uint8Array, at: number, start: Uint8Array): boolean {
  for (let i = 0; i < start.length; i++) if (bytes[at + i] !== start[i]) return false;
  return true;
}

function lineEnd({ bytes, newline }: Window, next: number): number {
  if (bytes[next - 1] !== newline) return next;
  return newline === LF && bytes[next - 2] === CR ? next - 2 : next - 1;
}
