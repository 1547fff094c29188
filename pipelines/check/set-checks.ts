/**
 * Rules over the whole file: one value per value, uniqueness. They remember a bounded number of values.
 * Hot for the columns they are about: a code that was seen with the same partner is settled by one look-up.
 */
import { type Batch, cellText, type TextColumn } from '../focus/batch.ts';

/** Most distinct values remembered by one rule; beyond, new ones are not checked. */
export const MAX_REMEMBERED = 200_000;

/** A check that sees all batches. */
export interface SetCheck {
  /** Reports the rows of the batch that break the rule. */
  add(batch: Batch, broken: (row: number) => void): void;
  /** True once the file had more values than are remembered. */
  readonly exhausted: boolean;
}

/** For each value of `column` one value of `other`; nulls on either side say nothing. */
export class OneEach implements SetCheck {
  readonly #column: string;
  readonly #other: string;
  readonly #partners = new Map<string, string>();
  #from: readonly unknown[] = [];
  /** Per code of the column: the code + 1 of the partner it is settled with. */
  #settled = new Uint32Array(0);
  exhausted = false;

  constructor(column: string, other: string) {
    this.#column = column;
    this.#other = other;
  }

  add(batch: Batch, broken: (row: number) => void): void {
    const one = batch.columns.get(this.#column);
    const two = batch.columns.get(this.#other);
    if (one?.kind !== 'text' || two?.kind !== 'text') return;
    this.#begin(one, two);
    const settled = this.#settled;
    for (let row = 0; row < batch.rows; row++) {
      const code = one.codes[row] as number;
      const partner = two.codes[row] as number;
      if (settled[code] === partner + 1) continue;
      if (this.#agrees(one.values.text(code), two.values.text(partner)))
        settled[code] = partner + 1;
      else broken(row);
    }
  }

  #begin(one: TextColumn, two: TextColumn): void {
    const transient = one.values.transient || two.values.transient;
    const same = this.#from[0] === one.values && this.#from[1] === two.values;
    this.#from = [one.values, two.values];
    if (this.#settled.length < one.values.size) {
      const larger = new Uint32Array(one.values.size * 2);
      if (same && !transient) larger.set(this.#settled);
      this.#settled = larger;
    } else if (transient || !same) this.#settled.fill(0);
  }

  #agrees(value: string | undefined, partner: string | undefined): boolean {
    if (value === undefined || partner === undefined) return true;
    const known = this.#partners.get(value);
    if (known !== undefined) return known === partner;
    if (this.#partners.size < MAX_REMEMBERED) this.#partners.set(value, partner);
    else this.exhausted = true;
    return true;
  }
}

/** No value twice. */
export class Unique implements SetCheck {
  readonly #column: string;
  readonly #seen = new Set<string>();
  exhausted = false;

  constructor(column: string) {
    this.#column = column;
  }

  add(batch: Batch, broken: (row: number) => void): void {
    const column = batch.columns.get(this.#column);
    if (column === undefined) return;
    for (let row = 0; row < batch.rows; row++) {
      const value = cellText(column, row);
      if (value === undefined) continue;
      if (this.#seen.has(value)) broken(row);
      else if (this.#seen.size < MAX_REMEMBERED) this.#seen.add(value);
      else this.exhausted = true;
    }
  }
}
