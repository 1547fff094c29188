import {
  type Delivered,
  deliver,
  deliveryId,
  type StageSettings,
  type Target,
} from '../pipelines/engine/deliver.ts';
import type { PartPlan } from '../pipelines/engine/protocol.ts';
import type { WorkerPool } from '../pipelines/engine/worker-pool.ts';
import type { CostColumn } from '../pipelines/focus/columns.ts';
import type { Clock, Logger } from '../pipelines/plugin/contract.ts';
import type { Delivery, EncodedBatch, Part } from '../pipelines/plugin/delivery.ts';
import type { Linker } from '../pipelines/plugin/links.ts';
import type { DeadLetterFile, DeadLetters } from './dead-letters.ts';
import { type ExporterLedger, type Refusals, refusals, unbalancedColumns } from './ledger.ts';
import { linkDelivery, withLinkable } from './links.ts';
import type { Committed, DeliverySummary, State } from './state/state.ts';

/** What the rest of the agent wants to know of deliveries on their way. */
export interface RunEvents {
  started?(run: RunId, delivery: Delivery): void;
  progress?(run: RunId, rows: number): void;
  /** A revision that was already committed came again. */
  known?(run: RunId, delivery: Delivery): void;
  refusedPart?(run: RunId, part: Part, reason: string): void;
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
  readonly targets: readonly Target[];
  readonly linkers: () => readonly Linker[];
  readonly settings: StageSettings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: RunEvents;
  readonly signal: AbortSignal;
}

/** Takes one delivery to its commit; a revision that is already committed is left alone. Throws when it could not be committed. */
export async function takeDelivery(run: PipelineRun, delivery: Delivery): Promise<void> {
  const { id, state, events } = run;
  if (state.has({ ...id, ...delivery })) {
    state.advance(id.pipeline, id.receiver, delivery.cursor);
    events.known?.(id, delivery);
    return;
  }
  events.started?.(id, delivery);
  const older = state.revision({ ...id, scope: delivery.scope });
  const of = { ...id, scope: delivery.scope, id: deliveryId(id.pipeline, id.receiver, delivery) };
  const letters = await run.deadLetters.open(of);
  const refused = refusals();
  const started = run.clock.now();
  try {
    const delivered = await deliver({
      ...run,
      ...id,
      settings: withLinkable(run),
      delivery,
      observedMs: started,
      needs: isRestated(delivery, older) ? 'all' : 'none',
      events: deliverEvents(run, { delivery, letters, refused }),
    });
    await letters.commit();
    if (delivered.setAside) {
      setAside(run, { delivery, delivered, older });
      return;
    }
    await linkDelivery(run, delivered);
    commit(run, {
      delivery,
      delivered,
      started,
      exporters: exporterLedger(run, delivered, refused),
    });
    if (delivery.mode === 'snapshot') await run.deadLetters.replaced(of);
  } catch (error) {
    await letters.abort();
    if (!run.signal.aborted) events.failed?.(id, delivery);
    throw error;
  } finally {
    events.ended?.(id);
  }
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

function commit(
  run: PipelineRun,
  {
    delivery,
    delivered,
    started,
    exporters,
  }: {
    readonly delivery: Delivery;
    readonly delivered: Delivered;
    readonly started: number;
    readonly exporters: ExporterLedger;
  },
): void {
  const { id, state, log } = run;
  const now = run.clock.now();
  const committed = state.commit({
    ...id,
    delivery,
    id: delivered.info.id,
    committedMs: now,
    dataUntilMs: delivered.dataUntilMs,
    totals: delivered.totals,
    summary: { ...summaryOf(delivered, now - started), exporters },
  });
  run.events.committed?.(id, committed, delivered.stages);
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

function deliverEvents(
  run: PipelineRun,
  {
    delivery,
    letters,
    refused,
  }: {
    readonly delivery: Delivery;
    readonly letters: DeadLetterFile;
    readonly refused: Refusals;
  },
): Parameters<typeof deliver>[0]['events'] {
  const { id, events, log } = run;
  const origin = { ...id, scope: delivery.scope, revision: delivery.revision };
  const time = new Date(run.clock.now()).toISOString();
  return {
    refusedPart: (part, { reason, row, column }) => {
      letters.write({
        time,
        ...origin,
        kind: 'part',
        reason: 'unreadable_part',
        message: reason,
        path: part.path,
        ...(row === undefined ? {} : { row }),
        ...(column === undefined ? {} : { column }),
      });
      log.error('part set aside', { ...origin, path: part.path, reason });
      events.refusedPart?.(id, part, reason);
    },
    rejectedRows: (part, rows) => {
      for (const row of rows)
        letters.write({ time, ...origin, kind: 'row', path: part.path, ...row });
    },
    rejectedBatch: (exporter, batch, reason, rows) => {
      refused.add(exporter, batch, rows);
      letters.write({
        time,
        ...origin,
        kind: 'batch',
        reason: 'refused_by_backend',
        message: reason,
        exporter,
        rows,
        ...(rows < batch.rows ? {} : { costs: batch.costs }),
      });
      log.error('backend refused charges', { ...origin, exporter, rows, reason });
      events.rejectedBatch?.(id, exporter, batch, rows);
    },
    restarted: () => {
      letters.restart();
      refused.restart();
    },
    written: (exporter, batch) => events.written?.(id, exporter, batch),
    progress: (rows) => events.progress?.(id, rows),
  };
}
