import { join } from 'node:path';
import type { Context, Delivery } from '../../../pipelines/plugin/index.ts';
import { type Listener, listen, type PushRequest } from './listener.ts';
import { openSpool, type Pushed, type Segment, type Spool } from './spool.ts';

export { type PushRequest, sameSecret } from './listener.ts';
export type { Pushed } from './spool.ts';

/** Settings that every receiver with an intake has. */
export const INTAKE_SETTINGS = {
  endpoint: {
    doc: 'Where it listens for pushed records.',
    format: 'text',
    default: '127.0.0.1:9180',
  },
  tls: {
    cert: { doc: 'PEM file with the certificate of the listener.', format: 'path', default: null },
    key: { doc: 'PEM file with its private key.', format: 'path', default: null },
  },
  max_body: {
    doc: 'Larger requests are refused with 413.',
    format: 'bytes',
    default: '1MiB',
    min: '1KiB',
    max: '25MiB',
  },
  max_connections: {
    doc: 'Most connections at a time.',
    format: 'int',
    default: 256,
    min: 1,
    max: 65_536,
  },
  seal_every: {
    doc: 'Pushed records are delivered this often.',
    format: 'duration',
    default: '5s',
    min: '100ms',
    max: '1h',
  },
  spool_size: {
    doc: 'Most bytes on disk that are not delivered yet; over it senders get 503.',
    format: 'bytes',
    default: '256MiB',
    min: '64KiB',
  },
  remember: {
    doc: 'A record that comes again within this time counts once.',
    format: 'duration',
    default: '24h',
    min: '1m',
  },
  remember_ids: {
    doc: 'Most ids that are remembered for it.',
    format: 'int',
    default: 200_000,
    min: 1_000,
  },
} as const;

/** The checked values of them. */
export interface IntakeConfig {
  readonly endpoint: string;
  readonly tls: { readonly cert: string | undefined; readonly key: string | undefined };
  readonly max_body: number;
  readonly max_connections: number;
  readonly seal_every: number;
  readonly spool_size: number;
  readonly remember: number;
  readonly remember_ids: number;
}

/** What a receiver makes of a request: a record to keep, or an answer. */
export type Judged =
  | { readonly kind: 'record'; readonly record: Pushed }
  /** Nothing to keep, and nothing wrong. */
  | { readonly kind: 'ignored'; readonly status: 200 | 204 }
  | {
      readonly kind: 'refused';
      readonly status: 400 | 401 | 404 | 405;
      /** Stable, for the counter: `bad_signature`. */
      readonly reason: string;
      readonly message: string;
    };

/** Pushed records on their way to deliveries. */
export interface Intake {
  /** Where it listens; undefined when it does not (`--once`). */
  readonly address: string | undefined;
  /** Keeps a record that the receiver found itself. */
  keep(record: Pushed): Promise<'kept' | 'duplicate' | 'full'>;
  /** Deliveries of what there is now; each segment is forgotten once its delivery is committed. */
  deliveries(of: { readonly scope: string; readonly mapping: string }): AsyncGenerator<Delivery>;
  /** To be called when `receive` ends. After a failure it goes on listening until the instance is stopped or receives again. */
  release(): Promise<void>;
}

/** Open intakes by the signal of their instance: they outlive a failed attempt to deliver, so that no push is lost meanwhile. */
const OPEN = new WeakMap<AbortSignal, Promise<OpenIntake>>();

/** The intake of this instance: listens (not with `once`), keeps what `judge` lets pass on disk before it is answered with 202. */
export async function openIntake(
  context: Context<IntakeConfig>,
  judge: (request: PushRequest) => Judged,
): Promise<Intake> {
  const { signal } = context;
  let opened = OPEN.get(signal);
  if (opened === undefined) {
    opened = open(context, judge);
    OPEN.set(signal, opened);
    opened.catch(() => OPEN.delete(signal));
    const closing = opened;
    signal.addEventListener('abort', () => void closeQuietly(closing, context), { once: true });
  }
  return await opened;
}

/** `release` waits for the same end and throws its error; this is for when nobody releases any more. */
async function closeQuietly(
  opened: Promise<OpenIntake>,
  { log }: Context<IntakeConfig>,
): Promise<void> {
  try {
    await (await opened).close();
  } catch (error) {
    log.error('intake did not close', { reason: error instanceof Error ? error.message : error });
  }
}

async function open(
  context: Context<IntakeConfig>,
  judge: (request: PushRequest) => Judged,
): Promise<OpenIntake> {
  const { config, clock, folder } = context;
  const spool = await openSpool({
    folder: join(folder, 'intake'),
    clock,
    maxBytes: config.spool_size,
    rememberMs: config.remember,
    rememberIds: config.remember_ids,
  });
  const intake = new OpenIntake(context, spool);
  try {
    if (!context.once) await intake.listen(judge);
    return intake;
  } catch (error) {
    await spool.close();
    throw error;
  }
}

class OpenIntake implements Intake {
  readonly #context: Context<IntakeConfig>;
  readonly #spool: Spool;
  readonly #counted: ReturnType<Context<IntakeConfig>['meter']['createCounter']>;
  #listener: Listener | undefined;
  #closed: Promise<void> | undefined;

  constructor(context: Context<IntakeConfig>, spool: Spool) {
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

  async listen(judge: (request: PushRequest) => Judged): Promise<void> {
    const { config, id, log } = this.#context;
    this.#listener = await listen({
      endpoint: config.endpoint,
      cert: config.tls.cert,
      key: config.tls.key,
      maxBody: config.max_body,
      maxConnections: config.max_connections,
      path: `receivers.${id}`,
      log,
      handle: (request) => this.#answer(judge(request)),
    });
  }

  async keep(record: Pushed): Promise<'kept' | 'duplicate' | 'full'> {
    const kept = await this.#spool.keep(record);
    this.#counted.add(1, { result: kept });
    return kept;
  }

  async *deliveries(of: {
    readonly scope: string;
    readonly mapping: string;
  }): AsyncGenerator<Delivery> {
    await this.#spool.seal();
    for (const segment of await this.#spool.sealed()) {
      if (this.#context.signal.aborted) return;
      yield deliveryOf(segment, of);
      await this.#spool.remove(segment);
    }
  }

  async release(): Promise<void> {
    const { signal, once } = this.#context;
    if (signal.aborted || once) await this.close();
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    OPEN.delete(this.#context.signal);
    await this.#listener?.close();
    await this.#spool.close();
  }

  async #answer(
    judged: Judged,
  ): Promise<{ status: number; message?: string; retryAfter?: number }> {
    if (judged.kind === 'ignored') {
      this.#counted.add(1, { result: 'ignored' });
      return { status: judged.status };
    }
    if (judged.kind === 'refused') {
      this.#counted.add(1, { result: 'refused', reason: judged.reason });
      return { status: judged.status, message: judged.message };
    }
    const kept = await this.keep(judged.record);
    if (kept === 'full') return { status: 503, message: 'the spool is full', retryAfter: 30 };
    return { status: kept === 'kept' ? 202 : 200, message: kept };
  }
}

function deliveryOf(
  { name, path, bytes, modifiedMs }: Segment,
  { scope, mapping }: { readonly scope: string; readonly mapping: string },
): Delivery {
  return {
    scope,
    revision: name,
    mode: 'append',
    mapping,
    parts: [{ path, bytes, modifiedMs }],
    cursor: name,
  };
}
