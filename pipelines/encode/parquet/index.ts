/** Charges as row groups of a FOCUS Parquet file. Hot: dictionary codes become dictionary indices. */
import type { Batch, Column } from '../../focus/batch.ts';
import type { BatchEncoder, EncodedChunk } from '../encoder.ts';
import type { FocusFileOptions } from '../focus-columns.ts';
import { Costs } from '../records.ts';
import { ChunkWriter, NULL_INDEX } from './chunk-writer.ts';
import type { Compression } from './codec.ts';
import { placesOf } from './decimal-bytes.ts';
import { joinChunks } from './file-frame.ts';
import { focusColumns, leavesOf, type StoredAmounts, type StoredColumn } from './file-schema.ts';
import {
  decimalLocator,
  doubleLocator,
  type Locator,
  textLocator,
  timeLocator,
} from './value-bytes.ts';

export { parquetFoot, parquetHead } from './file-frame.ts';
export { focusColumns } from './file-schema.ts';
export { fitsDecimal } from './value-bytes.ts';

/** Settings of the encoder. */
export interface ParquetEncoderOptions extends FocusFileOptions {
  /** Default `decimal`: DECIMAL(38,24), of quantities DECIMAL(38,18). */
  readonly amounts?: StoredAmounts;
  /** Default `zstd`. */
  readonly compression?: Compression;
  /** Rows of a row group. Default 98,304. */
  readonly rowGroupRows?: number;
}

/** An encoder to Parquet; it counts what it had to change. */
export interface ParquetEncoder extends BatchEncoder {
  /** Amounts rounded so far (`amount_rounded`), handed over once. */
  takeRepairs(): Map<string, number>;
}

const ROW_GROUP_ROWS = 98_304;
const ROW_GROUP_BYTES = 16 * 1024 * 1024;

/**
 * An encoder to row groups; `parquetHead` and `parquetFoot` make a file of them. When there was no row at all, a chunk
 * without bytes tells the columns.
 */
export function parquetEncoder(options: ParquetEncoderOptions): ParquetEncoder {
  const columns = focusColumns(options);
  const writers = columns.map((column) => new ColumnWriter(column, options.compression ?? 'zstd'));
  const groupRows = options.rowGroupRows ?? ROW_GROUP_ROWS;
  let costs = new Costs();
  let rows = 0;
  let begun = false;

  function take(): EncodedChunk {
    const chunks = writers.map((writer) => writer.finish());
    const { bytes, rowGroup } = joinChunks(columns, chunks, rows);
    const rawBytes = Number(rowGroup.group.total_byte_size);
    const chunk = { bytes, rows, rawBytes, rowGroup, costs: costs.texts() };
    costs = new Costs();
    rows = 0;
    begun = true;
    return chunk;
  }

  return {
    add(batch) {
      let bytes = 0;
      for (const writer of writers) bytes += writer.add(batch);
      costs.add(batch, 0, batch.rows);
      rows += batch.rows;
      return rows >= groupRows || bytes >= ROW_GROUP_BYTES ? [take()] : [];
    },
    finish: () => (rows > 0 || !begun ? [take()] : []),
    takeRepairs() {
      const rounded = writers.reduce((sum, writer) => sum + writer.takeRounded(), 0);
      return rounded === 0 ? new Map() : new Map([['amount_rounded', rounded]]);
    },
  };
}

/** What is remembered of the entries of one dictionary while a row group lasts. */
interface Memory {
  /** Index + 1 of each entry in the chunk's dictionary, NULL_INDEX for null, 0 when not looked at yet. */
  indices: Uint32Array;
  readonly rounded: Set<number>;
}

/** Writes one column. */
class ColumnWriter {
  readonly #name: string;
  readonly #chunk: ChunkWriter;
  readonly #locator: Locator;
  readonly #memories = new Map<object, Memory>();
  #rounded = 0;

  constructor(column: StoredColumn, compression: Compression) {
    this.#name = column.name;
    const [leaf] = leavesOf(column);
    if (leaf === undefined) throw new TypeError(`no values in ${column.name}`);
    this.#chunk = new ChunkWriter(leaf, compression);
    this.#locator = locatorOf(column);
  }

  /** Takes the column of a batch; answers how many bytes are waiting. */
  add({ columns, rows }: Batch): number {
    const column = columns.get(this.#name);
    if (column === undefined) this.#chunk.putNulls(rows);
    else if (this.#chunk.plain || column.values.transient) this.#addRows(column, rows);
    else this.#addCodes(column, rows);
    this.#chunk.endPage();
    return this.#chunk.bytes;
  }

  finish() {
    this.#memories.clear();
    return this.#chunk.finish();
  }

  takeRounded(): number {
    const rounded = this.#rounded;
    this.#rounded = 0;
    return rounded;
  }

  #addRows(column: Column, rows: number): void {
    const locator = this.#locator;
    for (let row = 0; row < rows; row++) {
      const located = locator.locate(column, column.codes[row] as number);
      if (located === undefined) this.#chunk.putNulls(1);
      else {
        this.#chunk.put(located);
        if (locator.rounded) this.#rounded++;
      }
    }
  }

  #addCodes(column: Column, rows: number): void {
    const memory = this.#memoryOf(column);
    const { codes } = column;
    const { indices } = memory;
    for (let row = 0; row < rows; row++) {
      const code = codes[row] as number;
      if (indices[code] === 0) this.#lookAt(column, code, memory);
    }
    this.#chunk.putCodes(codes, rows, indices);
    if (memory.rounded.size === 0) return;
    for (let row = 0; row < rows; row++)
      if (memory.rounded.has(codes[row] as number)) this.#rounded++;
  }

  #lookAt(column: Column, code: number, memory: Memory): void {
    const located = this.#locator.locate(column, code);
    memory.indices[code] = located === undefined ? NULL_INDEX : this.#chunk.index(located) + 1;
    if (located !== undefined && this.#locator.rounded) memory.rounded.add(code);
  }

  #memoryOf({ values }: Column): Memory {
    let memory = this.#memories.get(values);
    if (memory === undefined) {
      memory = { indices: new Uint32Array(values.size + 16), rounded: new Set() };
      this.#memories.set(values, memory);
    } else if (memory.indices.length < values.size) {
      const indices = new Uint32Array(values.size * 2);
      indices.set(memory.indices);
      memory.indices = indices;
    }
    return memory;
  }
}

function locatorOf({ name, type }: StoredColumn): Locator {
  switch (type) {
    case 'time':
      return timeLocator();
    case 'decimal':
      return decimalLocator(placesOf(name));
    case 'double':
      return doubleLocator();
    default:
      return textLocator();
  }
}
