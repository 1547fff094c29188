import type { ColumnChunk, RowGroup } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import type { Chunk } from './chunk-writer.ts';
import { type StoredColumn, schemaOf } from './file-schema.ts';

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
 * What a Parquet file ends with, given its row groups in order. All must have the same columns; `columns` is for a file
 * without rows.
 */
export function parquetFoot(
  placed: readonly PlacedRowGroup[],
  columns: readonly StoredColumn[] = [],
): Uint8Array {
  const facts = placed.map(({ rowGroup }) => rowGroup as RowGroupFacts);
  const stored = facts[0]?.columns ?? columns;
  for (const group of facts)
    if (!sameColumns(group.columns, stored))
      throw new Error('the row groups of a Parquet file have different columns');
  const groups = facts.map(({ group }, i) => shifted(group, placed[i]?.offset ?? 0));
  const writer = new ByteWriter(64 * 1024);
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

function sameColumns(a: readonly StoredColumn[], b: readonly StoredColumn[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ name, type }, i) => name === b[i]?.name && type === b[i]?.type)
  );
}
