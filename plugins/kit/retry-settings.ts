import type { ConfigOf, Schema } from '../../pipelines/plugin/index.ts';
import type { Backoff } from './retry.ts';

/** Settings of how an exporter tries again. */
export const RETRY_SETTINGS = {
  initial_interval: {
    doc: 'Pause before the second attempt; it grows by half each time.',
    format: 'duration',
    default: '1s',
    min: '1ms',
  },
  max_interval: { doc: 'Longest pause between attempts.', format: 'duration', default: '30s' },
  max_elapsed_time: {
    doc: 'After this long the backend counts as down: charges wait on disk (`storage.max_queue`) and everything else goes on; 0: tries for ever, and holds up its pipelines.',
    format: 'duration',
    default: '15s',
  },
} as const satisfies Schema;

/** How often and how long to try; a run that is to end does not try for ever. */
export function backoffOf({
  config,
  once,
}: {
  readonly config: { readonly retry: ConfigOf<typeof RETRY_SETTINGS> };
  readonly once: boolean;
}): Backoff {
  const { initial_interval, max_interval, max_elapsed_time } = config.retry;
  return {
    initialMs: initial_interval,
    maxMs: max_interval,
    maxElapsedMs: max_elapsed_time === 0 && once ? ONCE_ELAPSED_MS : max_elapsed_time,
  };
}

const ONCE_ELAPSED_MS = 15_000;
