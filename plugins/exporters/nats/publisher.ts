import { JetStreamApiCodes, type JetStreamClient, jetstreamManager } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { Misconfigured, type WriteResult } from '../../../pipelines/plugin/index.ts';
import type { Publisher } from '../../kit/charges/event-sink.ts';
import { EVENT_TYPE, type PublishedEvent, publishedEvents } from '../../kit/charges/published.ts';
import { connectNats, type NatsConnection } from '../../kit/nats/connect.ts';
import { apiCode, withNats } from '../../kit/nats/errors.ts';
import type { Settings } from './index.ts';

/**
 * Publishes charges, done when the stream has stored them; connects when there is something to publish, and again when the connection was lost.
 * `path` names the component in errors.
 */
export function createPublisher(config: Settings, path: string): Publisher {
  let opening: Promise<Opened> | undefined;

  async function opened(): Promise<Opened> {
    const known = await opening?.catch(() => undefined);
    if (known === undefined || known.connection.isClosed()) opening = open(config, path);
    return await (opening as Promise<Opened>);
  }

  return {
    async publish({ bytes }) {
      const to = await opened();
      return await withNats(path, async () => publishAll(bytes, to, config));
    },
    async close() {
      const known = await opening?.catch(() => undefined);
      await known?.connection.close();
    },
  };
}

interface Opened {
  readonly connection: NatsConnection;
  readonly client: JetStreamClient;
  readonly headers: () => MsgHdrs;
}

async function open(config: Settings, path: string): Promise<Opened> {
  const connection = await connectNats(config, path);
  const { headers } = await import('@nats-io/transport-node');
  try {
    const client = await withNats(path, () => streamClient(connection, { config, path }));
    return { connection, client, headers };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** Throws `Misconfigured` when no stream takes the subject. */
async function streamClient(
  connection: NatsConnection,
  { config, path }: { readonly config: Settings; readonly path: string },
): Promise<JetStreamClient> {
  const { subject, stream, create, duplicate_window } = config;
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: config.timeout });
  const taker = await manager.streams.find(subject).catch((error: unknown) => {
    if (apiCode(error) === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  });
  if (taker === undefined && create && stream !== undefined) {
    const window = duplicate_window * 1e6;
    await manager.streams.add({ name: stream, subjects: [subject], duplicate_window: window });
  } else if (taker === undefined || (stream !== undefined && taker !== stream))
    throw new Misconfigured(
      taker === undefined
        ? `no stream takes the subject ${subject}`
        : `the stream ${taker} takes the subject ${subject}, not ${stream}`,
      {
        path: `${path}.${taker === undefined ? 'subject' : 'stream'}`,
        hint: `nats stream add ${stream ?? 'CHARGES'} --subjects ${subject}, or set stream and create: true`,
      },
    );
  return manager.jetstream();
}

/** What the server counts of a message beside its payload, at most. */
const HEADER_BYTES = 1_024;
/** `err_code` of JetStream for a message that is larger than the stream takes. */
const TOO_LARGE = 10_054;

async function publishAll(
  batch: Uint8Array,
  to: Opened,
  { subject, stream, timeout }: Settings,
): Promise<WriteResult> {
  const most = (to.connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - HEADER_BYTES;
  const publish = async ({ id, bytes }: PublishedEvent): Promise<string | undefined> => {
    if (bytes.length > most) return `a charge of ${bytes.length} bytes is more than max_payload`;
    const headers = to.headers();
    headers.set('Content-Type', EVENT_TYPE);
    try {
      await to.client.publish(subject, bytes, {
        msgID: id,
        headers,
        timeout,
        ...(stream !== undefined && { expect: { streamName: stream } }),
      });
      return undefined;
    } catch (error) {
      if (apiCode(error) === TOO_LARGE) return 'the stream does not take a charge as large';
      throw error;
    }
  };
  const published = await Promise.allSettled([...publishedEvents(batch)].map(publish));
  const failed = published.find((one) => one.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  const refused = published.flatMap((one) =>
    one.status === 'fulfilled' && one.value !== undefined ? [one.value] : [],
  );
  const [reason] = refused;
  return reason === undefined ? {} : { rejectedRows: refused.length, reason };
}
