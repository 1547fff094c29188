/**
 * Exact sums of several amount columns per group: three limbs each as doubles, carried before they could lose a digit. The loop over
 * rows is WebAssembly; the one here is for columns with far more entries than rows.
 */
import { AMOUNT, limbsToDecimal } from '../focus/amounts.ts';
import type { AmountColumn } from '../focus/batch.ts';
import { add, type Decimal, formatDecimal, ZERO } from '../focus/decimal.ts';
import { returnSumKernel, takeSumKernel } from './sum-kernel.ts';

/** Additions of less than 1e9 that a limb takes between carries (2^53 / 1e9, with room). */
const CARRY_EVERY = 4_000_000;
/** So many times the rows a column has entries are copied to be added up. */
const MOST_ENTRIES = 2;
/** Whole limbs beyond this are settled at once: the next addend may have 15 digits. */
const FULL = 4e15;

/** Sums as plain data, by cell: group * columns + column. */
export interface PlainSums {
  /** Three limbs a cell: whole, nano, atto; none of the last two reaches 1e9. */
  readonly limbs: Float64Array<ArrayBuffer>;
  /** What of a cell does not fit into its limbs. */
  readonly settled: ReadonlyMap<number, Decimal>;
}

/** Sums by group and column. */
export class GroupSums {
  readonly #columns: number;
  readonly #kernel = takeSumKernel();
  /** What does not fit into limbs, by group * columns + column. */
  readonly #settled = new Map<number, Decimal>();
  #pending = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** To be called before rows are added: `groups` exist now, at most `rows` rows will be added to each column. */
  prepare(groups: number, rows: number): void {
    this.#kernel.limbs(groups * this.#columns * 3);
    this.#pending += rows;
    if (this.#pending > CARRY_EVERY) this.#carry(rows);
  }

  /** Adds the rows of a column to their groups; null and invalid entries count as nothing. */
  add(column: number, amounts: AmountColumn, groupOf: Uint32Array, rows: number): void {
    const { values } = amounts;
    const { state, whole, nano, atto } = values;
    if (values.size === 1 && isNothing(state[0], whole[0], nano[0], atto[0])) return;
    if (values.size > rows * MOST_ENTRIES) this.#addRows(column, amounts, groupOf, rows);
    else {
      const [offset, stride] = [column * 3, this.#columns * 3];
      this.#kernel.add({ column: amounts, groupOf, rows, offset, stride, full: FULL }, (row) =>
        this.#stopped((groupOf[row] as number) * this.#columns + column, amounts, row),
      );
    }
  }

  /** The same in JavaScript. */
  #addRows(column: number, amounts: AmountColumn, groupOf: Uint32Array, rows: number): void {
    const { codes, values } = amounts;
    const { state, whole, nano, atto } = values;
    const limbs = this.#limbs;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      const cell = (groupOf[row] as number) * this.#columns + column;
      const at = cell * 3;
      if (state[code] === AMOUNT.limbs) {
        const sum = (limbs[at] as number) + (whole[code] as number);
        limbs[at] = sum;
        limbs[at + 1] = (limbs[at + 1] as number) + (nano[code] as number);
        limbs[at + 2] = (limbs[at + 2] as number) + (atto[code] as number);
        if (sum > FULL || sum < -FULL) this.#settle(cell);
      } else if (state[code] === AMOUNT.big) this.#stopped(cell, amounts, row);
    }
  }

  /** After a row whose amount is not in limbs, or that filled a sum. */
  #stopped(cell: number, { codes, values }: AmountColumn, row: number): void {
    const code = codes[row] as number;
    if (values.state[code] === AMOUNT.big) this.#put(cell, values.decimal(code) ?? ZERO);
    else this.#settle(cell);
  }

  /** Adds sums of the same columns: group `i` of theirs to group `groupOf[i]`; `groups` exist now. */
  merge({ limbs: theirs, settled }: PlainSums, groupOf: Uint32Array, groups: number): void {
    this.prepare(groups, groupOf.length);
    const limbs = this.#limbs;
    const stride = this.#columns * 3;
    for (let group = 0; group < groupOf.length; group++) {
      const from = group * stride;
      const into = (groupOf[group] as number) * stride;
      for (let i = 0; i < stride; i += 3) {
        const at = into + i;
        const whole = (limbs[at] as number) + (theirs[from + i] as number);
        limbs[at] = whole;
        limbs[at + 1] = (limbs[at + 1] as number) + (theirs[from + i + 1] as number);
        limbs[at + 2] = (limbs[at + 2] as number) + (theirs[from + i + 2] as number);
        if (whole > FULL || whole < -FULL) this.#settle(at / 3);
      }
    }
    for (const [cell, more] of settled) {
      const group = Math.floor(cell / this.#columns);
      this.#put((groupOf[group] as number) * this.#columns + (cell % this.#columns), more);
    }
  }

  /** The sums of the first `groups` groups; shares no memory with these. */
  plain(groups: number): PlainSums {
    this.prepare(groups, 0);
    this.#carry(0);
    return {
      limbs: this.#limbs.slice(0, groups * this.#columns * 3),
      settled: new Map(this.#settled),
    };
  }

  /** The exact sum as canonical text. */
  text(group: number, column: number): string {
    return sumText({ limbs: this.#limbs, settled: this.#settled }, group * this.#columns + column);
  }

  /** Lets go of the memory; nothing may be asked after that. */
  close(): void {
    returnSumKernel(this.#kernel);
  }

  get #limbs(): Float64Array<ArrayBuffer> {
    return this.#kernel.limbs(0);
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

/** The exact sum of a cell as canonical text. */
export function sumText({ limbs, settled }: PlainSums, cell: number): string {
  const whole = limbs[cell * 3] as number;
  const nano = limbs[cell * 3 + 1] as number;
  const atto = limbs[cell * 3 + 2] as number;
  const more = settled.get(cell);
  if (more !== undefined) return formatDecimal(add(limbsToDecimal(whole, nano, atto), more));
  return limbsText(whole, nano, atto);
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
