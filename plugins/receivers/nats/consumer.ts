import { AckPolicy, type Consumer, JetStreamApiCodes, jetstreamManager } from '@nats-io/jetstream';
import { Misconfigured, type ReceiverContext } from '../../../pipelines/plugin/index.ts';
import type { NatsConnection } from '../../kit/nats/connect.ts';
import { apiCode } from '../../kit/nats/errors.ts';
import { pathOf, type Settings } from './settings.ts';

/** A durable consumer, and how long the server waits for an answer. */
export interface OpenConsumer {
  readonly consumer: Consumer;
  readonly ackWaitMs: number;
}

const NANOS = 1_000_000;

/** The durable consumer of the settings, made when they say so. Throws `Misconfigured` when it, or its stream, is not there or is none to fetch from. */
export async function openConsumer(
  connection: NatsConnection,
  context: Pick<ReceiverContext<Settings>, 'id' | 'config' | 'log'>,
): Promise<OpenConsumer> {
  const { stream, consumer: name, create } = context.config;
  const path = pathOf(context);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const found = await manager.consumers.info(stream, name).catch(async (error: unknown) => {
    if (apiCode(error) === STREAM_NOT_FOUND)
      throw new Misconfigured(`there is no stream ${stream}`, {
        path: `${path}.stream`,
        hint: `nats stream add ${stream}, or have whoever publishes make it`,
        cause: error,
      });
    if (apiCode(error) !== CONSUMER_NOT_FOUND) throw error;
    if (!create)
      throw new Misconfigured(`the stream ${stream} has no consumer ${name}`, {
        path: `${path}.consumer`,
        hint: `set create: true, or make it: nats consumer add ${stream} ${name} --pull --ack explicit`,
        cause: error,
      });
    const made = await manager.consumers.add(stream, configurationOf(context.config));
    context.log.info('consumer made', { stream, consumer: name });
    return made;
  });
  const { ack_policy, ack_wait, deliver_subject } = found.config;
  if (ack_policy !== AckPolicy.Explicit || deliver_subject !== undefined)
    throw new Misconfigured(`the consumer ${name} is not one to fetch from and to acknowledge`, {
      path: `${path}.consumer`,
      hint: 'name another, with --pull and --ack explicit',
    });
  const consumer = await manager.jetstream().consumers.get(stream, name);
  return { consumer, ackWaitMs: (ack_wait ?? 30_000 * NANOS) / NANOS };
}

const { StreamNotFound: STREAM_NOT_FOUND, ConsumerNotFound: CONSUMER_NOT_FOUND } =
  JetStreamApiCodes;

function configurationOf({ consumer, subjects, ack_wait }: Settings) {
  return {
    durable_name: consumer,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ack_wait * NANOS,
    ...(subjects.length > 0 && { filter_subjects: [...subjects] }),
  };
}
