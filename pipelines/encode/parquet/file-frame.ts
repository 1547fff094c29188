import type { ColumnChunk, RowGroup } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { type Chunk, ChunkWriter, type LeafFacts } from './chunk-writer.ts';
import { leavesOf, type StoredColumn, schemaOf } from './file-schema.ts';

/** A finished row group: plain data that may cross threads. Offsets count from the first byte of its bytes. */
export interface RowGroupFacts {
  readonly columns: readonly StoredColumn[];
  readonly group: RowGroup;
}

/** Row group bytes where they stand in the file. */
export interface PlacedRowGroup {
  /** `RowGroupFacts`. */
  readonly rowGroup: unknown;
  /** First byte in the file. */
  readonly offset: number;
}

const MAGIC = new TextEncoder().encode('PAR1');

/** What a Parquet file begins with. */
export function parquetHead(): Uint8Array {
  return MAGIC.slice();
}

/**
 * What a Parquet file ends with, given its row groups in order, from their last byte on. A column that only some of them
 * have is null in the others; `columns` is for a file without row groups.
 */
export function parquetFoot(
  placed: readonly PlacedRowGroup[],
  columns: readonly StoredColumn[] = [],
): Uint8Array {
  const all = placed.map(({ rowGroup, offset }) => ({ ...(rowGroup as RowGroupFacts), offset }));
  const stored = all.length === 0 ? columns : union(all.map((group) => group.columns));
  const writer = new ByteWriter(64 * 1024);
  const end = all.reduce((most, { offset, group }) => Math.max(most, endOf(offset, group)), 4);
  const nulls = nullChunks(writer, end);
  const groups = all
    .filter(({ group }) => group.num_rows > 0n)
    .map((facts) => filled({ ...facts, group: shifted(facts.group, facts.offset) }, stored, nulls));
  writeMetadata(writer, {
    version: 2,
    created_by: 'focusd',
    schema: schemaOf(stored),
    num_rows: groups.reduce((rows, group) => rows + group.num_rows, 0n),
    row_groups: groups,
    metadata_length: 0,
  });
  writer.appendBytes(MAGIC);
  return writer.getBytes().slice();
}

function endOf(offset: number, group: RowGroup): number {
  return offset + Number(group.total_compressed_size ?? 0n);
}

/** All columns, in the order in which they appear first. */
function union(lists: readonly (readonly StoredColumn[])[]): StoredColumn[] {
  const columns = new Map<string, StoredColumn>();
  for (const column of lists.flat()) {
    const known = columns.get(column.name);
    if (known !== undefined && known.type !== column.type)
      throw new Error(`${column.name} is ${known.type} and ${column.type} in one Parquet file`);
    columns.set(column.name, column);
  }
  return [...columns.values()];
}

/** The row group with all columns of the file; only those of one leaf each can be missing. */
function filled(
  facts: RowGroupFacts,
  columns: readonly StoredColumn[],
  nulls: NullChunks,
): RowGroup {
  const { group } = facts;
  if (columns.every(({ name }, i) => name === facts.columns[i]?.name)) return group;
  const own = new Map(
    facts.columns.map(({ name }, i) => [name, group.columns[i] as ColumnChunk] as const),
  );
  return {
    ...group,
    columns: columns.map((column) => own.get(column.name) ?? nulls(column, Number(group.num_rows))),
  };
}

type NullChunks = (column: StoredColumn, rows: number) => ColumnChunk;

/** Makes chunks without values; their pages go to `writer`, which starts at byte `end` of the file. */
function nullChunks(writer: ByteWriter, end: number): NullChunks {
  return (column, rows) => {
    const [leaf] = leavesOf(column);
    const chunk = new ChunkWriter(leaf as LeafFacts, 'none');
    chunk.putNulls(rows);
    const { pieces, facts } = chunk.finish();
    const offset = end + writer.index;
    for (const piece of pieces) writer.appendBytes(piece);
    return shiftedChunk(facts, BigInt(offset));
  };
}

/** Puts column chunks together to a row group. */
export function joinChunks(
  columns: readonly StoredColumn[],
  chunks: readonly Chunk[],
  rows: number,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly rowGroup: RowGroupFacts } {
  const size = chunks.flatMap(({ pieces }) => pieces).reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  const placed: ColumnChunk[] = [];
  let uncompressed = 0n;
  let at = 0;
  for (const { pieces, facts } of chunks) {
    placed.push(shiftedChunk(facts, BigInt(at)));
    uncompressed += facts.meta_data?.total_uncompressed_size ?? 0n;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  const group: RowGroup = {
    columns: placed,
    total_byte_size: uncompressed,
    num_rows: BigInt(rows),
    file_offset: 0n,
    total_compressed_size: BigInt(size),
  };
  return { bytes, rowGroup: { columns, group } };
}

function shifted(group: RowGroup, offset: number): RowGroup {
  const by = BigInt(offset);
  return {
    ...group,
    columns: group.columns.map((chunk) => shiftedChunk(chunk, by)),
    file_offset: (group.file_offset ?? 0n) + by,
  };
}

function shiftedChunk(chunk: ColumnChunk, by: bigint): ColumnChunk {
  const facts = chunk.meta_data;
  if (facts === undefined) return chunk;
  const dictionary = facts.dictionary_page_offset;
  return {
    ...chunk,
    meta_data: {
      ...facts,
      data_page_offset: facts.data_page_offset + by,
      ...(dictionary === undefined ? {} : { dictionary_page_offset: dictionary + by }),
    },
  };
}
