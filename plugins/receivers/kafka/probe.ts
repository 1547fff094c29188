import type { Context, Probe } from '../../../pipelines/plugin/index.ts';
import { kafkaOptions } from '../../kit/kafka/connection.ts';
import { withKafka } from '../../kit/kafka/errors.ts';
import { pathOf, type Settings } from './settings.ts';

/** What the topics hold; nothing is read, and no group is joined. */
export async function probeTopics(context: Context<Settings>): Promise<Probe> {
  const { config } = context;
  const path = pathOf(context);
  const { Admin } = await import('@platformatic/kafka');
  const admin = new Admin(await kafkaOptions(config, path));
  try {
    const { topics } = await withKafka(path, () => admin.metadata({ topics: [...config.topics] }));
    const seen = [...topics].map(
      ([name, { partitionsCount }]) => `${name} (${partitionsCount} partitions)`,
    );
    return { source: `topics ${seen.join(', ')}`, bills: [], problems: [] };
  } finally {
    await admin.close();
  }
}
