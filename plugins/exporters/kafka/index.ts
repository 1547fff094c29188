import {
  type ConfigOf,
  defineExporter,
  type Schema,
  type Sink,
} from '../../../pipelines/plugin/index.ts';
import { CHARGE_EVENT_SETTINGS } from '../../kit/charges/event-settings.ts';
import { createEventSink } from '../../kit/charges/event-sink.ts';
import { adviseKafka, brokersOf, KAFKA_SETTINGS } from '../../kit/kafka/settings.ts';
import { RETRY_SETTINGS } from '../../kit/retry-settings.ts';
import { createPublisher } from './publisher.ts';

const { max_in_flight: _, ...eventSettings } = CHARGE_EVENT_SETTINGS;

const settings = {
  ...KAFKA_SETTINGS,
  topic: {
    doc: 'Topic that charges are published to.',
    format: 'text',
    default: 'focus-charges',
  },
  create: {
    doc: 'Make the topic where there is none, with the partitions and replicas that brokers have as default.',
    format: 'flag',
    default: false,
  },
  compression: {
    doc: 'How batches are compressed.',
    format: 'choice',
    values: ['none', 'gzip', 'zstd'],
    default: 'none',
  },
  ...eventSettings,
  max_batch_bytes: { ...eventSettings.max_batch_bytes, default: '512KiB' },
  retry: RETRY_SETTINGS,
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

export default defineExporter({
  type: 'kafka',
  summary: 'Charges as CloudEvents to a topic of Kafka.',
  stability: 'beta',
  config: settings,
  advise: (config) => adviseKafka(config),

  async open(context): Promise<Sink> {
    const { config, id } = context;
    const path = `exporters.${id}`;
    brokersOf(config, path);
    const publisher = createPublisher(config, path);
    // The sequence of an idempotent producer: one batch after the other.
    return createEventSink(context, { publisher, maxInFlight: 1 });
  },
});
