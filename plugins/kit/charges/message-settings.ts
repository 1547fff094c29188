import type { Schema } from '../../../pipelines/plugin/index.ts';
import { SPOOL_SETTINGS } from '../intake/index.ts';

/** Settings of receivers that take charges from the messages of a bus. */
export const MESSAGE_SETTINGS = {
  max_message: {
    doc: 'Larger messages, packed or not, become dead letters.',
    format: 'bytes',
    default: '8MiB',
    min: '1KiB',
  },
  ...SPOOL_SETTINGS,
  seal_every: { ...SPOOL_SETTINGS.seal_every, doc: 'What came is delivered this often.' },
  spool_size: {
    ...SPOOL_SETTINGS.spool_size,
    doc: 'Most bytes on disk that are not delivered yet; over it messages stay where they are.',
  },
} as const satisfies Schema;
