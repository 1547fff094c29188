/** 128 bits of hash of some bytes: MurmurHash3 x86_128 (Austin Appleby, public domain). Hot: plain integers. */

/** Readable bytes that there must be behind the last one. */
export const HASH_SLACK = 4;

/** Adds the hash of the bytes [start, end) to the four words from `at`, each modulo 2^32. */
export function addHash(
  into: Int32Array,
  at: number,
  {
    view,
    start,
    end,
    seed,
  }: {
    readonly view: DataView;
    readonly start: number;
    readonly end: number;
    readonly seed: Int32Array;
  },
): void {
  let a = seed[0] as number;
  let b = seed[1] as number;
  let c = seed[2] as number;
  let d = seed[3] as number;
  let i = start;
  for (; i + 16 <= end; i += 16) {
    a = turned(a ^ first(view.getInt32(i, true)), 19, b, 0x561ccd1b);
    b = turned(b ^ second(view.getInt32(i + 4, true)), 17, c, 0x0bcaa747);
    c = turned(c ^ third(view.getInt32(i + 8, true)), 15, d, 0x96cd1c35);
    d = turned(d ^ fourth(view.getInt32(i + 12, true)), 13, a, 0x32ac3b17);
  }
  if (i < end) a ^= first(wordAt(view, i, end));
  if (i + 4 < end) b ^= second(wordAt(view, i + 4, end));
  if (i + 8 < end) c ^= third(wordAt(view, i + 8, end));
  if (i + 12 < end) d ^= fourth(wordAt(view, i + 12, end));
  finish(into, at, { a, b, c, d, length: end - start });
}

/** Adds the hash of sixteen bytes, given as four little-endian words. */
export function addWordsHash(
  into: Int32Array,
  at: number,
  words: {
    readonly a: number;
    readonly b: number;
    readonly c: number;
    readonly d: number;
    readonly seed: Int32Array;
  },
): void {
  const { seed } = words;
  const b = seed[1] as number;
  const c = seed[2] as number;
  const d = seed[3] as number;
  const a = turned((seed[0] as number) ^ first(words.a), 19, b, 0x561ccd1b);
  const mixedB = turned(b ^ second(words.b), 17, c, 0x0bcaa747);
  const mixedC = turned(c ^ third(words.c), 15, d, 0x96cd1c35);
  const mixedD = turned(d ^ fourth(words.d), 13, a, 0x32ac3b17);
  finish(into, at, { a, b: mixedB, c: mixedC, d: mixedD, length: 16 });
}

/** Mixes the four lanes and adds them up. */
function finish(
  into: Int32Array,
  at: number,
  lanes: {
    readonly a: number;
    readonly b: number;
    readonly c: number;
    readonly d: number;
    readonly length: number;
  },
): void {
  const { length } = lanes;
  let b = lanes.b ^ length;
  let c = lanes.c ^ length;
  let d = lanes.d ^ length;
  let a = ((lanes.a ^ length) + b + c + d) | 0;
  b = final(b + a);
  c = final(c + a);
  d = final(d + a);
  a = (final(a) + b + c + d) | 0;
  into[at] = (into[at] as number) + a;
  into[at + 1] = (into[at + 1] as number) + b + a;
  into[at + 2] = (into[at + 2] as number) + c + a;
  into[at + 3] = (into[at + 3] as number) + d + a;
}

/** Up to four bytes from `i`, zeros behind `end`. */
function wordAt(view: DataView, i: number, end: number): number {
  const word = view.getInt32(i, true);
  const bytes = end - i;
  return bytes >= 4 ? word : word & ((1 << (bytes << 3)) - 1);
}

function first(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0x239b961b), 15), 0xab0e9789);
}

function second(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0xab0e9789), 16), 0x38b34ae5);
}

function third(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0x38b34ae5), 17), 0xa1e38b93);
}

function fourth(word: number): number {
  return Math.imul(rotated(Math.imul(word, 0xa1e38b93), 18), 0x239b961b);
}

function turned(hash: number, bits: number, neighbour: number, constant: number): number {
  return (Math.imul((rotated(hash, bits) + neighbour) | 0, 5) + constant) | 0;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function final(hash: number): number {
  let mixed = hash ^ (hash >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
