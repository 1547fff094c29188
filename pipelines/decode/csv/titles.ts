/** Lines above the header: what consoles and people write over a table. */
import type { Window } from '../window.ts';
import { commonest, findLine, splitLine } from './lines.ts';

/** A title has at most as many cells that are not empty; the header of a bill has more. */
const TITLE_CELLS = 4;

const MOST_TITLES = 40;
const MOST_BYTES = 64 * 1024;

/** The cells of titles, and where the header below them stands. */
interface Found {
  readonly titles: readonly (readonly string[])[];
  readonly header: number;
}

/**
 * Moves the window from titles to the header below them and answers their cells; none, and nothing moved, where the first line
 * is the header: it has more than a few cells, or nothing like a header stands below it.
 */
export async function passTitles(
  window: Window,
  delimiter: number | undefined,
): Promise<Found['titles']> {
  for (;;) {
    const found = find(window, delimiter);
    if (found !== undefined) {
      window.start = found.header;
      return found.titles;
    }
    if (window.ended || window.end - window.start > MOST_BYTES) return [];
    await window.fill(window.start);
  }
}

/** Undefined when the window does not hold enough to say. */
function find(window: Window, delimiter: number | undefined): Found | undefined {
  const none: Found = { titles: [], header: window.start };
  const titles: (readonly string[])[] = [];
  let header = window.start;
  for (;;) {
    const line = lineAt(window, header, delimiter);
    if (line === undefined) return undefined;
    if (filled(line.cells) > TITLE_CELLS) {
      if (titles.length === 0) return none;
      const below = lineAt(window, line.next, delimiter);
      if (below === undefined && !window.ended) return undefined;
      return isHeader(line.cells, titles, below?.cells) ? { titles, header } : none;
    }
    if (titles.push(line.cells) > MOST_TITLES) return none;
    header = line.next;
  }
}

/** What a title says, if it is a name (in lower case) with a value: `Currency,EUR`, `Currency: EUR`, `# currency: EUR`. */
export function said(cells: readonly string[]): readonly [name: string, value: string][] {
  const [name = '', value] = cells.map((cell) => cell.trim()).filter((cell) => cell !== '');
  if (value !== undefined) return [[name.replace(/\s*:$/, '').toLowerCase(), value]];
  const match = /^[#\s]*([^:]{1,60}?)\s*:\s+(.+)$/.exec(name);
  return match === null ? [] : [[(match[1] ?? '').toLowerCase(), match[2] ?? '']];
}

/** A header has more than twice the cells of what stands above it, and rows like it below, or nothing at all. */
function isHeader(
  cells: readonly string[],
  titles: readonly (readonly string[])[],
  below: readonly string[] | undefined,
): boolean {
  const widest = Math.max(...titles.map(filled));
  return filled(cells) > 2 * widest && (below === undefined || below.length * 2 > cells.length);
}

function filled(cells: readonly string[]): number {
  return cells.filter((cell) => cell.trim() !== '').length;
}

/** The line at `from`; undefined when it does not end in the window. The last one ends with the text. */
function lineAt(
  window: Window,
  from: number,
  delimiter: number | undefined,
): { readonly cells: readonly string[]; readonly next: number } | undefined {
  const line = findLine(window, from) ?? lastLine(window, from);
  if (line === undefined) return undefined;
  const bytes = window.bytes.subarray(line.start, line.end);
  return { cells: splitLine(bytes, delimiter ?? commonest(bytes)), next: line.next };
}

function lastLine(
  { bytes, end, ended }: Window,
  from: number,
): { readonly start: number; readonly end: number; readonly next: number } | undefined {
  if (!ended) return undefined;
  let start = from;
  while (start < end && (bytes[start] === 10 || bytes[start] === 13)) start++;
  return start === end ? undefined : { start, end, next: end };
}
