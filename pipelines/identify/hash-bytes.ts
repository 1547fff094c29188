/**
 * 128 bits of hash of some bytes. Hot: plain integers, and plain arguments, as an object for them would be garbage with every value. What
 * would be one call too many for V8 to put in its place is written out.
 */
import { finalMix, first, fourth, second, third } from './murmur.ts';

/** Readable bytes that there must be behind the last one. */
export const HASH_SLACK = 4;

/** Adds the hash of the bytes [start, end) to the four words from `at`, each modulo 2^32. */
export function addHash(
  into: Int32Array,
  at: number,
  view: DataView,
  start: number,
  end: number,
  seed: Int32Array,
): void {
  let a = seed[0] as number;
  let b = seed[1] as number;
  let c = seed[2] as number;
  let d = seed[3] as number;
  let i = start;
  for (; i + 16 <= end; i += 16) {
    a ^= first(view.getInt32(i, true));
    a = (Math.imul((((a << 19) | (a >>> 13)) + b) | 0, 5) + 0x561ccd1b) | 0;
    b ^= second(view.getInt32(i + 4, true));
    b = (Math.imul((((b << 17) | (b >>> 15)) + c) | 0, 5) + 0x0bcaa747) | 0;
    c ^= third(view.getInt32(i + 8, true));
    c = (Math.imul((((c << 15) | (c >>> 17)) + d) | 0, 5) + 0x96cd1c35) | 0;
    d ^= fourth(view.getInt32(i + 12, true));
    d = (Math.imul((((d << 13) | (d >>> 19)) + a) | 0, 5) + 0x32ac3b17) | 0;
  }
  if (i < end) {
    a ^= first(wordAt(view, i, end));
    if (i + 4 < end) b ^= second(wordAt(view, i + 4, end));
    if (i + 8 < end) c ^= third(wordAt(view, i + 8, end));
    if (i + 12 < end) d ^= fourth(wordAt(view, i + 12, end));
  }
  const length = end - start;
  b ^= length;
  c ^= length;
  d ^= length;
  a = ((a ^ length) + b + c + d) | 0;
  b = finalMix((b + a) | 0);
  c = finalMix((c + a) | 0);
  d = finalMix((d + a) | 0);
  a = (finalMix(a) + b + c + d) | 0;
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
