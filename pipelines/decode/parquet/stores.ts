/** Values of a column, numbered: as they come, or each distinct one once. Hot: plain fields and indexed loops. */
import { isAscii } from 'node:buffer';
import { Amounts } from '../../focus/amounts.ts';
import type { Column } from '../../focus/batch.ts';
import { Dictionary, hashWords } from '../../focus/dictionary.ts';
import { grown } from '../../focus/grown.ts';
import { Times } from '../../focus/times.ts';
import type { AppendAmount } from './amount-values.ts';
import { appendDoubles } from './double-values.ts';
import { decodeText, isText, type ReadText, type ReadTime } from './text-values.ts';

/** A run of values in a page: where each begins and ends. */
export interface Values {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly count: number;
}

/** Values as the batch will show them; entry 0 is null. */
export interface Store {
  readonly kind: Column['kind'];
  readonly values: Dictionary | Amounts | Times;
  /** Entries in which bytes that are not UTF-8 were replaced. */
  readonly repaired: ReadonlySet<number>;
  /** Appends value `i`; answers its code, 0 for what counts as null. */
  append(values: Values, i: number): number;
  /** Appends all of them; their codes go to `out` from `from` on. */
  appendAll(values: Values, out: Uint32Array, from: number): void;
  /** The code of an equal value that came this way, or of a new one. Absent: values are appended, somebody else remembers which they were. */
  intern?(values: Values, i: number): number;
  /** The same for values [first, last), at most INTERNED_AT_ONCE; their codes go to `out` from `from + first` on. */
  internAll?(values: Values, first: number, last: number, out: Uint32Array, from: number): void;
  /** Makes room for `entries` new values of `bytes` bytes as they stand in the part. */
  expect?(entries: number, bytes: number): void;
  /** Appends entry `code` of a store of the same column. */
  copy(source: Store, code: number): number;
  /** Empties it for the next batch. */
  clear(): void;
}

/** Makes stores of one column: `transient` ones live for a batch. */
export type StoreMaker = (transient: boolean) => Store;

/** So many places in a table stay in the processor's cache until they are needed. */
export const INTERNED_AT_ONCE = 128;

const NONE: ReadonlySet<number> = new Set();
const hashes = new Int32Array(INTERNED_AT_ONCE);

/** Text whose bytes stand in the part as they are. */
export class TextStore implements Store {
  readonly kind = 'text';
  readonly values: Dictionary;
  readonly repaired = new Set<number>();
  /** Codes of bytes that are not UTF-8, by their numbers. */
  readonly #broken = new Map<string, number>();

  constructor(transient: boolean) {
    this.values = new Dictionary({ transient });
    this.values.add(undefined);
  }

  intern({ bytes, view, starts, ends }: Values, i: number): number {
    const start = starts[i] as number;
    const end = ends[i] as number;
    if (isNullText(bytes, start, end)) return 0;
    if (isText(bytes, start, end))
      return this.values.internWords(view, start, end, hashWords(view, start, end));
    const key = bytes.subarray(start, end).join();
    const code = this.#broken.get(key) ?? this.#repair(view, start, end);
    this.#broken.set(key, code);
    return code;
  }

  internAll(values: Values, first: number, last: number, out: Uint32Array, from: number): void {
    const { bytes, view, starts, ends } = values;
    const ascii = isAscii(bytes.subarray(starts[first], ends[last - 1]));
    for (let i = first; i < last; i++)
      hashes[i - first] = hashWords(view, starts[i] as number, ends[i] as number);
    const texts = this.values;
    texts.touch(hashes, last - first);
    for (let i = first; i < last; i++) {
      const start = starts[i] as number;
      const end = ends[i] as number;
      if (!ascii) out[from + i] = this.intern(values, i);
      else if (isNullText(bytes, start, end)) out[from + i] = 0;
      else out[from + i] = texts.internWords(view, start, end, hashes[i - first] as number);
    }
  }

  expect(entries: number, bytes: number): void {
    this.values.expect(entries, bytes);
  }

  append({ bytes, view, starts, ends }: Values, i: number): number {
    const start = starts[i] as number;
    const end = ends[i] as number;
    if (isNullText(bytes, start, end)) return 0;
    if (isText(bytes, start, end)) return this.values.addBytes(bytes, start, end);
    return this.#repair(view, start, end);
  }

  /** Texts of a page follow one another: one copy takes them all. */
  appendAll(from: Values, out: Uint32Array, at: number): void {
    const { bytes, starts, ends, count } = from;
    if (count === 0) return;
    const first = starts[0] as number;
    const last = ends[count - 1] as number;
    const ascii = isAscii(bytes.subarray(first, last));
    const values = this.values;
    values.reserve(last - first);
    values.arena.set(bytes.subarray(first, last), values.used);
    const shift = values.used - first;
    values.used += last - first;
    for (let i = 0; i < count; i++) {
      const start = starts[i] as number;
      const end = ends[i] as number;
      if (isNullText(bytes, start, end)) out[at + i] = 0;
      else if (!ascii && !isText(bytes, start, end))
        out[at + i] = this.#repair(from.view, start, end);
      else out[at + i] = addEntry(values, start + shift, end + shift);
    }
  }

  copy(source: Store, code: number): number {
    if (code === 0) return 0;
    const { arena, starts, ends } = source.values as Dictionary;
    const copy = this.values.addBytes(arena, starts[code] as number, ends[code] as number);
    if (source.repaired.has(code)) this.repaired.add(copy);
    return copy;
  }

  clear(): void {
    this.repaired.clear();
    this.#broken.clear();
    this.values.clear();
    this.values.add(undefined);
  }

  #repair(view: DataView, start: number, end: number): number {
    const code = this.values.add(decodeText(view, start, end));
    this.repaired.add(code);
    return code;
  }
}

/** Text written out of other values; `nullable`: an empty one is null. */
export class WrittenTextStore implements Store {
  readonly kind = 'text';
  readonly values: Dictionary;
  readonly repaired = NONE;
  readonly #read: ReadText;

  constructor(read: ReadText, transient: boolean) {
    this.#read = read;
    this.values = new Dictionary({ transient });
    this.values.add(undefined);
  }

  append({ view, starts, ends }: Values, i: number): number {
    return this.values.add(this.#read(view, starts[i] as number, ends[i] as number));
  }

  appendAll(values: Values, out: Uint32Array, from: number): void {
    for (let i = 0; i < values.count; i++) out[from + i] = this.append(values, i);
  }

  copy(source: Store, code: number): number {
    return code === 0 ? 0 : this.values.add((source.values as Dictionary).text(code));
  }

  clear(): void {
    this.values.clear();
    this.values.add(undefined);
  }
}

/** Exact numbers. */
export class AmountStore implements Store {
  readonly kind = 'amount';
  readonly values: Amounts;
  readonly repaired = NONE;
  readonly #append: AppendAmount;
  /** They stand in the part as doubles. */
  readonly #doubles: boolean;

  constructor(append: AppendAmount, transient: boolean, doubles: boolean) {
    this.#append = append;
    this.#doubles = doubles;
    this.values = new Amounts(16, transient);
    this.values.addNull();
  }

  expect(entries: number): void {
    this.values.reserve(this.values.size + entries);
  }

  append({ view, starts, ends }: Values, i: number): number {
    return this.#append(this.values, view, starts[i] as number, ends[i] as number);
  }

  appendAll(values: Values, out: Uint32Array, from: number): void {
    if (this.#doubles) {
      appendDoubles(this.values, values, out, from);
      return;
    }
    const { view, starts, ends, count } = values;
    this.values.reserve(this.values.size + count);
    for (let i = 0; i < count; i++)
      out[from + i] = this.#append(this.values, view, starts[i] as number, ends[i] as number);
  }

  copy(source: Store, code: number): number {
    if (code === 0) return 0;
    const copy = this.values.addNull();
    this.values.copy(copy, source.values as Amounts, code);
    return copy;
  }

  clear(): void {
    this.values.clear();
    this.values.addNull();
  }
}

/** Points in time. */
export class TimeStore implements Store {
  readonly kind = 'time';
  readonly values: Times;
  readonly repaired = NONE;
  readonly #read: ReadTime;

  constructor(read: ReadTime, transient: boolean) {
    this.#read = read;
    this.values = new Times(16, transient);
    this.values.add(Number.NaN);
  }

  append({ view, starts }: Values, i: number): number {
    return this.values.add(this.#read(view, starts[i] as number));
  }

  appendAll({ view, starts, count }: Values, out: Uint32Array, from: number): void {
    for (let i = 0; i < count; i++)
      out[from + i] = this.values.add(this.#read(view, starts[i] as number));
  }

  copy(source: Store, code: number): number {
    return code === 0 ? 0 : this.values.add((source.values as Times).ms[code] as number);
  }

  clear(): void {
    this.values.clear();
    this.values.add(Number.NaN);
  }
}

/** Adds bytes that are in the arena already. */
function addEntry(values: Dictionary, start: number, end: number): number {
  const code = values.size;
  if (code >= values.starts.length) {
    values.starts = grown(values.starts, code * 2);
    values.ends = grown(values.ends, code * 2);
  }
  values.starts[code] = start;
  values.ends[code] = end;
  values.size = code + 1;
  return code;
}

/** Nothing, or one of the words for null that text files have too: `NULL`, `null`, `\N`. */
function isNullText(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === 0) return true;
  if (length === 2) return bytes[start] === 92 && bytes[start + 1] === 78;
  if (length !== 4) return false;
  const lower = (bytes[start] as number) & 32;
  return (
    bytes[start] === (78 | lower) &&
    bytes[start + 1] === (85 | lower) &&
    bytes[start + 2] === (76 | lower) &&
    bytes[start + 3] === (76 | lower)
  );
}
