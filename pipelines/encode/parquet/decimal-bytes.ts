/** Exact amounts as 16 bytes: a big-endian integer of 10^-24 or 10^-18. Hot: limbs go in by multiplying words of 16 bits. */
import { AMOUNT, type Amounts } from '../../focus/amounts.ts';
import { type Decimal, roundDecimal } from '../../focus/decimal.ts';

/** Digits of amounts in all. */
export const PRECISION = 38;

/** Decimal places: 24 for costs and prices; 18 for quantities, which may be byte-seconds of a month: 20 digits before the point. */
export type Places = 24 | 18;

/** How many decimal places an amount column has. */
export function placesOf(column: string): Places {
  return column.endsWith('Quantity') ? 18 : 24;
}

const MOST = 10n ** BigInt(PRECISION);
const words = new Float64Array(8);

/** Writes entry `code`, which is a number. `rounded`: it had more places; `too large`: it has more digits before the point than are left. */
export function writeDecimal(
  amounts: Amounts,
  code: number,
  to: DataView,
  places: Places,
): 'exact' | 'rounded' | 'too large' {
  if (amounts.state[code] !== AMOUNT.limbs)
    return writeBig(amounts.decimal(code) ?? { digits: 0n, scale: 0 }, to, places);
  const whole = amounts.whole[code] as number;
  const nano = amounts.nano[code] as number;
  const atto = amounts.atto[code] as number;
  if (Math.abs(whole) >= 10 ** (PRECISION - places)) return 'too large';
  const negative = whole < 0 || nano < 0 || atto < 0;
  load(Math.abs(whole));
  multiplyAdd(1e9, Math.abs(nano));
  multiplyAdd(1e9, Math.abs(atto));
  if (places === 24) multiplyAdd(1e6, 0);
  store(to, negative);
  return 'exact';
}

function writeBig(value: Decimal, to: DataView, places: Places): 'exact' | 'rounded' | 'too large' {
  const rounded = roundDecimal(value, places);
  const digits = rounded.digits * 10n ** BigInt(places - rounded.scale);
  if (digits >= MOST || digits <= -MOST) return 'too large';
  to.setBigInt64(0, digits >> 64n);
  to.setBigUint64(8, BigInt.asUintN(64, digits));
  const unit = 10n ** BigInt(Math.max(0, value.scale - places));
  return value.digits % unit === 0n ? 'exact' : 'rounded';
}

/** `words` = value, least significant first. */
function load(value: number): void {
  let rest = value;
  for (let i = 0; i < 8; i++) {
    const next = Math.floor(rest / 65536);
    words[i] = rest - next * 65536;
    rest = next;
  }
}

/** `words` = words * factor + term. */
function multiplyAdd(factor: number, term: number): void {
  let carry = term;
  for (let i = 0; i < 8; i++) {
    const value = (words[i] as number) * factor + carry;
    carry = Math.floor(value / 65536);
    words[i] = value - carry * 65536;
  }
}

/** Writes `words`, negated in two's complement if asked for. */
function store(to: DataView, negative: boolean): void {
  let carry = 1;
  for (let i = 0; i < 8; i++) {
    let word = words[i] as number;
    if (negative) {
      word = 0xffff - word + carry;
      carry = word > 0xffff ? 1 : 0;
    }
    to.setUint16(14 - i * 2, word & 0xffff);
  }
}
