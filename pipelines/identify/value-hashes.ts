/** Hashes of the distinct values of columns that share their codes. */
import type { Column } from '../focus/batch.ts';
import { addColumn, seedOf } from './column-hashes.ts';

/** A column and what it is called. */
export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
}

/** Per code the sum of the hashes of what the columns say; what is null says nothing. Remembered as long as the values last. */
export class ValueHashes {
  readonly #names: readonly string[];
  readonly #seeds: readonly Int32Array[];
  #values: readonly Column['values'][] = [];
  #hashes = new Int32Array(64);
  #size = 0;

  constructor(columns: readonly NamedColumn[]) {
    this.#names = columns.map(({ name }) => name);
    this.#seeds = this.#names.map(seedOf);
  }

  /** Whether these are the columns, in the same order. */
  isOf(columns: readonly NamedColumn[]): boolean {
    const names = this.#names;
    if (columns.length !== names.length) return false;
    for (let i = 0; i < names.length; i++) if (columns[i]?.name !== names[i]) return false;
    return true;
  }

  /** Four words per code, up to the newest; only new values are looked at. */
  of(columns: readonly NamedColumn[]): Int32Array {
    if (!columns.every(({ column }, i) => column.values === this.#values[i])) {
      this.#values = columns.map(({ column }) => column.values);
      this.#size = 0;
    }
    const size = Math.min(...columns.map(({ column }) => column.values.size));
    if (size <= this.#size) return this.#hashes;
    this.#reserve(size);
    this.#hashes.fill(0, this.#size * 4, size * 4);
    const each = upTo(size);
    for (const [i, { column }] of columns.entries())
      addColumn(this.#hashes, column, this.#seeds[i] as Int32Array, each, this.#size, size);
    this.#size = size;
    return this.#hashes;
  }

  #reserve(size: number): void {
    if (size * 4 <= this.#hashes.length) return;
    const hashes = new Int32Array(Math.max(size * 4, this.#hashes.length * 2));
    hashes.set(this.#hashes.subarray(0, this.#size * 4));
    this.#hashes = hashes;
  }
}

let numbers = new Uint32Array(0);

/** The numbers below `size`, and more. */
function upTo(size: number): Uint32Array {
  if (numbers.length < size) numbers = Uint32Array.from({ length: size * 2 }, (_, i) => i);
  return numbers;
}
