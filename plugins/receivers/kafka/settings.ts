import type { ConfigOf, ReceiverContext, Schema } from '../../../pipelines/plugin/index.ts';
import { MESSAGE_SETTINGS } from '../../kit/charges/message-settings.ts';
import { KAFKA_SETTINGS } from '../../kit/kafka/settings.ts';

/** Settings of the receiver `kafka`. */
export const settings = {
  ...KAFKA_SETTINGS,
  topics: { doc: 'Topics with the charges.', format: 'list' },
  group: {
    doc: 'Consumer group: it knows how far its members have got.',
    format: 'text',
    default: 'focusd',
  },
  from: {
    doc: 'Where a group begins that has got nowhere yet.',
    format: 'choice',
    values: ['earliest', 'latest'],
    default: 'earliest',
  },
  session_timeout: {
    doc: 'An agent that is not heard of for this long loses its partitions to other members of the group.',
    format: 'duration',
    default: '45s',
    min: '6s',
  },
  batch: {
    doc: 'Messages in hand at a time.',
    format: 'int',
    default: 512,
    min: 1,
    max: 10_000,
  },
  ...MESSAGE_SETTINGS,
} as const satisfies Schema;

/** The checked settings. */
export type Settings = ConfigOf<typeof settings>;

/** What the receiver's settings are called in errors. */
export function pathOf({ id }: Pick<ReceiverContext<Settings>, 'id'>): string {
  return `receivers.${id}`;
}
