/**
 * Finds the owner in tags as FOCUS has them, a JSON object, without building it. Hot where every charge has tags of its
 * own: one pass over the bytes.
 */

const decoder = new TextDecoder();
const encoder = new TextEncoder();

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;

/** Looks for the value of the first of some keys, matched without case, that has one. */
export class TagScanner {
  /** Where the owner stands that `find` found. */
  source: Uint8Array = new Uint8Array(0);
  from = 0;
  to = 0;
  readonly #keys: readonly string[];
  readonly #bytes: readonly Uint8Array[];

  constructor(keys: readonly string[]) {
    this.#keys = keys.map((key) => key.trim().toLowerCase());
    this.#bytes = this.#keys.map((key) => encoder.encode(key));
  }

  /**
   * Whether the tags in [start, end) name an owner: a text that is not empty or a number. True/false, null and nested values
   * are none, nor is anything in a text that is no JSON object. Of equal keys the first with a value counts.
   */
  find(bytes: Uint8Array, start: number, end: number): boolean {
    let best = this.#keys.length;
    let at = skipBlanks(bytes, start, end);
    if (at >= end || bytes[at] !== OPEN) return false;
    for (at = skipBlanks(bytes, at + 1, end); bytes[at] !== CLOSE || at >= end; ) {
      if (at >= end || bytes[at] !== QUOTE) return false;
      const keyEnd = stringEnd(bytes, at + 1, end);
      const colon = skipBlanks(bytes, keyEnd + 1, end);
      if (colon >= end || bytes[colon] !== 58) return false;
      const value = skipBlanks(bytes, colon + 1, end);
      const valueTo = valueEnd(bytes, value, end);
      if (valueTo > end || valueTo === value) return false;
      const rank = this.#rank(bytes, at + 1, keyEnd);
      if (rank < best && this.#take(bytes, value, valueTo)) best = rank;
      at = skipBlanks(bytes, valueTo, end);
      if (at < end && bytes[at] === 44) at = skipBlanks(bytes, at + 1, end);
      else if (at >= end || bytes[at] !== CLOSE) return false;
    }
    return best < this.#keys.length;
  }

  /** Place of the key among those looked for; their number when it is none of them. */
  #rank(bytes: Uint8Array, start: number, end: number): number {
    let from = start;
    let to = end;
    while (from < to && bytes[from] === 32) from++;
    while (from < to && bytes[to - 1] === 32) to--;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte === BACKSLASH || byte > 127) return this.#rankOfText(bytes, start, end);
    }
    for (let rank = 0; rank < this.#bytes.length; rank++)
      if (equalsLowerCase(this.#bytes[rank] as Uint8Array, bytes, from, to)) return rank;
    return this.#keys.length;
  }

  #rankOfText(bytes: Uint8Array, start: number, end: number): number {
    const text = jsonText(bytes, start - 1, end + 1);
    const rank = text === undefined ? -1 : this.#keys.indexOf(text.trim().toLowerCase());
    return rank < 0 ? this.#keys.length : rank;
  }

  /** Takes a value as the owner; false when it is none. */
  #take(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[start] as number;
    const quoted = first === QUOTE;
    if (!quoted && first !== 45 && (first < 48 || first > 57)) return false;
    let from = quoted ? start + 1 : start;
    let to = quoted ? end - 1 : end;
    if (quoted && !isPlain(bytes, from, to)) {
      const text = encoder.encode(jsonText(bytes, start, end)?.trim() ?? '');
      return this.#found(text, 0, text.length);
    }
    while (from < to && bytes[from] === 32) from++;
    while (from < to && bytes[to - 1] === 32) to--;
    return this.#found(bytes, from, to);
  }

  #found(source: Uint8Array, from: number, to: number): boolean {
    if (from === to) return false;
    this.source = source;
    this.from = from;
    this.to = to;
    return true;
  }
}

function skipBlanks(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === 32 || bytes[at] === 10 || bytes[at] === 13 || bytes[at] === 9))
    at++;
  return at;
}

/** Where the quote stands that ends the string whose inside begins at `start`; beyond `end` when there is none. */
function stringEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (bytes[at] === QUOTE) return at;
    if (bytes[at] === BACKSLASH) at++;
  }
  return end + 1;
}

/** Where a value ends; beyond `end` when it does not. */
function valueEnd(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === QUOTE) return stringEnd(bytes, start + 1, end) + 1;
  let depth = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) at = stringEnd(bytes, at + 1, end);
    else if (byte === OPEN || byte === 91) depth++;
    else if (depth === 0 && (byte === 44 || byte === CLOSE || byte <= 32)) return at;
    else if ((byte === CLOSE || byte === 93) && --depth === 0) return at + 1;
  }
  return end + 1;
}

/** Neither escapes nor anything beyond ASCII at its ends, where blanks of other alphabets could be. */
function isPlain(bytes: Uint8Array, from: number, to: number): boolean {
  if (from < to && ((bytes[from] as number) > 127 || (bytes[to - 1] as number) > 127)) return false;
  for (let i = from; i < to; i++) if (bytes[i] === BACKSLASH) return false;
  return true;
}

function equalsLowerCase(key: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (key.length !== to - from) return false;
  for (let i = 0; i < key.length; i++) {
    const byte = bytes[from + i] as number;
    if ((byte >= 65 && byte <= 90 ? byte + 32 : byte) !== key[i]) return false;
  }
  return true;
}

/** The JSON string in [start, end), quotes included; undefined when it is none. */
function jsonText(bytes: Uint8Array, start: number, end: number): string | undefined {
  try {
    const value: unknown = JSON.parse(decoder.decode(bytes.subarray(start, end)));
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}
