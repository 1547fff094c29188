/** Any table as a Parquet file, row group by row group. Hot: a cell seen before is one look-up. */
import { type FileHandle, open } from 'node:fs/promises';
import { Amounts } from '../../focus/amounts.ts';
import { parseTime } from '../../focus/times.ts';
import { Bytes } from '../bytes.ts';
import { ChunkWriter, type Located } from './chunk-writer.ts';
import type { Compression } from './codec.ts';
import { type Places, placesOf, writeDecimal } from './decimal-bytes.ts';
import { joinChunks, type PlacedRowGroup, parquetFoot, parquetHead } from './file-frame.ts';
import { leavesOf, type StoredColumn, type StoredType } from './file-schema.ts';

/** What a column of a table holds. */
export type TableType = 'string' | 'json' | 'double' | 'decimal' | 'timestamp' | 'int64' | 'map';

/**
 * A cell: text whatever the type, or the number. Maps are JSON objects of texts. Nothing, null and the empty text are
 * null. In a timestamp column, numbers are milliseconds.
 */
export type TableCell = string | number | bigint | null | undefined;

/** What is to be written where. */
export interface TableRequest {
  readonly path: string;
  readonly columns: readonly { readonly name: string; readonly type: TableType }[];
  /** Some rows at a time, each with its cells in the order of the columns. */
  readonly chunks:
    | Iterable<readonly (readonly TableCell[])[]>
    | AsyncIterable<readonly (readonly TableCell[])[]>;
  /** Default 98,304. */
  readonly rowGroupRows?: number;
  /** Default `zstd`. */
  readonly compression?: Compression;
}

const ROW_GROUP_ROWS = 98_304;
const SLICE_ROWS = 2048;

/** Writes a table to a file; answers how many rows it has. Memory stays flat however many they are. */
export async function writeParquetTable(request: TableRequest): Promise<number> {
  const stored = request.columns.map(({ name, type }) => ({ name, type: STORED[type] }));
  const writers = stored.map((column) => new TableColumn(column, request.compression ?? 'zstd'));
  const limit = request.rowGroupRows ?? ROW_GROUP_ROWS;
  const file = await open(request.path, 'w');
  try {
    const out = await fileOf(file, stored);
    let rows = 0;
    for await (const chunk of request.chunks)
      for (let from = 0; from < chunk.length; ) {
        const slice = chunk.slice(from, from + Math.min(SLICE_ROWS, limit - rows));
        for (const [position, writer] of writers.entries()) writer.add(slice, position);
        rows += slice.length;
        from += slice.length;
        if (rows < limit) continue;
        await out.add(writers, rows);
        rows = 0;
      }
    if (rows > 0) await out.add(writers, rows);
    return await out.finish();
  } finally {
    await file.close();
  }
}

async function fileOf(file: FileHandle, columns: readonly StoredColumn[]) {
  const placed: PlacedRowGroup[] = [];
  let end = 0;
  let total = 0;
  const write = async (bytes: Uint8Array) => {
    await file.writeFile(bytes);
    end += bytes.length;
  };
  await write(parquetHead());
  return {
    async add(writers: readonly TableColumn[], rows: number) {
      const chunks = writers.flatMap((writer) => writer.finish());
      const { bytes, rowGroup } = joinChunks(columns, chunks, rows);
      placed.push({ rowGroup, offset: end });
      total += rows;
      await write(bytes);
    },
    async finish() {
      await write(parquetFoot(placed, columns));
      return total;
    },
  };
}

const STORED: Readonly<Record<TableType, StoredType>> = {
  string: 'text',
  json: 'text',
  double: 'double',
  decimal: 'decimal',
  timestamp: 'time',
  int64: 'int64',
  map: 'map',
};

/** Keys and values of a map by turns, as indices or, once the dictionary has been given up, as texts. */
type Entries = readonly (readonly [key: string, value: string | undefined])[];

class TableColumn {
  readonly #type: StoredType;
  readonly #leaves: readonly ChunkWriter[];
  readonly #encode: (cell: TableCell) => Located | undefined;
  /** Dictionary index of cells of this row group; of each leaf. */
  readonly #known: readonly Map<TableCell, number>[];
  readonly #maps = new Map<string, Entries>();

  constructor(column: StoredColumn, compression: Compression) {
    this.#type = column.type;
    this.#leaves = leavesOf(column).map((leaf) => new ChunkWriter(leaf, compression));
    this.#known = this.#leaves.map(() => new Map());
    this.#encode = encoderOf(column);
  }

  add(rows: readonly (readonly TableCell[])[], position: number): void {
    for (const row of rows) {
      const cell = row[position];
      if (cell === undefined || cell === null || cell === '')
        for (const leaf of this.#leaves) leaf.putNulls(1);
      else if (this.#type === 'map') this.#map(String(cell));
      else this.#put(0, cell);
    }
    for (const leaf of this.#leaves) leaf.endPage();
  }

  finish() {
    for (const known of this.#known) known.clear();
    return this.#leaves.map((leaf) => leaf.finish());
  }

  #map(text: string): void {
    const entries = this.#maps.get(text) ?? this.#remember(text);
    if (entries.length === 0) for (const leaf of this.#leaves) leaf.putNulls(1, 1);
    for (let i = 0; i < entries.length; i++) {
      const [key, value] = entries[i] as Entries[number];
      const repetition = i === 0 ? 0 : 1;
      this.#put(0, key, repetition);
      if (value === undefined) this.#leaves[1]?.putNulls(1, 2, repetition);
      else this.#put(1, value, repetition);
    }
  }

  #remember(text: string): Entries {
    if (this.#maps.size >= 16_384) this.#maps.clear();
    const entries = mapEntries(text);
    this.#maps.set(text, entries);
    return entries;
  }

  #put(number: number, cell: TableCell, repetition = 0): void {
    const leaf = this.#leaves[number] as ChunkWriter;
    const known = this.#known[number] as Map<TableCell, number>;
    const index = leaf.plain ? undefined : known.get(cell);
    if (index !== undefined) {
      leaf.putIndex(index, repetition);
      return;
    }
    const located = this.#encode(cell);
    if (located === undefined) leaf.putNulls(1, 0, repetition);
    else if (leaf.plain) leaf.put(located, repetition);
    else {
      const added = leaf.index(located);
      known.set(cell, added);
      leaf.putIndex(added, repetition);
    }
  }
}

function mapEntries(text: string): Entries {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed !== 'object' || parsed === null) throw new TypeError(`not a map: ${text}`);
  return Object.entries(parsed).map(([key, value]) => [
    key,
    value === null ? undefined : typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

function encoderOf({ name, type }: StoredColumn): (cell: TableCell) => Located | undefined {
  const out = new Bytes(64);
  const done = (length: number): Located => {
    return { bytes: out.buffer, view: out.view, start: 0, end: length };
  };
  switch (type) {
    case 'double':
      return (cell) => {
        out.view.setFloat64(0, Number(cell), true);
        return done(8);
      };
    case 'int64':
      return (cell) => {
        out.view.setBigInt64(0, BigInt(cell ?? 0), true);
        return done(8);
      };
    case 'time':
      return (cell) => {
        out.view.setBigInt64(0, microseconds(cell), true);
        return done(8);
      };
    case 'decimal': {
      const places = placesOf(name);
      return (cell) => {
        writeCell(String(cell), out.view, places);
        return done(16);
      };
    }
    default:
      return (cell) => {
        out.length = 0;
        out.text(String(cell));
        return done(out.length);
      };
  }
}

function writeCell(text: string, view: DataView, places: Places): void {
  const amounts = new Amounts(1);
  amounts.addText(text);
  if (amounts.text(0) === undefined || writeDecimal(amounts, 0, view, places) === 'too large')
    throw new RangeError(`not a DECIMAL(38,${places}): ${text}`);
}

/** What is no time becomes the least possible one, which readers do not take for a time. */
function microseconds(cell: TableCell): bigint {
  const ms = typeof cell === 'string' ? parseTime(cell) : Number(cell);
  return Number.isFinite(ms) ? BigInt(Math.round(ms * 1000)) : -(2n ** 63n);
}
