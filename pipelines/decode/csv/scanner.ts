/**
 * RFC 4180 rows into columns of codes. Plain rows are read by the kernel, hundreds at a time; here the others are, one by one,
 * bytewise, and what is wrong with them is found. A row that is not complete is read again when more of it is there.
 */
import { BatchRows } from '../batch-rows.ts';
import type { RowScanner } from '../text-source.ts';
import type { Window } from '../window.ts';
import type { KernelColumn } from './columns.ts';
import type { Header } from './header.ts';
import { BLOCK_ROWS, type Kernel } from './kernel.ts';
import { INCOMPLETE, QuotedCell, REFUSED } from './quoted-cell.ts';
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

/** Fills one batch after the other from a window whose header has been read. */
export class CsvScanner implements RowScanner {
  readonly rows: BatchRows;
  readonly columns: readonly KernelColumn[];
  readonly #window: Window;
  readonly #header: Header;
  readonly #limits: CsvLimits;
  readonly #shortFields: number;
  readonly #repaired: (code: string, count: number) => void;
  readonly #quoted: QuotedCell;
  readonly #kernel: Kernel;
  readonly #plain: boolean;
  /** Where the row before starts, or -1: it is not to be compared with. */
  #previous = -1;
  /** How many fields the row at hand has. */
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
      readonly columns: readonly KernelColumn[];
      readonly batchRows: number;
      /** How many fields a row may have besides as many as the header. */
      readonly shortFields: number;
      readonly limits: CsvLimits;
      readonly repaired: (code: string, count: number) => void;
      readonly kernel: Kernel;
      /** False: plain rows are read like the others; slow. */
      readonly plainRows: boolean;
    },
  ) {
    this.#window = window;
    this.#header = header;
    this.columns = options.columns;
    this.#limits = options.limits;
    this.#shortFields = options.shortFields;
    this.#repaired = options.repaired;
    this.#quoted = new QuotedCell(header.delimiter);
    this.#kernel = options.kernel;
    this.#plain = options.plainRows;
    this.rows = new BatchRows(options.batchRows);
    this.#describe();
    this.#refresh();
  }

  /** Tells the kernel how the part is written. */
  #describe(): void {
    const { line, delimiter } = this.#header;
    const head = Buffer.alloc(8);
    head.set(line.subarray(0, 8));
    const mask = Buffer.alloc(8).fill(255, 0, Math.min(8, line.length));
    this.#kernel.call.form(
      delimiter,
      this.#window.newline,
      this.#limits.cell,
      this.#shortFields,
      head.readBigInt64LE(),
      mask.readBigInt64LE(),
    );
  }

  scan(): boolean {
    const full = this.#scan();
    this.#settle();
    return full;
  }

  restart(): void {
    this.#kernel.call.restart();
    for (const column of this.columns) column.restart();
    this.#refresh();
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
      if (this.#plain && this.#plainRows()) continue;
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

  /** Reads plain rows; false when the row at hand is none. */
  #plainRows(): boolean {
    const window = this.#window;
    const { start, end, bytes } = window;
    const base = bytes.byteOffset;
    const { room } = this.rows;
    const most = Math.min(BLOCK_ROWS - (this.rows.count - this.#settled), room.rows);
    const previous = this.#previous < 0 ? 0 : base + this.#previous;
    const kernel = this.#kernel;
    const row = this.rows.count;
    const count = kernel.call.scan(base + start, base + end, previous, row, most, room.bytes);
    if (count === 0) return false;
    const [next, last, short] = kernel.found();
    this.#previous = last - base;
    if (short > 0) this.#repaired('missing_fields', short);
    this.rows.acceptAll(count, next - base - start);
    window.start = next - base;
    if (count < most && !this.rows.isFull()) return false;
    if (this.rows.count - this.#settled === BLOCK_ROWS) this.#settle();
    return true;
  }

  /** Looks up the cells noted so far. */
  #settle(): void {
    if (this.rows.count === this.#settled) return;
    this.#settled = this.rows.count;
    this.#kernel.call.settle();
    this.#refresh();
  }

  /** The kernel's memory may have grown. */
  #refresh(): void {
    if (this.#window.bytes.length === 0) this.#window.rebase(this.#kernel.window());
  }

  /** The row could not be read: refuses it, or answers false to wait for more of it. */
  #giveUp(start: number, result: number): boolean {
    this.#kernel.call.forget(this.rows.count);
    if (result === INCOMPLETE) return this.#refuseEndless(start);
    this.#refuse(start, this.#refusal as Refusal);
    return true;
  }

  #accept(start: number, next: number): void {
    this.rows.accept(next - start);
    this.#window.start = next;
    this.#previous = -1;
    if (this.#fields < this.columns.length) this.#repaired('missing_fields', 1);
    if (this.#overlong) this.#repaired('extra_fields', 1);
    if (this.#quoted.strays > 0) this.#repaired('stray_quote', 1);
    this.#overlong = false;
    this.#quoted.strays = 0;
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
    const { bytes, end, newline } = this.#window;
    const { delimiter } = this.#header;
    const { length } = this.columns;
    const quoted = this.#quoted;
    let at = start;
    for (let c = 0; ; ) {
      let stop = at;
      if (bytes[at] === QUOTE) {
        stop = quoted.find(this.#window, at);
        if (stop < 0) return this.#unread(stop, at, c);
        this.#note(c, at + 1, quoted.end, quoted.doubled);
      } else {
        while (bytes[stop] !== delimiter && bytes[stop] !== newline) stop++;
        if (stop >= end) return this.#unread(INCOMPLETE, at, c);
        const stripped = stop > at && bytes[stop] === LF && bytes[stop - 1] === CR;
        this.#note(c, at, stripped ? stop - 1 : stop);
      }
      if (stop - at > this.#limits.cell) return this.#tooLong(stop, c);
      c++;
      at = stop + 1;
      if (bytes[stop] === newline) return this.#endOfRow(c, at);
      if (c === length) return this.#tooMany(at);
    }
  }

  /** The cell of the row at hand is [start, end) of the window. */
  #note(column: number, start: number, end: number, doubled = false): void {
    const base = this.#window.bytes.byteOffset;
    const behind = base + end;
    this.#kernel.call.note(column, this.rows.count, base + start, doubled ? ~behind : behind);
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
    for (let c = fields; c < columns.length; c++) this.#note(c, next, next);
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
