/**
 * What all encoders but Parquet have in common: records are appended to one buffer, cut into chunks by bytes,
 * compressed, and accounted for. Hot: the row loop.
 */
import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Batch } from '../focus/batch.ts';
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { formatDecimal } from '../focus/decimal.ts';
import { Sums } from '../focus/sums.ts';
import { type Sendable, sendable } from './buffers.ts';
import type { Bytes } from './bytes.ts';
import type { BatchEncoder, ChargeExtras, EncodedChunk } from './encoder.ts';
import type { NamedColumn, WriteAmounts, WriteCell } from './field.ts';
import { returnKernel, takeKernel } from './kernel.ts';
import type { Plan } from './plan.ts';
import { Planner } from './planner.ts';

/** How records look. */
export interface RecordFormat {
  /** The cells of a record stand in the order of the columns. */
  readonly ordered: boolean;
  readonly write: WriteCell;
  /** For formats that are not ordered. */
  readonly writeAmounts?: WriteAmounts;
  /** Most bytes that `close` appends. */
  readonly tail: number;
  /** The columns of a batch that go into its records. */
  columns(batch: Batch, extras: ChargeExtras): readonly NamedColumn[];
  /** Turns to a batch; answers how many bytes a record may take beside the pieces of the plan. */
  begin(plan: Plan, batch: Batch, extras: ChargeExtras): number;
  /** Writes what stands before the first record of a chunk. */
  open(out: Bytes): void;
  /** Appends the record of a row. */
  record(out: Bytes, row: number): void;
  /** Writes what stands after the last record of a chunk; answers where the chunk starts in `out`. */
  close(out: Bytes): number;
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

class RecordEncoder implements BatchEncoder {
  readonly #format: RecordFormat;
  readonly #options: ChunkOptions;
  readonly #planner: Planner;
  readonly #kernel = takeKernel();
  readonly #out = this.#kernel.out;
  #costs = new Costs();
  #rows = 0;
  #started = false;

  constructor(format: RecordFormat, options: ChunkOptions) {
    this.#format = format;
    this.#options = options;
    this.#planner = new Planner(this.#kernel, format);
    this.#format.open(this.#out);
  }

  add(batch: Batch, extras: ChargeExtras = {}): readonly EncodedChunk[] {
    if (batch.rows === 0) return [];
    const format = this.#format;
    const plan = this.#planner.plan(format.columns(batch, extras), batch.rows);
    const record = format.begin(plan, batch, extras) + plan.longest();
    const out = this.#out;
    const limit = this.#options.maxBytes - format.tail;
    out.reserve(Math.max(0, limit - out.length) + record + format.tail);
    const chunks: EncodedChunk[] = [];
    let from = 0;
    for (let row = 0; row < batch.rows; row++) {
      const start = out.length;
      format.record(out, row);
      if (out.length <= limit || this.#rows === 0) {
        this.#rows++;
        continue;
      }
      out.length = start;
      this.#costs.add(batch, from, row);
      from = row;
      chunks.push(this.#take());
      out.reserve(limit + record + format.tail);
      row--;
    }
    this.#costs.add(batch, from, batch.rows);
    return chunks;
  }

  finish(): readonly EncodedChunk[] {
    const empty = !this.#started && this.#options.emptyChunk === true;
    const chunks = this.#rows > 0 || empty ? [this.#take()] : [];
    returnKernel(this.#kernel);
    return chunks;
  }

  #take(): EncodedChunk {
    const out = this.#out;
    const start = this.#format.close(out);
    const chunk = {
      ...packed(out.buffer.subarray(start, out.length), this.#options),
      rows: this.#rows,
      rawBytes: out.length - start,
      costs: this.#costs.texts(),
    };
    out.length = 0;
    this.#rows = 0;
    this.#costs = new Costs();
    this.#started = true;
    this.#format.open(out);
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

/** The bytes as they travel, in memory of their own. */
function packed(bytes: Uint8Array, { compression, maxBytes }: ChunkOptions): Sendable {
  if (compression === 'none') return sendable(bytes, maxBytes);
  const packed =
    compression === 'gzip'
      ? gzipSync(bytes, { level: 1, chunkSize: 1 << 18 })
      : zstdCompressSync(bytes, ZSTD);
  return packed.byteLength === packed.buffer.byteLength
    ? { bytes: packed, wanted: false }
    : sendable(packed, packed.length);
}
