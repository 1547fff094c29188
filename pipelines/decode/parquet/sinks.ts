/** Where values go on their way to codes. Hot: plain fields and indexed loops. */
import { isAscii } from 'node:buffer';
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
/** A dictionary of fewer entries is looked up sooner or later. */
const MANY = 1024;
/** Nothing. */
const NONE = -1;

/** Equal values share one entry, over all row groups of the part. */
export class Interning implements Sink {
  readonly store: Store;
  /** Values as they stand in the part, where the store does not find them itself; `#codes` gives the store's code of each. */
  readonly #keys = new Dictionary();
  #codes = new Uint32Array(16);
  /** From this key (or entry of the store) on they cannot be found yet. */
  #unindexed = NONE;

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
    this.#index();
    if (store.intern === undefined)
      for (let i = 0; i < values.count; i++) out[from + i] = this.#code(values, i);
    else for (let i = 0; i < values.count; i++) out[from + i] = store.intern(values, i);
  }

  /** Like `codes`, for values of which no two are equal, but gives up once it is full; false: `out` is not complete. */
  codesWhileRoom(values: Values, out: Uint32Array, from: number): boolean {
    const isFirst = this.size === 0 && values.count > 0;
    if (isFirst && isTooMuch(values)) return false;
    if (isFirst && values.count >= MANY && this.#appends(values, out, from)) return !this.full;
    if (isFirst) this.#expect(values);
    this.#index();
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

  /** Takes the first values as they are, as nothing equals them; often nobody looks for them later. False: they are not plain enough. */
  #appends(values: Values, out: Uint32Array, from: number): boolean {
    const { store } = this;
    const { bytes, view, starts, ends, count } = values;
    if (store.intern === undefined) {
      this.#unindexed = 0;
      for (let i = 0; i < count; i++)
        this.#keys.addWords(view, starts[i] as number, ends[i] as number);
    } else {
      if (!isAscii(bytes.subarray(starts[0], ends[count - 1]))) return false;
      this.#unindexed = store.values.size;
    }
    store.appendAll(values, out, from);
    if (store.intern === undefined) this.#codes = out.slice(from, from + count);
    return true;
  }

  /** Lets be found what was appended. */
  #index(): void {
    if (this.#unindexed === NONE) return;
    const { intern, values } = this.store;
    const known = intern === undefined ? this.#keys : (values as Dictionary);
    known.index(this.#unindexed);
    this.#unindexed = NONE;
  }

  /** Makes room for the first values at once. */
  #expect(values: Values): void {
    const { count } = values;
    const bytes = bytesOf(values);
    this.store.expect?.(count, bytes);
    if (this.store.intern === undefined) {
      this.#keys.expect(count, bytes);
      this.#codes = new Uint32Array(count);
    }
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

/** Whether they are more than is remembered. */
function isTooMuch(values: Values): boolean {
  return values.count > MAX_ENTRIES || bytesOf(values) > 2 * MAX_BYTES;
}

/** Bytes that the values take in the part. */
function bytesOf({ starts, ends, count }: Values): number {
  return (ends[count - 1] as number) - (starts[0] as number);
}
