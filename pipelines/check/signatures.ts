/**
 * Numbers the combinations of classes that rows have over all columns. A bill has few of them, so that rules are judged
 * once per combination. Hot: one table look-up per row and column.
 */
import type { Classed } from './classes.ts';

/** One column's step: from the number so far and the class to the next number. */
interface Step {
  table: Uint32Array;
  /** Classes the table has room for. */
  width: number;
  readonly parents: number[];
  readonly classes: number[];
}

/** Classes per row instead of per code. */
export interface RowClasses {
  readonly rowClasses: Uint8Array;
}

/** What one column adds; undefined: null on every row. */
export type StepInput = Classed | RowClasses | undefined;

/** Combinations seen so far. */
export class Signatures {
  readonly #steps: readonly Step[];
  #numbers = new Uint32Array(0);

  constructor(columns: number) {
    this.#steps = Array.from({ length: columns }, () => ({
      table: new Uint32Array(64),
      width: 4,
      parents: [],
      classes: [],
    }));
  }

  /** How many combinations there are. */
  get size(): number {
    return this.#steps.at(-1)?.parents.length ?? 0;
  }

  /** The number of each row's combination; valid until the next call. */
  number(inputs: readonly StepInput[], rows: number): Uint32Array {
    if (this.#numbers.length < rows) this.#numbers = new Uint32Array(rows);
    const numbers = this.#numbers;
    numbers.fill(0, 0, rows);
    for (const [index, step] of this.#steps.entries()) {
      const input = inputs[index];
      if (input === undefined) advanceAll(step, numbers, rows);
      else if ('rowClasses' in input) advanceRows(step, numbers, input.rowClasses, rows);
      else advance(step, numbers, input, rows);
    }
    return numbers;
  }

  /** The classes of a combination, column by column. */
  classesOf(number: number): Uint16Array {
    const classes = new Uint16Array(this.#steps.length);
    let at = number;
    for (let index = this.#steps.length - 1; index >= 0; index--) {
      const step = this.#steps[index] as Step;
      classes[index] = step.classes[at] as number;
      at = step.parents[at] as number;
    }
    return classes;
  }
}

function advance(
  step: Step,
  numbers: Uint32Array,
  { codes, classes }: Classed,
  rows: number,
): void {
  for (let row = 0; row < rows; row++) {
    const found = classes[codes[row] as number] as number;
    numbers[row] = next(step, numbers[row] as number, found);
  }
}

function advanceRows(step: Step, numbers: Uint32Array, classes: Uint8Array, rows: number): void {
  for (let row = 0; row < rows; row++)
    numbers[row] = next(step, numbers[row] as number, classes[row] as number);
}

function advanceAll(step: Step, numbers: Uint32Array, rows: number): void {
  for (let row = 0; row < rows; row++) numbers[row] = next(step, numbers[row] as number, 0);
}

function next(step: Step, from: number, found: number): number {
  if (found < step.width) {
    const known = step.table[from * step.width + found];
    if (known !== undefined && known !== 0) return known - 1;
  }
  return create(step, from, found);
}

function create(step: Step, from: number, found: number): number {
  while (found >= step.width) widen(step);
  const slot = from * step.width + found;
  if (slot >= step.table.length) {
    const larger = new Uint32Array(Math.max(slot + 1, step.table.length * 2));
    larger.set(step.table);
    step.table = larger;
  }
  const number = step.parents.length;
  step.parents.push(from);
  step.classes.push(found);
  step.table[slot] = number + 1;
  return number;
}

function widen(step: Step): void {
  const width = step.width * 2;
  const table = new Uint32Array((step.table.length / step.width) * width);
  for (let slot = 0; slot < step.table.length; slot++) {
    const from = Math.floor(slot / step.width);
    table[from * width + (slot % step.width)] = step.table[slot] as number;
  }
  step.table = table;
  step.width = width;
}
