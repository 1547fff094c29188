/**
 * Exact decimals: an integer of any size and a number of decimal places. For the few values that are
 * looked at one by one (reports, ledgers, totals); the hot path sums limbs (`Amounts`).
 */

/** `digits * 10^-scale`; `scale` is never negative. Two equal values may have different scales. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/** Zero. */
export const ZERO: Decimal = { digits: 0n, scale: 0 };

/** Cells of more decimal places are refused: no bill has them, and they would fill the memory. */
const MAX_PLACES = 400;

/** Cells of more digits before the point are refused: a double, which charts need, ends at 309. */
const MAX_WHOLE = 300;

/** Sums and products have more digits than cells, never as many as this. */
const MAX_SUM = 10_000;

const PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/;

/** Reads a cell: `-12.50`, `.5`, `1e-7`, `+3.`; undefined when the text is not such a number or has absurdly many digits. */
export function parseDecimal(text: string): Decimal | undefined {
  return readDecimal(text, { whole: MAX_WHOLE, places: MAX_PLACES });
}

function readDecimal(
  text: string,
  most: { readonly whole: number; readonly places: number },
): Decimal | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', fraction = '', exponent = '0'] = match;
  if (whole === '' && fraction === '') return undefined;
  const shift = fraction.length - Number(exponent);
  if (shift > most.places || whole.length + Math.max(0, Number(exponent)) > most.whole)
    return undefined;
  const magnitude = BigInt(whole + fraction);
  const digits = sign === '-' ? -magnitude : magnitude;
  return shift >= 0
    ? { digits, scale: shift }
    : { digits: digits * 10n ** BigInt(-shift), scale: 0 };
}

/** Reads a number that is known to be well formed, such as a sum of cells, which may be longer than they; throws `RangeError` otherwise. */
export function decimal(text: string): Decimal {
  const value = readDecimal(text, { whole: MAX_SUM, places: MAX_SUM });
  if (value === undefined) throw new RangeError(`not a decimal number: ${text.slice(0, 80)}`);
  return value;
}

/** Canonical text: no exponent, no trailing zeros, `0` for zero. */
export function formatDecimal(value: Decimal): string {
  const negative = value.digits < 0n;
  const digits = String(negative ? -value.digits : value.digits).padStart(value.scale + 1, '0');
  const point = digits.length - value.scale;
  const fraction = digits.slice(point).replace(/0+$/, '');
  const text = fraction === '' ? digits.slice(0, point) : `${digits.slice(0, point)}.${fraction}`;
  return negative && value.digits !== 0n ? `-${text}` : text;
}

/** a + b, exactly. */
export function add(a: Decimal, b: Decimal): Decimal {
  if (a.scale === b.scale) return { digits: a.digits + b.digits, scale: a.scale };
  const scale = Math.max(a.scale, b.scale);
  return { digits: rescaled(a, scale) + rescaled(b, scale), scale };
}

/** -a. */
export function negate(a: Decimal): Decimal {
  return { digits: -a.digits, scale: a.scale };
}

/** a - b, exactly. */
export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, negate(b));
}

/** a * b, exactly. */
export function multiply(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

/** a / b to `places` decimal places, half away from zero; undefined when b is zero. */
export function divide(a: Decimal, b: Decimal, places = 24): Decimal | undefined {
  if (b.digits === 0n) return undefined;
  const numerator = a.digits * 10n ** BigInt(Math.max(0, places + b.scale - a.scale) + 1);
  const scale = Math.max(places, a.scale - b.scale) + 1;
  return roundDecimal({ digits: numerator / b.digits, scale }, places);
}

/** Rounded to `places` decimal places, half away from zero. */
export function roundDecimal(value: Decimal, places: number): Decimal {
  if (value.scale <= places) return value;
  const unit = 10n ** BigInt(value.scale - places);
  const half = value.digits < 0n ? -unit / 2n : unit / 2n;
  return { digits: (value.digits + half) / unit, scale: places };
}

/** Negative, zero or positive like a - b. */
export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const difference = rescaled(a, scale) - rescaled(b, scale);
  return difference === 0n ? 0 : difference < 0n ? -1 : 1;
}

/** Whether the value is exactly zero. */
export function isZero(value: Decimal): boolean {
  return value.digits === 0n;
}

/** The nearest double; the one conversion to a float, for what is shown in charts. */
export function toNumber(value: Decimal): number {
  return Number(formatDecimal(value));
}

/** Exact sum of many. */
export function sum(values: Iterable<Decimal>): Decimal {
  let total = ZERO;
  for (const value of values) total = add(total, value);
  return total;
}

function rescaled(value: Decimal, scale: number): bigint {
  return value.scale === scale ? value.digits : value.digits * 10n ** BigInt(scale - value.scale);
}
