/**
 * Hashes of amounts: those of sixteen bytes, the integer part in eight of them, then the first nine decimals, then the next nine.
 * Hot: one loop in which nothing is called that V8 does not put into it.
 */
import { AMOUNT, type Amounts, decimalLimbs } from '../focus/amounts.ts';
import { formatDecimal } from '../focus/decimal.ts';
import { addHash, HASH_SLACK } from './hash-bytes.ts';
import { finalMix, first, fourth, second, third, turned } from './murmur.ts';

const BYTES = 16;

/**
 * Adds to the four words from `4 * i` the hash of the amount with the code `codes[i]`, for all i of [from, to). Equal amounts hash
 * equal, however they were written; what is null or invalid adds nothing.
 */
export function addAmountHashes(
  into: Int32Array,
  amounts: Amounts,
  seed: Int32Array,
  codes: Uint32Array,
  from: number,
  to: number,
): void {
  const { state, whole, nano, atto } = amounts;
  const seedA = seed[0] as number;
  const seedB = seed[1] as number;
  const seedC = seed[2] as number;
  const seedD = seed[3] as number;
  for (let i = from; i < to; i++) {
    const code = codes[i] as number;
    const kind = state[code];
    if (kind === AMOUNT.null || kind === AMOUNT.invalid) continue;
    const w = whole[code] as number;
    const n = nano[code] as number;
    const t = atto[code] as number;
    const isPositive = w >= 0 && n >= 0 && t >= 0 && n < 1e9 && t < 1e9;
    if (kind !== AMOUNT.limbs || !(isPositive || isCarried(w, n, t))) {
      addUncarried(into, i, amounts, code, seed);
      continue;
    }
    const laneA = turned(seedA ^ first(w | 0), 19, seedB, 0x561ccd1b);
    const laneB = turned(seedB ^ second(Math.floor(w / 4294967296) | 0), 17, seedC, 0x0bcaa747);
    const laneC = turned(seedC ^ third(n | 0), 15, seedD, 0x96cd1c35);
    const laneD = turned(seedD ^ fourth(t | 0), 13, laneA, 0x32ac3b17);
    let b = laneB ^ BYTES;
    let c = laneC ^ BYTES;
    let d = laneD ^ BYTES;
    let a = ((laneA ^ BYTES) + b + c + d) | 0;
    b = finalMix((b + a) | 0);
    c = finalMix((c + a) | 0);
    d = finalMix((d + a) | 0);
    a = (finalMix(a) + b + c + d) | 0;
    const at = i * 4;
    into[at] = (into[at] as number) + a;
    into[at + 1] = (into[at + 1] as number) + b + a;
    into[at + 2] = (into[at + 2] as number) + c + a;
    into[at + 3] = (into[at + 3] as number) + d + a;
  }
}

/** All limbs have the same sign and none more than its digits: the only such way to write the amount. */
function isCarried(whole: number, nano: number, atto: number): boolean {
  if (Math.abs(nano) >= 1e9 || Math.abs(atto) >= 1e9) return false;
  const isNegative = whole < 0 || nano < 0 || atto < 0;
  return !isNegative || (whole <= 0 && nano <= 0 && atto <= 0);
}

/** The amount as it would be with limbs that are carried; one that is too long for them (`big`) by its text. */
function addUncarried(
  into: Int32Array,
  i: number,
  amounts: Amounts,
  code: number,
  seed: Int32Array,
): void {
  const value = amounts.decimal(code);
  if (value === undefined) return;
  const limbs = amounts.state[code] === AMOUNT.big ? undefined : decimalLimbs(value);
  if (limbs === undefined) addDigits(into, i * 4, formatDecimal(value), seed);
  else addLimbs(into, i * 4, limbs, seed);
}

/** A value as bytes. */
let scratch = new DataView(new ArrayBuffer(64));

/** The hash of a text of digits. */
function addDigits(into: Int32Array, at: number, text: string, seed: Int32Array): void {
  const { length } = text;
  if (scratch.byteLength < length + HASH_SLACK)
    scratch = new DataView(new ArrayBuffer(length * 2 + HASH_SLACK));
  for (let i = 0; i < length; i++) scratch.setUint8(i, text.charCodeAt(i));
  addHash(into, at, scratch, 0, length, seed);
}

function addLimbs(
  into: Int32Array,
  at: number,
  [whole, nano, atto]: readonly [number, number, number],
  seed: Int32Array,
): void {
  scratch.setBigInt64(0, BigInt(whole), true);
  scratch.setInt32(8, nano, true);
  scratch.setInt32(12, atto, true);
  addHash(into, at, scratch, 0, BYTES, seed);
}
