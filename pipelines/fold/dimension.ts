/** Numbers for the values of one grouping column. Hot: entries of a dictionary are looked up once. */
import type { Column } from '../focus/batch.ts';

/** Number of a value that came when there was no room left for new ones. */
export const UNKNOWN = 0xffffffff;

const DAY = 86_400_000;
/** Times beyond this (milliseconds) have no date. */
const MOST_MS = 8.64e15;

/** What a column is grouped by: its texts, its times, or the UTC days of its times. */
export type Grouping = 'text' | 'time' | 'day';

/** Gives every distinct value a number, in order of appearance. */
export class Dimension {
  /** Value by number. */
  readonly values: (string | null)[] = [];
  readonly #numbers = new Map<string | number | null, number>();
  readonly #entries = new WeakMap<object, { numbers: Uint32Array; size: number }>();
  readonly #by: Grouping;

  /** What has no time counts on 1970-01-01. */
  constructor(by: Grouping) {
    this.#by = by;
  }

  /** Numbers by code of the column's present entries. `closed`: values not seen before are UNKNOWN. */
  numbers(column: Column | undefined, closed: boolean): Uint32Array {
    if (column === undefined)
      return Uint32Array.of(
        this.#by === 'text' ? this.#number(null, null, closed) : this.#time(0, closed),
      );
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

  /** Numbers of the values of another dimension of the same kind, in their order. `closed`: values not seen before are UNKNOWN. */
  numbersOf(values: readonly (string | null)[], closed: boolean): Uint32Array {
    return Uint32Array.from(values, (value) =>
      this.#by === 'text'
        ? this.#number(value, value, closed)
        : this.#time(Date.parse(String(value)), closed),
    );
  }

  #entry(column: Column, code: number, closed: boolean): number {
    if (column.kind === 'time') return this.#time(column.values.ms[code] as number, closed);
    const text = column.values.text(code) ?? null;
    return this.#number(text, text, closed);
  }

  #time(ms: number, closed: boolean): number {
    const unit = this.#by === 'day' ? DAY : 1;
    const time = Math.abs(ms) <= MOST_MS ? Math.floor(ms / unit) : 0;
    const known = this.#numbers.get(time);
    if (known !== undefined) return known;
    const text = new Date(time * unit).toISOString();
    return this.#number(time, this.#by === 'day' ? text.slice(0, 10) : text, closed);
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
