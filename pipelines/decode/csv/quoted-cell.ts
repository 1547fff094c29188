/** Cells in quotes. Hot: plain fields, four bytes at a time. */
import type { Window } from '../window.ts';

/** Results of reading a cell or row that are not positions: the window ends before it does; it cannot be accepted. */
export const INCOMPLETE = -1;
export const REFUSED = -2;

const LF = 10;
const CR = 13;
const QUOTE = 34;
const QUOTES = 0x22222222;
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;

/** Finds the end of cells that begin with a quote; what else it found stands in its fields. */
export class QuotedCell {
  /** Position of the closing quote. */
  end = 0;
  /** Whether there are quotes in the cell, doubled as they should be or not. */
  doubled = false;
  /** Quotes taken as text that should have been doubled; the caller sets it back. */
  strays = 0;
  /** After a refusal: where the next line starts. */
  next = 0;
  readonly #delimiter: number;

  constructor(delimiter: number) {
    this.#delimiter = delimiter;
  }

  /**
   * Answers the position of the delimiter or line end behind the cell at `at`, INCOMPLETE, or REFUSED when a quote that is
   * not doubled is followed by the end of the line before the cell ends.
   */
  find(window: Window, at: number): number {
    const { bytes, view, end, newline } = window;
    const delimiter = this.#delimiter;
    let search = at + 1;
    let stray = -1;
    this.doubled = false;
    for (;;) {
      const quote = findQuote(view, search, end);
      if (quote + 1 >= end) return stray < 0 ? INCOMPLETE : this.#refuse(window, stray, end);
      let stop = quote + 1;
      if (bytes[stop] === CR && newline === LF) {
        if (stop + 1 >= end) return INCOMPLETE;
        if (bytes[stop + 1] === LF) stop++;
      }
      const byte = bytes[stop];
      if (byte === delimiter || byte === newline) {
        this.end = quote;
        return stray < 0 || this.#refuse(window, stray, quote) === INCOMPLETE ? stop : REFUSED;
      }
      this.doubled = true;
      search = stop;
      if (byte === QUOTE) search++;
      else {
        if (stray < 0) stray = quote;
        this.strays++;
      }
    }
  }

  /** REFUSED when the line with the stray quote ends before `end`. */
  #refuse({ bytes, newline }: Window, stray: number, end: number): number {
    const found = bytes.indexOf(newline, stray);
    if (found >= end) return INCOMPLETE;
    this.next = found + 1;
    return REFUSED;
  }
}

/** The next quote; at the latest the one behind the window's end. */
function findQuote(view: DataView, start: number, end: number): number {
  for (let at = start; ; at += 4) {
    const d = view.getInt32(at, true) ^ QUOTES;
    const hit = (d - ONES) & ~d & HIGHS;
    if (hit !== 0) return at + ((31 - Math.clz32(hit & -hit)) >> 3);
    if (at >= end) return end;
  }
}
