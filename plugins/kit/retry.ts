import { type Clock, errorName, type Unavailable } from '../../pipelines/plugin/index.ts';

/** How long to wait between attempts. */
export interface Backoff {
  /** Pause after the first failure, milliseconds. */
  readonly initialMs: number;
  /** Longest pause, milliseconds; the other side's own wish may be longer. */
  readonly maxMs: number;
  /** Give up when the next attempt would start later than this after the first; 0 or absent: never. */
  readonly maxElapsedMs?: number;
}

export interface Retrying extends Backoff {
  readonly clock: Clock;
  /** Ends the pauses; the reason of the signal is thrown. A running attempt is not cut short. */
  readonly signal?: AbortSignal;
  /** Told before each pause. */
  readonly onRetry?: (error: Unavailable, delayMs: number) => void;
  /** Between 0 and 1, for the jitter. */
  readonly random?: () => number;
}

const GROWTH = 1.5;
const JITTER = 0.5;

/** Tries until it works; only `Unavailable` is tried again, anything else is thrown as it is. */
export async function retrying<T>(attempt: () => Promise<T>, options: Retrying): Promise<T> {
  const { clock, signal, random = Math.random } = options;
  const started = clock.now();
  for (let pause = options.initialMs; ; pause = Math.min(pause * GROWTH, options.maxMs)) {
    try {
      return await attempt();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const jittered = Math.min(pause, options.maxMs) * (1 - JITTER + 2 * JITTER * random());
      const delay = Math.round(Math.max(error.retryAfter ?? 0, jittered));
      if (tooLate(clock.now() + delay - started, options.maxElapsedMs)) throw error;
      signal?.throwIfAborted();
      options.onRetry?.(error, delay);
      await clock.sleep(delay, signal);
    }
  }
}

/** Milliseconds to wait by a `Retry-After` header: seconds or a date; undefined when it says nothing. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

function tooLate(elapsed: number, limit: number | undefined): boolean {
  return limit !== undefined && limit > 0 && elapsed > limit;
}

function isUnavailable(error: unknown): error is Unavailable {
  return errorName(error) === 'Unavailable';
}
