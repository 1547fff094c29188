import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../pipelines/plugin/index.ts';

/** A clock that stands until it is moved; who sleeps wakes when it is time. */
export interface MovedClock {
  readonly clock: Clock;
  /** How many sleep. */
  sleepers(): number;
  /** Moves on; answers once that many sleep again (default 2). */
  move(ms: number, sleepers?: number): Promise<void>;
}

/** A clock that stands at `start`, milliseconds since 1970. */ export function movedClock(
  start: number,
): MovedClock {
  let now = start;
  const sleeping = new Set<{ readonly at: number; readonly wake: () => void }>();
  const clock: Clock = {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', () => {
          sleeping.delete(sleeper);
          reject(signal.reason);
        });
      }),
  };
  return {
    clock,
    sleepers: () => sleeping.size,
    async move(ms, sleepers = 2) {
      now += ms;
      for (const sleeper of sleeping) {
        if (sleeper.at > now) continue;
        sleeping.delete(sleeper);
        sleeper.wake();
      }
      await until(() => sleeping.size >= sleepers);
    },
  };
}

/** Waits until it holds; throws when that takes too long. */
export async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    if (tries > 10_000) throw new Error('it did not come to that');
    await delay(2);
  }
}
