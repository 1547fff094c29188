/** Doubles as the decimals they stand for. Hot: the shortest text of a double goes digit by digit into limbs. */
import { AMOUNT, type Amounts } from '../../focus/amounts.ts';
import type { Values } from './stores.ts';

const POWERS = Float64Array.from({ length: 19 }, (_, power) => 10 ** power);

/** Appends the decimal that a double stands for, like `Amounts.addNumber`, but fast for long ones too. */
export function appendDouble(into: Amounts, value: number): number {
  const scaled = Math.round(value * 1e12);
  if (scaled < 1e15 && scaled > -1e15 && scaled / 1e12 === value)
    return appendShort(into, value, scaled);
  if (!Number.isFinite(value)) return into.addNumber(value);
  if (value < 1 && value > -1) {
    const code = appendFraction(into, value);
    if (code >= 0) return code;
  }
  const text = String(value);
  const code = into.grow();
  if (setLimbs(into, code, text)) {
    into.double[code] = value;
    return code;
  }
  into.size = code;
  return into.addNumber(value);
}

/** The values of a page, one behind the other and aligned. */
let doubles = new Float64Array(4096);

/** Appends all of the doubles by `appendDouble`, whose first case it has within its loop; their codes go to `out` from `from` on. */
export function appendDoubles(into: Amounts, values: Values, out: Uint32Array, from: number): void {
  const { count } = values;
  into.reserve(into.size + count);
  align(values);
  const { state, whole, nano, atto, double } = into;
  let code = into.size;
  for (let i = 0; i < count; i++) {
    const value = doubles[i] as number;
    const scaled = Math.round(value * 1e12);
    if (!(scaled < 1e15 && scaled > -1e15 && scaled / 1e12 === value)) {
      into.size = code;
      out[from + i] = appendDouble(into, value);
      code = into.size;
      continue;
    }
    const integer = Math.trunc(value);
    const rest = scaled - integer * 1e12;
    // Exact, as |rest| < 10^12: the quotients next to an integer are further from it than the product can be wrong.
    const billionths = Math.trunc(rest * 1e-3);
    state[code] = AMOUNT.limbs;
    whole[code] = integer + 0;
    nano[code] = billionths + 0;
    atto[code] = (rest - billionths * 1e3) * 1e6;
    double[code] = value + 0;
    out[from + i] = code++;
  }
  into.size = code;
}

/** Copies doubles, which stand in a page without gaps and in the order of bytes that processors have, to `doubles`. */
function align({ bytes, starts, count }: Values): void {
  if (count > doubles.length) doubles = new Float64Array(count);
  const first = starts[0] as number;
  new Uint8Array(doubles.buffer).set(bytes.subarray(first, first + count * 8));
}

/** Appends `scaled * 10^-12`, at most 15 digits: `value` is the double nearest to it. */
function appendShort(into: Amounts, value: number, scaled: number): number {
  const code = into.grow();
  const whole = Math.trunc(scaled / 1e12);
  const rest = scaled - whole * 1e12;
  const nano = Math.trunc(rest / 1e3);
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = whole + 0;
  into.nano[code] = nano + 0;
  into.atto[code] = (rest - nano * 1e3) * 1e6;
  into.double[code] = value + 0;
  return code;
}

/** Like `appendShort`, for values below 1 of up to 15 digits that reach further behind the point; -1: it has more. */
function appendFraction(into: Amounts, value: number): number {
  const scaled = Math.round(value * 1e15);
  if (scaled / 1e15 === value) {
    const nano = Math.trunc(scaled / 1e6);
    return appendPlaces(into, value, { nano, atto: (scaled - nano * 1e6) * 1e3 });
  }
  const atto = Math.round(value * 1e18);
  if (atto >= 1e15 || atto <= -1e15 || atto / 1e18 !== value) return -1;
  const nano = Math.trunc(atto / 1e9);
  return appendPlaces(into, value, { nano, atto: atto - nano * 1e9 });
}

function appendPlaces(
  into: Amounts,
  value: number,
  { nano, atto }: { readonly nano: number; readonly atto: number },
): number {
  const code = into.grow();
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = 0;
  into.nano[code] = nano + 0;
  into.atto[code] = atto + 0;
  into.double[code] = value;
  return code;
}

/** Sets entry `code` to a number as JavaScript writes it; false: it does not fit into limbs. */
function setLimbs(into: Amounts, code: number, text: string): boolean {
  const exponentAt = text.indexOf('e');
  const end = exponentAt < 0 ? text.length : exponentAt;
  const pointAt = text.indexOf('.');
  const first = text.charCodeAt(0) === 45 ? 1 : 0;
  const exponent = exponentAt < 0 ? 0 : Number(text.slice(exponentAt + 1));
  /** Power of ten of the next digit. */
  let power = (pointAt < 0 ? end : pointAt) - first - 1 + exponent;
  if (power > 14) return false;
  let whole = 0;
  let nano = 0;
  let atto = 0;
  for (let at = first; at < end; at++) {
    if (at === pointAt) continue;
    const digit = text.charCodeAt(at) - 48;
    if (power >= 0) whole = whole * 10 + digit;
    else if (power >= -9) nano = nano * 10 + digit;
    else if (power >= -18) atto = atto * 10 + digit;
    else return false;
    power--;
  }
  const last = power + 1;
  if (last > 0) whole *= POWERS[last] as number;
  else if (last >= -9) nano *= POWERS[9 + last] as number;
  else atto *= POWERS[18 + last] as number;
  into.state[code] = AMOUNT.limbs;
  into.whole[code] = first === 1 ? -whole : whole;
  into.nano[code] = first === 1 ? -nano : nano;
  into.atto[code] = first === 1 ? -atto : atto;
  return true;
}
