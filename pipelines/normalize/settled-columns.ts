/**
 * Columns that have had one value on every row so far, however many entries their dictionaries have, become columns of one entry:
 * what depends on them need not look at them row by row. Hot: row loops over codes, kept per batch.
 */
import { type Column, hasOneCode } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Times } from '../focus/times.ts';
import { columnOf, type Values } from './entry-values.ts';

/** What is known of an expression's column: its only entry, or that it varies (then for good). */
export interface Known {
  only: Dictionary | Times | undefined;
  varies: boolean;
  /** The values whose entries 1 to `equal` are known to be equal. */
  values: Values | undefined;
  equal: number;
}

/** What is known before the first batch. */
export function newKnown(): Known {
  return { only: undefined, varies: false, values: undefined, equal: 1 };
}

/** Looks at the columns of one part, batch after batch. */
export class SettledColumns {
  readonly #uniform = new Map<Uint32Array, boolean>();
  readonly #withNull = new Map<Uint32Array, boolean>();
  #rows = 0;
  #codes: Uint32Array = new Uint32Array(0);

  /** Turns to the next batch; `codes` are those of columns with one entry. */
  begin(rows: number, codes: Uint32Array): void {
    this.#rows = rows;
    this.#codes = codes;
    this.#uniform.clear();
    this.#withNull.clear();
  }

  /** The column, with a single entry if that is all it has shown in this and all batches before. */
  settle(known: Known, column: Column): Column {
    const { values } = column;
    if (known.varies || values.transient || this.#rows === 0) return column;
    if (!(values instanceof Dictionary || values instanceof Times)) return column;
    const code = this.#onlyCode(column, values, known);
    if (code >= 0) known.only ??= single(values, code);
    known.varies = code < 0 || !isSame(known.only as Dictionary | Times, 0, values, code);
    return known.varies ? column : columnOf(this.#codes, known.only as Dictionary | Times);
  }

  /** A code that stands for what all rows have; -1 when they differ. */
  #onlyCode({ codes }: Column, values: Dictionary | Times, known: Known): number {
    if (values.size === 1) return 0;
    if (this.#isUniform(codes)) return codes[0] as number;
    if (known.values !== values) {
      known.values = values;
      known.equal = 1;
    }
    for (; known.equal + 1 < values.size; known.equal++)
      if (!isSame(values, 1, values, known.equal + 1)) return -1;
    return !this.#hasNull(codes) || isSame(values, 0, values, 1) ? 1 : -1;
  }

  #isUniform(codes: Uint32Array): boolean {
    let uniform = this.#uniform.get(codes);
    if (uniform === undefined) {
      uniform = hasOneCode(codes, this.#rows);
      this.#uniform.set(codes, uniform);
    }
    return uniform;
  }

  /** Whether a row has entry 0, the one of null cells. */
  #hasNull(codes: Uint32Array): boolean {
    let found = this.#withNull.get(codes);
    if (found === undefined) {
      found = hasZero(codes, this.#rows);
      this.#withNull.set(codes, found);
    }
    return found;
  }
}

function hasZero(codes: Uint32Array, rows: number): boolean {
  for (let row = 0; row < rows; row++) if (codes[row] === 0) return true;
  return false;
}

/** Values with this entry alone. */
function single(values: Dictionary | Times, code: number): Dictionary | Times {
  if (values instanceof Times) {
    const only = new Times(1);
    only.add(values.ms[code] as number);
    return only;
  }
  const only = new Dictionary({ entries: 1 });
  only.addEntry(values, code);
  return only;
}

function isSame(a: Dictionary | Times, i: number, b: Dictionary | Times, j: number): boolean {
  if (a instanceof Times || b instanceof Times)
    return a instanceof Times && b instanceof Times && Object.is(a.ms[i], b.ms[j]);
  if (a.isNull(i) || b.isNull(j)) return a.isNull(i) && b.isNull(j);
  const from = a.starts[i] as number;
  const start = b.starts[j] as number;
  const length = (a.ends[i] as number) - from;
  if ((b.ends[j] as number) - start !== length) return false;
  for (let at = 0; at < length; at++) if (a.arena[from + at] !== b.arena[start + at]) return false;
  return true;
}
