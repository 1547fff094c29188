/**
 * Distinct texts of a column as bytes in one arena. Hot: plain fields, indexed loops, no objects per entry.
 */

import { grown, release } from './grown.ts';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Bytes that may be read past the end of an entry (copies run in steps of eight). */
export const SLACK = 8;

/**
 * Entries are numbered from 0; entry 0 is what a null cell of the source maps to and is null in a source column.
 * Every entry is null or valid UTF-8. A dictionary only grows; entries never change.
 */
export class Dictionary {
  /** UTF-8 of the entries, with SLACK readable bytes behind the last. */
  arena: Uint8Array<ArrayBuffer>;
  /** The same bytes. */
  view: DataView;
  /** First byte of each entry; a null entry starts after it ends. */
  starts: Uint32Array<ArrayBuffer>;
  /** Byte after the last of each entry. */
  ends: Uint32Array<ArrayBuffer>;
  /** Number of entries, null included. */
  size = 0;
  /** Bytes used in the arena. */
  used = 0;
  /** True: lives for one batch, an entry per row; nothing should be remembered by entry. */
  readonly transient: boolean;
  readonly #strings: (string | undefined)[] = [];
  /** Hash and code + 1 of each entry by turns, 0 where free; probed linearly. */
  #slots: Int32Array<ArrayBuffer> | undefined;

  constructor(
    options: {
      readonly transient?: boolean;
      readonly entries?: number;
      readonly bytes?: number;
    } = {},
  ) {
    const entries = options.entries ?? 16;
    this.transient = options.transient ?? false;
    this.arena = new Uint8Array((options.bytes ?? 256) + SLACK);
    this.view = new DataView(this.arena.buffer);
    this.starts = new Uint32Array(entries);
    this.ends = new Uint32Array(entries);
  }

  /** A dictionary of given texts in the given order, entry 0 null. */
  static of(texts: Iterable<string | undefined>): Dictionary {
    const dictionary = new Dictionary();
    dictionary.add(undefined);
    for (const text of texts) dictionary.add(text);
    return dictionary;
  }

  /** Appends an entry without looking for an equal one; answers its code. */
  add(text: string | undefined): number {
    const code = this.#grow();
    if (text === undefined) {
      this.starts[code] = 1;
      this.ends[code] = 0;
      return code;
    }
    this.reserve(text.length * 3);
    const end = writeShort(this.arena, this.used, text);
    this.#close(code, end < 0 ? this.#encoded(text) : end - this.used);
    if (!this.transient) this.#strings[code] = text;
    return code;
  }

  /** Appends the bytes [start, end) of `source` as an entry without looking for an equal one; answers its code. */
  addBytes(source: Uint8Array, start: number, end: number): number {
    const code = this.#grow();
    const length = end - start;
    this.reserve(length);
    if (length > 32) this.arena.set(source.subarray(start, end), this.used);
    else for (let i = 0; i < length; i++) this.arena[this.used + i] = source[start + i] as number;
    return this.#close(code, length);
  }

  /** Appends an entry of another dictionary without looking for an equal one; answers its code. */
  addEntry({ arena, starts, ends }: Dictionary, entry: number): number {
    const start = starts[entry] as number;
    const end = ends[entry] as number;
    return start > end ? this.add(undefined) : this.addBytes(arena, start, end);
  }

  /** Like `addBytes`, from a buffer with SLACK readable bytes behind `end`. */
  addWords(source: DataView, start: number, end: number): number {
    const code = this.#grow();
    const length = end - start;
    this.reserve(length);
    if (length > 256) this.arena.set(bytesOf(source, start, length), this.used);
    else {
      const { view, used } = this;
      for (let i = 0; i < length; i += 8)
        view.setBigInt64(used + i, source.getBigInt64(start + i, true), true);
    }
    return this.#close(code, length);
  }

  /** Appends entries that stand one behind the other in `texts`; `ends` are those of a dictionary with the same entries. */
  append(texts: Uint8Array, ends: Uint32Array): void {
    const { size, used } = this;
    const entries = size + ends.length;
    this.reserve(texts.length);
    this.arena.set(texts, used);
    this.used = used + texts.length;
    if (entries > this.starts.length) {
      this.starts = grown(this.starts, Math.max(entries, size * 2));
      this.ends = grown(this.ends, Math.max(entries, size * 2));
    }
    this.starts[size] = used;
    this.starts.set(ends.subarray(0, -1), size + 1);
    this.ends.set(ends, size);
    this.size = entries;
  }

  /** The code of an equal entry, or of a new one. Only what came this way is found again, not what was added. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    const slots = this.#roomySlots();
    const mask = slots.length - 2;
    const length = end - start;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const stored = slots[slot + 1] as number;
      if (stored === 0) {
        const code = this.addBytes(source, start, end);
        slots[slot] = hash;
        slots[slot + 1] = code + 1;
        return code;
      }
      if (slots[slot] !== hash) continue;
      const from = this.starts[stored - 1] as number;
      if (
        (this.ends[stored - 1] as number) - from === length &&
        equalBytes(this.arena, from, source, start, length)
      )
        return stored - 1;
    }
  }

  /** Like `intern`, given `hashWords` of the bytes, from a buffer with SLACK readable bytes behind `end`. */
  internWords(source: DataView, start: number, end: number, hash: number): number {
    const slots = this.#roomySlots();
    const mask = slots.length - 2;
    const length = end - start;
    for (let slot = (hash << 1) & mask; ; slot = (slot + 2) & mask) {
      const stored = slots[slot + 1] as number;
      if (stored === 0) {
        const code = this.addWords(source, start, end);
        slots[slot] = hash;
        slots[slot + 1] = code + 1;
        return code;
      }
      if (slots[slot] !== hash) continue;
      const from = this.starts[stored - 1] as number;
      if (
        (this.ends[stored - 1] as number) - from === length &&
        equalWords(this.view, from, source, start, length)
      )
        return stored - 1;
    }
  }

  /** Lets the entries from `first` on be found again that were added; of equal ones the first. */
  index(first: number): void {
    const slots = this.#roomySlots();
    const { view, starts, ends } = this;
    for (let code = first; code < this.size; code++) {
      if (this.isNull(code)) continue;
      const hash = hashWords(view, starts[code] as number, ends[code] as number);
      place(slots, hash, code + 1);
    }
  }

  /**
   * Looks at the places in the table of the first `count` hashes, whatever it finds: `internWords` finds them in the
   * processor's cache then, and the misses of one do not wait for those of another.
   */
  touch(hashes: Int32Array, count: number): number {
    const slots = this.#roomySlots();
    const mask = slots.length - 2;
    let seen = 0;
    for (let i = 0; i < count; i++) seen |= slots[((hashes[i] as number) << 1) & mask] as number;
    return seen;
  }

  /** Makes room for `bytes` more bytes in the arena. */
  reserve(bytes: number): void {
    const needed = this.used + bytes + SLACK;
    if (needed <= this.arena.length) return;
    this.arena = grown(this.arena, Math.max(needed, this.arena.length * 2));
    this.view = new DataView(this.arena.buffer);
  }

  /** Makes room for `entries` more entries of `bytes` bytes that are interned, so that it need not grow step by step. */
  expect(entries: number, bytes: number): void {
    const size = this.size + entries;
    this.reserve(bytes);
    if (size > this.starts.length) {
      this.starts = grown(this.starts, size);
      this.ends = grown(this.ends, size);
    }
    if (size * 3 > (this.#slots?.length ?? 0)) this.#rehash(size);
  }

  /** Whether the entry is null. */
  isNull(code: number): boolean {
    return (this.starts[code] as number) > (this.ends[code] as number);
  }

  /** The entry as a string; undefined when it is null. */
  text(code: number): string | undefined {
    const known = this.#strings[code];
    if (known !== undefined) return known;
    const start = this.starts[code] as number;
    const end = this.ends[code] as number;
    if (start > end) return undefined;
    const text = decoder.decode(this.arena.subarray(start, end));
    if (!this.transient) this.#strings[code] = text;
    return text;
  }

  /** Empties a transient dictionary so that its memory serves the next batch. */
  clear(): void {
    this.size = 0;
    this.used = 0;
    this.#strings.length = 0;
    this.#slots = undefined;
  }

  #grow(): number {
    const code = this.size++;
    if (code >= this.starts.length) {
      this.starts = grown(this.starts, code * 2);
      this.ends = grown(this.ends, code * 2);
    }
    return code;
  }

  /** Writes the text behind the last entry; answers its bytes. */
  #encoded(text: string): number {
    return encoder.encodeInto(text, this.arena.subarray(this.used)).written;
  }

  /** Ends the entry `code`, whose bytes lie at the end of the arena. */
  #close(code: number, length: number): number {
    this.starts[code] = this.used;
    this.used += length;
    this.ends[code] = this.used;
    return code;
  }

  /** The table, at most two thirds full after one more entry. */
  #roomySlots(): Int32Array<ArrayBuffer> {
    const slots = this.#slots;
    return slots === undefined || this.size * 3 > slots.length
      ? this.#rehash((this.size * 4) / 3)
      : slots;
  }

  /** A table in which so many entries take two thirds at most. */
  #rehash(entries: number): Int32Array<ArrayBuffer> {
    const slots = new Int32Array(2 * Math.max(64, powerOfTwo(entries * 1.5)));
    const known = this.#slots ?? new Int32Array(0);
    for (let at = 0; at < known.length; at += 2)
      if (known[at + 1] !== 0) place(slots, known[at] as number, known[at + 1] as number);
    release(known);
    this.#slots = slots;
    return slots;
  }
}

/** Longer texts are left to the encoder. */
const SHORT = 96;

/** Writes a short ASCII text from `at`; answers where it ends, -1 when it is another. */
function writeShort(arena: Uint8Array, at: number, text: string): number {
  const { length } = text;
  if (length > SHORT) return -1;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return -1;
    arena[at + i] = unit;
  }
  return at + length;
}

function place(slots: Int32Array, hash: number, stored: number): void {
  const mask = slots.length - 2;
  let slot = (hash << 1) & mask;
  while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
  slots[slot] = hash;
  slots[slot + 1] = stored;
}

/** What a hash starts from; then `mixWord` takes in four bytes at a time (the last ones padded with zeros), `finishHash` ends it. */
const HASH_SEED = 0x2f0b4c47;

/** Takes four bytes, read in little-endian order, into a hash. */
function mixWord(hash: number, word: number): number {
  return Math.imul(((hash << 5) | (hash >>> 27)) ^ word, 0x27220a95);
}

/** The hash of `length` bytes once all are mixed in, as a signed 32-bit integer. */
function finishHash(hash: number, length: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 15) ^ length, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

/** A 32-bit hash of the bytes [start, end). */
export function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = HASH_SEED;
  let at = start;
  for (; at + 4 <= end; at += 4)
    hash = mixWord(
      hash,
      (source[at] as number) |
        ((source[at + 1] as number) << 8) |
        ((source[at + 2] as number) << 16) |
        ((source[at + 3] as number) << 24),
    );
  let tail = 0;
  for (let shift = 0; at + shift < end; shift++)
    tail |= (source[at + shift] as number) << (shift * 8);
  return finishHash(at < end ? mixWord(hash, tail) : hash, end - start);
}

/** The same hash, from a buffer with SLACK readable bytes behind `end`. */
export function hashWords(source: DataView, start: number, end: number): number {
  let hash = HASH_SEED;
  let at = start;
  for (; at + 4 <= end; at += 4) hash = mixWord(hash, source.getInt32(at, true));
  if (at < end)
    hash = mixWord(hash, source.getInt32(at, true) & (0xffffffff >>> (8 * (4 - end + at))));
  return finishHash(hash, end - start);
}

/** Compares in words; the last one masked. */
function equalWords(
  a: DataView,
  from: number,
  b: DataView,
  start: number,
  length: number,
): boolean {
  let at = 0;
  for (; at + 4 <= length; at += 4)
    if (a.getInt32(from + at, true) !== b.getInt32(start + at, true)) return false;
  if (at === length) return true;
  const rest = 0xffffffff >>> (8 * (4 - length + at));
  return ((a.getInt32(from + at, true) ^ b.getInt32(start + at, true)) & rest) === 0;
}

function equalBytes(
  a: Uint8Array,
  from: number,
  b: Uint8Array,
  start: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[from + i] !== b[start + i]) return false;
  return true;
}

function bytesOf(source: DataView, start: number, length: number): Uint8Array {
  return new Uint8Array(source.buffer, source.byteOffset + start, length);
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}
