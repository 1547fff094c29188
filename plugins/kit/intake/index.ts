import { join } from 'node:path';
import {
  type Delivery,
  type Opened,
  type ReceiverContext,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { createByteBudget } from './byte-budget.ts';
import {
  type Listener,
  listen,
  type PushAnswer,
  type PushRequest,
  sameSecret,
} from './listener.ts';
import { type Rewrite, rewrite } from './rewrite.ts';
import type { IntakeConfig, SpoolConfig } from './settings.ts';
import { type Kept, openSpool, type Pushed, type Segment, type Spool } from './spool.ts';

export { type PushAnswer, type PushRequest, sameSecret } from './listener.ts';
export type { Rewrite } from './rewrite.ts';
export {
  INTAKE_SETTINGS,
  type IntakeConfig,
  SPOOL_SETTINGS,
  type SpoolConfig,
} from './settings.ts';
export type { Kept, Pushed } from './spool.ts';

/** What a receiver makes of a request: records to keep, or an answer. */
export type Judged =
  | { readonly kind: 'record'; readonly record: Pushed }
  | {
      /** For senders with a protocol of their own. All are kept, or known already, or the sender is told to come again. */
      readonly kind: 'records';
      readonly records: readonly Pushed[];
      readonly answer: (kept: Kept) => PushAnswer;
    }
  /** Nothing to keep, and nothing wrong. */
  | { readonly kind: 'ignored'; readonly status: 200 | 204 }
  | {
      readonly kind: 'refused';
      readonly status: RefusedStatus;
      /** Stable, for the counter: `bad_signature`. */
      readonly reason: string;
      readonly message: string;
    };

/** Statuses of requests that are refused. */
export type RefusedStatus = 400 | 401 | 404 | 405 | 413 | 415;

/** A request is refused. */
export function refused(status: RefusedStatus, reason: string, message: string): Judged {
  return { kind: 'refused', status, reason, message };
}

function notPosted({ method, path }: PushRequest, expected: string): Judged | undefined {
  if (path !== expected) return refused(404, 'unknown_path', 'not found');
  if (method !== 'POST') return refused(405, 'method', 'only POST');
  return undefined;
}

/** What most senders are answered: 202 when it is kept, 200 when it was known, 503 when the spool is full. */
export function answerTo(kept: Kept): PushAnswer {
  if (kept === 'full') return { status: 503, message: 'the spool is full', retryAfter: 30 };
  return { status: kept === 'kept' ? 202 : 200, message: kept };
}

/** Whether a request names the secret: as bearer token, or as `token` of the query where a sender can set nothing else. */
export function isKnown({ header, query }: PushRequest, secret: string): boolean {
  const bearer = /^Bearer (.+)$/.exec(header('authorization') ?? '')?.[1];
  return sameSecret(query('token') ?? bearer, secret);
}

/** What the deliveries of an intake are like. */
export interface DeliveryKind {
  readonly scope: string;
  readonly mapping: string;
  /** Segments are delivered this long after their first record, milliseconds; at once when absent or with `once`. */
  readonly settleMs?: number;
  /** What the lines of a segment become before they are delivered: the same lines in, the same lines out. */
  readonly rewrite?: Rewrite;
}

/** Pushed records on their way to deliveries. */
export interface Intake {
  /** Where it listens; undefined when it does not (`--once`). */
  readonly address: string | undefined;
  /** Keeps a record that the receiver found itself. */
  keep(record: Pushed): Promise<Kept>;
  /** Deliveries of what there is now; each segment is forgotten once its delivery is committed. */
  deliveries(kind: DeliveryKind): AsyncGenerator<Delivery>;
}

/** Keeps a record that the receiver found itself. Throws `Unavailable` when there is no room: it has to be found again. */
export async function keepFound(intake: Pick<Intake, 'keep'>, record: Pushed): Promise<Kept> {
  const kept = await intake.keep(record);
  if (kept === 'full') throw new Unavailable('the spool is full (spool_size)');
  return kept;
}

const NAME = 'intake';

/**
 * The intake of this instance: listens (not with `once`), keeps what `judge` lets pass on disk before it is answered with 202. `judge` sees what is posted
 * to the path of the settings, nothing else. It outlives a failed attempt to deliver, so that no push is lost meanwhile, and is closed with the instance.
 */
export async function openIntake(
  context: ReceiverContext<IntakeConfig>,
  judge: (request: PushRequest) => Judged,
): Promise<Intake> {
  const open = context.lasting.get(NAME);
  if (open instanceof OpenIntake) return open;
  const intake = await openStore(context);
  if (!context.once) await intake.listen(context, judge);
  return intake;
}

/** The same without a listener, for receivers that fetch what they keep. */
export async function openStoredIntake(
  context: ReceiverContext<SpoolConfig>,
): Promise<Pick<Intake, 'keep' | 'deliveries'>> {
  const open = context.lasting.get(NAME);
  return open instanceof OpenIntake ? open : await openStore(context);
}

async function openStore(context: ReceiverContext<SpoolConfig>): Promise<OpenIntake> {
  const { config, clock, folder } = context;
  const spool = await openSpool({
    folder: join(folder, 'intake'),
    clock,
    maxBytes: config.spool_size,
    rememberMs: config.remember,
    rememberIds: config.remember_ids,
  });
  const intake = new OpenIntake(context, spool);
  context.lasting.hold(NAME, intake);
  return intake;
}

class OpenIntake implements Intake, Opened {
  readonly #context: ReceiverContext<SpoolConfig>;
  readonly #spool: Spool;
  readonly #counted: ReturnType<ReceiverContext<SpoolConfig>['meter']['createCounter']>;
  #listener: Listener | undefined;

  constructor(context: ReceiverContext<SpoolConfig>, spool: Spool) {
    this.#context = context;
    this.#spool = spool;
    this.#counted = context.meter.createCounter('focusd.intake.records', {
      description: 'Pushed records by what became of them.',
      unit: '{record}',
    });
  }

  get address(): string | undefined {
    return this.#listener?.address;
  }

  async listen(
    { config, id, log }: ReceiverContext<IntakeConfig>,
    judge: (request: PushRequest) => Judged,
  ): Promise<void> {
    const { max_in_flight } = config;
    this.#listener = await listen({
      endpoint: config.endpoint,
      cert: config.tls.cert,
      key: config.tls.key,
      maxBody: config.max_body,
      maxConnections: config.max_connections,
      ...(max_in_flight !== undefined && { budget: createByteBudget(max_in_flight) }),
      path: `receivers.${id}`,
      log,
      handle: (request) => this.#answer(notPosted(request, config.path) ?? judge(request)),
    });
  }

  async keep(record: Pushed): Promise<Kept> {
    const kept = await this.#spool.keep(record);
    this.#counted.add(1, { result: kept });
    return kept;
  }

  async *deliveries(kind: DeliveryKind): AsyncGenerator<Delivery> {
    const { once, signal, room } = this.#context;
    await this.#spool.seal(once ? 0 : kind.settleMs);
    for (const segment of await this.#spool.sealed()) {
      await room();
      if (signal.aborted) return;
      const part = kind.rewrite === undefined ? segment : await rewrite(segment, kind.rewrite);
      yield deliveryOf(segment.name, part, kind);
      await this.#spool.remove(segment);
    }
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    await this.#spool.close();
  }

  async #answer(judged: Judged): Promise<PushAnswer> {
    if (judged.kind === 'ignored') {
      this.#counted.add(1, { result: 'ignored' });
      return { status: judged.status };
    }
    if (judged.kind === 'refused') {
      this.#counted.add(1, { result: 'refused', reason: judged.reason });
      return { status: judged.status, message: judged.message };
    }
    if (judged.kind === 'records') return judged.answer(await this.#keepAll(judged.records));
    return answerTo(await this.keep(judged.record));
  }

  /** `full` when one did not fit, `duplicate` when all were known. */
  async #keepAll(records: readonly Pushed[]): Promise<Kept> {
    const kept = new Set(await Promise.all(records.map((record) => this.keep(record))));
    if (kept.has('full')) return 'full';
    return kept.has('kept') || kept.size === 0 ? 'kept' : 'duplicate';
  }
}

function deliveryOf(
  revision: string,
  { path, bytes, modifiedMs }: Pick<Segment, 'path' | 'bytes' | 'modifiedMs'>,
  { scope, mapping }: DeliveryKind,
): Delivery {
  return {
    scope,
    revision,
    mode: 'append',
    mapping,
    parts: [{ path, bytes, modifiedMs }],
    cursor: revision,
  };
}
