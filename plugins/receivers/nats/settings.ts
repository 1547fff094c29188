import type { ConfigOf, ReceiverContext, Schema } from '../../../pipelines/plugin/index.ts';
import { MESSAGE_SETTINGS } from '../../kit/charges/message-settings.ts';
import { NATS_SETTINGS } from '../../kit/nats/settings.ts';

/** Settings of the receiver `nats`. */
export const settings = {
  ...NATS_SETTINGS,
  stream: { doc: 'Stream with the charges.', format: 'text' },
  consumer: {
    doc: 'Durable consumer of the stream: it knows how far this agent has got.',
    format: 'text',
    default: 'focusd',
  },
  create: {
    doc: 'Make the consumer where there is none; never the stream.',
    format: 'flag',
    default: false,
  },
  subjects: {
    doc: 'Subjects that a consumer which is made asks for. Default: all of the stream.',
    format: 'list',
    default: [],
  },
  ack_wait: {
    doc: 'Time after which the server delivers a message again to a consumer which is made.',
    format: 'duration',
    default: '30s',
    min: '1s',
  },
  batch: {
    doc: 'Messages asked for at a time.',
    format: 'int',
    default: 256,
    min: 1,
    max: 10_000,
  },
  ...MESSAGE_SETTINGS,
  seal_every: { ...MESSAGE_SETTINGS.seal_every, min: '1s' },
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

/** What the receiver's settings are called in errors. */
export function pathOf({ id }: Pick<ReceiverContext<Settings>, 'id'>): string {
  return `receivers.${id}`;
}
