import type { Clock, ComponentHealth, Logger } from '../pipelines/plugin/contract.ts';
import { errorMessage, errorName, type Unavailable } from '../pipelines/plugin/errors.ts';
import { isDiskTrouble } from './disk-trouble.ts';

/** Conditions of all components, by id. */
export class Health {
  readonly #known = new Map<string, ComponentHealth>();
  readonly #troubles = new Map<string, string>();
  readonly #errors = new Map<string, { readonly time: number; readonly reason: string }>();
  readonly #clock: Clock;
  readonly #mask: (text: string) => string;

  /** `mask` takes secrets out of reasons. */
  constructor(clock: Clock, mask: (text: string) => string = (text) => text) {
    this.#clock = clock;
    this.#mask = mask;
  }

  /** Notes a condition; `since` moves only when the status changes. */
  set(
    component: Pick<ComponentHealth, 'id' | 'kind' | 'status'> & {
      readonly reason?: string | undefined;
    },
  ): void {
    const { reason: unmasked, ...rest } = component;
    const reason = unmasked === undefined ? undefined : this.#mask(unmasked);
    const key = `${component.kind} ${component.id}`;
    const known = this.#known.get(key);
    if (reason !== undefined) this.#errors.set(key, { time: this.#clock.now(), reason });
    const since = known?.status === component.status ? known.since : this.#clock.now();
    this.#known.set(key, { ...rest, since, ...(reason === undefined ? {} : { reason }) });
  }

  /** Notes what does not go well although the component runs; undefined: nothing any more. */
  trouble(kind: ComponentHealth['kind'], id: string, reason: string | undefined): void {
    const key = `${kind} ${id}`;
    if (reason === undefined) this.#troubles.delete(key);
    else this.#troubles.set(key, this.#mask(reason));
  }

  delete(kind: ComponentHealth['kind'], id: string): void {
    this.#known.delete(`${kind} ${id}`);
    this.#troubles.delete(`${kind} ${id}`);
    this.#errors.delete(`${kind} ${id}`);
  }

  /** The last reason that was noted, whatever came after it. */
  lastError({
    kind,
    id,
  }: Pick<ComponentHealth, 'kind' | 'id'>):
    | { readonly time: number; readonly reason: string }
    | undefined {
    return this.#errors.get(`${kind} ${id}`);
  }

  list(): readonly ComponentHealth[] {
    return [...this.#known].map(([key, component]) => {
      const reason = component.reason ?? this.#troubles.get(key);
      return reason === undefined ? component : { ...component, reason };
    });
  }
}

/** Pauses between attempts. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** What is supervised. */
export interface Supervised {
  readonly id: string;
  readonly kind: ComponentHealth['kind'];
  readonly clock: Clock;
  readonly log: Logger;
  readonly health: Health;
  readonly signal: AbortSignal;
  /** Attempts at something unavailable before giving up; absent: for ever. */
  readonly attempts?: number;
  /** Called before each further attempt, for telemetry. */
  readonly retried?: () => void;
}

/** How a supervised component ended. */
export type Ended = { readonly ok: true } | { readonly ok: false; readonly error: unknown };

/**
 * Runs a component until it ends or the signal aborts. `Unavailable`, and a disk that is full or broken, is tried again with growing pauses
 * (reset by `progressed`); anything else stops this component only.
 */
export async function supervise(
  component: Supervised,
  run: (progressed: () => void) => Promise<void>,
): Promise<Ended> {
  const { id, kind, clock, log, health, signal } = component;
  let failures = 0;
  for (;;) {
    health.set({ id, kind, status: 'running' });
    try {
      await run(() => {
        failures = 0;
        health.set({ id, kind, status: 'running' });
      });
      health.set({ id, kind, status: 'stopped' });
      return { ok: true };
    } catch (error) {
      if (signal.aborted) {
        health.set({ id, kind, status: 'stopped' });
        return { ok: true };
      }
      const reason = errorMessage(error);
      failures++;
      const isTriedAgain = errorName(error) === 'Unavailable' || isDiskTrouble(error);
      if (!isTriedAgain || failures >= (component.attempts ?? Number.POSITIVE_INFINITY)) {
        health.set({ id, kind, status: 'failed', reason });
        log.error('component failed', {
          component: id,
          reason,
          ...(isTriedAgain ? {} : { stack: error instanceof Error ? error.stack : undefined }),
        });
        return { ok: false, error };
      }
      health.set({ id, kind, status: 'retrying', reason });
      const pause = pauseAfter(failures, error);
      log.warn('component is tried again', { component: id, reason, pauseMs: pause });
      component.retried?.();
      await clock.sleep(pause, signal).catch(() => {});
      if (!signal.aborted) continue;
      health.set({ id, kind, status: 'stopped' });
      return { ok: true };
    }
  }
}

function pauseAfter(failures: number, error: unknown): number {
  const wished = (error as Partial<Unavailable>).retryAfter ?? 0;
  return Math.max(wished, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)));
}
