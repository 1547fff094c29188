/** Hot: runs once per batch; loops over rows only where texts do not lie side by side. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { constants, zstdCompressSync } from 'node:zlib';
import type { Amounts } from '../focus/amounts.ts';
import type { Batch, Column } from '../focus/batch.ts';
import { formatDecimal } from '../focus/decimal.ts';
import type { Dictionary } from '../focus/dictionary.ts';
import { blockBytes, type KeptIds } from './block.ts';
import { type ColumnHead, codesOfWidth, type Head, packed, widthFor } from './columns.ts';

/** Values of columns that are remembered to be on disk already. */
const MOST_REMEMBERED = 4096;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Writes charges to a new file; what a dictionary has grown by is written with the batch that needs it. */
export class KeptWriter {
  readonly #file: number;
  /** What is on disk of the values that last, by its number there. */
  readonly #written = new Map<object, { readonly id: number; count: number }>();
  #bytes = 0;
  #isOpen = true;

  constructor(path: string) {
    this.#file = openSync(path, 'w', 0o600);
  }

  /** Keeps a batch, with the revision that sent each charge. */
  add(batch: Batch, ids: KeptIds): void {
    const reset = this.#written.size > MOST_REMEMBERED;
    if (reset) this.#written.clear();
    const arrays = new Map<Uint32Array, number>();
    const sections: Uint8Array[] = [];
    const columns: ColumnHead[] = [];
    for (const [name, column] of batch.columns)
      columns.push({
        name,
        codes: column.values.size === 1 ? -1 : numberOf(arrays, column.codes),
        ...this.#values(column, sections),
      });
    const widths = widthsOf(batch, arrays);
    const codes = [...arrays.keys()].map((array, i) =>
      codesOfWidth(array, batch.rows, widths[i] as number),
    );
    const head: Head = { reset, widths, columns };
    const body = zstdCompressSync(packed(head, [...codes, ...sections]), ZSTD);
    for (const bytes of blockBytes({ rows: batch.rows, ids, body })) this.#write(bytes);
  }

  /** Has the file on disk and closes it; answers its length. */
  finish(): number {
    fsyncSync(this.#file);
    this.close();
    return this.#bytes;
  }

  /** Closes the file as it is; nothing when that is done. */
  close(): void {
    if (this.#isOpen) closeSync(this.#file);
    this.#isOpen = false;
  }

  #write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; )
      done += writeSync(this.#file, bytes, done, bytes.length - done);
    this.#bytes += bytes.length;
  }

  /** Adds the values of a column that are not on disk yet to the sections. */
  #values(column: Column, sections: Uint8Array[]): Omit<ColumnHead, 'name' | 'codes'> {
    const { kind, values } = column;
    const { size, transient } = values;
    let known = transient ? undefined : this.#written.get(values);
    const from = known?.count ?? 0;
    const range = { from, to: size };
    const big = kind === 'amount' ? addAmounts(sections, column.values, range) : [];
    if (kind === 'text') addTexts(sections, column.values, range);
    if (kind === 'time') sections.push(bytesOf(column.values.ms.slice(from, size)));
    if (!transient && known === undefined) {
      known = { id: this.#written.size, count: size };
      this.#written.set(values, known);
    }
    if (known !== undefined) known.count = size;
    const about = { kind, id: known?.id ?? -1, from, count: size - from };
    return big.length === 0 ? about : { ...about, big };
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

function numberOf(arrays: Map<Uint32Array, number>, codes: Uint32Array): number {
  const known = arrays.get(codes) ?? arrays.size;
  arrays.set(codes, known);
  return known;
}

/** Of each array of codes the bytes that its largest code needs. */
function widthsOf({ columns }: Batch, arrays: ReadonlyMap<Uint32Array, number>): number[] {
  const widths = new Array<number>(arrays.size).fill(1);
  for (const { codes, values } of columns.values()) {
    const at = arrays.get(codes);
    if (at !== undefined && values.size > 1)
      widths[at] = Math.max(widths[at] as number, widthFor(values.size));
  }
  return widths;
}

/** Lengths, -1 for null, then the bytes. */
function addTexts(sections: Uint8Array[], values: Dictionary, { from, to }: Range): void {
  const lengths = new Int32Array(to - from);
  const { starts, ends, arena } = values;
  let bytes = 0;
  for (let code = from; code < to; code++) {
    const length = (ends[code] as number) - (starts[code] as number);
    lengths[code - from] = length < 0 ? -1 : length;
    if (length > 0) bytes += length;
  }
  const texts = new Uint8Array(bytes);
  for (let code = from, at = 0; code < to; code++) {
    const length = lengths[code - from] as number;
    if (length <= 0) continue;
    const start = starts[code] as number;
    if (length > 32) texts.set(arena.subarray(start, start + length), at);
    else for (let i = 0; i < length; i++) texts[at + i] = arena[start + i] as number;
    at += length;
  }
  sections.push(bytesOf(lengths), texts);
}

/** State, three limbs and the nearest double; answers those that do not fit into limbs. */
function addAmounts(
  sections: Uint8Array[],
  amounts: Amounts,
  { from, to }: Range,
): [number, string][] {
  sections.push(amounts.state.slice(from, to));
  for (const numbers of [amounts.whole, amounts.nano, amounts.atto, amounts.double])
    sections.push(bytesOf(numbers.slice(from, to)));
  return [...amounts.big]
    .filter(([code]) => code >= from && code < to)
    .map(([code, value]) => [code - from, formatDecimal(value)]);
}

function bytesOf({ buffer, byteOffset, byteLength }: Float64Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
