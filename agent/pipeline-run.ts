import {
  type Delivered,
  deliver,
  type StageSettings,
  type Target,
} from '../pipelines/engine/deliver.ts';
import { deliveryId } from '../pipelines/engine/delivery-ids.ts';
import type { PartPlan } from '../pipelines/engine/protocol.ts';
import type { WorkerPool } from '../pipelines/engine/worker-pool.ts';
import type { CostColumn } from '../pipelines/focus/columns.ts';
import type { Clock, Logger, SkuListener } from '../pipelines/plugin/contract.ts';
import type { Delivery, EncodedBatch, Part } from '../pipelines/plugin/delivery.ts';
import type { Linker } from '../pipelines/plugin/links.ts';
import { tellSkus, withSkus } from './charged.ts';
import type { DeadLetterFile, DeadLetters, LettersOf } from './dead-letters.ts';
import { deliveryEvents } from './delivery-events.ts';
import {
  type ExporterLedger,
  type Refusals,
  refusals,
  sentMoney,
  unbalancedColumns,
} from './ledger.ts';
import { linkDelivery, tracesOf, withLinkable } from './links.ts';
import { isUnsettled, openRestatement, type Sent, sentByRows, tidyKept } from './restatement.ts';
import type { Committed, DeliverySummary, Lease, State } from './state/state.ts';
import type { Turns } from './turns.ts';

/** What the rest of the agent wants to know of deliveries on their way. */
export interface RunEvents {
  started?(run: RunId, delivery: Delivery): void;
  progress?(run: RunId, rows: number): void;
  /** A revision that was already committed came again. */
  known?(run: RunId, delivery: Delivery): void;
  refusedPart?(run: RunId, part: Part, reason: string): void;
  /** What came in is no charge, and in no delivery. */
  refusedMessage?(run: RunId): void;
  /** A new revision could not be read whole; the older one stays. */
  setAside?(run: RunId, delivery: Delivery): void;
  /** The attempt was given up; nothing of it counts. */
  failed?(run: RunId, delivery: Delivery): void;
  /** It is no longer under way, whatever came of it. */
  ended?(run: RunId): void;
  /** Accounts of a committed delivery do not close in these cost columns. */
  unbalanced?(run: RunId, committed: Committed, columns: readonly CostColumn[]): void;
  written?(run: RunId, exporter: string, batch: EncodedBatch): void;
  rejectedBatch?(run: RunId, exporter: string, batch: EncodedBatch, rows: number): void;
  committed?(run: RunId, committed: Committed, stages: Readonly<Record<string, number>>): void;
}

/** Which pipeline and receiver. */
export interface RunId {
  readonly pipeline: string;
  readonly receiver: string;
}

/** One receiver's way through one pipeline. */
export interface PipelineRun {
  readonly id: RunId;
  readonly pool: WorkerPool;
  readonly state: State;
  readonly deadLetters: DeadLetters;
  /** Folder of charges that are kept for the next revision of their scope. */
  readonly kept: string;
  readonly targets: readonly Target[];
  readonly linkers: () => readonly Linker[];
  readonly skuListeners: () => readonly SkuListener[];
  readonly settings: StageSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: RunEvents;
  readonly signal: AbortSignal;
  readonly turns: Turns;
}

/** Takes one delivery to its commit; a revision that is already committed is left alone. Throws when it could not be committed. */
export async function takeDelivery(run: PipelineRun, delivery: Delivery): Promise<void> {
  const turn = await run.turns.wait(delivery);
  try {
    await takeInTurn(run, delivery, turn.lease);
  } finally {
    await turn.release();
  }
}

async function takeInTurn(
  run: PipelineRun,
  delivery: Delivery,
  lease: Lease | undefined,
): Promise<void> {
  const { id, state, events } = run;
  if (await isDone(run, delivery)) {
    // An agent that died after its commit did not get to it.
    await tidy(run, delivery);
    await state.advance(id.pipeline, id.receiver, delivery.cursor);
    events.known?.(id, delivery);
    return;
  }
  events.started?.(id, delivery);
  const letters = await run.deadLetters.open(lettersOf(run, delivery));
  try {
    const isCommitted = await takeThrough(run, delivery, { letters, lease });
    if (isCommitted) await tidy(run, delivery);
  } catch (error) {
    // What is left of them the next attempt writes over; the error to be told is the one that stopped this one.
    await letters.abort().catch(() => {});
    if (!run.signal.aborted) events.failed?.(id, delivery);
    throw error;
  } finally {
    events.ended?.(id);
  }
}

/** Removes what the revision that is committed leaves behind of older ones. */
export async function tidy(
  run: PipelineRun,
  delivery: Pick<Delivery, 'scope' | 'revision' | 'mode'>,
): Promise<void> {
  if (delivery.mode === 'snapshot') {
    await run.deadLetters.replaced(lettersOf(run, delivery));
    await tidyKept(run, delivery);
  }
}

function lettersOf({ id }: PipelineRun, delivery: Pick<Delivery, 'scope' | 'revision'>): LettersOf {
  return { ...id, scope: delivery.scope, id: deliveryId(id.pipeline, id.receiver, delivery) };
}

/** Committed, and the exporters have been sent nothing else since. */
async function isDone(run: PipelineRun, delivery: Delivery): Promise<boolean> {
  const { id, state, targets } = run;
  if (!(await state.has({ ...id, ...delivery }))) return false;
  const byRows = sentByRows(targets, delivery).length > 0;
  const kept = byRows ? await state.kept({ ...id, scope: delivery.scope }) : undefined;
  return !isUnsettled(kept, delivery.revision);
}

/** Reads, sends and commits; false: the delivery was set aside. */
async function takeThrough(
  run: PipelineRun,
  delivery: Delivery,
  { letters, lease }: { readonly letters: DeadLetterFile; readonly lease: Lease | undefined },
): Promise<boolean> {
  const { id, state, targets } = run;
  const newest = await state.newest({ ...id, scope: delivery.scope });
  const older = newest?.revision;
  const refused = refusals();
  const money = sentMoney();
  const started = run.clock.now();
  const events = deliveryEvents(run, { delivery, letters, refused, money });
  const restatement = await openRestatement(run, delivery, events);
  const byRows = restatement?.exporters ?? [];
  const delivered = await deliver({
    ...run,
    ...id,
    settings: withSkus(withLinkable(run), run),
    tracesOf: tracesOf(run),
    delivery,
    targets: targets.filter((target) => !byRows.includes(target.id)),
    ...(restatement && { keep: restatement.keep }),
    observedMs: started,
    order: Math.max(started, (newest?.committedMs ?? 0) + 1),
    needs: isRestated(delivery, older) ? 'all' : 'none',
    events,
  });
  const sent = delivered.setAside ? undefined : await restatement?.send(delivered);
  await letters.commit();
  if (delivered.setAside) {
    setAside(run, { delivery, delivered, older });
    return false;
  }
  await linkDelivery(run, delivered);
  const exporters = money.toldApart(exporterLedger(run, delivered, refused), byRows);
  await commit(run, { delivery, delivered, sent, started, exporters, lease });
  return true;
}

/** The same revision read again takes its own place, whatever could be read of it. */
function isRestated({ mode, revision }: Delivery, older: string | undefined): boolean {
  return mode === 'snapshot' && older !== undefined && older !== revision;
}

/** What cannot be read whole never takes the place of an older revision that could. */
function setAside(
  run: PipelineRun,
  {
    delivery,
    delivered,
    older,
  }: {
    readonly delivery: Delivery;
    readonly delivered: Delivered;
    readonly older: string | undefined;
  },
): void {
  const { scope, revision } = delivery;
  const refused = delivered.parts.filter(({ plan }) => !plan.ok).map(({ part }) => part.path);
  run.log.error('new revision set aside, the older one stays', {
    ...run.id,
    scope,
    revision,
    older,
    refused,
  });
  run.events.setAside?.(run.id, delivery);
}

async function commit(
  run: PipelineRun,
  {
    delivery,
    delivered,
    sent,
    started,
    exporters,
    lease,
  }: {
    readonly delivery: Delivery;
    readonly delivered: Delivered;
    readonly sent: Sent | undefined;
    readonly started: number;
    readonly exporters: ExporterLedger;
    readonly lease: Lease | undefined;
  },
): Promise<void> {
  const { id, state, log } = run;
  const now = run.clock.now();
  const committed = await state.commit({
    ...id,
    delivery,
    id: delivered.info.id,
    committedMs: Math.max(now, delivered.info.order ?? now),
    dataUntilMs: delivered.dataUntilMs,
    totals: delivered.totals,
    summary: {
      ...summaryOf(delivered, now - started),
      exporters,
      ...(sent && { restated: sent.restated }),
    },
    ...(sent && { kept: sent.kept }),
    ...(lease && { lease }),
  });
  run.events.committed?.(id, committed, delivered.stages);
  tellSkus(delivered.skus, run);
  const columns = unbalancedColumns(delivered);
  if (columns.length > 0) {
    log.error('accounts do not close', { ...id, scope: delivery.scope, columns });
    run.events.unbalanced?.(id, committed, columns);
  }
  const { rows, parts } = committed.summary;
  const refused = parts.filter((part) => part.refused !== undefined).length;
  log.info('delivery committed', {
    ...id,
    scope: delivery.scope,
    revision: delivery.revision,
    ...rows,
    ...(sent && { added: sent.restated.added, corrected: sent.restated.corrected }),
    ms: now - started,
    ...(refused === 0 ? {} : { refusedParts: refused }),
    ...(committed.replaced === undefined ? {} : { restated: true }),
  });
}

function exporterLedger(run: PipelineRun, delivered: Delivered, refused: Refusals): ExporterLedger {
  const takers = run.targets.filter(({ sink }) => sink.encoding !== undefined);
  return refused.ledger(
    takers.map(({ id }) => id),
    delivered.ledger,
  );
}

function summaryOf(delivered: Delivered, ms: number): DeliverySummary {
  const { rows, ledger, repairs, rejected, dropped, violations } = delivered;
  const parts = delivered.parts.map(({ part, plan }) => ({ ...part, ...partPlan(plan) }));
  return { rows, ledger, repairs, rejected, dropped, violations, parts, ms };
}

function partPlan(plan: PartPlan): {
  format?: string;
  mapping?: string;
  focusVersion?: string;
  refused?: string;
} {
  if (!plan.ok) return { refused: plan.reason };
  return {
    format: plan.format,
    mapping: plan.mapping,
    ...(plan.focusVersion === undefined ? {} : { focusVersion: plan.focusVersion }),
  };
}
