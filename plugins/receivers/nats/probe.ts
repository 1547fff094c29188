import { jetstreamManager } from '@nats-io/jetstream';
import type { Context, Probe } from '../../../pipelines/plugin/index.ts';
import { connectNats } from '../../kit/nats/connect.ts';
import { withNats } from '../../kit/nats/errors.ts';
import { pathOf, type Settings } from './settings.ts';

/** What the stream holds and how far the consumer has got; nothing is fetched or made. */
export async function probeStream(context: Context<Settings>): Promise<Probe> {
  const { config } = context;
  const path = pathOf(context);
  const connection = await connectNats(config, path);
  const look = async (): Promise<Probe> => {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    const { state } = await manager.streams.info(config.stream);
    const consumer = await manager.consumers
      .info(config.stream, config.consumer)
      .catch(() => undefined);
    const waiting = consumer === undefined ? state.messages : consumer.num_pending;
    return {
      source: `stream ${config.stream}: ${state.messages} messages, ${waiting} not delivered to ${config.consumer}`,
      bills: [],
      problems:
        consumer === undefined && !config.create
          ? [`there is no consumer ${config.consumer}: set create: true, or make it`]
          : [],
    };
  };
  try {
    return await withNats(path, look);
  } finally {
    await connection.close();
  }
}
