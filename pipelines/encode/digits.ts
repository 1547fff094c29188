/** Numbers as ASCII digits. Hot: integer arithmetic, no strings. */
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import type { Bytes } from './bytes.ts';

/** Most bytes that `writeInteger` writes. */
export const INTEGER_BYTES = 16;

/** Writes an integer of 0 to 2^53 from `at`; answers where it ends. */
export function writeInteger(buffer: Uint8Array, at: number, value: number): number {
  if (value >= 1e9) {
    const high = Math.floor(value / 1e9);
    return writePadded(buffer, writeInteger(buffer, at, high), value - high * 1e9);
  }
  let digits = 1;
  for (let limit = 10; value >= limit; limit *= 10) digits++;
  let rest = value | 0;
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    buffer[i] = 48 + rest - tenth * 10;
    rest = tenth;
  }
  return at + digits;
}

/** Appends an amount's canonical text (no exponent, no trailing zeros); nothing when it is null or invalid. */
export function appendAmount(out: Bytes, amounts: Amounts, code: number): void {
  const whole = amounts.whole[code] as number;
  const nano = amounts.nano[code] as number;
  const atto = amounts.atto[code] as number;
  const negative = whole < 0 || nano < 0 || atto < 0;
  if (amounts.state[code] !== AMOUNT.limbs || (negative && (whole > 0 || nano > 0 || atto > 0))) {
    const text = amounts.text(code);
    if (text !== undefined) out.text(text);
    return;
  }
  out.reserve(40);
  if (negative) out.byte(45);
  out.length = writeInteger(out.buffer, out.length, Math.abs(whole));
  if (nano === 0 && atto === 0) return;
  out.byte(46);
  let end = writePadded(out.buffer, out.length, Math.abs(nano));
  if (atto !== 0) end = writePadded(out.buffer, end, Math.abs(atto));
  while (out.buffer[end - 1] === 48) end--;
  out.length = end;
}

function writePadded(buffer: Uint8Array, at: number, value: number): number {
  let rest = value | 0;
  for (let i = at + 8; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    buffer[i] = 48 + rest - tenth * 10;
    rest = tenth;
  }
  return at + 9;
}
