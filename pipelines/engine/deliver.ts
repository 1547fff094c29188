import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { AttributeSettings } from '../attribute/settings.ts';
import type { RejectedRow, Span } from '../decode/source.ts';
import type { Sink } from '../plugin/contract.ts';
import type { Delivery, DeliveryInfo, EncodedBatch, Part } from '../plugin/delivery.ts';
import { Unavailable } from '../plugin/errors.ts';
import { type Merged, mergeResults } from './merge.ts';
import type { PartPlan, Task, TaskResult } from './protocol.ts';
import type { WorkerPool } from './worker-pool.ts';

/** Settings of the stages, the same for every delivery of a pipeline. */
export interface StageSettings {
  readonly mappingSettings: Task['mappingSettings'];
  readonly attribute: AttributeSettings;
  readonly check: boolean;
  readonly resource: Readonly<Record<string, string>>;
  readonly maxGroups: number;
  /** Version of focusd, on log records. */
  readonly scopeVersion: string;
}

/** Where charges go; `id` names the exporter. */
export interface Target {
  readonly id: string;
  readonly sink: Sink;
}

/** What happens on the way, for telemetry, dead letters and progress. */
export interface DeliverEvents {
  plannedPart?(part: Part, plan: PartPlan): void;
  /** A part that cannot be read as a bill: set aside, the rest goes on. */
  refusedPart(part: Part, refused: Extract<PartPlan, { ok: false }>): void;
  rejectedRows(part: Part, rows: readonly RejectedRow[]): void;
  /** The exporter refused rows for good. */
  rejectedBatch(exporter: string, batch: EncodedBatch, reason: string, rows: number): void;
  written?(exporter: string, batch: EncodedBatch): void;
  progress(rows: number): void;
}

/** One delivery on its way through the stages. */
export interface DeliverRequest {
  readonly pool: WorkerPool;
  readonly pipeline: string;
  readonly receiver: string;
  readonly delivery: Delivery;
  readonly observedMs: number;
  readonly targets: readonly Target[];
  readonly settings: StageSettings;
  readonly events: DeliverEvents;
  readonly signal: AbortSignal;
  /** All parts end up in one file: only the first begins with a header. */
  readonly oneFile?: boolean;
}

/** What a delivery came to, ready to be committed. */
export interface Delivered extends Merged {
  readonly info: DeliveryInfo;
  readonly parts: readonly { readonly part: Part; readonly plan: PartPlan }[];
}

/** Rows of one task when a Parquet part is shared out among the workers. */
const ROWS_PER_TASK = 1_000_000;

/** Id of a delivery: the same for the same scope and revision, whatever the attempt. */
export function deliveryId(
  pipeline: string,
  receiver: string,
  delivery: Pick<Delivery, 'scope' | 'revision'>,
): string {
  return shortHash(pipeline, receiver, delivery.scope, delivery.revision);
}

/**
 * Reads a delivery's parts in the workers and hands the encoded batches to the sinks. Sinks are committed when this returns;
 * the caller then commits the state. Throws when the attempt failed: every sink was told to forget it.
 */
export async function deliver(request: DeliverRequest): Promise<Delivered> {
  const { pipeline, receiver, delivery, observedMs, targets } = request;
  const { scope, revision, mode } = delivery;
  const info: DeliveryInfo = {
    id: deliveryId(pipeline, receiver, delivery),
    receiver,
    scope,
    revision,
    mode,
    observedMs,
  };
  const takers = targets.filter(({ sink }) => sink.encoding !== undefined);
  const plans = await Promise.all(
    delivery.parts.map(async (part) => ({ part, plan: await planned(request, part, takers) })),
  );
  for (const { part, plan } of plans) if (!plan.ok) request.events.refusedPart(part, plan);
  const tasks = plans.flatMap(({ part, plan }) =>
    plan.ok ? spansOf(plan, request.pool.size).map((span) => ({ part, plan, span })) : [],
  );
  const custom = [...new Set(plans.flatMap(({ plan }) => (plan.ok ? plan.customColumns : [])))];
  await Promise.all(takers.map(({ sink }) => sink.begin?.(info)));
  try {
    const results = await runAll(request, info, { takers, tasks, custom });
    await Promise.all(delivery.parts.map(unchanged));
    await Promise.all(takers.map(({ sink }) => sink.commit?.(info)));
    return { ...mergeResults(results, request.settings.maxGroups), info, parts: plans };
  } catch (error) {
    await Promise.allSettled(takers.map(({ sink }) => sink.abort?.(info)));
    throw error;
  }
}

async function planned(
  request: DeliverRequest,
  part: Part,
  takers: readonly Target[],
): Promise<PartPlan> {
  await unchanged(part);
  const verify = takers.some(({ sink }) => sink.abort === undefined);
  const plan = await request.pool.plan({
    path: part.path,
    mapping: request.delivery.mapping,
    mappingSettings: request.settings.mappingSettings,
    verify,
  });
  request.events.plannedPart?.(part, plan);
  return plan;
}

interface PlannedTask {
  readonly part: Part;
  readonly plan: Extract<PartPlan, { ok: true }>;
  readonly span: Span | undefined;
}

interface Run {
  readonly takers: readonly Target[];
  readonly tasks: readonly PlannedTask[];
  readonly custom: readonly string[];
}

async function runAll(
  request: DeliverRequest,
  info: DeliveryInfo,
  { takers, tasks, custom }: Run,
): Promise<TaskResult[]> {
  const { settings, events, pool } = request;
  const attempt = new AbortController();
  const signal = AbortSignal.any([request.signal, attempt.signal]);
  const run = async ({ part, plan, span }: PlannedTask, number: number): Promise<TaskResult> => {
    const task: Task = {
      path: part.path,
      ...(span === undefined ? {} : { span }),
      part: number,
      mapping: plan.mapping,
      ...settings,
      encodings: takers.flatMap(({ sink }) => sink.encoding ?? []),
      customColumns: custom,
      header: number === 0 || request.oneFile !== true,
      uidPrefix: shortHash(info.id, part.path),
      observedMs: info.observedMs,
    };
    const taken = {
      batch: (encoding: number, batch: EncodedBatch) =>
        write(takers[encoding] as Target, { batch, info, events }),
      rejected: (rows: readonly RejectedRow[]) => events.rejectedRows(part, rows),
      progress: events.progress,
    };
    try {
      return await pool.run(task, taken, signal);
    } catch (error) {
      attempt.abort(error);
      throw error;
    }
  };
  const settled = await Promise.allSettled(tasks.map(run));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw attempt.signal.aborted ? attempt.signal.reason : failed.reason;
  return settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

interface Writing {
  readonly batch: EncodedBatch;
  readonly info: DeliveryInfo;
  readonly events: DeliverEvents;
}

/** What the other side refuses for good becomes a dead letter; everything else is the sink's own affair or an error. */
async function write({ id, sink }: Target, { batch, info, events }: Writing): Promise<void> {
  try {
    const result = await sink.write?.(batch, info);
    const refused = result?.rejectedRows ?? 0;
    if (refused > 0)
      events.rejectedBatch(id, batch, result?.reason ?? 'refused by the backend', refused);
    events.written?.(id, batch);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Rejected') throw error;
    events.rejectedBatch(id, batch, error.message, batch.rows);
  }
}

/** Row groups shared out so that every worker has something to do; undefined: the part as a whole. */
function spansOf(plan: Extract<PartPlan, { ok: true }>, workers: number): (Span | undefined)[] {
  const groups = plan.rowGroups.length;
  if (groups <= 1) return [undefined];
  const rows = plan.rowGroups.reduce((sum, count) => sum + count, 0);
  const tasks = Math.min(
    groups,
    Math.max(rows > 50_000 ? workers : 1, Math.ceil(rows / ROWS_PER_TASK)),
  );
  return Array.from({ length: tasks }, (_, i) => ({
    rowGroups: [Math.floor((i * groups) / tasks), Math.floor(((i + 1) * groups) / tasks)] as const,
  }));
}

/** A part is read only as what it was when the delivery was made. */
async function unchanged(part: Part): Promise<void> {
  const now = await stat(part.path).catch((cause: unknown) => {
    throw new Unavailable(`${part.path} is gone`, { cause });
  });
  if (now.size !== part.bytes || now.mtimeMs !== part.modifiedMs)
    throw new Unavailable(`${part.path} changed while it was read; it is read again`);
}

function shortHash(...texts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${text.length}:`).update(text);
  return hash.digest('hex').slice(0, 20);
}
