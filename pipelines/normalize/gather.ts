/** Hot: one loop per distinct codes array. */
import type { Batch, Column } from '../focus/batch.ts';

/** Picks rows out of columns; its memory serves one batch after the other. */
export class Gatherer {
  readonly #arrays: Uint32Array[] = [];
  #numbers = new Float64Array(0);

  /** The chosen rows; columns that shared their codes still do. Valid until the next call. */
  gather(columns: ReadonlyMap<string, Column>, rows: Uint32Array, rowNumbers: Float64Array): Batch {
    const picked = new Map<Uint32Array, Uint32Array>();
    const result = new Map<string, Column>();
    for (const [name, column] of columns) {
      let codes = picked.get(column.codes);
      if (codes === undefined) {
        codes = this.#pick(column.codes, rows, picked.size);
        picked.set(column.codes, codes);
      }
      result.set(name, { ...column, codes });
    }
    if (this.#numbers.length < rows.length) this.#numbers = new Float64Array(rows.length * 2);
    for (let i = 0; i < rows.length; i++)
      this.#numbers[i] = rowNumbers[rows[i] as number] as number;
    return { rows: rows.length, columns: result, rowNumbers: this.#numbers };
  }

  #pick(from: Uint32Array, rows: Uint32Array, slot: number): Uint32Array {
    let codes = this.#arrays[slot];
    if (codes === undefined || codes.length < rows.length) {
      codes = new Uint32Array(rows.length * 2);
      this.#arrays[slot] = codes;
    }
    for (let i = 0; i < rows.length; i++) codes[i] = from[rows[i] as number] as number;
    return codes;
  }
}
