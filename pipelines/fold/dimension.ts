/** Numbers for the values of one grouping column. Hot: entries of a dictionary are looked up once. */
import type { Column } from '../focus/batch.ts';

/** Number of a value that came when there was no room left for new ones. */
export const UNKNOWN = 0xffffffff;

const DAY = 86_400_000;
/** Day of charges without a time. */
const NO_DAY = '1970-01-01';

/** Gives every distinct value a number, in order of appearance; times are grouped by UTC day. */
export class Dimension {
  /** Value by number. */
  readonly values: (string | null)[] = [];
  readonly #numbers = new Map<string | number | null, number>();
  readonly #entries = new WeakMap<object, { numbers: Uint32Array; size: number }>();

  /** Numbers by code of the column's present entries. `closed`: values not seen before are UNKNOWN. */
  numbers(column: Column | undefined, closed: boolean): Uint32Array {
    if (column === undefined) return Uint32Array.of(this.#number(null, null, closed));
    const { values } = column;
    let known = this.#entries.get(values);
    if (known === undefined) {
      known = { numbers: new Uint32Array(16), size: 0 };
      this.#entries.set(values, known);
    }
    if (values.transient) known.size = 0;
    if (known.numbers.length < values.size) {
      const larger = new Uint32Array(values.size * 2);
      larger.set(known.numbers);
      known.numbers = larger;
    }
    for (; known.size < values.size; known.size++)
      known.numbers[known.size] = this.#entry(column, known.size, closed);
    return known.numbers;
  }

  #entry(column: Column, code: number, closed: boolean): number {
    if (column.kind === 'time') {
      const day = Math.floor((column.values.ms[code] as number) / DAY);
      if (!Number.isFinite(day)) return this.#number(Number.NaN, NO_DAY, closed);
      const known = this.#numbers.get(day);
      return known ?? this.#number(day, new Date(day * DAY).toISOString().slice(0, 10), closed);
    }
    const text = column.values.text(code) ?? null;
    return this.#number(text, text, closed);
  }

  #number(key: string | number | null, value: string | null, closed: boolean): number {
    let number = this.#numbers.get(key);
    if (number === undefined) {
      if (closed) return UNKNOWN;
      number = this.values.length;
      this.values.push(value);
      this.#numbers.set(key, number);
    }
    return number;
  }
}
