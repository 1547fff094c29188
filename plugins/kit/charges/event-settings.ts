import type { Schema } from '../../../pipelines/plugin/index.ts';

/** Settings of exporters that publish each charge as a CloudEvent. */
export const CHARGE_EVENT_SETTINGS = {
  source: {
    doc: 'Source of the events: with their id it is what receivers know them by. Agents that read different bills by the same names need different ones.',
    format: 'text',
    default: 'focusd',
  },
  focus_version: {
    doc: 'FOCUS version of the columns.',
    format: 'choice',
    values: ['1.2', '1.3', '1.4'],
    default: '1.2',
  },
  restatement: {
    doc: 'What is sent of a restated bill. rows: charges that are new, and corrections of those that vanished, so that all events add up to the bill; totals: all of its charges again.',
    format: 'choice',
    values: ['rows', 'totals'],
    default: 'rows',
  },
  max_batch_bytes: {
    doc: 'Charges are published in batches of at most this size, and wait in such for a server that is down.',
    format: 'bytes',
    default: '1MiB',
    min: '64KiB',
    max: '16MiB',
  },
  max_in_flight: {
    doc: 'Batches under way at a time.',
    format: 'int',
    default: 2,
    min: 1,
    max: 64,
  },
} as const satisfies Schema;
