import type { Window } from '../window.ts';

const LF = 10;
const CR = 13;
const QUOTE = 34;
const DELIMITERS = [44, 59, 9, 124];

/** Where a line stands in the window. */
export interface Line {
  readonly start: number;
  readonly end: number;
  readonly next: number;
  readonly newline: number;
}

/** The first line from `from` on that is not blank; undefined when it does not end in the window. */
export function findLine(window: Window, from = window.start): Line | undefined {
  const { bytes, end } = window;
  let start = from;
  while (start < end && (bytes[start] === LF || bytes[start] === CR)) start++;
  let quoted = false;
  for (let at = start; at < end; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) continue;
    else if (byte === LF) return { start, end: at, next: at + 1, newline: LF };
    else if (byte === CR) {
      if (at + 1 === end && !window.ended) return undefined;
      return bytes[at + 1] === LF && at + 1 < end
        ? { start, end: at, next: at + 2, newline: LF }
        : { start, end: at, next: at + 1, newline: CR };
    }
  }
  return undefined;
}

/** The delimiter that stands most often outside quotes; a comma when none does. */
export function commonest(line: Uint8Array): number {
  const counts = DELIMITERS.map((delimiter) => splitLine(line, delimiter).length);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] as number;
}

/** The cells of a line, without their quotes. */
export function splitLine(line: Uint8Array, delimiter: number): readonly string[] {
  const texts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at <= line.length; at++) {
    const byte = at === line.length ? delimiter : line[at];
    if (byte === QUOTE) quoted = !quoted;
    else if (byte === delimiter && (!quoted || at === line.length)) {
      texts.push(unquoted(Buffer.from(line.subarray(from, at)).toString('utf8')));
      from = at + 1;
    }
  }
  return texts;
}

function unquoted(text: string): string {
  return /^".*"$/s.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}
