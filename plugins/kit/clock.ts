import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../pipelines/plugin/index.ts';

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
