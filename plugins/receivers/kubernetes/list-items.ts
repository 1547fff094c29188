/**
 * Takes the answer to a list apart while it comes: each item is parsed by itself and forgotten before the next, so that a page is never in memory
 * as a whole. Hot: a loop over bytes that leaps from quote to quote.
 */
import { Unavailable } from '../../../pipelines/plugin/index.ts';
import { type JsonObject, parseObject } from '../../kit/json.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);

/** Depth of what stands in the list `items` of the outermost object. */
const IN_ITEMS = 2;
/** An item may be that large, and what is not an item. */
const MOST_BYTES = 16 * 1024 * 1024;

/** The items of a list as they come; the rest of the answer, with its `items` empty, is what the generator returns. Throws `Unavailable` when it is no JSON object. */
export async function* itemsOf(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<JsonObject, JsonObject> {
  const scan = new Scan();
  for await (const piece of body) yield* scan.items(piece);
  return scan.rest();
}

class Scan {
  #depth = 0;
  #inString = false;
  /** The piece before ended with a backslash that was not escaped itself. */
  #escaped = false;
  /** In the list `items`. */
  #inItems = false;
  /** Bytes of the item that has begun. */
  #item: Uint8Array[] | undefined;
  #itemBytes = 0;
  readonly #rest: Uint8Array[] = [];
  #restBytes = 0;
  /** Of a text at depth 1: the key, when a colon follows it. */
  #text: Uint8Array[] = [];

  *items(piece: Uint8Array): Generator<JsonObject> {
    let from = 0;
    let at = 0;
    /** What was read since `from` belongs to the item, or to the rest. */
    const take = (to: number): void => {
      if (to > from) this.#take(piece.subarray(from, to));
      from = to;
    };
    while (at < piece.length) {
      if (this.#inString) {
        at = this.#stringEnd(piece, at);
        continue;
      }
      const byte = piece[at] as number;
      at += 1;
      if (byte === QUOTE) {
        this.#inString = true;
        if (this.#depth === 1) this.#text = [];
      } else if (OPEN.has(byte)) {
        if (this.#inItems && this.#depth === IN_ITEMS) {
          take(at - 1);
          this.#item = [];
          this.#itemBytes = 0;
        }
        this.#depth += 1;
        if (this.#depth === IN_ITEMS && byte === 0x5b) this.#inItems = this.#isKey('items');
      } else if (CLOSE.has(byte)) {
        this.#depth -= 1;
        if (this.#inItems && this.#depth === IN_ITEMS) {
          take(at);
          yield this.#parsed();
        } else if (this.#depth < IN_ITEMS) this.#inItems = false;
      } else if (byte === COMMA && this.#inItems && this.#depth === IN_ITEMS) {
        take(at - 1);
        from = at;
      }
    }
    take(piece.length);
  }

  rest(): JsonObject {
    const rest = parseObject(Buffer.concat(this.#rest));
    if (this.#depth !== 0 || this.#item !== undefined || rest === undefined)
      throw new Unavailable('the answer is no JSON object');
    return rest;
  }

  /** The place behind the quote that ends a text, or the end of the piece. */
  #stringEnd(piece: Uint8Array, start: number): number {
    let at = start;
    if (this.#escaped) {
      this.#escaped = false;
      at += 1;
    }
    for (;;) {
      const quote = piece.indexOf(QUOTE, at);
      const end = quote === -1 ? piece.length : quote;
      let slashes = 0;
      while (end - slashes > at && piece[end - slashes - 1] === BACKSLASH) slashes += 1;
      const isEscaped = slashes % 2 === 1;
      if (quote === -1) this.#escaped = isEscaped;
      if (quote !== -1 && isEscaped) {
        at = quote + 1;
        continue;
      }
      if (this.#depth === 1) this.#text.push(piece.slice(start, end));
      if (quote === -1) return piece.length;
      this.#inString = false;
      return quote + 1;
    }
  }

  #isKey(name: string): boolean {
    return Buffer.concat(this.#text).toString() === name;
  }

  #take(bytes: Uint8Array): void {
    const isItem = this.#item !== undefined;
    const size = (isItem ? this.#itemBytes : this.#restBytes) + bytes.length;
    if (size > MOST_BYTES) throw new Unavailable('a part of the answer has no end');
    if (this.#item !== undefined) {
      this.#item.push(bytes);
      this.#itemBytes = size;
    } else {
      this.#rest.push(bytes.slice());
      this.#restBytes = size;
    }
  }

  #parsed(): JsonObject {
    const [first, ...more] = this.#item ?? [];
    this.#item = undefined;
    const item = parseObject(
      more.length === 0 && first
        ? first
        : Buffer.concat([first, ...more].filter((one) => one !== undefined)),
    );
    if (item === undefined) throw new Unavailable('an item of the answer is no JSON object');
    return item;
  }
}
