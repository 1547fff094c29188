/**
 * Numbers combinations of many columns that mostly come together: column by column, by tables that are indexed with the number so far
 * and the next code. Nothing is hashed. Columns that the ones before them determine are only compared, so long as no row says otherwise.
 * Hot: a step or a comparison per column and batch.
 */

import { grown } from '../focus/grown.ts';

/** A column: a code per row, all smaller than `size`. */
export interface ChainInput {
  readonly codes: Uint32Array;
  readonly size: number;
}

const FIRST_CAPACITY = 256;

/** Gives each combination a number, from 0, in order of appearance. */
export class NumberChain {
  /** Combination of each row of the last batch. */
  codes = new Uint32Array(0);
  /** Number of combinations. */
  size = 0;
  readonly #columns: number;
  /** Of each column its code by combination. */
  #parts: readonly Uint32Array<ArrayBuffer>[];
  /** Of each column, its code's bits; then by number so far and code the next number + 1, and how many there are of those. */
  #bits: readonly number[] = [];
  #tables: readonly Uint16Array[] = [];
  readonly #counts: Uint32Array;
  /** Numbers that the tables have room for. */
  #capacity = FIRST_CAPACITY;

  constructor(columns: number) {
    this.#columns = columns;
    this.#counts = new Uint32Array(columns);
    this.#parts = Array.from({ length: columns }, () => new Uint32Array(FIRST_CAPACITY));
  }

  /** Numbers the rows of a batch; false: there would be more than `most` combinations, at most 65,535. */
  number(inputs: readonly ChainInput[], rows: number, most: number): boolean {
    if (this.codes.length < rows) this.codes = new Uint32Array(rows);
    const bits = inputs.map(({ size }) => 32 - Math.clz32(Math.max(1, size) - 1));
    if (bits.some((count, i) => count > (this.#bits[i] ?? -1))) this.#rebuild(bits);
    if (this.#recognize(inputs, rows)) return true;
    while (!this.#run(inputs, rows)) {
      if (this.#capacity >= most) return false;
      this.#capacity = Math.min(most, this.#capacity * 4);
      this.#rebuild(this.#bits);
    }
    return true;
  }

  /** The code that a column has in a combination. */
  part(combination: number, column: number): number {
    return (this.#parts[column] as Uint32Array)[combination] as number;
  }

  /** Numbers the rows by the first columns that tell all known combinations apart; false: a row is of none of those. */
  #recognize(inputs: readonly ChainInput[], rows: number): boolean {
    const deciding = this.#counts.indexOf(this.size) + 1;
    if (this.size === 0 || deciding === 0) return false;
    this.codes.fill(0, 0, rows);
    for (let column = 0; column < deciding; column++)
      if (!this.#follow(column, (inputs[column] as ChainInput).codes, rows)) return false;
    for (let column = deciding; column < inputs.length; column++)
      if (!this.#agrees(column, (inputs[column] as ChainInput).codes, rows)) return false;
    return true;
  }

  /** A step that adds nothing; false: it would have to. */
  #follow(column: number, codes: Uint32Array, rows: number): boolean {
    const numbers = this.codes;
    const table = this.#tables[column] as Uint16Array;
    const bits = this.#bits[column] as number;
    let known = true;
    for (let row = 0; row < rows; row++) {
      const next = table[((numbers[row] as number) << bits) | (codes[row] as number)] as number;
      if (next === 0) {
        known = false;
        break;
      }
      numbers[row] = next - 1;
    }
    return known;
  }

  /** Whether each row has the code that its combination has. */
  #agrees(column: number, codes: Uint32Array, rows: number): boolean {
    const numbers = this.codes;
    const parts = this.#parts[column] as Uint32Array;
    let difference = 0;
    for (let row = 0; row < rows; row++)
      difference |= (parts[numbers[row] as number] as number) ^ (codes[row] as number);
    return difference === 0;
  }

  #run(inputs: readonly ChainInput[], rows: number): boolean {
    this.codes.fill(0, 0, rows);
    for (let i = 0; i < inputs.length - 1; i++)
      if (!this.#step(i, (inputs[i] as ChainInput).codes, rows)) return false;
    return this.#lastStep(inputs, rows);
  }

  /** From the numbers of the columns before to those with this one; false: too many. */
  #step(column: number, codes: Uint32Array, rows: number): boolean {
    const numbers = this.codes;
    const table = this.#tables[column] as Uint16Array;
    const bits = this.#bits[column] as number;
    const capacity = this.#capacity;
    let count = this.#counts[column] as number;
    for (let row = 0; row < rows; row++) {
      const at = ((numbers[row] as number) << bits) | (codes[row] as number);
      let next = table[at] as number;
      if (next === 0) {
        if (count === capacity) return false;
        next = ++count;
        table[at] = next;
      }
      numbers[row] = next - 1;
    }
    this.#counts[column] = count;
    return true;
  }

  /** The step of the last column also notes what a new combination is made of. */
  #lastStep(inputs: readonly ChainInput[], rows: number): boolean {
    const column = inputs.length - 1;
    const { codes } = inputs[column] as ChainInput;
    const numbers = this.codes;
    const table = this.#tables[column] as Uint16Array;
    const bits = this.#bits[column] as number;
    for (let row = 0; row < rows; row++) {
      const at = ((numbers[row] as number) << bits) | (codes[row] as number);
      if (table[at] === 0) {
        if (this.size === this.#capacity) return false;
        this.#note(inputs, row);
        table[at] = ++this.size;
      }
      numbers[row] = (table[at] as number) - 1;
    }
    return true;
  }

  #note(inputs: readonly ChainInput[], row: number): void {
    if (this.size === this.#parts[0]?.length)
      this.#parts = this.#parts.map((part) => grown(part, this.size * 2));
    for (let column = 0; column < inputs.length; column++)
      (this.#parts[column] as Uint32Array)[this.size] = (inputs[column] as ChainInput).codes[
        row
      ] as number;
  }

  /** Makes the tables anew and puts what is known into them; combinations keep their numbers. */
  #rebuild(bits: readonly number[]): void {
    this.#bits = bits.map((count, i) => Math.max(count, this.#bits[i] ?? 0));
    this.#tables = this.#bits.map(
      (count, i) => new Uint16Array((i === 0 ? 1 : this.#capacity) << count),
    );
    this.#counts.fill(0);
    for (let combination = 0; combination < this.size; combination++) {
      let number = 0;
      for (let column = 0; column < this.#columns; column++) {
        const table = this.#tables[column] as Uint16Array;
        const at = (number << (this.#bits[column] as number)) | this.part(combination, column);
        if (table[at] === 0) {
          this.#counts[column] = (this.#counts[column] as number) + 1;
          table[at] = this.#counts[column] as number;
        }
        number = (table[at] as number) - 1;
      }
    }
  }
}
