import type { Batch } from '../focus/batch.ts';
import type { CostColumn } from '../focus/columns.ts';

/** Formats a part can have; found by content, never by file name. */
export type Format = 'csv' | 'ndjson' | 'parquet';

/** Which rows of a part one task reads. */
export interface Span {
  /** Parquet: row groups [from, to). Absent: the whole part. */
  readonly rowGroups?: readonly [from: number, to: number];
}

/** A row that could not become a charge. */
export interface RejectedRow {
  /** Stable code, snake_case: `wrong_field_count`, `invalid_number`, … */
  readonly reason: string;
  /** For people: what is wrong and what was expected. */
  readonly message: string;
  /** Counted from 1; the header is not counted. */
  readonly row: number;
  readonly column?: string;
  /** The row as it stood (csv: its text, at most 64 KiB; else its cells as JSON). */
  readonly raw: string;
  /** What it costs by its source, canonical decimals, where that can be read. */
  readonly costs?: Readonly<Partial<Record<CostColumn, string>>>;
}

/** An opened part: its columns, then its rows batch by batch. */
export interface Source {
  readonly format: Format;
  /** Header names as they stand in the part, in order. Nested Parquet columns appear once, by their top name, as JSON text. ndjson: keys that come up late are added while reading. */
  readonly columns: readonly string[];
  /** What lines above a csv's header say of the bill as a whole: names in lower case and their values. */
  readonly titles?: ReadonlyMap<string, string>;
  /**
   * Batches of at most `batchRows` rows, now and then of none (many were refused). A batch, its `codes` and transient dictionaries are valid until the next one is asked for;
   * other dictionaries live on and grow, so work per entry can be remembered by (dictionary, code).
   * Columns that are not `used` (names as in the header; absent: all are) may be decoded only where somebody looks at them, which throws `BadPart` where they are damaged.
   */
  batches(used?: ReadonlySet<string>): AsyncIterable<Batch>;
  /** Rows refused so far, handed over once. */
  takeRejected(): RejectedRow[];
  /** Repairs so far by code (`utf8_replaced`, `bom_removed`, …), handed over once. */
  takeRepairs(): Map<string, number>;
  close(): Promise<void>;
}

/** How a part is opened. */
export interface OpenOptions {
  readonly path: string;
  readonly span?: Span;
  /** Default 4,096. */
  readonly batchRows?: number;
  /** Only these columns are decoded (names as in the header); absent: all. */
  readonly project?: (header: readonly string[]) => readonly string[];
}
