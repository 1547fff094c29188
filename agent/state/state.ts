import type { GroupTotal, LedgerEntry } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { add, formatDecimal, ZERO } from '../../pipelines/focus/decimal.ts';
import type { Delivery } from '../../pipelines/plugin/delivery.ts';
import type { Total, TotalsView } from '../../pipelines/plugin/totals.ts';
import type { ExporterLedger } from '../ledger.ts';
import type { AuditEvent, AuditLink } from './audit-chain.ts';
import type { KeptRevision, KeptScope } from './kept-charges.ts';
import type { Closing, Period, PeriodId, PeriodTotals } from './periods.ts';

/** A scope of one receiver in one pipeline. */
export interface ScopeId {
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
}

/** What is written, in one transaction, when a delivery is through. */
export interface Commit {
  readonly pipeline: string;
  readonly receiver: string;
  readonly delivery: Delivery;
  /** Id of the delivery (`deliveryId`). */
  readonly id: string;
  readonly committedMs: number;
  readonly dataUntilMs: number;
  /** Gone through more than once. */
  readonly totals: Iterable<GroupTotal>;
  readonly summary: DeliverySummary;
  /** The revision's charges on disk, when they are kept. */
  readonly kept?: KeptRevision;
  /** The right to bring it, where agents share the state; without it, or once it is another's, nothing is written. */
  readonly lease?: Lease;
}

/** The account of one delivery. */
export interface DeliverySummary {
  readonly rows: {
    readonly read: number;
    readonly written: number;
    readonly rejected: number;
    readonly dropped: number;
  };
  readonly ledger: Readonly<Partial<Record<CostColumn, LedgerEntry>>>;
  /** What became of the exported money at each exporter that takes charges. */
  readonly exporters?: ExporterLedger;
  readonly repairs: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly violations: Readonly<Record<string, number>>;
  readonly parts: readonly PartSummary[];
  readonly ms: number;
  /** With `restatement: rows`: number of the scope's revision, charges that it added, charges that it took back. */
  readonly restated?: {
    readonly number: number;
    readonly added: number;
    readonly corrected: number;
  };
}

/** One part of a delivery: how it was read, or why it was not. */
export interface PartSummary {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  readonly format?: string;
  readonly mapping?: string;
  readonly focusVersion?: string;
  /** Why the whole part was set aside. */
  readonly refused?: string;
}

/** A committed delivery. */
export interface Committed {
  readonly id: string;
  readonly pipeline: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly mode: 'snapshot' | 'append';
  readonly committedMs: number;
  readonly dataUntilMs: number;
  readonly summary: DeliverySummary;
  /** Costs of the revision that this one replaced, canonical decimals by cost column. */
  readonly replaced?: Readonly<Record<CostColumn, string>>;
}

/** What came now or comes later. A state on this machine answers at once, one on a server does not. */
export type Awaitable<T> = T | Promise<T>;

/** Cursors, deliveries, totals and the audit chain. Each method that changes something does it whole or not at all, and durably. */
export interface State {
  cursor(pipeline: string, receiver: string): Awaitable<string | undefined>;
  /** Whether this revision of the scope is already committed. */
  has(of: ScopeId & Pick<Delivery, 'revision' | 'mode'>): Awaitable<boolean>;
  /** The scope's newest committed delivery, if any. */
  newest(of: ScopeId): Awaitable<Pick<Committed, 'revision' | 'committedMs'> | undefined>;
  /** What is kept of the scope's charges on disk; undefined: nothing ever was. */
  kept(of: ScopeId): Awaitable<KeptScope | undefined>;
  /** Notes what is kept of a scope, outside of a commit. */
  keep(of: ScopeId, kept: KeptScope): Awaitable<void>;
  commit(commit: Commit): Awaitable<Committed>;
  /** Moves the cursor alone: a delivery that was already done. */
  advance(pipeline: string, receiver: string, cursor: string): Awaitable<void>;
  /** Committed deliveries that count, oldest first. */
  deliveries(pipeline?: string): Awaitable<readonly Committed[]>;
  /** The same as this agent last saw them, without waiting for anybody. */
  seen(): readonly Committed[];
  /** Totals of one delivery. */
  totalsOf(id: string): Awaitable<readonly Total[]>;
  /** Has a committed delivery read again: it does not count as known until it is committed anew. */
  readAgain(delivery: string): Awaitable<void>;
  /** Takes that back. */
  forgetReadAgain(delivery: string): Awaitable<void>;
  /** Committed deliveries of a receiver that are to be read again. */
  toReadAgain(pipeline: string, receiver: string): Awaitable<readonly Committed[]>;
  /** Every billing period that has totals, or had some when it was closed. */
  periods(): Awaitable<readonly Period[]>;
  /** What a billing period costs. */
  periodTotals(of: PeriodId): Awaitable<PeriodTotals>;
  /** Notes how a period was closed or opened again, together with what the audit chain is to say of it. */
  closePeriod(
    period: Period,
    closing: Closing,
    noted?: { readonly event: AuditEvent; readonly timeMs: number },
  ): Awaitable<void>;
  /** Adds to the audit chain. Commits add themselves, in their own transaction. */
  audit(event: AuditEvent, timeMs: number): Awaitable<void>;
  /** The audit chain, oldest first. */
  auditTrail(): Awaitable<Iterable<AuditLink>>;
  /** What it lacks of what a file beside it says was committed; undefined: nothing, or nothing says so. */
  lack?(): string | undefined;
  /** Totals of the given pipelines as exporters see them: as this agent last saw them. */
  view(pipelines: readonly string[]): TotalsView;
  /** Set where several agents share the state. */
  readonly sharing?: SharedState;
  close(): Awaitable<void>;
}

/** What several agents on one state arrange among themselves. */
export interface SharedState {
  /** Where the commits stand: to be asked before a source is looked at. */
  now(): Promise<number>;
  /**
   * Takes the right to bring a delivery. `done`: its revision is committed; `elsewhere`: another agent has the right; `moved`: another agent committed a revision
   * of the scope after `since`, what was seen before may be older.
   */
  take(wanted: Wanted, since: number): Promise<Lease | 'done' | 'elsewhere' | 'moved'>;
  /** Takes the right to look at the source of a receiver. `moved`: another agent committed something of it after `since`. */
  takeSource(
    source: Pick<ScopeId, 'pipeline' | 'receiver'>,
    since: number,
  ): Promise<Lease | 'elsewhere' | 'moved'>;
  /** Whether this is the agent that exports the totals and closes periods. */
  leads(): boolean;
  /** Makes `seen` and `view` what is committed now, and tries to lead. */
  refresh(): Promise<void>;
  /** Resolves once this agent leads and sees what is committed, or another one that leads is known to be alive. */
  settled(): Promise<void>;
  /** Calls back when `seen` and `view` have changed, or who leads. */
  onChange(listener: () => void): void;
  /** Calls back when the state cannot be asked any more, with the reason; without one when it can be again. */
  onTrouble(listener: (reason: string | undefined) => void): void;
}

/** A delivery that an agent wants to bring. */
export type Wanted = ScopeId & Pick<Delivery, 'revision' | 'mode'>;

/** The right to bring a delivery, until it is released or the agent is not heard of for too long. */
export interface Lease {
  readonly name: string;
  /** Grows with each lease that is given, whatever it is for. */
  readonly token: string;
  /** Does not throw: a lease that cannot be given back runs out. */
  release(): Promise<void>;
}

/** Sums of totals, canonical decimals. */
export function costsOf(totals: Iterable<Pick<Total, 'costs'>>): Record<CostColumn, string> {
  const sums = COST_COLUMNS.map(() => ZERO);
  for (const { costs } of totals)
    for (const [i, cost] of COST_COLUMNS.entries()) sums[i] = add(sums[i] ?? ZERO, costs[cost]);
  const texts = COST_COLUMNS.map((cost, i) => [cost, formatDecimal(sums[i] ?? ZERO)]);
  return Object.fromEntries(texts) as Record<CostColumn, string>;
}
