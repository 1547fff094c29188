import type { Window } from '../window.ts';
import type { Header } from './header.ts';
import { QuotedCell } from './quoted-cell.ts';

const SAMPLE_ROWS = 20;
const SAMPLE_BYTES = 1024 * 1024;
const CR = 13;
const QUOTE = 34;

/**
 * How many fields a row may have besides as many as the header: fewer when the first rows all leave out the same last
 * ones, as some exports do. A row that is short for itself is torn and must not count.
 */
export async function shortFieldCount(window: Window, header: Header): Promise<number> {
  const expected = header.names.length;
  for (;;) {
    const counts = countFields(window, header);
    const enough = counts.length === SAMPLE_ROWS || counts.some((count) => count === expected);
    if (enough || window.ended || window.end - window.start > SAMPLE_BYTES) {
      const [first = expected] = counts;
      const alike = counts.length > 1 && counts.every((count) => count === first);
      return alike && first < expected && first * 2 > expected ? first : expected;
    }
    await window.fill(window.start);
    if (window.ended) window.closeLastLine();
  }
}

/** Fields of the first complete rows of the window. */
function countFields(window: Window, { delimiter }: Header): readonly number[] {
  const { bytes, start, end, newline } = window;
  const quoted = new QuotedCell(delimiter);
  const counts: number[] = [];
  let fields = 0;
  let row = start;
  for (let at = start; at < end && counts.length < SAMPLE_ROWS; at++) {
    fields++;
    if (bytes[at] === QUOTE) at = quoted.find(window, at);
    else while (bytes[at] !== delimiter && bytes[at] !== newline) at++;
    if (at < 0 || at >= end) break;
    if (bytes[at] !== newline) continue;
    const blank = at === row || (at === row + 1 && bytes[row] === CR);
    if (!blank) counts.push(fields);
    fields = 0;
    row = at + 1;
  }
  return counts;
}
