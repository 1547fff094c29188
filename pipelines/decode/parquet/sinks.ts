/** Where values go on their way to codes. Hot: plain fields and indexed loops. */
import { Dictionary, hashWords } from '../../focus/dictionary.ts';
import { grown } from '../../focus/grown.ts';
import { INTERNED_AT_ONCE, type Store, type Values } from './stores.ts';

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
  /** Values as they stand in the part, where the store does not find them itself; `#codes` gives the store's code of each. */
  readonly #keys = new Dictionary();
  #codes = new Uint32Array(16);

  constructor(store: Store) {
    this.store = store;
  }

  /** Number of distinct values. */
  get size(): number {
    return this.store.intern === undefined ? this.#keys.size : this.store.values.size - 1;
  }

  /** Whether no more distinct values should be remembered. */
  get full(): boolean {
    const { values } = this.store;
    const used = values instanceof Dictionary ? values.used : 0;
    return this.size >= MAX_ENTRIES || used >= MAX_BYTES || this.#keys.used >= MAX_BYTES;
  }

  codes(values: Values, out: Uint32Array, from: number): void {
    const { store } = this;
    if (store.intern === undefined)
      for (let i = 0; i < values.count; i++) out[from + i] = this.#code(values, i);
    else for (let i = 0; i < values.count; i++) out[from + i] = store.intern(values, i);
  }

  /** Like `codes`, for values of which no two are equal, but gives up once it is full; false: `out` is not complete. */
  codesWhileRoom(values: Values, out: Uint32Array, from: number): boolean {
    if (!this.#expect(values)) return false;
    if (this.store.internAll !== undefined) return this.#internsAll(values, out, from);
    for (let i = 0; i < values.count; i++) {
      const known = this.size;
      out[from + i] = this.store.intern?.(values, i) ?? this.#code(values, i);
      if (this.size > known && this.full) return false;
    }
    return true;
  }

  /** `codesWhileRoom` for stores that take several at once. */
  #internsAll(values: Values, out: Uint32Array, from: number): boolean {
    const known = this.size;
    for (let first = 0; first < values.count; first += INTERNED_AT_ONCE) {
      const last = Math.min(values.count, first + INTERNED_AT_ONCE);
      this.store.internAll?.(values, first, last, out, from);
      if (this.size > known && this.full) return false;
    }
    return true;
  }

  /** Makes room for the first values at once; false: there are too many of them. */
  #expect({ starts, ends, count }: Values): boolean {
    if (count === 0 || this.size > 0) return true;
    const bytes = (ends[count - 1] as number) - (starts[0] as number);
    if (count > MAX_ENTRIES || bytes > 2 * MAX_BYTES) return false;
    this.store.expect?.(count, bytes);
    if (this.store.intern === undefined) {
      this.#keys.expect(count, bytes);
      this.#codes = new Uint32Array(count);
    }
    return true;
  }

  #code(values: Values, i: number): number {
    const { view } = values;
    const start = values.starts[i] as number;
    const end = values.ends[i] as number;
    const known = this.#keys.size;
    const key = this.#keys.internWords(view, start, end, hashWords(view, start, end));
    if (key < known) return this.#codes[key] as number;
    if (key >= this.#codes.length) this.#codes = grown(this.#codes, this.#codes.length * 2);
    const code = this.store.append(values, i);
    this.#codes[key] = code;
    return code;
  }
}
