/** Hashes of the distinct values of columns that share their codes. */
import type { Column } from '../focus/batch.ts';
import { NO_REGION, type Region } from '../focus/wasm.ts';
import { addColumn, seedOf } from './column-hashes.ts';
import { type Entries, type HashKernel, upTo } from './kernel.ts';

/** A column and what it is called. */
export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
}

const FIRST_CODES = 64;
/** So few values are hashed where they are. */
const FEW = 32;

/** Per code the sum of the hashes of what the columns say; what is null says nothing. Remembered as long as the values last. */
export class ValueHashes {
  readonly #kernel: HashKernel;
  readonly #names: readonly string[];
  readonly #seeds: readonly Int32Array[];
  #values: readonly Column['values'][] = [];
  #table: Region = NO_REGION;
  #size = 0;

  constructor(kernel: HashKernel, columns: readonly NamedColumn[]) {
    this.#kernel = kernel;
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

  /** Four words per code, up to the newest, in the kernel's memory; only new values are looked at. */
  of(columns: readonly NamedColumn[]): Region {
    if (!columns.every(({ column }, i) => column.values === this.#values[i])) {
      this.#values = columns.map(({ column }) => column.values);
      this.#size = 0;
    }
    const sizes = columns.map(({ column }) => column.values.size);
    const size = columns.length === 0 ? 1 : Math.min(...sizes);
    if (size <= this.#size) return this.#table;
    const kernel = this.#kernel;
    this.#table = kernel.fit(this.#table, Math.max(size, FIRST_CODES) * 16, this.#size * 16);
    kernel.words(this.#table, size * 4).fill(0, this.#size * 4);
    for (const [i, { column }] of columns.entries())
      this.#add(column, this.#seeds[i] as Int32Array, size);
    this.#size = size;
    return this.#table;
  }

  #add(column: Column, seed: Int32Array, size: number): void {
    const from = this.#size;
    const range = { from, to: size, seed };
    if (size - from >= FEW && this.#addInKernel(column, range)) return;
    const hashes = this.#kernel.words(this.#table, size * 4);
    addColumn(hashes, column, seed, upTo(size), from, size);
  }

  #addInKernel({ kind, values }: Column, range: Entries): boolean {
    if (kind === 'text') return this.#kernel.addTextsTo(this.#table, values, range);
    if (kind === 'amount') this.#kernel.addAmountsTo(this.#table, values, range);
    return kind === 'amount';
  }
}
