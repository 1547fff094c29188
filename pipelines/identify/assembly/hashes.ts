/**
 * AssemblyScript, compiled to `../hashes-wasm.ts` by `npm run kernels`. Adds hashes to those of the rows, four 32-bit words each, four
 * rows at a time. All positions are bytes of the one memory.
 */

/** Adds to each row the four words that its code has in a table. */
export function addTable(hashes: usize, rows: usize, codes: usize, table: usize): void {
  const end = hashes + (rows << 4);
  for (; hashes < end; hashes += 16, codes += 4) {
    const from = table + ((<usize>load<u32>(codes)) << 4);
    v128.store(hashes, i32x4.add(v128.load(hashes), v128.load(from)));
  }
}

/**
 * Adds to each row the hash of the text that its code stands for: MurmurHash3 x86_128. `bytes`: where the byte 0 of the texts would be. A
 * text that starts after it ends is null. Without `codes` (0) row i has code i. Up to three bytes behind a text are read.
 */
export function addTexts(
  hashes: usize,
  rows: usize,
  codes: usize,
  starts: usize,
  ends: usize,
  bytes: usize,
  seed: usize,
): void {
  const seedA = load<i32>(seed);
  const seedB = load<i32>(seed, 4);
  const seedC = load<i32>(seed, 8);
  const seedD = load<i32>(seed, 12);
  for (let row: usize = 0; row < rows; row++, hashes += 16) {
    const code = codes == 0 ? row : <usize>load<u32>(codes + (row << 2));
    const start = load<u32>(starts + (code << 2));
    const stop = load<u32>(ends + (code << 2));
    if (start > stop) continue;
    const length = <i32>(stop - start);
    let at = bytes + start;
    const end = at + length;
    let a = seedA;
    let b = seedB;
    let c = seedC;
    let d = seedD;
    for (; at + 16 <= end; at += 16) {
      a = turned(a ^ mix(load<i32>(at), 0x239b961b, 15, 0xab0e9789), 19, b, 0x561ccd1b);
      b = turned(b ^ mix(load<i32>(at, 4), 0xab0e9789, 16, 0x38b34ae5), 17, c, 0x0bcaa747);
      c = turned(c ^ mix(load<i32>(at, 8), 0x38b34ae5, 17, 0xa1e38b93), 15, d, 0x96cd1c35);
      d = turned(d ^ mix(load<i32>(at, 12), 0xa1e38b93, 18, 0x239b961b), 13, a, 0x32ac3b17);
    }
    const rest = <i32>(end - at);
    if (rest > 0) a ^= mix(word(at, rest), 0x239b961b, 15, 0xab0e9789);
    if (rest > 4) b ^= mix(word(at + 4, rest - 4), 0xab0e9789, 16, 0x38b34ae5);
    if (rest > 8) c ^= mix(word(at + 8, rest - 8), 0x38b34ae5, 17, 0xa1e38b93);
    if (rest > 12) d ^= mix(word(at + 12, rest - 12), 0xa1e38b93, 18, 0x239b961b);
    addFinished(hashes, a ^ length, b ^ length, c ^ length, d ^ length);
  }
}

/** Where texts lie: writes the first byte, the end of the last one, and how many bytes they have. A text that starts after it ends is null. */
export function span(starts: usize, ends: usize, texts: u32, result: usize): void {
  let first = u32.MAX_VALUE;
  let last: u32 = 0;
  let bytes: u32 = 0;
  for (const all = starts + (<usize>texts << 2); starts < all; starts += 4, ends += 4) {
    const start = load<u32>(starts);
    const end = load<u32>(ends);
    if (start > end) continue;
    first = min(first, start);
    last = max(last, end);
    bytes += end - start;
  }
  store<u32>(result, first);
  store<u32>(result, last, 4);
  store<u32>(result, bytes, 8);
}

/** What amounts are made of, by code, as in `focus/amounts.ts`. */
const NULL: u32 = 0;
const LIMBS: u32 = 1;
const BIG: u32 = 2;

const BYTES: i32 = 16;

/**
 * Adds to each row the hash of the amount that its code stands for: MurmurHash3 x86_128 of sixteen bytes, eight of the integer part, then
 * four of each nine decimals. Rows whose amount is not in carried limbs are left out; their numbers go to `left`. Answers how many.
 */
export function addAmounts(
  hashes: usize,
  rows: usize,
  codes: usize,
  states: usize,
  whole: usize,
  nano: usize,
  atto: usize,
  seed: usize,
  left: usize,
): usize {
  const seedA = load<i32>(seed);
  const seedB = load<i32>(seed, 4);
  const seedC = load<i32>(seed, 8);
  const seedD = load<i32>(seed, 12);
  const a0 = i32x4.splat(seedA);
  const b0 = i32x4.splat(seedB);
  const c0 = i32x4.splat(seedC);
  const d0 = i32x4.splat(seedD);
  /** The second lane where the upper half of the integer part is 0. */
  const lane = i32x4.splat(turned(seedB, 17, seedC, 0x0bcaa747) ^ BYTES);
  const bytes = i32x4.splat(BYTES);
  const limit = i32x4.splat(1000000000);
  const first = left;
  let row: usize = 0;
  while (row < rows) {
    const at = codes + (row << 2);
    if (row + 4 <= rows) {
      const i = <usize>load<u32>(at);
      const j = <usize>load<u32>(at, 4);
      const k = <usize>load<u32>(at, 8);
      const l = <usize>load<u32>(at, 12);
      const p = <u32>load<u8>(states + i);
      const q = <u32>load<u8>(states + j);
      const r = <u32>load<u8>(states + k);
      const s = <u32>load<u8>(states + l);
      if ((p | q | r | s) == NULL) {
        row += 4;
        continue;
      }
      if (p == LIMBS && q == LIMBS && r == LIMBS && s == LIMBS) {
        const w01 = pair(whole, i, j);
        const w23 = pair(whole, k, l);
        const w = words(w01, w23);
        const n = words(pair(nano, i, j), pair(nano, k, l));
        const t = words(pair(atto, i, j), pair(atto, k, l));
        // Exact as 32-bit numbers, not negative, no limb with more than its digits.
        const isExact = v128.and(
          f64x2.eq(f64x2.convert_low_i32x4_s(w), w01),
          f64x2.eq(f64x2.convert_low_i32x4_s(i32x4.shuffle(w, w, 2, 3, 2, 3)), w23),
        );
        const isCarried = v128.and(i32x4.lt_s(n, limit), i32x4.lt_s(t, limit));
        const isNegative = i32x4.shr_s(v128.or(w, v128.or(n, t)), 31);
        if (i32x4.all_true(v128.andnot(v128.and(isExact, isCarried), isNegative))) {
          const turnedA = turnedAll(v128.xor(a0, mixed(w, 0x239b961b, 15, 0xab0e9789)), 19, b0, 0x561ccd1b);
          const turnedC = turnedAll(v128.xor(c0, mixed(n, 0x38b34ae5, 17, 0xa1e38b93)), 15, d0, 0x96cd1c35);
          const turnedD = turnedAll(v128.xor(d0, mixed(t, 0xa1e38b93, 18, 0x239b961b)), 13, turnedA, 0x32ac3b17);
          let b = lane;
          let c = v128.xor(turnedC, bytes);
          let d = v128.xor(turnedD, bytes);
          let a = i32x4.add(i32x4.add(v128.xor(turnedA, bytes), b), i32x4.add(c, d));
          b = finalAll(i32x4.add(b, a));
          c = finalAll(i32x4.add(c, a));
          d = finalAll(i32x4.add(d, a));
          a = i32x4.add(i32x4.add(finalAll(a), b), i32x4.add(c, d));
          addRows(hashes + (row << 4), a, i32x4.add(b, a), i32x4.add(c, a), i32x4.add(d, a));
          row += 4;
          continue;
        }
      }
    }
    // Up to the next four rows one by one.
    const end = min(row + 4, rows);
    for (; row < end; row++) {
      const code = <usize>load<u32>(codes + (row << 2));
      const state = <u32>load<u8>(states + code);
      if (state != LIMBS && state != BIG) continue;
      const w = load<f64>(whole + (code << 3));
      const n = load<f64>(nano + (code << 3));
      const t = load<f64>(atto + (code << 3));
      if (state == BIG || !areCarried(w, n, t)) {
        store<u32>(left, <u32>row);
        left += 4;
        continue;
      }
      const integer = <i64>w;
      const at = hashes + (row << 4);
      const turnedA = turned(seedA ^ mix(<i32>integer, 0x239b961b, 15, 0xab0e9789), 19, seedB, 0x561ccd1b);
      const b = turned(seedB ^ mix(<i32>(integer >> 32), 0xab0e9789, 16, 0x38b34ae5), 17, seedC, 0x0bcaa747) ^ BYTES;
      const c = turned(seedC ^ mix(<i32>n, 0x38b34ae5, 17, 0xa1e38b93), 15, seedD, 0x96cd1c35) ^ BYTES;
      const d = turned(seedD ^ mix(<i32>t, 0xa1e38b93, 18, 0x239b961b), 13, turnedA, 0x32ac3b17) ^ BYTES;
      addFinished(at, turnedA ^ BYTES, b, c, d);
    }
  }
  return (left - first) >> 2;
}

/** The only way to write an amount in limbs: all of one sign, none with more than its digits. */
@inline
function areCarried(whole: f64, nano: f64, atto: f64): bool {
  if (abs(nano) >= 1e9 || abs(atto) >= 1e9) return false;
  return (whole >= 0 && nano >= 0 && atto >= 0) || (whole <= 0 && nano <= 0 && atto <= 0);
}

@inline
function pair(doubles: usize, i: usize, j: usize): v128 {
  return v128.load64_lane(doubles + (j << 3), v128.load64_zero(doubles + (i << 3)), 1);
}

/** Four doubles as 32-bit numbers; those that are too large as the largest. */
@inline
function words(first: v128, second: v128): v128 {
  return i32x4.shuffle(i32x4.trunc_sat_f64x2_s_zero(first), i32x4.trunc_sat_f64x2_s_zero(second), 0, 1, 4, 5);
}

@inline
function mixed(words: v128, before: i32, bits: i32, after: i32): v128 {
  return i32x4.mul(rotated(i32x4.mul(words, i32x4.splat(before)), bits), i32x4.splat(after));
}

@inline
function turnedAll(lane: v128, bits: i32, neighbour: v128, constant: i32): v128 {
  const sum = i32x4.add(rotated(lane, bits), neighbour);
  return i32x4.add(i32x4.add(i32x4.shl(sum, 2), sum), i32x4.splat(constant));
}

@inline
function rotated(words: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(words, bits), i32x4.shr_u(words, 32 - bits));
}

@inline
function finalAll(lane: v128): v128 {
  let mixed = v128.xor(lane, i32x4.shr_u(lane, 16));
  mixed = i32x4.mul(mixed, i32x4.splat(0x85ebca6b));
  mixed = v128.xor(mixed, i32x4.shr_u(mixed, 13));
  mixed = i32x4.mul(mixed, i32x4.splat(0xc2b2ae35));
  return v128.xor(mixed, i32x4.shr_u(mixed, 16));
}

/** Adds one word of each of four rows, then the next. */
@inline
function addRows(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = i32x4.shuffle(a, b, 0, 4, 1, 5);
  const cd = i32x4.shuffle(c, d, 0, 4, 1, 5);
  const moreAb = i32x4.shuffle(a, b, 2, 6, 3, 7);
  const moreCd = i32x4.shuffle(c, d, 2, 6, 3, 7);
  v128.store(at, i32x4.add(v128.load(at), i64x2.shuffle(ab, cd, 0, 2)));
  v128.store(at, i32x4.add(v128.load(at, 16), i64x2.shuffle(ab, cd, 1, 3)), 16);
  v128.store(at, i32x4.add(v128.load(at, 32), i64x2.shuffle(moreAb, moreCd, 0, 2)), 32);
  v128.store(at, i32x4.add(v128.load(at, 48), i64x2.shuffle(moreAb, moreCd, 1, 3)), 48);
}

/** Up to four bytes, then zeros. */
@inline
function word(at: usize, bytes: i32): i32 {
  const all = load<i32>(at);
  return bytes >= 4 ? all : all & ((1 << (bytes << 3)) - 1);
}

/** Adds the four lanes of a row that took in their words and the length. */
@inline
function addFinished(at: usize, a: i32, b: i32, c: i32, d: i32): void {
  a += b + c + d;
  b = final(b + a);
  c = final(c + a);
  d = final(d + a);
  a = final(a) + b + c + d;
  v128.store(at, i32x4.add(v128.load(at), lanes(a, b + a, c + a, d + a)));
}

@inline
function lanes(a: i32, b: i32, c: i32, d: i32): v128 {
  return i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d);
}

@inline
function mix(word: i32, before: i32, bits: i32, after: i32): i32 {
  return rotl(word * before, bits) * after;
}

@inline
function turned(lane: i32, bits: i32, neighbour: i32, constant: i32): i32 {
  return (rotl(lane, bits) + neighbour) * 5 + constant;
}

@inline
function final(lane: i32): i32 {
  let mixed = lane ^ (<i32>((<u32>lane) >> 16));
  mixed *= 0x85ebca6b;
  mixed ^= <i32>((<u32>mixed) >> 13);
  mixed *= 0xc2b2ae35;
  return mixed ^ (<i32>((<u32>mixed) >> 16));
}
