/** Cells of a kind that are written anew. Hot: a look at each new entry of a dictionary, none at rows unless one is found. */
import type { TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';

interface Looked {
  /** Entries looked at. */
  size: number;
  /** Those of the kind. */
  readonly found: Set<number>;
  /** The entries, with those of the kind written anew where it is told how. */
  readonly values: Dictionary;
}

/** Looks for cells of a kind, and writes them anew where it is told how. */
export class CellRewriter {
  readonly #looked = new WeakMap<Dictionary, Looked>();
  readonly #isKind: (values: Dictionary, code: number) => boolean;
  readonly #rewrite: ((text: string) => string) | undefined;

  constructor(
    isKind: (values: Dictionary, code: number) => boolean,
    rewrite?: (text: string) => string,
  ) {
    this.#isKind = isKind;
    this.#rewrite = rewrite;
  }

  /** Whether the column has such a cell. */
  has({ values }: TextColumn): boolean {
    if (!values.transient) return this.#look(values).found.size > 0;
    for (let code = 0; code < values.size; code++) if (this.#isOne(values, code)) return true;
    return false;
  }

  /** The column with such cells written anew, whose rows `visit` hears of; the column itself when it has none. */
  written(column: TextColumn, rows: number, visit?: (row: number) => void): TextColumn {
    const { found, values } = this.#look(column.values);
    if (found.size === 0) return column;
    if (visit !== undefined)
      for (let row = 0; row < rows; row++) if (found.has(column.codes[row] as number)) visit(row);
    return { ...column, values };
  }

  #isOne(values: Dictionary, code: number): boolean {
    return !values.isNull(code) && this.#isKind(values, code);
  }

  #look(from: Dictionary): Looked {
    let looked = this.#looked.get(from);
    if (looked === undefined || from.transient) {
      const { transient } = from;
      const values = this.#rewrite === undefined ? from : new Dictionary({ transient });
      looked = { size: 0, found: new Set(), values };
      this.#looked.set(from, looked);
    }
    const { found, values } = looked;
    for (; looked.size < from.size; looked.size++) {
      const code = looked.size;
      if (this.#isOne(from, code)) found.add(code);
      if (this.#rewrite === undefined) continue;
      if (found.has(code)) values.add(this.#rewrite(from.text(code) ?? ''));
      else values.addEntry(from, code);
    }
    return looked;
  }
}
