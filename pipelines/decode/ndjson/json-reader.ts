/**
 * JSON as bytes, so that numbers keep their text. Hot: plain fields, indexed loops, four bytes at a time in strings.
 * Positions are answered; INCOMPLETE says that the limit was reached first, INVALID that this is no JSON (see `error`).
 */
import type { Window } from '../window.ts';

/** Results that are not positions. */
export const INCOMPLETE = -1;
export const INVALID = -2;

const MAX_DEPTH = 256;
const ONES = 0x01010101;
const HIGHS = 0x80808080 | 0;
const QUOTES = 0x22222222;
const BACKSLASHES = 0x5c5c5c5c;
const BLANKS = 0x20202020;

const LF = 10;
const BLANK = 32;
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;
/** What may stand behind a backslash besides `u`: `"\/bfnrt`. */
const ESCAPABLE = new Set([34, 92, 47, 98, 102, 110, 114, 116]);
const LITERALS: ReadonlyMap<number, readonly number[]> = new Map(
  ['true', 'false', 'null'].map((word) => [word.charCodeAt(0), [...Buffer.from(word)]]),
);

/** Reads values of a window up to a limit. */
export class JsonReader {
  /** The limit: bytes from here on are not looked at. */
  limit = 0;
  /** After INVALID: what is wrong. */
  error = '';
  /** Whether the last string has escapes. */
  escaped = false;
  /** Whether there was white space since this was last set to false. */
  spaced = false;
  readonly #window: Window;

  constructor(window: Window) {
    this.#window = window;
  }

  /** The next byte that is not white space, at the latest the limit. */
  skipSpace(start: number): number {
    const { bytes } = this.#window;
    let at = start;
    while (at < this.limit) {
      const byte = bytes[at] as number;
      if (byte > BLANK || (byte !== BLANK && byte !== LF && byte !== 13 && byte !== 9)) break;
      at++;
    }
    if (at > start) this.spaced = true;
    return at;
  }

  /** The end of the value that begins at `at`. */
  value(at: number, depth = 0): number {
    if (at >= this.limit) return INCOMPLETE;
    const byte = this.#window.bytes[at] as number;
    if (byte === QUOTE) return this.string(at);
    if (byte === OPEN_BRACE) return this.#object(at, depth);
    if (byte === OPEN_BRACKET) return this.#array(at, depth);
    if (byte === MINUS || (byte >= ZERO && byte <= 57)) return this.#number(at);
    const literal = LITERALS.get(byte);
    return literal === undefined ? this.expected('a value', at) : this.#literal(literal, at);
  }

  /** The end of the string whose quote stands at `at`. */
  string(at: number): number {
    const { bytes, view } = this.#window;
    this.escaped = false;
    for (let next = at + 1; ; next++) {
      let hit = 0;
      for (; ; next += 4) {
        const word = view.getInt32(next, true);
        const quote = word ^ QUOTES;
        const backslash = word ^ BACKSLASHES;
        hit =
          (((quote - ONES) & ~quote) |
            ((backslash - ONES) & ~backslash) |
            ((word - BLANKS) & ~word)) &
          HIGHS;
        if (hit !== 0) break;
      }
      next += (31 - Math.clz32(hit & -hit)) >> 3;
      if (next >= this.limit) return INCOMPLETE;
      const byte = bytes[next];
      if (byte === QUOTE) return next + 1;
      if (byte !== BACKSLASH) return this.#invalid('a control character within a string', next);
      this.escaped = true;
      next = this.#escape(next + 1);
      if (next < 0) return next;
    }
  }

  /** The position of `byte`, which has to stand here. */
  expect(byte: number, at: number): number {
    if (at >= this.limit) return INCOMPLETE;
    if (this.#window.bytes[at] === byte) return at;
    return this.expected(`"${String.fromCharCode(byte)}"`, at);
  }

  /** INVALID, saying what should stand at `at`, or INCOMPLETE. */
  expected(what: string, at: number): number {
    const found = this.#window.text(at, at + 1);
    return this.#invalid(`expected ${what}, found ${JSON.stringify(found)}`, at);
  }

  #invalid(error: string, at: number): number {
    if (at >= this.limit) return INCOMPLETE;
    this.error = error;
    return INVALID;
  }

  /** The last byte of the escape behind a backslash. */
  #escape(at: number): number {
    const { bytes } = this.#window;
    if (at >= this.limit) return INCOMPLETE;
    const byte = bytes[at] as number;
    if (ESCAPABLE.has(byte)) return at;
    if (byte !== 117) return this.#invalid('an unknown escape within a string', at);
    for (let i = 1; i <= 4; i++)
      if (!isHex(bytes[at + i] as number))
        return this.#invalid('an unknown escape within a string', at + i);
    return at + 4;
  }

  #object(start: number, depth: number): number {
    if (depth === MAX_DEPTH) return this.#invalid(`nested deeper than ${MAX_DEPTH}`, start);
    let at = this.skipSpace(start + 1);
    if (this.#window.bytes[at] === CLOSE_BRACE && at < this.limit) return at + 1;
    for (;;) {
      at = this.#key(at);
      if (at >= 0) at = this.value(at, depth + 1);
      if (at < 0) return at;
      at = this.skipSpace(at);
      if (at >= this.limit) return INCOMPLETE;
      const byte = this.#window.bytes[at];
      if (byte === CLOSE_BRACE) return at + 1;
      if (byte !== COMMA) return this.expected('"," or "}"', at);
      at = this.skipSpace(at + 1);
    }
  }

  /** From a key to its value. */
  #key(start: number): number {
    let at = this.expect(QUOTE, start);
    if (at >= 0) at = this.string(at);
    if (at >= 0) at = this.expect(COLON, this.skipSpace(at));
    return at < 0 ? at : this.skipSpace(at + 1);
  }

  #array(start: number, depth: number): number {
    if (depth === MAX_DEPTH) return this.#invalid(`nested deeper than ${MAX_DEPTH}`, start);
    let at = this.skipSpace(start + 1);
    if (this.#window.bytes[at] === CLOSE_BRACKET && at < this.limit) return at + 1;
    for (;;) {
      at = this.value(at, depth + 1);
      if (at < 0) return at;
      at = this.skipSpace(at);
      if (at >= this.limit) return INCOMPLETE;
      const byte = this.#window.bytes[at];
      if (byte === CLOSE_BRACKET) return at + 1;
      if (byte !== COMMA) return this.expected('"," or "]"', at);
      at = this.skipSpace(at + 1);
    }
  }

  /** A number that reaches the limit may go on behind it. */
  #number(start: number): number {
    const { bytes } = this.#window;
    let at = bytes[start] === MINUS ? start + 1 : start;
    at = bytes[at] === ZERO ? at + 1 : this.#digits(at);
    if (at >= 0 && bytes[at] === DOT) at = this.#digits(at + 1);
    if (at >= 0 && ((bytes[at] as number) | 32) === 101) {
      const sign = bytes[at + 1];
      at = this.#digits(sign === MINUS || sign === 43 ? at + 2 : at + 1);
    }
    return at >= this.limit ? INCOMPLETE : at;
  }

  #digits(start: number): number {
    const { bytes } = this.#window;
    let at = start;
    while ((bytes[at] as number) >= ZERO && (bytes[at] as number) <= 57) at++;
    return at > start ? at : this.expected('a digit', at);
  }

  #literal(word: readonly number[], start: number): number {
    const { bytes } = this.#window;
    for (let i = 0; i < word.length; i++)
      if (bytes[start + i] !== word[i]) return this.expected('a value', start + i);
    return start + word.length;
  }
}

function isHex(byte: number): boolean {
  const letter = byte | 32;
  return (byte >= ZERO && byte <= 57) || (letter >= 97 && letter <= 102);
}
