import type { AttributeSettings } from '../attribute/settings.ts';
import type { RejectedRow, Span } from '../decode/source.ts';
import type { CostColumn } from '../focus/columns.ts';
import type { FoldedTotal, FoldedTotals } from '../fold/index.ts';
import type { EqualChargesMemory, KnownChargesMemory } from '../identify/index.ts';
import type { ChargedSkus } from '../plugin/charged-skus.ts';
import type { EncodedBatch, Encoding } from '../plugin/delivery.ts';
import type { ForwardedDelivery } from '../plugin/forwarded.ts';
import type { ChargedResource, Linkable, ResourceCost, SoleTrace } from '../plugin/links.ts';
import type { MappingModule } from '../plugin/mappings.ts';

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
  /** Mappings of packages. */
  readonly mappings?: readonly MappingModule[];
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
  /** Where the charges are kept for the next revision; absent: they are not. */
  readonly keep?: KeepTask;
  /** Observed time of the records, milliseconds. */
  readonly observedMs: number;
  /** What another agent is told of the delivery. */
  readonly forwarded: Omit<ForwardedDelivery, 'agent'>;
  /** OTLP resource attributes of the log records. */
  readonly resource: Readonly<Record<string, string>>;
  /** Most groups (dimensions × day) kept before folding into overflow. */
  readonly maxGroups: number;
  /** Count violations of the FOCUS checks by rule. */
  readonly check: boolean;
  /** Sum by resource what may be linked; absent: nobody links. */
  readonly linkable?: Linkable;
  /** Ask for the traces of what may be linked, for the log records. */
  readonly asksTraces?: boolean;
  /** Collect the SKUs. */
  readonly skus?: boolean;
}

/** What a task keeps of its charges. */
export interface KeepTask {
  /** File that is written. */
  readonly path: string;
  /** Number of the revision. */
  readonly revision: number;
  /** The charges of the revision before, when there is one; those that come again are marked. */
  readonly known?: KnownChargesMemory;
}

/** A file of kept charges on disk. */
export interface KeptFile {
  readonly path: string;
  readonly bytes: number;
  readonly rows: number;
  /** Charges that the revision has and the one before had not. */
  readonly added: number;
}

/** What was kept, or why it could not be written. */
export type Kept = KeptFile | { readonly failed: string };

/** Kept charges on their way to the exporters: those that a revision added, or those that it takes back. */
export interface KeptTask
  extends Pick<
    Task,
    | 'part'
    | 'uidPrefix'
    | 'observedMs'
    | 'resource'
    | 'scopeVersion'
    | 'forwarded'
    | 'linkable'
    | 'asksTraces'
  > {
  readonly path: string;
  /** Number of the revision that is sent. */
  readonly revision: number;
  /** One per exporter; `whole`: it gets all charges of the file, not only those that the revision added. */
  readonly encodings: readonly { readonly encoding: Encoding; readonly whole: boolean }[];
  /** The file is of the revision before: what of it did not come again is taken back. */
  readonly vanished?: KnownChargesMemory;
}

/** What a file of kept charges came to. */
export interface KeptResult {
  /** Charges that were added or taken back. */
  readonly changed: number;
}

/** Reads the ids of kept charges into shared memory. */
export interface LoadRequest {
  readonly files: readonly Pick<KeptFile, 'path' | 'bytes'>[];
  readonly known: KnownChargesMemory;
  /** `add`: they are the revision before; `meet`: they came again. */
  readonly as: 'add' | 'meet';
}

/** Whether the files are what they were when they were written. */
export type Loaded = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Main → worker on the task's port: credits for batches, or the end. */
export type MainMessage =
  | {
      readonly type: 'credits';
      readonly credits: number;
      /** Of the batches that they come back for. */
      readonly bytes?: number;
      /** Of batches that are written, for the next ones; moved. */
      readonly buffers?: readonly ArrayBuffer[];
    }
  /** Of what was asked for, in its order. */
  | { readonly type: 'traces'; readonly traces: readonly (SoleTrace | undefined)[] }
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
  /** Asks for their traces; one question at a time. */
  | { readonly type: 'resources'; readonly resources: readonly ChargedResource[] }
  | { readonly type: 'progress'; readonly rows: number }
  /** The last one of a task that came to its end; the memory of the totals is moved. */
  | { readonly type: 'result'; readonly result: TaskResult };

/** Sums in and out per cost column, as canonical decimal text. read = exported + rejected + dropped + reshaped. */
export interface LedgerEntry {
  /** Source columns that state the amount; `derived` among them for parts that state none. */
  readonly source?: string;
  readonly read: string;
  readonly exported: string;
  readonly rejected: string;
  /** Rows left out on purpose. */
  readonly dropped: string;
  /** Moved by a mapping rule within rows that were kept (a covered charge is billed at 0: the plan's fee carries it). */
  readonly reshaped: string;
}

/** A group of totals. */
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
  readonly totals: FoldedTotals;
  /** Costs by resource; empty when nobody links. */
  readonly resources: readonly ResourceCost[];
  /** When asked for. */
  readonly skus: ChargedSkus;
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
  readonly kept?: Kept;
}

/** What the main thread asks before a part is read. */
export interface PlanRequest {
  readonly path: string;
  readonly mapping: string;
  readonly mappingSettings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Mappings of packages. */
  readonly mappings?: readonly MappingModule[];
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
