import {
  type ConfigOf,
  defineExporter,
  type Schema,
  type Sink,
} from '../../../pipelines/plugin/index.ts';
import { CHARGE_EVENT_SETTINGS } from '../../kit/charges/event-settings.ts';
import { createEventSink } from '../../kit/charges/event-sink.ts';
import { adviseNats, checkNats, NATS_SETTINGS } from '../../kit/nats/settings.ts';
import { RETRY_SETTINGS } from '../../kit/retry-settings.ts';
import { createPublisher } from './publisher.ts';

const settings = {
  ...NATS_SETTINGS,
  subject: {
    doc: 'Subject that charges are published to; a stream has to take it.',
    format: 'text',
    default: 'focus.charges',
  },
  stream: {
    doc: 'Stream that has to take it, else nothing is published. Default: whichever does.',
    format: 'text',
    default: null,
  },
  create: {
    doc: 'Make `stream` for the subject where there is none.',
    format: 'flag',
    default: false,
  },
  duplicate_window: {
    doc: 'Of a stream that is made: a charge that comes again within this time is stored once.',
    format: 'duration',
    default: '10m',
    min: '1s',
  },
  ...CHARGE_EVENT_SETTINGS,
  timeout: {
    doc: 'Longest wait for the acknowledgement of a charge.',
    format: 'duration',
    default: '10s',
    min: '100ms',
  },
  retry: RETRY_SETTINGS,
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

export default defineExporter({
  type: 'nats',
  summary: 'Charges as CloudEvents to a JetStream stream of NATS.',
  stability: 'beta',
  config: settings,
  advise: (config) => adviseNats(config),

  async open(context): Promise<Sink> {
    const { config, id } = context;
    checkNats(config, `exporters.${id}`);
    const publisher = createPublisher(config, `exporters.${id}`);
    return createEventSink(context, { publisher, maxInFlight: config.max_in_flight });
  },
});
