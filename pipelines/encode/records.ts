/**
 * What all encoders but Parquet have in common: records are written block by block, small enough for the processor's cache,
 * gathered into chunks cut by bytes, compressed, and accounted for.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import type { Batch } from '../focus/batch.ts';
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { formatDecimal } from '../focus/decimal.ts';
import { Sums } from '../focus/sums.ts';
import { returnBuffer, type Sendable, sendable, takeBuffer } from './buffers.ts';
import { Bytes, SLACK } from './bytes.ts';
import type { BatchEncoder, ChargeExtras, EncodedChunk } from './encoder.ts';
import type { NamedColumn } from './field.ts';
import { gzip } from './gzip.ts';
import { returnKernel, takeKernel } from './kernel.ts';
import type { Plan } from './plan.ts';
import { type CellFormat, Planner } from './planner.ts';

/** How records look. */
export interface RecordFormat extends CellFormat {
  /** Most bytes that `close` appends. */
  readonly tail: number;
  /** The columns of a batch that go into its records. */
  columns(batch: Batch, extras: ChargeExtras): readonly NamedColumn[];
  /** Turns to a batch; answers how many bytes a record may take beside the pieces of the plan. What it puts into the arena stays for the batch. */
  begin(plan: Plan, batch: Batch, extras: ChargeExtras): number;
  /** Writes what stands before the first record of a chunk. */
  open(chunk: Bytes): void;
  /** Appends records of rows until `enough` is reached, but none that ends behind `most`; answers the first row left. */
  records(out: Bytes, rows: RowsAhead): number;
  /** Writes what stands after the last record of a chunk; answers where the chunk starts in its bytes. */
  close(chunk: Bytes): number;
}

/** Rows [row, rows) of a batch, and positions in the output. */
export interface RowsAhead {
  readonly row: number;
  readonly rows: number;
  readonly enough: number;
  readonly most: number;
}

/** `records` of a format that writes one record after the other. */
export function eachRecord(
  out: Bytes,
  { row, rows, enough, most }: RowsAhead,
  write: (out: Bytes, row: number) => void,
): number {
  for (let next = row; next < rows; next++) {
    const start = out.length;
    if (start >= enough) return next;
    write(out, next);
    if (out.length <= most) continue;
    out.length = start;
    return next;
  }
  return rows;
}

/** How chunks are cut and packed. */
export interface ChunkOptions {
  /** Uncompressed; a single record may be larger. */
  readonly maxBytes: number;
  readonly compression: 'gzip' | 'zstd' | 'none';
  /** `finish` gives a chunk without rows when there was no row at all. */
  readonly emptyChunk?: boolean;
}

/** An encoder for records of a format. */
export function recordEncoder(format: RecordFormat, options: ChunkOptions): BatchEncoder {
  return new RecordEncoder(format, options);
}

/** Bytes of a block. */
const BLOCK = 128 << 10;

class RecordEncoder implements BatchEncoder {
  readonly #format: RecordFormat;
  readonly #options: ChunkOptions;
  readonly #kernel = takeKernel();
  readonly #planner: Planner;
  /** What is not complete yet; memory is taken for it once there is something to put in. */
  #chunk: Bytes | undefined;
  #costs = new Costs();
  #rows = 0;
  #started = false;

  constructor(format: RecordFormat, options: ChunkOptions) {
    this.#format = format;
    this.#options = options;
    this.#planner = new Planner(this.#kernel, format);
  }

  *add(batch: Batch, extras: ChargeExtras = {}): Iterable<EncodedChunk> {
    if (batch.rows === 0) return;
    const format = this.#format;
    const { arena, out } = this.#kernel;
    const plan = this.#planner.plan(format.columns(batch, extras), batch.rows);
    const record = format.begin(plan, batch, extras) + plan.longest;
    const start = arena.length;
    out.length = start;
    out.reserve(BLOCK + record);
    const enough = start + BLOCK;
    let from = 0;
    for (let row = 0; row < batch.rows; ) {
      const chunk = this.#opened();
      const room = this.#options.maxBytes - format.tail - chunk.length;
      out.length = start;
      let next = format.records(out, { row, rows: batch.rows, enough, most: start + room });
      if (next === row && this.#rows === 0)
        next = format.records(out, { row, rows: row + 1, enough, most: start + record });
      chunk.bytes(out.buffer.subarray(start, out.length));
      this.#rows += next - row;
      row = next;
      if (row === batch.rows || out.length >= enough) continue;
      this.#costs.add(batch, from, row);
      from = row;
      yield this.#take();
    }
    this.#costs.add(batch, from, batch.rows);
  }

  finish(): readonly EncodedChunk[] {
    const empty = !this.#started && this.#options.emptyChunk === true;
    const chunks = this.#rows > 0 || empty ? [this.#take()] : [];
    returnKernel(this.#kernel);
    return chunks;
  }

  #take(): EncodedChunk {
    const chunk = this.#opened();
    const start = this.#format.close(chunk);
    const bytes = chunk.buffer.subarray(start, chunk.length);
    const { compression } = this.#options;
    const sent = compression === 'none' ? sendable(bytes) : packed(bytes, compression);
    const encoded = {
      ...sent,
      rows: this.#rows,
      rawBytes: bytes.length,
      costs: this.#costs.texts(),
    };
    this.#rows = 0;
    this.#costs = new Costs();
    this.#started = true;
    if (sent.bytes.buffer !== bytes.buffer) returnBuffer(bytes.buffer);
    this.#chunk = undefined;
    return encoded;
  }

  #opened(): Bytes {
    if (this.#chunk !== undefined) return this.#chunk;
    const chunk = new Bytes(takeBuffer(this.#options.maxBytes + SLACK));
    this.#format.open(chunk);
    this.#chunk = chunk;
    return chunk;
  }
}

/** Exact sums of the cost columns of a chunk. */
export class Costs {
  readonly #sums = COST_COLUMNS.map(() => new Sums());

  add(batch: Batch, from: number, to: number): void {
    for (let i = 0; i < COST_COLUMNS.length; i++) {
      const column = batch.columns.get(COST_COLUMNS[i] as CostColumn);
      if (column?.kind === 'amount') this.#sums[i]?.addColumn(column, to, from);
    }
  }

  texts(): Record<CostColumn, string> {
    const entries = COST_COLUMNS.map(
      (name, i) => [name, formatDecimal((this.#sums[i] as Sums).total())] as const,
    );
    return Object.fromEntries(entries) as Record<CostColumn, string>;
  }
}

const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: 1 << 18 };

function packed(bytes: Uint8Array, compression: 'gzip' | 'zstd'): Sendable {
  if (compression === 'gzip') return { bytes: gzip(bytes), wanted: false };
  const all = zstdCompressSync(bytes, ZSTD);
  const isAlone = all.byteLength === all.buffer.byteLength;
  return { bytes: isAlone ? all : Uint8Array.from(all), wanted: false };
}
