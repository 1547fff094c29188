/**
 * Distinct texts of a column as bytes in one arena. Hot: plain fields, indexed loops, no objects per entry.
 */

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Bytes that may be read past the end of an entry (copies run in steps of eight). */
export const SLACK = 8;

/**
 * Entries are numbered from 0; entry 0 is what a null cell of the source maps to and is null in a source column.
 * Every entry is null or valid UTF-8. A dictionary only grows; entries never change.
 */
export class Dictionary {
  /** UTF-8 of the entries, with SLACK readable bytes behind the last. */
  arena: Uint8Array;
  /** First byte of each entry; a null entry starts after it ends. */
  starts: Uint32Array;
  /** Byte after the last of each entry. */
  ends: Uint32Array;
  /** Number of entries, null included. */
  size = 0;
  /** Bytes used in the arena. */
  used = 0;
  /** True: lives for one batch, an entry per row; nothing should be remembered by entry. */
  readonly transient: boolean;
  readonly #strings: (string | undefined)[] = [];
  #index: Uint32Array | undefined;
  #hashes: Uint32Array | undefined;

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
    const { written } = encoder.encodeInto(text, this.arena.subarray(this.used));
    this.starts[code] = this.used;
    this.used += written;
    this.ends[code] = this.used;
    if (!this.transient) this.#strings[code] = text;
    return code;
  }

  /** Appends the bytes [start, end) of `source` as an entry without looking for an equal one; answers its code. */
  addBytes(source: Uint8Array, start: number, end: number): number {
    const code = this.#grow();
    this.reserve(end - start);
    this.arena.set(source.subarray(start, end), this.used);
    this.starts[code] = this.used;
    this.used += end - start;
    this.ends[code] = this.used;
    return code;
  }

  /** The code of an equal entry, or of a new one. A dictionary is filled either by `intern` or by `add`/`addBytes`, entry 0 aside. */
  intern(source: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(source, start, end);
    let index = this.#index;
    let hashes = this.#hashes;
    if (index === undefined || hashes === undefined || this.size * 2 > index.length) {
      this.#rehash();
      index = this.#index as unknown as Uint32Array;
      hashes = this.#hashes as unknown as Uint32Array;
    }
    const mask = index.length - 1;
    const length = end - start;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const stored = index[slot] as number;
      if (stored === 0) {
        const code = this.addBytes(source, start, end);
        index[slot] = code + 1;
        hashes[slot] = hash;
        return code;
      }
      const code = stored - 1;
      const from = this.starts[code] as number;
      if (
        hashes[slot] === hash &&
        (this.ends[code] as number) - from === length &&
        equalBytes(this.arena, from, source, start, length)
      )
        return code;
    }
  }

  /** Makes room for `bytes` more bytes in the arena. */
  reserve(bytes: number): void {
    const needed = this.used + bytes + SLACK;
    if (needed <= this.arena.length) return;
    const arena = new Uint8Array(Math.max(needed, this.arena.length * 2));
    arena.set(this.arena.subarray(0, this.used));
    this.arena = arena;
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
    this.#index = undefined;
    this.#hashes = undefined;
  }

  #grow(): number {
    const code = this.size++;
    if (code >= this.starts.length) {
      this.starts = larger(this.starts);
      this.ends = larger(this.ends);
    }
    return code;
  }

  #rehash(): void {
    const length = Math.max(64, powerOfTwo(this.size * 4));
    const index = new Uint32Array(length);
    const hashes = new Uint32Array(length);
    for (let code = 0; code < this.size; code++) {
      if (this.isNull(code)) continue;
      const hash = hashBytes(this.arena, this.starts[code] as number, this.ends[code] as number);
      let slot = hash & (length - 1);
      while (index[slot] !== 0) slot = (slot + 1) & (length - 1);
      index[slot] = code + 1;
      hashes[slot] = hash;
    }
    this.#index = index;
    this.#hashes = hashes;
  }
}

/** A 32-bit hash of the bytes [start, end). */
export function hashBytes(source: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 ^ (end - start);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word =
      (source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (source[at] as number), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
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

function larger(array: Uint32Array): Uint32Array {
  const copy = new Uint32Array(array.length * 2);
  copy.set(array);
  return copy;
}

function powerOfTwo(atLeast: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, atLeast)));
}
