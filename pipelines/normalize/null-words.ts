/** Words for "nothing" in cells that hold names and ids. Hot: a look at each new entry of a dictionary, none at rows unless one is found. */
import type { TextColumn } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';

/** Words that exports of data warehouses, spreadsheets and scripts write for "nothing". */
const NULL_WORD = /^(?:n\/?a|null|none|nan|nat|nil|<na>|-|\u2013|\u2014|\\n)?$/i;

/** The longest of them, in bytes. */
const LONGEST = 4;

/** Whether a cell says that it has no value: blank, `N/A`, `None`, `NaN`, `-`. */
export function saysNothing(text: string): boolean {
  return NULL_WORD.test(text.trim());
}

interface Looked {
  /** Entries looked at. */
  size: number;
  readonly nothing: Set<number>;
}

/** Makes null what says nothing. */
export class NullWords {
  readonly #looked = new WeakMap<Dictionary, Looked>();

  /** The column with such cells null, and its rows `marked`; the column itself when it has none. */
  clean(column: TextColumn, rows: number, marked: (row: number) => void): TextColumn {
    const { nothing } = this.#look(column.values);
    if (nothing.size === 0) return column;
    const codes = column.codes.slice();
    for (let row = 0; row < rows; row++) {
      if (!nothing.has(codes[row] as number)) continue;
      codes[row] = 0;
      marked(row);
    }
    return { ...column, codes };
  }

  #look(values: Dictionary): Looked {
    let looked = this.#looked.get(values);
    if (looked === undefined || values.transient) {
      looked = { size: 0, nothing: new Set() };
      this.#looked.set(values, looked);
    }
    const { starts, ends } = values;
    for (; looked.size < values.size; looked.size++) {
      const bytes = (ends[looked.size] as number) - (starts[looked.size] as number);
      if (bytes < 0 || bytes > LONGEST) continue;
      if (saysNothing(values.text(looked.size) ?? '')) looked.nothing.add(looked.size);
    }
    return looked;
  }
}
