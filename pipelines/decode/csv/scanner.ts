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

/** Limits; tests make them small. */
export interface CsvLimits {
  /** Bytes of a cell. */
  readonly cell: number;
  /** Bytes of a row. */
  readonly row: number;
}

/** A cell of 64 MiB is no bill any more. */
export const CSV_LIMITS: CsvLimits = { cell: 64 * 1024 * 1024, row: 256 * 1024 * 1024 };

const LF = 10;
const CR = 13;
const QUOTE = 34;
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/** Why the row at hand is refused, and where to go on. */
interface Refusal {
  readonly reason: string;
  readonly message: string;
  readonly column?: string;
  readonly next: number;
}

/** Fills one batch after the other from a window whose header has been read. */
export class CsvScanner implements RowScanner {
  readonly rows: BatchRows;
  readonly columns: readonly Cells[];
  readonly #window: Window;
  readonly #header: Header;
  readonly #limits: CsvLimits;
  readonly #repaired: (code: string, count: number) => void;
  readonly #quoted: QuotedCell;
  readonly #undouble: (start: number, end: number) => Scratch;
  /** Where the row before starts, or -1: it is not to be compared with. */
  #previous = -1;
  /** Ends of its cells, counted from its start; then those of the row at hand. */
  #before: Int32Array;
  #ends: Int32Array;
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
      readonly limits: CsvLimits;
      readonly repaired: (code: string, count: number) => void;
    },
  ) {
    this.#window = window;
    this.#header = header;
    this.columns = options.columns;
    this.#limits = options.limits;
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
    this.#previous = start;
    if (this.#quoted.strays === 0) return;
    this.#repaired('stray_quote', 1);
    this.#quoted.strays = 0;
    this.#previous = -1;
  }

  /** Blank lines, and header lines of files that were joined; answers where a row starts. */
  #skipNoRows(start: number): number {
    const { bytes, view, end, newline } = this.#window;
    const { line } = this.#header;
    const first = line[0];
    let at = start;
    while (at < end) {
      const byte = bytes[at];
      if (byte === newline) at++;
      else if (byte === CR && newline === LF && at + 1 < end && bytes[at + 1] === LF) at += 2;
      else if (byte === first && at + line.length < end && isLine(view, at, line)) {
        this.#repaired('repeated_header', 1);
        at += line.length;
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
    const previousEnd = previous + (before[count - 1] as number) + 1;
    let at = start;
    for (let c = 0; ; ) {
      if (previous >= 0) {
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
        for (; c < count && (before[c] as number) < reach; c++)
          ends[c] = (before[c] as number) + shift;
        if (c > 0) at = start + (ends[c - 1] as number) + 1;
        if (c === count) return at;
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
      if (bytes[stop] === newline) return c === count ? at : this.#wrongCount(c, at);
      if (c === count) return this.#tooMany(c, at);
    }
  }

  /** The cell could not be read to its end. */
  #unread(result: number, at: number, column: number): number {
    this.#cellAt = at;
    this.#cellColumn = column;
    if (result === REFUSED)
      this.#refusal = {
        reason: 'malformed_quote',
        message:
          'a quote within a quoted cell is not doubled, and the cell does not end on its line',
        column: this.#header.names[column] ?? '',
        next: this.#quoted.next,
      };
    return result;
  }

  #tooMany(count: number, start: number): number {
    const next = this.#restOfRow(start);
    return next < 0 ? next : this.#wrongCount(count + this.#passed, next);
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
    this.#refusal = {
      reason: 'wrong_field_count',
      message: `${found} fields where the header has ${this.columns.length}`,
      next,
    };
    return REFUSED;
  }

  #tooLong(stop: number, column: number): number {
    const isLast = this.#window.bytes[stop] === this.#window.newline;
    const next = isLast ? stop + 1 : this.#restOfRow(stop + 1);
    if (next < 0) return next;
    this.#refusal = {
      reason: 'cell_too_long',
      message: `a cell of more than ${this.#limits.cell} bytes`,
      column: this.#header.names[column] ?? '',
      next,
    };
    return REFUSED;
  }

  /** Refuses a row that does not end: its text does, or it is too long to wait for its end. False: wait. */
  #refuseEndless(start: number): boolean {
    const window = this.#window;
    const at = this.#cellAt;
    const tooLong = window.end - at > this.#limits.cell || window.end - start > this.#limits.row;
    if (!window.ended && !tooLong) return false;
    const column = this.#header.names[this.#cellColumn] ?? '';
    const quoted = window.bytes[at] === QUOTE;
    this.#refuse(start, {
      reason: window.ended ? 'unterminated_quote' : 'cell_too_long',
      message: quoted
        ? `the quote that opens cell ${this.#cellColumn + 1} is not closed`
        : `a cell or row of more than ${this.#limits.cell} bytes`,
      column,
      next: this.#lineAfter(at),
    });
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
function isLine(view: DataView, at: number, line: Uint8Array): boolean {
  for (let i = 0; i < line.length; i++) if (view.getUint8(at + i) !== line[i]) return false;
  const behind = view.getUint8(at + line.length);
  return behind === LF || behind === CR;
}

function lineEnd({ bytes, newline }: Window, next: number): number {
  if (bytes[next - 1] !== newline) return next;
  return newline === LF && bytes[next - 2] === CR ? next - 2 : next - 1;
}
