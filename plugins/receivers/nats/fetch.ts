import type { JsMsg } from '@nats-io/jetstream';
import { errorName, type ReceiverContext, Unavailable } from '../../../pipelines/plugin/index.ts';
import { digest } from '../../kit/charges/charges.ts';
import { ENCODED_HEADERS } from '../../kit/charges/cloud-events.ts';
import { type BusMessage, type Taken, takeMessage } from '../../kit/charges/take.ts';
import type { Intake } from '../../kit/intake/index.ts';
import type { NatsConnection } from '../../kit/nats/connect.ts';
import type { OpenConsumer } from './consumer.ts';
import { keepInProgress } from './in-progress.ts';
import type { Settings } from './settings.ts';

/** What messages are fetched with. */
export interface Fetching {
  readonly intake: Pick<Intake, 'keep'>;
  readonly context: ReceiverContext<Settings>;
  readonly connection: Pick<NatsConnection, 'isClosed' | 'flush'>;
}

/** The server takes no shorter requests. */
const SHORTEST_MS = 1_000;
/** Pause before a message comes again that the disk did not take. */
const AGAIN_MS = 10_000;

/**
 * Keeps messages until `seal_every` has passed or no more can be kept; with `once` until none comes. Each is acknowledged when what it says
 * is on disk. Answers how many came.
 */
export async function fetchCharges(
  { consumer, ackWaitMs }: OpenConsumer,
  { intake, context, connection }: Fetching,
): Promise<number> {
  const { clock, signal, config, once } = context;
  const inProgress = keepInProgress({ everyMs: ackWaitMs / 3, clock });
  const until = clock.now() + config.seal_every;
  const seen = { came: 0, full: false };
  const take = async (message: JsMsg): Promise<void> => {
    seen.came++;
    const done = inProgress.hold(message);
    try {
      const taken: Taken = seen.full
        ? { kind: 'full' }
        : await takeMessage(asBusMessage(message), {
            intake,
            context,
            scope: 'charges',
            maxBytes: config.max_message,
            headers: ENCODED_HEADERS,
          });
      seen.full ||= taken.kind === 'full';
      answer(message, taken);
    } finally {
      done();
    }
  };
  try {
    for (let asked = true; asked; ) {
      const before = seen.came;
      const expires = once ? SHORTEST_MS : Math.max(SHORTEST_MS, until - clock.now());
      await fetchOnce(consumer, { max: config.batch, expires, signal, take });
      if (connection.isClosed()) throw new Unavailable('the connection to NATS was lost');
      const isOver = once ? seen.came === before : clock.now() >= until;
      asked = !isOver && !seen.full && !signal.aborted;
    }
  } finally {
    inProgress.stop();
  }
  await connection.flush();
  return seen.came;
}

async function fetchOnce(
  consumer: OpenConsumer['consumer'],
  {
    max,
    expires,
    signal,
    take,
  }: {
    readonly max: number;
    readonly expires: number;
    readonly signal: AbortSignal;
    readonly take: (message: JsMsg) => Promise<void>;
  },
): Promise<void> {
  const messages = await consumer.fetch({ max_messages: max, expires });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const taken: Promise<void>[] = [];
  try {
    for await (const message of messages) taken.push(take(message));
  } catch (error) {
    // On a busy machine the signs of life may be late: whether the consumer is still there is asked.
    if (errorName(error) !== 'JetStreamError' || !/heartbeats missed/.test(String(error)))
      throw error;
    await consumer.info();
  } finally {
    signal.removeEventListener('abort', stop);
    await Promise.all(taken);
  }
}

function answer(message: JsMsg, taken: Taken): void {
  if (taken.kind === 'done') message.ack();
  else if (taken.kind === 'refused') message.term(taken.reason);
  else if (taken.kind === 'full') message.nak();
  else message.nak(AGAIN_MS);
}

/** A message is known again by its place in the stream, and by the id that its publisher gave it. */
function asBusMessage(message: JsMsg): BusMessage {
  const { stream } = message.info;
  const headers = new Map(
    [...(message.headers ?? [])].map(([name, [value = '']]) => [name.toLowerCase(), value]),
  );
  const given = headers.get('nats-msg-id');
  const place = [stream, message.seq, String(message.timestampNanos)];
  return {
    place: `${stream}/${message.seq} ${message.subject}`,
    ids: [
      `nats ${digest(place.map(String))}`,
      ...(given === undefined ? [] : [`nats-msg-id ${digest([stream, given])}`]),
    ],
    header: (name) => headers.get(name),
    body: message.data,
  };
}
