import { access, constants, mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { AttributeSettings } from '../attribute/settings.ts';
import type { RejectedRow, Span } from '../decode/source.ts';
import { equalChargesMemory, forgetMeetings, type KnownChargesMemory } from '../identify/index.ts';
import type { Sink } from '../plugin/contract.ts';
import type { Delivery, DeliveryInfo, EncodedBatch, Part } from '../plugin/delivery.ts';
import { errorMessage, Unavailable } from '../plugin/errors.ts';
import { attemptNumber, type ForwardedDelivery } from '../plugin/forwarded.ts';
import type { Linkable } from '../plugin/links.ts';
import type { MappingModule } from '../plugin/mappings.ts';
import { deliveryId, uidPrefix } from './delivery-ids.ts';
import { finish, Tallies } from './end-of-delivery.ts';
import { unchangedMappings } from './load-mappings.ts';
import { Merge, type Merged } from './merge.ts';
import type { Kept, KeptFile, PartPlan, Refused, Task } from './protocol.ts';
import type { TracesOf, WorkerPool } from './worker-pool.ts';
import { write } from './write-batch.ts';

/** Settings of the stages, the same for every delivery of a pipeline. */
export interface StageSettings {
  readonly mappingSettings: Task['mappingSettings'];
  /** Mappings of packages. */
  readonly mappings?: readonly MappingModule[];
  readonly attribute: AttributeSettings;
  readonly check: boolean;
  readonly resource: Readonly<Record<string, string>>;
  readonly maxGroups: number;
  /** Collect the SKUs. Default no. */
  readonly skus?: boolean;
  /** Version of focusd, on log records. */
  readonly scopeVersion: string;
  /** What may be linked; absent: nobody links. */
  readonly linkable?: Linkable;
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
  refusedPart(part: Part, refused: Refused): void;
  rejectedRows(part: Part, rows: readonly RejectedRow[]): void;
  /** Rows are read again from the first, without a part that turned out unreadable: what was said of them is void. */
  restarted?(): void;
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
  readonly order?: number;
  readonly targets: readonly Target[];
  readonly settings: StageSettings;
  /** The traces of what may be linked; absent: nobody knows them. */
  readonly tracesOf?: TracesOf | undefined;
  readonly events: DeliverEvents;
  readonly signal: AbortSignal;
  /** All parts end up in one file: only the first begins with a header. */
  readonly oneFile?: boolean;
  /** Parts that have to be readable, else the delivery is set aside and the sinks forget it. Default none. */
  readonly needs?: 'all' | 'one' | 'none';
  /** Keep the charges for the next revision. */
  readonly keep?: Keep;
}

/** Where charges are kept. */
export interface Keep {
  /** Made anew. */
  readonly folder: string;
  /** Number of the revision, from 1. */
  readonly revision: number;
  /** The charges of the revision before; those that come again are marked in it. */
  readonly known?: KnownChargesMemory;
}

/** What a delivery came to, ready to be committed. */
export interface Delivered extends Merged {
  readonly info: DeliveryInfo;
  readonly parts: readonly PlannedPart[];
  /** Too little of it could be read: nothing was handed to the sinks, there is nothing to commit. */
  readonly setAside: boolean;
  /** Files of the charges that were kept. */
  readonly kept: readonly KeptFile[];
}

/** A part, and how it was read or why it was not. */
export interface PlannedPart {
  readonly part: Part;
  readonly plan: PartPlan;
}

/** Rows of one task when a Parquet part is shared out among the workers. */
const ROWS_PER_TASK = 1_000_000;

/**
 * Reads a delivery's parts in the workers and hands the encoded batches to the sinks. Sinks are committed when this returns;
 * the caller then commits the state. Throws when the attempt failed: every sink was told to forget it. A part that turns out
 * unreadable on the way is left out: the others are read again without it.
 */
export async function deliver(request: DeliverRequest): Promise<Delivered> {
  const { pipeline, receiver, delivery, observedMs, order, settings, events } = request;
  const { scope, revision, mode } = delivery;
  const id = deliveryId(pipeline, receiver, delivery);
  const info: DeliveryInfo = {
    id,
    receiver,
    scope,
    revision,
    mode,
    observedMs,
    ...(order !== undefined && { order }),
  };
  const takers = request.targets.filter(({ sink }) => sink.encoding !== undefined);
  await unchangedMappings(settings.mappings);
  let parts: readonly PlannedPart[] = await Promise.all(
    delivery.parts.map(async (part) => ({ part, plan: await planned(request, part, takers) })),
  );
  let whole: Came | undefined;
  let tries = 0;
  const setAside = (): boolean => !isEnough(parts, request.needs);
  while (whole === undefined && !setAside()) {
    const forwarded = { ...info, attempt: attemptNumber(info, ++tries) };
    const came = await attempt(request, info, { takers, parts, forwarded });
    if (came.refused.size === 0) whole = came;
    else events.restarted?.();
    parts = parts.map(({ part, plan }) => ({ part, plan: came.refused.get(part) ?? plan }));
  }
  for (const { part, plan } of parts) if (!plan.ok) events.refusedPart(part, plan);
  const merged = (whole?.merge ?? new Merge(settings.maxGroups)).result();
  return { ...merged, info, parts, setAside: setAside(), kept: (whole?.kept ?? []).map(keptFile) };
}

function keptFile(kept: Kept): KeptFile {
  if ('failed' in kept) throw new Unavailable(`charges cannot be kept: ${kept.failed}`);
  return kept;
}

async function beginKeeping({ folder, known }: Keep): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (known !== undefined) forgetMeetings(known);
}

function isEnough(parts: readonly PlannedPart[], needs: DeliverRequest['needs'] = 'none'): boolean {
  if (needs === 'all') return parts.every(({ plan }) => plan.ok);
  return needs === 'none' || parts.some(({ plan }) => plan.ok);
}

interface Attempt {
  readonly takers: readonly Target[];
  readonly parts: readonly PlannedPart[];
  readonly forwarded: Omit<ForwardedDelivery, 'agent'>;
}

interface Came {
  readonly merge: Merge;
  readonly kept: readonly Kept[];
  /** Parts that turned out unreadable; the sinks have forgotten the attempt. */
  readonly refused: ReadonlyMap<Part, Refused>;
}

async function attempt(
  request: DeliverRequest,
  info: DeliveryInfo,
  { takers, parts, forwarded }: Attempt,
): Promise<Came> {
  const sources = request.delivery.parts;
  const tasks = parts.flatMap(({ part, plan }) =>
    plan.ok ? spansOf(plan, request.pool.size).map((span) => ({ part, plan, span })) : [],
  );
  const custom = [...new Set(tasks.flatMap(({ plan }) => plan.customColumns))];
  const forget = async (): Promise<void> => {
    await Promise.allSettled(takers.map(({ sink }) => sink.abort?.(info)));
  };
  try {
    if (request.keep !== undefined) await beginKeeping(request.keep);
    await Promise.all(takers.map(({ sink }) => sink.begin?.(info)));
    const tallies = new Tallies();
    const came = await runAll(request, info, { takers, tasks, custom, forwarded, tallies });
    await Promise.all(sources.map(unchanged));
    came.kept.forEach(keptFile);
    if (came.refused.size > 0) await forget();
    else
      await Promise.all(
        takers.map((target) => finish(target, { ...request, info, forwarded, tallies })),
      );
    return came;
  } catch (error) {
    await forget();
    if (!request.signal.aborted) await Promise.all(sources.map(unchanged));
    throw error;
  }
}

async function planned(
  request: DeliverRequest,
  part: Part,
  takers: readonly Target[],
): Promise<PartPlan> {
  await unchanged(part);
  await access(part.path, constants.R_OK).catch((cause: unknown) => {
    throw new Unavailable(`${part.path} cannot be read: ${reasonOf(cause)}`, { cause });
  });
  const verify = takers.some(({ sink }) => sink.abort === undefined);
  const plan = await request.pool.plan({
    path: part.path,
    mapping: request.delivery.mapping,
    mappingSettings: request.settings.mappingSettings,
    ...(request.settings.mappings && { mappings: request.settings.mappings }),
    verify,
  });
  if (!plan.ok) await unchanged(part);
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
  readonly forwarded: Omit<ForwardedDelivery, 'agent'>;
  readonly tallies: Tallies;
}

async function runAll(
  request: DeliverRequest,
  info: DeliveryInfo,
  { takers, tasks, custom, forwarded, tallies }: Run,
): Promise<Came> {
  const { settings, events, pool, keep } = request;
  const giveUp = new AbortController();
  const signal = AbortSignal.any([request.signal, giveUp.signal]);
  const refused = new Map<Part, Refused>();
  const identifies = keep !== undefined || takers.some(hasIds);
  const equalCharges = identifies ? equalChargesMemory(rowsOf(tasks)) : undefined;
  const merge = new Merge(settings.maxGroups);
  const kept: Kept[] = [];
  const run = async ({ part, plan, span }: PlannedTask, number: number): Promise<void> => {
    const task: Task = {
      path: part.path,
      ...(span === undefined ? {} : { span }),
      part: number,
      mapping: plan.mapping,
      ...settings,
      asksTraces: asksTraces(request, takers),
      encodings: takers.flatMap(({ sink }) => sink.encoding ?? []),
      customColumns: custom,
      header: number === 0 || request.oneFile !== true,
      uidPrefix: uidPrefix(request),
      ...(equalCharges === undefined ? {} : { equalCharges }),
      ...(keep === undefined
        ? {}
        : {
            keep: {
              ...keep,
              path: join(keep.folder, `${String(number + 1).padStart(4, '0')}.kept`),
            },
          }),
      observedMs: info.observedMs,
      forwarded,
    };
    const taken = {
      batch: async (encoding: number, batch: EncodedBatch) => {
        const target = takers[encoding] as Target;
        await write(target, { batch, info, events });
        tallies.add(target, batch);
      },
      rejected: (rows: readonly RejectedRow[]) => events.rejectedRows(part, rows),
      progress: events.progress,
      tracesOf: request.tracesOf,
    };
    try {
      const result = await pool.run(task, taken, signal);
      if ('ok' in result) refused.set(part, result);
      else if (refused.size === 0) {
        merge.add(number, result);
        if (result.kept !== undefined) kept[number] = result.kept;
      }
    } catch (error) {
      giveUp.abort(error);
      throw error;
    }
  };
  // In their order, and one for each worker: the pool takes what waits in an order of its own, and results wait for those before them.
  const waiting = tasks.entries();
  const lane = async (): Promise<void> => {
    for (const [number, task] of waiting) await run(task, number);
  };
  const settled = await Promise.allSettled(Array.from({ length: pool.size }, lane));
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw giveUp.signal.reason ?? failed.reason;
  return { merge, kept, refused };
}

/** Rows of the parts that say how many they have. */
function rowsOf(tasks: readonly PlannedTask[]): number {
  const plans = new Set(tasks.map(({ plan }) => plan));
  return [...plans].flatMap(({ rowGroups }) => rowGroups).reduce((sum, rows) => sum + rows, 0);
}

function hasIds({ sink }: Target): boolean {
  return sink.encoding !== undefined && sink.encoding.kind !== 'focus';
}

function takesLogs({ sink }: Target): boolean {
  return sink.encoding?.kind === 'otlp-logs' || sink.encoding?.kind === 'otlp-json';
}

/** Only log records carry the ids of traces. */
export function asksTraces(
  { tracesOf }: Pick<DeliverRequest, 'tracesOf'>,
  takers: readonly Target[],
): boolean {
  return tracesOf !== undefined && takers.some(takesLogs);
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

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  return errorMessage(error);
}
