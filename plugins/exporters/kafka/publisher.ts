import type { Producer } from '@platformatic/kafka';
import type { WriteResult } from '../../../pipelines/plugin/index.ts';
import type { Publisher } from '../../kit/charges/event-sink.ts';
import { EVENT_TYPE, type PublishedEvent, publishedEvents } from '../../kit/charges/published.ts';
import { kafkaOptions } from '../../kit/kafka/connection.ts';
import { isAnswer, withKafka } from '../../kit/kafka/errors.ts';
import type { Settings } from './index.ts';

/** Of a batch, by the brokers: it is larger than the topic takes. */
const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

/**
 * Publishes one batch at a time, done when all replicas in sync have every charge; `path` names the component in errors. After a failure its
 * producer is another one, whose sequence begins anew.
 */
export function createPublisher(config: Settings, path: string): Publisher {
  let opened: Producer | undefined;

  async function forget(): Promise<void> {
    const producer = opened;
    opened = undefined;
    await producer?.close().catch(() => {});
  }

  return {
    async publish({ bytes }) {
      opened ??= await withKafka(path, () => openProducer(config, path));
      const producer = opened;
      try {
        return await withKafka(path, () =>
          send([...publishedEvents(bytes)], { producer, topic: config.topic }),
        );
      } catch (error) {
        await forget();
        throw error;
      }
    },
    close: forget,
  };
}

async function openProducer(config: Settings, path: string): Promise<Producer> {
  const { Admin, Producer } = await import('@platformatic/kafka');
  const options = await kafkaOptions(config, path);
  if (config.create) {
    const admin = new Admin(options);
    try {
      await admin.createTopics({ topics: [config.topic], partitions: -1, replicas: -1 });
    } catch (error) {
      if (!isAnswer(error, ['TOPIC_ALREADY_EXISTS'])) throw error;
    } finally {
      await admin.close();
    }
  }
  const { compression } = config;
  return new Producer({ ...options, idempotent: true, acks: ALL_IN_SYNC, compression });
}

const ALL_IN_SYNC = -1;
const HEADERS = new Map([[Buffer.from('content-type'), Buffer.from(EVENT_TYPE)]]);

/** Batches that are too large are halved; a single charge that is too large is refused. */
async function send(
  events: readonly PublishedEvent[],
  to: { readonly producer: Producer; readonly topic: string },
): Promise<WriteResult> {
  const { producer, topic } = to;
  const messages = events.map(({ id, bytes }) => ({
    topic,
    key: Buffer.from(id),
    value: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    headers: HEADERS,
  }));
  try {
    await producer.send({ messages });
    return {};
  } catch (error) {
    if (!isAnswer(error, TOO_LARGE)) throw error;
    if (events.length === 1)
      return { rejectedRows: 1, reason: 'a charge is larger than the topic takes' };
    const half = Math.ceil(events.length / 2);
    const first = await send(events.slice(0, half), to);
    const second = await send(events.slice(half), to);
    const rejectedRows = (first.rejectedRows ?? 0) + (second.rejectedRows ?? 0);
    const reason = first.reason ?? second.reason;
    return rejectedRows === 0 || reason === undefined ? {} : { rejectedRows, reason };
  }
}
