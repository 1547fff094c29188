/** Hot: runs once per block. */
import { closeSync, openSync } from 'node:fs';
import { zstdDecompressSync } from 'node:zlib';
import { Amounts } from '../focus/amounts.ts';
import type { Batch, Column } from '../focus/batch.ts';
import { decimal } from '../focus/decimal.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { Times } from '../focus/times.ts';
import { type Block, type KeptIds, readBlock } from './block.ts';
import { type ColumnHead, Sections } from './columns.ts';

/** Charges as they were kept. */
export interface KeptBatch {
  readonly batch: Batch;
  readonly ids: KeptIds;
}

/** The charges of a file, batch by batch; each is valid until the next. Throws when the file is damaged. */
export function* readKept(path: string): Generator<KeptBatch> {
  const reader = new KeptReader();
  for (const block of blocks(path)) yield { batch: reader.batch(block), ids: block.ids };
}

/** Only the ids, with the number of rows. */
export function* readKeptIds(
  path: string,
): Generator<{ readonly rows: number; readonly ids: KeptIds }> {
  yield* blocks(path);
}

function* blocks(path: string): Generator<Block> {
  const file = openSync(path, 'r');
  try {
    for (let block = readBlock(file, path); block !== undefined; block = readBlock(file, path))
      yield block;
  } finally {
    closeSync(file);
  }
}

class KeptReader {
  /** Values that last, by their number. */
  readonly #lasting = new Map<number, Column['values']>();
  #zeros = new Uint32Array(0);
  #rowNumbers = new Float64Array(0);

  batch({ rows, body }: Block): Batch {
    const sections = new Sections(zstdDecompressSync(body));
    const { reset, widths, columns } = sections.head;
    if (reset) this.#lasting.clear();
    if (this.#zeros.length < rows) this.#zeros = new Uint32Array(rows);
    if (this.#rowNumbers.length < rows) this.#rowNumbers = new Float64Array(rows);
    const codes = widths.map((width) => codesIn(sections.take(rows * width), width));
    const read = columns.map((head): [string, Column] => [
      head.name,
      { codes: codes[head.codes] ?? this.#zeros, ...this.#values(head, sections) },
    ]);
    return { rows, columns: new Map(read), rowNumbers: this.#rowNumbers };
  }

  #values(head: ColumnHead, sections: Sections): ColumnValues {
    const known = head.from === 0 ? undefined : this.#lasting.get(head.id);
    const column = columnValues(head.kind, known ?? newValues(head));
    if (head.id >= 0) this.#lasting.set(head.id, column.values);
    if (column.kind === 'text') addTexts(column.values, head.count, sections);
    else if (column.kind === 'amount') addAmounts(column.values, head, sections);
    else for (const ms of new Float64Array(sections.take(head.count * 8))) column.values.add(ms);
    return column;
  }
}

type ColumnValues =
  | { readonly kind: 'text'; readonly values: Dictionary }
  | { readonly kind: 'amount'; readonly values: Amounts }
  | { readonly kind: 'time'; readonly values: Times };

function newValues({ kind, id, count }: ColumnHead): Column['values'] {
  const transient = id < 0;
  if (kind === 'text') return new Dictionary({ transient, entries: Math.max(16, count) });
  const entries = Math.max(16, count);
  return kind === 'amount' ? new Amounts(entries, transient) : new Times(entries, transient);
}

function columnValues(kind: ColumnHead['kind'], values: Column['values']): ColumnValues {
  if (kind === 'text' && values instanceof Dictionary) return { kind, values };
  if (kind === 'amount' && values instanceof Amounts) return { kind, values };
  if (kind === 'time' && values instanceof Times) return { kind, values };
  throw new Error('kept columns have changed their kind');
}

function codesIn(bytes: ArrayBuffer, width: number): Uint32Array {
  if (width === 4) return new Uint32Array(bytes);
  return new Uint32Array(width === 1 ? new Uint8Array(bytes) : new Uint16Array(bytes));
}

function addTexts(values: Dictionary, count: number, sections: Sections): void {
  const lengths = new Int32Array(sections.take(count * 4));
  let bytes = 0;
  for (const length of lengths) if (length > 0) bytes += length;
  const texts = new Uint8Array(sections.take(bytes));
  let at = 0;
  for (const length of lengths) {
    if (length < 0) values.add(undefined);
    else values.addBytes(texts, at, at + length);
    at += Math.max(0, length);
  }
}

function addAmounts(values: Amounts, { count, big = [] }: ColumnHead, sections: Sections): void {
  const from = values.size;
  values.reserve(from + count);
  values.state.set(new Uint8Array(sections.take(count)), from);
  for (const numbers of [values.whole, values.nano, values.atto, values.double])
    numbers.set(new Float64Array(sections.take(count * 8)), from);
  for (const [place, text] of big) values.big.set(from + place, decimal(text));
  values.size = from + count;
}
