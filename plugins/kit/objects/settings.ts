import type { ConfigOf, Schema } from '../../../pipelines/plugin/index.ts';
import type { Receiving } from './receive.ts';

/** Settings of every receiver whose bills come out of a store: to be spread into its own. */
export const receivingSettings = {
  interval: {
    doc: 'Pause between two looks, a tenth more or less by chance.',
    format: 'duration',
    default: '15m',
    min: '1m',
  },
  parallel_downloads: {
    doc: 'Objects that are downloaded at the same time.',
    format: 'int',
    default: 4,
    min: 1,
    max: 32,
  },
  max_bill: {
    doc: 'Largest bill that is downloaded; as much disk is needed below storage.folder while it is read.',
    format: 'bytes',
    default: '50GiB',
  },
  keep_bills: {
    doc: 'Leave the present version of each bill below storage.folder, so that `focusd audit` can derive its totals again.',
    format: 'flag',
    default: false,
  },
} as const satisfies Schema;

/** What these settings mean to `receiveSets`. */
export function receivingBy(
  config: ConfigOf<typeof receivingSettings>,
): Pick<Receiving, 'intervalMs' | 'parallel' | 'maxBytes' | 'keep'> {
  return {
    intervalMs: config.interval,
    parallel: config.parallel_downloads,
    maxBytes: config.max_bill,
    keep: config.keep_bills,
  };
}
