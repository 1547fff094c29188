import { BadPart } from '../../plugin/errors.ts';
import type { Window } from '../window.ts';
import { commonest, findLine, type Line, splitLine } from './lines.ts';
import { passTitles, said } from './titles.ts';

/** How a csv part is written, and its column names. */
export interface Header {
  readonly delimiter: number;
  /** What ends a line: LF (a CR before it belongs to it) or CR. */
  readonly newline: number;
  /** One name per field: duplicates numbered (`name#2`), empty ones named after their place (`column#3`). */
  readonly names: readonly string[];
  /** The line as it stands, without its end. */
  readonly line: Uint8Array;
  /** What lines above it say of the bill as a whole: `currency` → `EUR`. */
  readonly titles: ReadonlyMap<string, string>;
}

/** Most columns a part may have. */
export const MAX_COLUMNS = 10_000;

const HEADER_LIMIT = 4 * 1024 * 1024;

/**
 * Reads the first line that is not blank and leaves the window behind it. A line `sep=;` before it, which Excel writes and
 * understands, names the delimiter; titles above it are passed, a repair.
 */
export async function readHeader(
  window: Window,
  part: { readonly path: string; readonly repaired: (code: string, count: number) => void },
): Promise<Header> {
  let line = await firstLine(window, part.path);
  const named = namedDelimiter(window.text(line.start, line.end));
  if (named !== undefined) {
    window.start = line.next;
    line = await firstLine(window, part.path);
  }
  const titles = await passTitles(window, named);
  if (titles.length > 0) {
    part.repaired('title_line', titles.length);
    line = await firstLine(window, part.path);
  }
  const bytes = window.bytes.slice(line.start, line.end);
  const delimiter = named ?? commonest(bytes);
  const texts = splitLine(bytes, delimiter);
  if (texts.length > MAX_COLUMNS)
    throw new BadPart(`the header has ${texts.length} columns; at most ${MAX_COLUMNS} are read`, {
      path: part.path,
    });
  window.start = line.next;
  window.endLinesWith(line.newline);
  return {
    delimiter,
    newline: line.newline,
    names: uniqueNames(texts, part.repaired),
    line: bytes,
    titles: new Map(titles.flatMap(said)),
  };
}

async function firstLine(window: Window, path: string): Promise<Line> {
  for (;;) {
    const line = findLine(window);
    if (line !== undefined) return line;
    if (window.ended) break;
    if (window.end - window.start > HEADER_LIMIT)
      throw new BadPart('no header: the first line does not end', { path });
    await window.fill(window.start);
  }
  window.closeLastLine();
  const last = findLine(window);
  if (last !== undefined) return last;
  const empty = window.text(window.start, window.end).trim() === '';
  throw new BadPart(empty ? 'empty file' : 'no header: a quote in the first line is not closed', {
    path,
  });
}

/** What a line like `sep=;` says; undefined for any other line. */
function namedDelimiter(line: string): number | undefined {
  const named = /^"?sep=([,;\t|])"?$/i.exec(line)?.[1];
  return named?.charCodeAt(0);
}

function uniqueNames(
  texts: readonly string[],
  repaired: (code: string, count: number) => void,
): readonly string[] {
  const names = new Set<string>();
  for (const [i, text] of texts.entries()) {
    const name = text === '' ? `column#${i + 1}` : text;
    if (text === '') repaired('empty_header', 1);
    else if (names.has(name)) repaired('duplicate_header', 1);
    let unique = name;
    for (let n = 2; names.has(unique); n++) unique = `${name}#${n}`;
    names.add(unique);
  }
  return [...names];
}
