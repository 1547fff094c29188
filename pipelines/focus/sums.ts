/** Exact sums of amount columns. Hot: integer additions on limbs, carried before they could lose a digit. */
import { AMOUNT, limbsToDecimal } from './amounts.ts';
import type { AmountColumn } from './batch.ts';
import { add, type Decimal, ZERO } from './decimal.ts';

/** A limb takes this many additions of less than 1e9 before it must be carried (2^53 / 1e9, with room). */
const CARRY_EVERY = 8_000_000;

/** Rows that are added at a time. In a longer loop V8 changes over to code that knows nothing of what follows the loop, and has to leave it there: at each batch. */
const BLOCK = 256;

/** One running exact total. */
export class Sums {
  #whole = 0;
  #nano = 0;
  #atto = 0;
  #pending = 0;
  #settled: Decimal = ZERO;

  /** Adds the rows [from, rows) of a column; null and invalid entries count as nothing. */
  addColumn(column: AmountColumn, rows: number, from = 0): void {
    const { values } = column;
    const { whole, nano, atto, state } = values;
    if (
      values.size === 1 &&
      state[0] === AMOUNT.limbs &&
      whole[0] === 0 &&
      nano[0] === 0 &&
      atto[0] === 0
    )
      return;
    for (let start = from; start < rows; start += BLOCK)
      this.#addRows(column, start, Math.min(rows, start + BLOCK));
  }

  #addRows({ codes, values }: AmountColumn, from: number, rows: number): void {
    const { whole, nano, atto, state } = values;
    let w = 0;
    let n = 0;
    let a = 0;
    for (let row = from; row < rows; row++) {
      const code = codes[row] as number;
      const kind = state[code];
      if (kind === AMOUNT.limbs) {
        w += whole[code] as number;
        n += nano[code] as number;
        a += atto[code] as number;
      } else if (kind === AMOUNT.big) this.add(values.decimal(code) ?? ZERO);
      if (w > 4e15 || w < -4e15) {
        this.#take(w, n, a, 0);
        w = n = a = 0;
      }
    }
    this.#take(w, n, a, rows - from);
  }

  /** Adds the rows whose mark is `mark`. */
  addWhere({ codes, values }: AmountColumn, rows: number, marks: Uint8Array, mark: number): void {
    for (let row = 0; row < rows; row++)
      if (marks[row] === mark) this.add(values.decimal(codes[row] as number) ?? ZERO);
  }

  /** Adds one decimal. */
  add(value: Decimal): void {
    this.#settled = add(this.#settled, value);
  }

  /** The exact total so far. */
  total(): Decimal {
    this.#settle();
    return this.#settled;
  }

  #take(whole: number, nano: number, atto: number, rows: number): void {
    this.#pending += rows;
    if (this.#pending > CARRY_EVERY || Math.abs(this.#whole) > 4e15 || Math.abs(whole) > 4e15)
      this.#settle();
    this.#whole += whole;
    this.#nano += nano;
    this.#atto += atto;
    if (Math.abs(this.#whole) > 4e15) this.#settle();
  }

  #settle(): void {
    this.#settled = add(this.#settled, limbsToDecimal(this.#whole, this.#nano, this.#atto));
    this.#whole = this.#nano = this.#atto = this.#pending = 0;
  }
}
