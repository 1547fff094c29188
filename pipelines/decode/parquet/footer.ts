import { type ColumnChunk, type FileMetaData, parquetMetadata, type RowGroup } from 'hyparquet';
import { BadPart } from '../../plugin/errors.ts';
import { openPart, type PartFile } from './part-file.ts';

/** One row group of a part. */
export interface RowGroupFacts {
  readonly rows: number;
  /** Compressed size of all its columns. */
  readonly bytes: number;
  /** Rows of the file before it. */
  readonly firstRow: number;
  readonly chunks: readonly ColumnChunk[];
}

/** What stands at the end of a Parquet file. */
export interface Footer {
  readonly metadata: FileMetaData;
  readonly rowGroups: readonly RowGroupFacts[];
  /** Where the footer begins: no page reaches beyond. */
  readonly dataEnd: number;
}

const MAGIC = 0x31524150;
const ENCRYPTED_MAGIC = 0x45524150;
/** Magic, footer length, magic. */
const SMALLEST = 12;
const MAX_FOOTER = 256 * 1024 * 1024;
/** A varint of more bytes than this is an attack on the reader's big integers. */
const MAX_CONTINUATIONS = 64 * 1024;

/** Reads and checks the footer of a Parquet file; BadPart when there is none that can be trusted. */
export async function readFooter(path: string): Promise<Footer> {
  const file = await openPart(path);
  try {
    return footerOf(file);
  } finally {
    await file.close();
  }
}

/** Like `readFooter`, of an opened part. */
export function footerOf(file: PartFile): Footer {
  const { path } = file;
  const bytes = footerBytes(file);
  const metadata = parse(bytes, path);
  return {
    metadata,
    rowGroups: rowGroupsOf(metadata, path),
    dataEnd: file.bytes - bytes.length,
  };
}

/** The footer with its length and magic. */
function footerBytes(file: PartFile): Uint8Array {
  const { path } = file;
  if (file.bytes < SMALLEST)
    throw new BadPart(`not a Parquet file: ${file.bytes} bytes are too few`, { path });
  const head = new Uint8Array(4);
  file.read(head, 4, 0);
  const tail = new Uint8Array(8);
  file.read(tail, 8, file.bytes - 8);
  const view = new DataView(tail.buffer);
  const magic = view.getUint32(4, true);
  if (magic === ENCRYPTED_MAGIC) throw new BadPart('the Parquet file is encrypted', { path });
  if (new DataView(head.buffer).getUint32(0, true) !== MAGIC)
    throw new BadPart('not a Parquet file: it does not begin with PAR1', { path });
  if (magic !== MAGIC)
    throw new BadPart('the Parquet file is torn: it does not end with PAR1', { path });
  const length = view.getUint32(0, true);
  if (length === 0 || length > file.bytes - SMALLEST || length > MAX_FOOTER)
    throw new BadPart(
      `the footer is said to have ${length} bytes, which a file of ${file.bytes} bytes cannot have`,
      { path },
    );
  const bytes = new Uint8Array(length + 8);
  file.read(bytes, length + 8, file.bytes - length - 8);
  return bytes;
}

function parse(bytes: Uint8Array, path: string): FileMetaData {
  let run = 0;
  for (const byte of bytes) {
    run = byte > 127 ? run + 1 : 0;
    if (run > MAX_CONTINUATIONS) throw new BadPart('the footer is damaged', { path });
  }
  try {
    return parquetMetadata(bytes, { geoparquet: false });
  } catch (cause) {
    throw new BadPart('the footer cannot be read', { path, cause });
  }
}

function rowGroupsOf(metadata: FileMetaData, path: string): RowGroupFacts[] {
  const leaves = metadata.schema.filter((element) => element.type !== undefined).length;
  let firstRow = 0;
  return metadata.row_groups.map((group, index) => {
    const rows = count(group.num_rows);
    if (rows === undefined || group.columns.length !== leaves)
      throw new BadPart(`the footer is damaged at row group ${index}`, { path });
    const facts = { rows, bytes: compressedBytes(group), firstRow, chunks: group.columns };
    firstRow += rows;
    return facts;
  });
}

function compressedBytes(group: RowGroup): number {
  let bytes = 0;
  for (const { meta_data } of group.columns) bytes += count(meta_data?.total_compressed_size) ?? 0;
  return bytes;
}

/** A number of the footer that counts something; undefined when it cannot be right. */
export function count(value: unknown): number | undefined {
  if (typeof value !== 'bigint' && typeof value !== 'number') return undefined;
  const number = Number(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
