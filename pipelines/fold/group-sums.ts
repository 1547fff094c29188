/**
 * Exact sums of several amount columns per group: three limbs each in one Float64Array, carried before they could lose a
 * digit. Hot: one loop per column.
 */
import { AMOUNT, limbsToDecimal } from '../focus/amounts.ts';
import type { AmountColumn } from '../focus/batch.ts';
import { add, type Decimal, formatDecimal, ZERO } from '../focus/decimal.ts';

/** Additions of less than 1e9 that a limb takes between carries (2^53 / 1e9, with room). */
const CARRY_EVERY = 4_000_000;
/** Whole limbs beyond this are settled at once: the next addend may have 15 digits. */
const FULL = 4e15;

/** Sums by group and column. */
export class GroupSums {
  readonly #columns: number;
  #limbs: Float64Array;
  /** What does not fit into limbs, by group * columns + column. */
  readonly #settled = new Map<number, Decimal>();
  #pending = 0;

  constructor(columns: number) {
    this.#columns = columns;
    this.#limbs = new Float64Array(columns * 3 * 128);
  }

  /** To be called before rows are added: `groups` exist now, at most `rows` rows will be added to each column. */
  prepare(groups: number, rows: number): void {
    const needed = groups * this.#columns * 3;
    if (needed > this.#limbs.length) {
      const larger = new Float64Array(Math.max(needed, this.#limbs.length * 2));
      larger.set(this.#limbs);
      this.#limbs = larger;
    }
    this.#pending += rows;
    if (this.#pending > CARRY_EVERY) this.#carry(rows);
  }

  /** Adds the rows of a column to their groups; null and invalid entries count as nothing. */
  add(column: number, { codes, values }: AmountColumn, groupOf: Uint32Array, rows: number): void {
    const { state, whole, nano, atto } = values;
    if (values.size === 1 && isNothing(values.state[0], whole[0], nano[0], atto[0])) return;
    const limbs = this.#limbs;
    const stride = this.#columns * 3;
    const offset = column * 3;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      const kind = state[code] as number;
      if (kind === AMOUNT.limbs) {
        const at = (groupOf[row] as number) * stride + offset;
        const sum = (limbs[at] as number) + (whole[code] as number);
        limbs[at] = sum;
        limbs[at + 1] = (limbs[at + 1] as number) + (nano[code] as number);
        limbs[at + 2] = (limbs[at + 2] as number) + (atto[code] as number);
        if (sum > FULL || sum < -FULL) this.#settle(at / 3);
      } else if (kind === AMOUNT.big)
        this.#put((groupOf[row] as number) * this.#columns + column, values.decimal(code) ?? ZERO);
    }
  }

  /** The exact sum as canonical text. */
  text(group: number, column: number): string {
    const cell = group * this.#columns + column;
    const whole = this.#limbs[cell * 3] as number;
    const nano = this.#limbs[cell * 3 + 1] as number;
    const atto = this.#limbs[cell * 3 + 2] as number;
    const settled = this.#settled.get(cell);
    if (settled !== undefined)
      return formatDecimal(add(limbsToDecimal(whole, nano, atto), settled));
    return limbsText(whole, nano, atto);
  }

  #settle(cell: number): void {
    const limbs = this.#limbs;
    const at = cell * 3;
    this.#put(
      cell,
      limbsToDecimal(limbs[at] as number, limbs[at + 1] as number, limbs[at + 2] as number),
    );
    limbs.fill(0, at, at + 3);
  }

  #put(cell: number, value: Decimal): void {
    this.#settled.set(cell, add(this.#settled.get(cell) ?? ZERO, value));
  }

  #carry(rows: number): void {
    const limbs = this.#limbs;
    for (let at = 0; at < limbs.length; at += 3) {
      const toNano = Math.trunc((limbs[at + 2] as number) / 1e9);
      const nano = (limbs[at + 1] as number) + toNano;
      const toWhole = Math.trunc(nano / 1e9);
      limbs[at + 2] = (limbs[at + 2] as number) - toNano * 1e9;
      limbs[at + 1] = nano - toWhole * 1e9;
      limbs[at] = (limbs[at] as number) + toWhole;
    }
    this.#pending = rows;
  }
}

function isNothing(state: number | undefined, ...limbs: readonly (number | undefined)[]): boolean {
  return state === AMOUNT.null || (state === AMOUNT.limbs && limbs.every((limb) => limb === 0));
}

/** Canonical text of limbs that may be unnormalised and of different signs; without BigInt. */
function limbsText(whole: number, nano: number, atto: number): string {
  const toNano = Math.floor(atto / 1e9);
  const toWhole = Math.floor((nano + toNano) / 1e9);
  const places = [atto - toNano * 1e9, nano + toNano - toWhole * 1e9] as const;
  const integer = whole + toWhole;
  if (integer >= 0) return placesText(integer, places[1], places[0]);
  const borrow = places[0] > 0 ? 1 : 0;
  const carry = places[1] + borrow > 0 ? 1 : 0;
  const text = placesText(
    -integer - carry,
    carry * 1e9 - places[1] - borrow,
    borrow * 1e9 - places[0],
  );
  return `-${text}`;
}

/** Text of limbs of 0 to 1e9 that are not negative. */
function placesText(whole: number, nano: number, atto: number): string {
  if (nano === 0 && atto === 0) return String(whole);
  const places = String(nano).padStart(9, '0') + (atto === 0 ? '' : String(atto).padStart(9, '0'));
  let end = places.length;
  while (places.charCodeAt(end - 1) === 48) end--;
  return `${whole}.${places.slice(0, end)}`;
}
