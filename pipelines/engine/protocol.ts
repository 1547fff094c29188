import type { AttributeSettings } from '../attribute/settings.ts';
import type { RejectedRow, Span } from '../decode/source.ts';
import type { CostColumn } from '../focus/columns.ts';
import type { FoldedTotal } from '../fold/index.ts';
import type { EqualChargesMemory } from '../identify/index.ts';
import type { EncodedBatch, Encoding } from '../plugin/delivery.ts';
import type { Linkable, ResourceCost } from '../plugin/links.ts';

/** What the main thread tells a worker: one part, or some row groups of one. Plain data. */
export interface Task {
  readonly path: string;
  readonly span?: Span;
  /** Number of the task within its delivery; the order of everything it gives back. */
  readonly part: number;
  /** Mapping by name, or `auto`. */
  readonly mapping: string;
  /** Settings of each mapping by its name. */
  readonly mappingSettings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly attribute: AttributeSettings;
  /** One per exporter that takes charges. */
  readonly encodings: readonly Encoding[];
  /** Files with a header line begin with it. */
  readonly header: boolean;
  /** Version of focusd: that of the instrumentation scope of log records. */
  readonly scopeVersion: string;
  /** Custom columns of every file written for this delivery, in order. */
  readonly customColumns: readonly string[];
  /** First part of each charge's id: stands for receiver and scope, for the revision too where revisions add up. */
  readonly uidPrefix: string;
  /** Shared by the delivery's tasks to count equal charges; absent when no encoding has ids. */
  readonly equalCharges?: EqualChargesMemory;
  /** Observed time of the records, milliseconds. */
  readonly observedMs: number;
  /** OTLP resource attributes of the log records. */
  readonly resource: Readonly<Record<string, string>>;
  /** Most groups (dimensions × day) kept before folding into overflow. */
  readonly maxGroups: number;
  /** Count violations of the FOCUS checks by rule. */
  readonly check: boolean;
  /** Sum by resource what may be linked; absent: nobody links. */
  readonly linkable?: Linkable;
}

/** Main → worker on the task's port: credits for batches, or the end. */
export type MainMessage =
  | {
      readonly type: 'credits';
      readonly credits: number;
      /** Of batches that are written, for the next ones; moved. */
      readonly buffers?: readonly ArrayBuffer[];
    }
  | { readonly type: 'stop' };

/** Worker → main on the task's port; every `batch` takes one credit. */
export type WorkerMessage =
  | {
      readonly type: 'batch';
      readonly encoding: number;
      readonly batch: EncodedBatch;
      /** The worker wants the buffer of the bytes back with the credit. */
      readonly wanted: boolean;
    }
  | { readonly type: 'rejected'; readonly rows: readonly RejectedRow[] }
  | { readonly type: 'progress'; readonly rows: number };

/** Sums in and out per cost column, as canonical decimal text. read = exported + rejected + dropped + reshaped. */
export interface LedgerEntry {
  /** Source column that states the amount; absent when the source has none and `read` was derived. */
  readonly source?: string;
  readonly read: string;
  readonly exported: string;
  readonly rejected: string;
  /** Rows left out on purpose. */
  readonly dropped: string;
  /** Moved by a mapping rule within rows that were kept (a covered charge is billed at 0: the plan's fee carries it). */
  readonly reshaped: string;
}

/** A group of totals, plain data for the port. */
export type GroupTotal = FoldedTotal;

/** What a task comes to. */
export interface TaskResult {
  readonly format: string;
  readonly mapping: string;
  readonly focusVersion?: string;
  readonly rows: {
    readonly read: number;
    readonly written: number;
    readonly rejected: number;
    readonly dropped: number;
  };
  readonly ledger: Readonly<Partial<Record<CostColumn, LedgerEntry>>>;
  readonly totals: readonly GroupTotal[];
  /** Costs by resource; empty when nobody links. */
  readonly resources: readonly ResourceCost[];
  /** Rows per repair code. */
  readonly repairs: Readonly<Record<string, number>>;
  /** Rows per drop reason. */
  readonly dropped: Readonly<Record<string, number>>;
  /** Rows per reject reason. */
  readonly rejected: Readonly<Record<string, number>>;
  /** Violations per rule id, when asked for. */
  readonly violations: Readonly<Record<string, number>>;
  /** Newest charge period end, milliseconds; NaN when none. */
  readonly dataUntilMs: number;
  /** Time by stage as the clock saw it, milliseconds. */
  readonly stages: Readonly<Record<string, number>>;
}

/** What the main thread asks before a part is read. */
export interface PlanRequest {
  readonly path: string;
  readonly mapping: string;
  readonly mappingSettings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Read a compressed part to its end first: an exporter cannot take back what it was given. */
  readonly verify: boolean;
}

/** How a part can be read; or why it cannot. */
export type PartPlan =
  | {
      readonly ok: true;
      readonly format: string;
      readonly compression: string;
      readonly mapping: string;
      readonly focusVersion?: string;
      /** Custom columns that its charges may have. */
      readonly customColumns: readonly string[];
      /** Rows of each row group; empty: the part is read as a whole. */
      readonly rowGroups: readonly number[];
    }
  | Refused;

/** Why a part cannot be read as a bill. */
export interface Refused {
  readonly ok: false;
  readonly reason: string;
  readonly row?: number;
  readonly column?: string;
}
