import { setFlagsFromString } from 'node:v8';
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { RejectedRow } from '../decode/source.ts';
import type { EncodedBatch } from '../plugin/delivery.ts';
import type { ChargedResource, SoleTrace } from '../plugin/links.ts';
import type {
  KeptResult,
  KeptTask,
  Loaded,
  LoadRequest,
  MainMessage,
  PartPlan,
  PlanRequest,
  Refused,
  Task,
  TaskResult,
  WorkerMessage,
} from './protocol.ts';
import { deathOf } from './worker-death.ts';

/** Batches a worker may have under way before it waits, as long as they are not large; bounds memory however slow the exporters are. */
const CREDITS = 3;

/** What a running task hands over. */
export interface TaskEvents {
  /** Resolves when the batch is taken care of; only then the worker gets its credit back. */
  batch(encoding: number, batch: EncodedBatch): Promise<void>;
  rejected(rows: readonly RejectedRow[]): void;
  progress(rows: number): void;
  /** Asked when the task says so. */
  readonly tracesOf?: TracesOf | undefined;
}

/** Answers the trace of each resource in its charge period, in their order; undefined where there is not just one. */
export type TracesOf = (
  resources: readonly ChargedResource[],
) => Promise<readonly (SoleTrace | undefined)[]>;

/** The worker threads. */
export interface WorkerPool {
  readonly size: number;
  /** Tasks that wait for a worker. */
  waiting(): number;
  plan(request: PlanRequest): Promise<PartPlan>;
  /** Reads a part to its end; answers why when it turns out unreadable on the way, or when its worker dies over it. */
  run(task: Task, events: TaskEvents, signal: AbortSignal): Promise<TaskResult | Refused>;
  /** Sends what the exporters are to get of a file of kept charges; answers why when they cannot hold it. */
  send(
    task: KeptTask,
    events: Pick<TaskEvents, 'batch' | 'tracesOf'>,
    signal: AbortSignal,
  ): Promise<KeptResult | Refused>;
  /** Reads the ids of kept charges into shared memory. */
  load(request: LoadRequest): Promise<Loaded>;
  close(): Promise<void>;
}

/**
 * Heap of objects, MiB, up to which a worker's garbage is not collected in full. Its objects are few (20 MiB), its bytes many: by
 * itself V8 takes the buffers that come and go for a heap that grows, and marks all the time.
 */
const UNCOLLECTED_MIB = 48;

/** Starts no thread until there is work, and lets idle ones go. */
export function createWorkerPool(options: {
  readonly workers: number;
  readonly idleMs?: number;
  /** Of JavaScript objects in each worker, MiB; what holds the bytes of bills is beside it. Default 512. */
  readonly heapMiB?: number;
  /** Called when the last thread has gone for want of work. */
  readonly onIdle?: () => void;
}): WorkerPool {
  // A thread's `resourceLimits` do not know it; V8 looks at it when a thread starts.
  setFlagsFromString(`--initial-old-space-size=${UNCOLLECTED_MIB}`);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const piscina = new Piscina({
    filename: new URL(`./worker.${extension}`, import.meta.url).href,
    minThreads: 0,
    maxThreads: options.workers,
    idleTimeout: options.idleMs ?? 10_000,
    concurrentTasksPerWorker: 1,
    // Its histograms take 700 kB, and nobody asks for them.
    recordTiming: false,
    // A worker that sleeps in Atomics.wait would not close its end of a task's port.
    atomics: 'disabled',
    resourceLimits: {
      maxYoungGenerationSizeMb: 16,
      maxOldGenerationSizeMb: options.heapMiB ?? 512,
    },
  });
  /** Piscina lets tasks wait behind a worker that died until another task comes. */
  const goOn = (): void => void piscina.run({ kind: 'nothing' }).catch(() => {});
  let isClosed = false;
  let next: NodeJS.Timeout | undefined;
  // A worker that is ended while it fails tells of it when the pool is closed already.
  piscina.on('error', () => {
    if (!isClosed) next = setTimeout(goOn, AFTER_FALSE_START_MS);
  });
  piscina.on('workerDestroy', () => {
    if (piscina.threads.length === 0 && !isClosed) options.onIdle?.();
  });
  const alive = async <Result>(task: Promise<Result>): Promise<Result | Refused> => {
    try {
      return await task;
    } catch (error) {
      const reason = deathOf(error);
      if (reason === undefined || isClosed) throw error;
      goOn();
      return { ok: false, reason };
    }
  };
  return {
    size: options.workers,
    waiting: () => piscina.queueSize,
    plan: (request) => alive(piscina.run({ kind: 'plan', request }) as Promise<PartPlan>),
    run: (task, events, signal) =>
      alive(runOn<TaskResult | Refused>(piscina, { work: { kind: 'task', task }, events, signal })),
    send: async (task, given, signal) => {
      const events = { ...given, rejected: () => {}, progress: () => {} };
      const work = { kind: 'kept', task } as const;
      return await alive(runOn<KeptResult | Refused>(piscina, { work, events, signal }));
    },
    load: (request) => alive(piscina.run({ kind: 'load', request }) as Promise<Loaded>),
    close: async () => {
      isClosed = true;
      clearTimeout(next);
      await piscina.destroy();
    },
  };
}

/** A worker that died before it had a task: the machine has no room for it. */
const AFTER_FALSE_START_MS = 1_000;

type BatchMessage = Extract<WorkerMessage, { type: 'batch' }>;

/** The buffer of a batch's bytes; none when the sink moved it elsewhere. */
function movable({ bytes: { buffer } }: EncodedBatch): readonly ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength > 0 ? [buffer] : [];
}

/** What a worker does with a port. */
type PortWork =
  | { readonly kind: 'task'; readonly task: Task }
  | { readonly kind: 'kept'; readonly task: KeptTask };

interface Running {
  readonly work: PortWork;
  readonly events: TaskEvents;
  readonly signal: AbortSignal;
}

async function runOn<Result>(piscina: Piscina, { work, events, signal }: Running): Promise<Result> {
  signal.throwIfAborted();
  const { port1, port2 } = new MessageChannel();
  let result: TaskResult | undefined;
  const pending = new Set<Promise<void>>();
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const send = (message: MainMessage, moved: readonly ArrayBuffer[] = []): void =>
    port1.postMessage(message, [...moved]);
  const credit = (bytes: number, buffers: readonly ArrayBuffer[]): void =>
    send({ type: 'credits', credits: 1, bytes, buffers }, buffers);
  const fail = (error: unknown): void => {
    failed.reject(error);
    send({ type: 'stop' });
  };
  const stop = (): void => fail(signal.reason);
  const take = ({ encoding, batch, wanted }: BatchMessage): void => {
    const bytes = batch.bytes.length;
    const taken = events
      .batch(encoding, batch)
      .then(() => credit(bytes, wanted ? movable(batch) : []), fail);
    pending.add(taken);
    void taken.then(() => pending.delete(taken));
  };
  const answer = async (resources: readonly ChargedResource[]): Promise<void> => {
    const traces = (await events.tracesOf?.(resources)) ?? resources.map(() => undefined);
    send({ type: 'traces', traces });
  };
  port1.on('message', (message: WorkerMessage) => {
    if (message.type === 'progress') events.progress(message.rows);
    else if (message.type === 'rejected') events.rejected(message.rows);
    else if (message.type === 'resources') answer(message.resources).catch(fail);
    else if (message.type === 'result') result = message.result;
    else take(message);
  });
  const closed = new Promise<void>((resolve) => port1.once('close', () => resolve()));
  signal.addEventListener('abort', stop, { once: true });
  send({ type: 'credits', credits: CREDITS });
  try {
    const answered: Result | undefined = await Promise.race([
      piscina.run({ ...work, port: port2 }, { transferList: [port2] }),
      failed.promise,
    ]);
    await closed;
    // The failure first: of two that are settled the first one listed wins, and a failed batch is no longer pending.
    await Promise.race([failed.promise, Promise.all(pending)]);
    // A whole task's result has come through its port, so that its memory could be moved.
    return answered ?? (result as Result);
  } finally {
    signal.removeEventListener('abort', stop);
    port1.close();
  }
}
