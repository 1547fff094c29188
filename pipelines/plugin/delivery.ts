import type { CostColumn, OutputVersion } from '../focus/columns.ts';

/** One file of a delivery, on local disk. */
export interface Part {
  readonly path: string;
  readonly bytes: number;
  /** Modification time when the delivery was made; a part that changed since is not read. */
  readonly modifiedMs: number;
}

/** One immutable hand-over from a source. */
export interface Delivery {
  /** What it speaks for: the unit that a newer delivery replaces. */
  readonly scope: string;
  /** Identifies this version of the scope; the same revision is not read twice. */
  readonly revision: string;
  /** `snapshot` replaces the scope, `append` adds to it. */
  readonly mode: 'snapshot' | 'append';
  /** Name of the mapping, or `auto`: found by the header of each part. */
  readonly mapping: string;
  readonly parts: readonly Part[];
  /** Where to go on after this delivery; given back to `receive`. */
  readonly cursor: string;
}

/**
 * What is sent of a newer revision of a scope: `totals`: all of its charges; `rows`: those that are new, and for those that vanished
 * corrections that take them back.
 */
export type Restatement = 'rows' | 'totals';

/** What the workers should make of each batch for one exporter. Without `restatement` it is `totals`. */
export type Encoding =
  | {
      readonly kind: 'otlp-logs';
      readonly compression: 'gzip' | 'zstd' | 'none';
      readonly maxBytes: number;
      /** Records of charges that began earlier than so many milliseconds ago carry the observed time. Absent: none do. */
      readonly maxAgeMs?: number;
      readonly restatement?: Restatement;
      /** The other side is an agent: it is told what belongs together, every number exactly, and when a delivery is whole. */
      readonly forward?: { readonly agent: string };
    }
  | { readonly kind: 'otlp-json'; readonly restatement?: Restatement }
  | {
      /** One event per line that begins with `{"specversion":"1.0","id":"`, then the charge's id. */
      readonly kind: 'cloudevents';
      readonly version: OutputVersion;
      readonly source: string;
      readonly maxBytes: number;
      readonly restatement?: Restatement;
    }
  | {
      readonly kind: 'focus';
      readonly format: 'csv' | 'ndjson' | 'parquet';
      readonly version: OutputVersion;
    };

/** Encoded rows on their way to one exporter. */
export interface EncodedBatch {
  /** A view of a buffer that may be larger. Valid until `write` resolves: the buffer then serves another batch; who keeps them copies them. */
  readonly bytes: Uint8Array;
  readonly rows: number;
  /** Parts are encoded side by side: `part` and `sequence` give the order within the delivery. */
  readonly part: number;
  readonly sequence: number;
  /** Uncompressed size. */
  readonly rawBytes: number;
  /** Parquet only: the row group's metadata, offsets counted from the first byte of `bytes`. */
  readonly rowGroup?: unknown;
  /** Exact sums of the rows in this batch, for the ledger. */
  readonly costs: Readonly<Partial<Record<CostColumn, string>>>;
}

/** Which delivery is being written. */
export interface DeliveryInfo {
  readonly id: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly mode: 'snapshot' | 'append';
  /** When the agent took it, milliseconds: the observed time of its records. */
  readonly observedMs: number;
  /** Of two deliveries of a scope the one taken later has the higher number, whatever the clock did; absent: `observedMs` is. */
  readonly order?: number;
  /** With `restatement: rows`: which revision of the scope it is, counted from 1, and whether all of its charges come or what changed. */
  readonly restated?: { readonly number: number; readonly whole: boolean };
}
