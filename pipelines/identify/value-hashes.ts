/** Hashes of the distinct values of columns that share their codes. Hot where columns are transient. */
import { createHash } from 'node:crypto';
import { AMOUNT, type Amounts, decimalLimbs } from '../focus/amounts.ts';
import type { Column } from '../focus/batch.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import type { Times } from '../focus/times.ts';
import { addHash, addWordsHash, HASH_SLACK } from './hash-bytes.ts';

/** A column and what it is called. */
export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
}

/** Per code the sum of the hashes of what the columns say; what is null says nothing. */
export class ValueHashes {
  readonly #seeds: readonly Int32Array[];
  #values: readonly Column['values'][] = [];
  #hashes = new Int32Array(64);
  #size = 0;

  constructor(names: readonly string[]) {
    this.#seeds = names.map(seedOf);
  }

  /** Four words per code, up to the newest; only new values are looked at, unless they live for one batch. */
  of(columns: readonly NamedColumn[]): Int32Array {
    const known = columns.every(({ column }, i) => column.values === this.#values[i]);
    if (!known) this.#values = columns.map(({ column }) => column.values);
    if (!known || this.#values[0]?.transient === true) this.#size = 0;
    const size = columns.length === 0 ? 1 : Math.min(...this.#values.map(({ size }) => size));
    this.#reserve(size);
    this.#hashes.fill(0, this.#size * 4, size * 4);
    for (const [i, { column }] of columns.entries())
      this.#add(column, this.#seeds[i] as Int32Array, size);
    this.#size = Math.max(this.#size, size);
    return this.#hashes;
  }

  #add(column: Column, seed: Int32Array, size: number): void {
    const range = { from: this.#size, to: size, seed };
    if (column.kind === 'text') addTexts(this.#hashes, column.values, range);
    else if (column.kind === 'amount') addAmounts(this.#hashes, column.values, range);
    else addTimes(this.#hashes, column.values, range);
  }

  #reserve(size: number): void {
    if (size * 4 <= this.#hashes.length) return;
    const hashes = new Int32Array(Math.max(size * 4, this.#hashes.length * 2));
    hashes.set(this.#hashes.subarray(0, this.#size * 4));
    this.#hashes = hashes;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly seed: Int32Array;
}

const encoder = new TextEncoder();
/** A value as bytes. */
const scratch = new DataView(new ArrayBuffer(8 + HASH_SLACK));

function addTexts(into: Int32Array, { view, starts, ends }: Dictionary, range: Range): void {
  for (let code = range.from; code < range.to; code++) {
    const start = starts[code] as number;
    const end = ends[code] as number;
    if (start <= end) addHash(into, code * 4, { view, start, end, seed: range.seed });
  }
}

/** Equal amounts hash equal, however they were written. */
function addAmounts(into: Int32Array, amounts: Amounts, { from, to, seed }: Range): void {
  for (let code = from; code < to; code++) {
    const state = amounts.state[code];
    if (state === AMOUNT.null || state === AMOUNT.invalid) continue;
    const whole = amounts.whole[code] as number;
    const nano = amounts.nano[code] as number;
    const atto = amounts.atto[code] as number;
    if (state === AMOUNT.limbs && isCarried(whole, nano, atto))
      addLimbs(into, code, { whole, nano, atto, seed });
    else addUncarried(into, code, amounts, seed);
  }
}

function addUncarried(into: Int32Array, code: number, amounts: Amounts, seed: Int32Array): void {
  const value = amounts.decimal(code);
  const limbs = value === undefined ? undefined : decimalLimbs(value);
  if (limbs === undefined) {
    addText(into, code, amounts.text(code) ?? '', seed);
    return;
  }
  const [whole, nano, atto] = limbs;
  addLimbs(into, code, { whole, nano, atto, seed });
}

/** All limbs have the same sign and none more than its digits: the only such way to write the amount. */
function isCarried(whole: number, nano: number, atto: number): boolean {
  if (Math.abs(nano) >= 1e9 || Math.abs(atto) >= 1e9) return false;
  const isNegative = whole < 0 || nano < 0 || atto < 0;
  return !isNegative || (whole <= 0 && nano <= 0 && atto <= 0);
}

/** The whole part takes two words. */
function addLimbs(
  into: Int32Array,
  code: number,
  {
    whole,
    nano,
    atto,
    seed,
  }: {
    readonly whole: number;
    readonly nano: number;
    readonly atto: number;
    readonly seed: Int32Array;
  },
): void {
  const high = Math.floor(whole / 4294967296);
  addWordsHash(into, code * 4, { a: whole | 0, b: high, c: nano | 0, d: atto | 0, seed });
}

function addText(into: Int32Array, code: number, text: string, seed: Int32Array): void {
  const bytes = new Uint8Array(text.length * 3 + HASH_SLACK);
  const { written } = encoder.encodeInto(text, bytes);
  addHash(into, code * 4, { view: new DataView(bytes.buffer), start: 0, end: written, seed });
}

function addTimes(into: Int32Array, { ms }: Times, { from, to, seed }: Range): void {
  for (let code = from; code < to; code++) {
    const value = ms[code] as number;
    if (!Number.isFinite(value)) continue;
    scratch.setFloat64(0, value, true);
    addHash(into, code * 4, { view: scratch, start: 0, end: 8, seed });
  }
}

/** Equal values of different columns differ. */
function seedOf(name: string): Int32Array {
  const digest = createHash('sha256').update(name).digest();
  return Int32Array.from({ length: 4 }, (_, i) => digest.readInt32LE(i * 4));
}
