/** Columns read as amounts or times, whatever the part's format made of them. Hot where entries are one per row. */
import { AMOUNT, Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Column, TimeColumn } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { parseTime, Times } from '../focus/times.ts';

/** Reads text as amounts, once per distinct text. */
export class AmountReading {
  #from: Dictionary | undefined;
  #values = new Amounts();

  /** The column as amounts; what is no number is invalid. */
  of(column: Column): AmountColumn | undefined {
    if (column.kind === 'amount') return column;
    if (column.kind === 'time') return undefined;
    const { values } = column;
    if (values !== this.#from || values.transient) {
      this.#from = values;
      if (values.transient) this.#values.clear();
      else this.#values = new Amounts();
    }
    while (this.#values.size < values.size) {
      const start = values.starts[this.#values.size] as number;
      const end = values.ends[this.#values.size] as number;
      if (start > end) this.#values.addNull();
      else this.#values.addBytes(values.arena, start, end);
    }
    return { kind: 'amount', codes: column.codes, values: this.#values };
  }
}

/** Reads text as times, once per distinct text. */
export class TimeReading {
  #from: Dictionary | undefined;
  #values = new Times();

  /** The column as times; what is no time is Infinity. */
  of(column: Column): TimeColumn | undefined {
    if (column.kind === 'time') return column;
    if (column.kind === 'amount') return undefined;
    const { values } = column;
    if (values !== this.#from || values.transient) {
      this.#from = values;
      this.#values = new Times();
    }
    while (this.#values.size < values.size) {
      const text = values.text(this.#values.size);
      this.#values.add(text === undefined ? Number.NaN : parseTime(text));
    }
    return { kind: 'time', codes: column.codes, values: this.#values };
  }
}

/** The amount of a row as a double; NaN when it is null or no number. */
export function amountAt({ codes, values }: AmountColumn, row: number): number {
  const code = codes[row] as number;
  const state = values.state[code] as number;
  return state === AMOUNT.limbs || state === AMOUNT.big
    ? (values.double[code] as number)
    : Number.NaN;
}
