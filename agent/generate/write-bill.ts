import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, createZstdCompress } from 'node:zlib';
import { writeParquetTable } from '../../pipelines/encode/parquet/table.ts';
import type { Bill } from './bill.ts';
import { Random, seedFor } from './random.ts';
import type { TruthSums } from './truth.ts';

/** File formats that can be written. */
export type BillFormat = 'csv' | 'csv.gz' | 'csv.zst' | 'ndjson' | 'ndjson.gz' | 'parquet';

/** Which rows of a bill go to which file. */
export interface WriteRequest {
  readonly path: string;
  readonly format: BillFormat;
  readonly bill: Bill;
  /** Rows [from, to) of the bill. */
  readonly from: number;
  readonly to: number;
  /** Row numbers to break. */
  readonly broken: ReadonlySet<number>;
  readonly seed: number;
  readonly truth: TruthSums;
  /** Rows written since the last call. */
  readonly progress: (rows: number) => void;
}

const CHUNK_ROWS = 2_000;

/** Writes rows of a bill to a file that appears under its name once it is whole. */
export async function writeBill(request: WriteRequest): Promise<void> {
  await mkdir(dirname(request.path), { recursive: true });
  const temporary = `${request.path}.part`;
  if (request.format === 'parquet')
    await writeParquetTable({
      path: temporary,
      columns: request.bill.columns,
      chunks: rowChunks(request),
    });
  else await writeText(request, temporary);
  await rename(temporary, request.path);
}

async function writeText(request: WriteRequest, path: string): Promise<void> {
  const { format } = request;
  const lines = Readable.from(
    format.startsWith('csv') ? csvChunks(request) : ndjsonChunks(request),
    { objectMode: false },
  );
  const compress = format.endsWith('.gz')
    ? createGzip({ level: 1, chunkSize: 1 << 18 })
    : format.endsWith('.zst')
      ? createZstdCompress({ chunkSize: 1 << 18 })
      : new Transform({ transform: (chunk, _, done) => done(null, chunk) });
  await pipeline(lines, compress, createWriteStream(path));
}

/** Rows as cells, some thousand at a time; adds to the truth on the way. */
function* rowChunks({
  bill,
  from,
  to,
  broken,
  seed,
  truth,
  progress,
}: WriteRequest): Generator<(readonly string[])[]> {
  let chunk: (readonly string[])[] = [];
  for (let index = from; index < to; index++) {
    const made = bill.row(index);
    if (made === undefined) continue;
    if (broken.has(index)) {
      const cells = [...made.cells];
      truth.fault(bill.breakRow(cells, new Random(seedFor(seed, index, 99))));
      chunk.push(cells);
    } else {
      truth.add(made.truth);
      chunk.push(made.cells);
    }
    if (chunk.length < CHUNK_ROWS) continue;
    progress(chunk.length);
    yield chunk;
    chunk = [];
  }
  progress(chunk.length);
  yield chunk;
}

function* csvChunks(request: WriteRequest): Generator<string> {
  yield `${request.bill.columns.map(({ name }) => name).join(',')}\n`;
  for (const chunk of rowChunks(request))
    yield chunk.map((cells) => `${cells.map(csvCell).join(',')}\n`).join('');
}

function csvCell(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

function* ndjsonChunks(request: WriteRequest): Generator<string> {
  const { columns } = request.bill;
  const raw = columns.map(({ type }) => type === 'json' || type === 'map');
  const numeric = columns.map(({ type }) => type === 'double');
  const names = columns.map(({ name }) => JSON.stringify(name));
  for (const chunk of rowChunks(request)) {
    yield chunk
      .map((cells) => {
        const members = cells.flatMap((cell, i) => {
          if (cell === '') return [];
          const plain = raw[i] === true || (numeric[i] === true && /^-?\d+(\.\d+)?$/.test(cell));
          return [`${names[i]}:${plain ? cell : JSON.stringify(cell)}`];
        });
        return `{${members.join(',')}}\n`;
      })
      .join('');
  }
}
