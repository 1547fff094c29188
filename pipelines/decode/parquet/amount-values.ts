/** Numbers as Parquet stores them, made exact amounts. Hot: plain arithmetic, no allocation for common values. */
import type { SchemaElement } from 'hyparquet';
import { AMOUNT, type Amounts } from '../../focus/amounts.ts';
import { appendDouble } from './double-values.ts';

/** Appends the value that stands at `start` to `into`; answers its code. */
export type AppendAmount = (into: Amounts, view: DataView, start: number, end: number) => number;

/** Below this, the arithmetic on unscaled values is exact. */
const EXACT = 2 ** 52;
const MAX_SCALE = 400;
const MAX_DECIMAL_BYTES = 64;
const POWERS = Float64Array.from({ length: 19 }, (_, power) => 10 ** power);

/** How values of a numeric column become amounts; undefined when the column holds no numbers. */
export function amountAppender(element: SchemaElement): AppendAmount | undefined {
  const scale = decimalScale(element);
  const unsigned = isUnsigned(element);
  switch (element.type) {
    case 'INT32':
      return unsigned
        ? (into, view, start) => appendUnscaled(into, view.getUint32(start, true), scale ?? 0)
        : (into, view, start) => appendUnscaled(into, view.getInt32(start, true), scale ?? 0);
    case 'INT64':
      return (into, view, start) => appendInt64(into, view, start, { scale: scale ?? 0, unsigned });
    case 'FLOAT':
      return (into, view, start) => appendDouble(into, shortestFloat(view.getFloat32(start, true)));
    case 'DOUBLE':
      return (into, view, start) => appendDouble(into, view.getFloat64(start, true));
    case 'FIXED_LEN_BYTE_ARRAY':
      if (element.logical_type?.type === 'FLOAT16')
        return (into, view, start) => into.addNumber(halfFloat(view.getUint16(start, true)));
      break;
  }
  if (scale === undefined) return undefined;
  return (into, view, start, end) => appendBigEndian(into, view, { start, end, scale });
}

/** Decimal places of a decimal column; throws when they are absurd. */
function decimalScale(element: SchemaElement): number | undefined {
  const logical = element.logical_type;
  const scale =
    logical?.type === 'DECIMAL'
      ? logical.scale
      : element.converted_type === 'DECIMAL'
        ? (element.scale ?? 0)
        : undefined;
  if (scale !== undefined && !(scale >= 0 && scale <= MAX_SCALE))
    throw new Error(`decimals with ${scale} places`);
  return scale;
}

function isUnsigned(element: SchemaElement): boolean {
  const logical = element.logical_type;
  return (
    element.converted_type?.startsWith('UINT_') === true ||
    (logical?.type === 'INTEGER' && !logical.isSigned)
  );
}

/** Appends `value * 10^-scale`, where `value` is an integer. */
function appendUnscaled(into: Amounts, value: number, scale: number): number {
  const magnitude = Math.abs(value);
  if (scale > 18 || magnitude >= EXACT || (scale === 0 && magnitude >= 1e15))
    return into.addDecimal({ digits: BigInt(value), scale });
  const code = into.addNull();
  const power = POWERS[scale] as number;
  const whole = Math.floor(magnitude / power);
  const rest = magnitude - whole * power;
  let nano: number;
  let atto = 0;
  if (scale <= 9) nano = rest * (POWERS[9 - scale] as number);
  else {
    const unit = POWERS[scale - 9] as number;
    nano = Math.floor(rest / unit);
    atto = (rest - nano * unit) * (POWERS[18 - scale] as number);
  }
  const sign = value < 0 ? -1 : 1;
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = whole * sign;
  into.nano[code] = nano * sign;
  into.atto[code] = atto * sign;
  into.double[code] = value / power;
  return code;
}

function appendInt64(
  into: Amounts,
  view: DataView,
  start: number,
  of: { readonly scale: number; readonly unsigned: boolean },
): number {
  const high = of.unsigned ? view.getUint32(start + 4, true) : view.getInt32(start + 4, true);
  const value = high * 4294967296 + view.getUint32(start, true);
  if (value < EXACT && value > -EXACT) return appendUnscaled(into, value, of.scale);
  const digits = of.unsigned ? view.getBigUint64(start, true) : view.getBigInt64(start, true);
  return into.addDecimal({ digits, scale: of.scale });
}

const text = new Uint8Array(MAX_DECIMAL_BYTES * 3 + MAX_SCALE + 4);
const words = new Float64Array(MAX_DECIMAL_BYTES / 2);

/** Appends a big-endian two's complement integer `* 10^-scale`. */
function appendBigEndian(
  into: Amounts,
  view: DataView,
  of: { readonly start: number; readonly end: number; readonly scale: number },
): number {
  const length = of.end - of.start;
  if (length > MAX_DECIMAL_BYTES) throw new Error(`a decimal of ${length} bytes`);
  if (length === 0) return appendUnscaled(into, 0, of.scale);
  const negative = view.getInt8(of.start) < 0;
  const used = readMagnitude(view, of.start, of.end, negative);
  if (used <= 3) {
    let value = 0;
    for (let i = 0; i < used; i++) value = value * 65536 + (words[i] as number);
    return appendUnscaled(into, negative ? -value : value, of.scale);
  }
  return writeText(into, used, of.scale, negative);
}

/** Fills `words` with the magnitude, 16 bits each, most significant first, without leading zeros; answers how many. */
function readMagnitude(view: DataView, start: number, end: number, negative: boolean): number {
  const fill = negative ? 0xff : 0;
  const flip = negative ? 0xffff : 0;
  let used = 0;
  let at = start;
  const odd = (end - start) & 1;
  for (; at < end; ) {
    const first = at === start && odd === 1;
    const word = first ? (fill << 8) | view.getUint8(at) : view.getUint16(at, false);
    at += first ? 1 : 2;
    const magnitude = word ^ flip;
    if (used > 0 || magnitude !== 0) words[used++] = magnitude;
  }
  return negative ? increment(used) : used;
}

/** Adds one to the `used` words; answers how many there are then. */
function increment(used: number): number {
  for (let i = used - 1; i >= 0; i--) {
    if ((words[i] as number) < 0xffff) {
      words[i] = (words[i] as number) + 1;
      return used;
    }
    words[i] = 0;
  }
  words.copyWithin(1, 0, used);
  words[0] = 1;
  return used + 1;
}

/** Writes the `used` words as decimal text and appends that; the words are consumed. */
function writeText(into: Amounts, used: number, scale: number, negative: boolean): number {
  let at = text.length;
  let places = 0;
  let first = 0;
  while (first < used || places <= scale) {
    let rest = divideWords(first, used);
    while (first < used && words[first] === 0) first++;
    for (let i = 0; i < 9 && (first < used || rest > 0 || places <= scale); i++) {
      if (places === scale && scale > 0) text[--at] = 46;
      const digit = rest % 10;
      text[--at] = 48 + digit;
      rest = (rest - digit) / 10;
      places++;
    }
  }
  if (negative) text[--at] = 45;
  return into.addBytes(text, at, text.length);
}

/** Divides the words [first, used) by 10^9 in place; answers the remainder. */
function divideWords(first: number, used: number): number {
  let rest = 0;
  for (let i = first; i < used; i++) {
    const value = rest * 65536 + (words[i] as number);
    const quotient = Math.floor(value / 1e9);
    words[i] = quotient;
    rest = value - quotient * 1e9;
  }
  return rest;
}

/** The double whose shortest text is that of the float. */
function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return Number(value.toPrecision(9));
}

function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * 2 ** -14 * (fraction / 1024);
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
