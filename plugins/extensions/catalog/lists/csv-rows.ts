import { BadPart } from '../../../../pipelines/plugin/index.ts';

/** A row longer than this is no row of a price list. */
const MAX_ROW = 1_000_000;

/** Splits CSV (RFC 4180, UTF-8) as it comes; answers the whole rows of each piece. `BadPart` when it ends within quotes, or is no UTF-8. */
export async function* csvRows(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly (readonly string[])[]> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let rest = '';
  for await (const chunk of chunks) {
    rest += decoded(decoder, chunk);
    const { rows, end } = splitRows(rest, false);
    rest = rest.slice(end);
    if (rest.length > MAX_ROW) throw new BadPart(`a row is longer than ${MAX_ROW} characters`);
    if (rows.length > 0) yield rows;
  }
  rest += decoded(decoder);
  const { rows, end } = splitRows(rest, true);
  if (end < rest.length) throw new BadPart('it ends within quotes: it is cut off');
  if (rows.length > 0) yield rows;
}

function decoded(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return decoder.decode(chunk, { stream: chunk !== undefined });
  } catch (cause) {
    throw new BadPart('it is not UTF-8 text', { cause });
  }
}

/** The whole rows of a text and where the last of them ends. `last`: a row needs no line break. */
function splitRows(
  text: string,
  last: boolean,
): { readonly rows: readonly (readonly string[])[]; readonly end: number } {
  const rows: string[][] = [];
  let end = 0;
  while (end < text.length) {
    const row: string[] = [];
    const next = readRow(text, end, row);
    if (next < 0 && !(last && next === OPEN_END)) break;
    end = next < 0 ? text.length : next;
    if (row.length > 1 || row[0] !== '') rows.push(row);
  }
  return { rows, end };
}

/** The row has no line break behind it; it may go on. */
const OPEN_END = -1;
/** The text ends within quotes. */
const OPEN_QUOTES = -2;

/** Reads one row from `start`; answers where the next begins, or why that is not known. */
function readRow(text: string, start: number, row: string[]): number {
  for (let at = start; ; ) {
    const quoted = text.charCodeAt(at) === 34;
    const end = quoted ? closingQuote(text, at + 1) : endOfCell(text, at);
    if (end === OPEN_QUOTES) return OPEN_QUOTES;
    row.push(quoted ? unquoted(text.slice(at + 1, end)) : text.slice(at, end));
    at = quoted ? endOfCell(text, end + 1) : end;
    if (at >= text.length) return OPEN_END;
    const mark = text.charCodeAt(at);
    if (mark === 10) return at + 1;
    if (mark === 13) {
      if (at + 1 >= text.length) return OPEN_END;
      return text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1;
    }
    at++;
  }
}

/** Where a comma, a line break or the text ends the cell. */
function endOfCell(text: string, start: number): number {
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 44 || code === 10 || code === 13) return at;
  }
  return text.length;
}

function closingQuote(text: string, start: number): number {
  for (let at = text.indexOf('"', start); at >= 0; at = text.indexOf('"', at + 2))
    if (text.charCodeAt(at + 1) !== 34) return at;
  return OPEN_QUOTES;
}

function unquoted(text: string): string {
  return text.includes('"') ? text.replaceAll('""', '"') : text;
}
