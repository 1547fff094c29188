/** Where values go on their way to codes. Hot: plain fields and indexed loops. */
import { Dictionary, hashWords } from '../../focus/dictionary.ts';
import type { Store, Values } from './stores.ts';

/** Takes values in and gives out the codes they have in `store`. */
export interface Sink {
  readonly store: Store;
  /** The codes of all values go to `out` from `from` on. */
  codes(values: Values, out: Uint32Array, from: number): void;
}

/** Every value becomes a new entry. */
export class Appending implements Sink {
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  codes(values: Values, out: Uint32Array, from: number): void {
    this.store.appendAll(values, out, from);
  }
}

const MAX_ENTRIES = 64 * 1024;
const MAX_BYTES = 4 * 1024 * 1024;

/** Equal values share one entry, over all row groups of the part. */
export class Interning implements Sink {
  readonly store: Store;
  /** Values as they stand in the part; `#codes` gives the store's code of each. */
  readonly #keys = new Dictionary();
  #codes = new Uint32Array(16);
  #known = 0;

  constructor(store: Store) {
    this.store = store;
  }

  /** Number of distinct values. */
  get size(): number {
    return this.#known;
  }

  /** Whether no more distinct values should be remembered. */
  get full(): boolean {
    return this.#known >= MAX_ENTRIES || this.#keys.used >= MAX_BYTES;
  }

  codes(values: Values, out: Uint32Array, from: number): void {
    for (let i = 0; i < values.count; i++) out[from + i] = this.#code(values, i);
  }

  /** Like `codes`, but gives up once it is full; false: `out` is not complete. */
  codesWhileRoom(values: Values, out: Uint32Array, from: number): boolean {
    for (let i = 0; i < values.count; i++) {
      const known = this.#known;
      out[from + i] = this.#code(values, i);
      if (this.#known > known && this.full) return false;
    }
    return true;
  }

  #code(values: Values, i: number): number {
    const { view } = values;
    const start = values.starts[i] as number;
    const end = values.ends[i] as number;
    const key = this.#keys.internWords(view, start, end, hashWords(view, start, end));
    if (key < this.#known) return this.#codes[key] as number;
    if (key >= this.#codes.length) {
      const codes = new Uint32Array(this.#codes.length * 2);
      codes.set(this.#codes);
      this.#codes = codes;
    }
    const code = this.store.append(values, i);
    this.#codes[key] = code;
    this.#known++;
    return code;
  }
}
