/** Short dates (`9/1/26`) as ISO 8601, once their order is known. Hot: a look at each new entry of a dictionary, none at rows. */
import type { TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { formatTime } from '../focus/times.ts';
import { type DateOrder, needsOrder, readTime } from './written-times.ts';

interface Looked {
  /** Entries looked at. */
  size: number;
  /** Those that are short dates. */
  readonly short: Set<number>;
  /** The entries, with such dates as ISO 8601. */
  readonly values: Dictionary;
}

/** Looks for short dates and writes them anew. */
export class ShortDates {
  #looked = new WeakMap<Dictionary, Looked>();
  #order: DateOrder | undefined;

  constructor(order: DateOrder | undefined) {
    this.#order = order;
  }

  /** Whether dates can be written anew. */
  get isOrdered(): boolean {
    return this.#order !== undefined;
  }

  /** From now on dates are read in this order. */
  order(order: DateOrder): void {
    this.#order = order;
    this.#looked = new WeakMap();
  }

  /** Whether the column has a short date. */
  has(column: TextColumn): boolean {
    return this.#look(column.values).short.size > 0;
  }

  /** The column with its short dates as ISO 8601, which `visit` hears of by row; the column itself when it has none. What is no date in the order stays as it is. */
  written(
    column: TextColumn,
    rows: number,
    visit: ((row: number) => void) | undefined,
  ): TextColumn {
    const { short, values } = this.#look(column.values);
    if (short.size === 0) return column;
    if (visit !== undefined)
      for (let row = 0; row < rows; row++) if (short.has(column.codes[row] as number)) visit(row);
    return { ...column, values };
  }

  #look(from: Dictionary): Looked {
    let looked = this.#looked.get(from);
    if (looked === undefined || from.transient) {
      const { transient } = from;
      looked = { size: 0, short: new Set(), values: new Dictionary({ transient }) };
      this.#looked.set(from, looked);
    }
    const { short, values } = looked;
    for (; looked.size < from.size; looked.size++) {
      const code = looked.size;
      const text = mayBeShort(from, code) ? (from.text(code) ?? '') : '';
      if (needsOrder(text)) short.add(code);
      if (this.#order === undefined) continue;
      if (short.has(code)) values.add(iso(text, this.#order));
      else if (from.isNull(code)) values.add(undefined);
      else values.addBytes(from.arena, from.starts[code] as number, from.ends[code] as number);
    }
    return looked;
  }
}

/** Whether a `/` or `-` stands behind the first digit or two. */
function mayBeShort({ arena, starts, ends }: Dictionary, code: number): boolean {
  const start = starts[code] as number;
  if ((ends[code] as number) - start < SHORTEST) return false;
  if ((arena[start] as number) <= BLANK) return true;
  return isSeparator(arena[start + 1]) || isSeparator(arena[start + 2]);
}

/** `1/1/26`. */
const SHORTEST = 6;
const BLANK = 32;

function isSeparator(byte: number | undefined): boolean {
  return byte === 47 || byte === 45;
}

function iso(text: string, order: DateOrder): string {
  const time = formatTime(readTime(text, order));
  return time === undefined ? text : time.replace('T', ' ').replace('Z', '');
}
