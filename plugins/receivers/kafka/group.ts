import type { Consumer, Message } from '@platformatic/kafka';
import { type ReceiverContext, Unavailable } from '../../../pipelines/plugin/index.ts';
import { kafkaOptions } from '../../kit/kafka/connection.ts';
import { pathOf, type Settings } from './settings.ts';

/** This agent as a member of its consumer group. */
export interface Group {
  /** The next message; undefined when none came within so many milliseconds. Throws what the brokers have answered meanwhile. */
  next(withinMs: number): Promise<Message | undefined>;
  /** Everything before and with these messages is done. */
  commit(done: readonly Message[]): Promise<void>;
  /** Offsets that are not committed, of the partitions that this member has; undefined while it has none. */
  lag(): Promise<bigint | undefined>;
  /** Leaves the group; never throws. */
  close(): Promise<void>;
}

const HEARTBEATS = 4;
/** A group that cannot be told is left by silence. */
const LEAVE_WITHIN_MS = 5_000;
/** Most bytes that brokers send at a time. */
const FETCH_BYTES = 8 * 1024 * 1024;
const FETCH_WAIT_MS = 500;

/** Joins the group. */
export async function openGroup(
  context: Pick<ReceiverContext<Settings>, 'id' | 'config' | 'clock' | 'signal'>,
): Promise<Group> {
  const { config, clock, signal } = context;
  const { Consumer, MessagesStreamModes } = await import('@platformatic/kafka');
  const consumer = new Consumer({
    ...(await kafkaOptions(config, pathOf(context))),
    groupId: config.group,
    autocommit: false,
    sessionTimeout: config.session_timeout,
    heartbeatInterval: config.session_timeout / HEARTBEATS,
    maxBytes: FETCH_BYTES,
    maxWaitTime: FETCH_WAIT_MS,
    highWaterMark: config.batch,
  });
  const leave = () => consumer.close(true).catch(() => {});
  try {
    const stream = await consumer.consume({
      topics: [...config.topics],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: config.from,
    });
    const messages = stream[Symbol.asyncIterator]();
    let coming: Promise<IteratorResult<Message>> | undefined;
    return {
      async next(withinMs) {
        coming ??= messages.next();
        // Nobody may be waiting when it fails: whoever asks next is told.
        coming.catch(() => {});
        const patience = new AbortController();
        const none = clock.sleep(withinMs, AbortSignal.any([patience.signal, signal])).then(
          () => undefined,
          () => undefined,
        );
        const came = await Promise.race([coming, none]);
        if (came === undefined) return undefined;
        patience.abort();
        coming = undefined;
        if (came.done === true) throw new Unavailable('Kafka: the consumer was closed');
        return came.value;
      },
      commit: (done) => consumer.commit({ offsets: offsetsAfter(done) }),
      lag: () => lagOf(consumer, config),
      close: () => Promise.race([leave(), clock.sleep(LEAVE_WITHIN_MS)]),
    };
  } catch (error) {
    await leave();
    throw error;
  }
}

/** Times that stand for the ends of a partition. */
const LATEST = -1n;
const EARLIEST = -2n;

async function lagOf(consumer: Consumer, { topics, from }: Settings): Promise<bigint | undefined> {
  const assigned = consumer.assignments ?? [];
  if (!consumer.isActive() || assigned.every(({ partitions }) => partitions.length === 0))
    return undefined;
  const of = { topics: [...topics] };
  const ends = await consumer.listOffsets({ ...of, timestamp: LATEST });
  const starts =
    from === 'latest' ? ends : await consumer.listOffsets({ ...of, timestamp: EARLIEST });
  const committed = await consumer.listCommittedOffsets({ topics: assigned });
  let lag = 0n;
  for (const { topic, partitions } of assigned)
    for (const partition of partitions) {
      const done = committed.get(topic)?.[partition] ?? -1n;
      const begun = done < 0n ? (starts.get(topic)?.[partition] ?? 0n) : done;
      lag += (ends.get(topic)?.[partition] ?? begun) - begun;
    }
  return lag;
}

/** Of each partition what comes after its last message. */
function offsetsAfter(done: readonly Message[]) {
  const last = new Map<string, Message>();
  for (const message of done) {
    const key = `${message.partition} ${message.topic}`;
    const known = last.get(key);
    if (known === undefined || known.offset < message.offset) last.set(key, message);
  }
  return [...last.values()].map(({ topic, partition, offset, leaderEpoch }) => ({
    topic,
    partition,
    offset: offset + 1n,
    leaderEpoch,
  }));
}
