import type { Clock } from '../pipelines/plugin/contract.ts';

/** Has an exporter send its totals after they changed: a moment later, once for many changes, and never twice at a time. */
export interface Flusher {
  /** Totals changed. */
  changed(): void;
  /** No more; resolves when the one under way is done. */
  stop(): Promise<void>;
}

/** What comes within this time is sent at once. */
const PAUSE_MS = 1_000;

/** `flush` must not throw. */
export function createFlusher(flush: () => Promise<void>, clock: Clock): Flusher {
  const stopped = new AbortController();
  let isChanged = false;
  let working: Promise<void> | undefined;

  async function work(): Promise<void> {
    while (isChanged) {
      await clock.sleep(PAUSE_MS, stopped.signal).catch(() => {});
      if (stopped.signal.aborted) return;
      isChanged = false;
      await flush();
    }
    working = undefined;
  }

  return {
    changed() {
      isChanged = true;
      working ??= work();
    },
    async stop() {
      stopped.abort();
      await working;
    },
  };
}
