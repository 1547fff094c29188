import type { Clock, Logger } from '../pipelines/plugin/contract.ts';

const LOOK_EVERY_MS = 1_000;

/** Waits until nothing is full; meanwhile the health of the receiver says why. Throws the reason of the signal. */
export async function awaitRoom(
  full: () => string | undefined,
  {
    clock,
    signal,
    trouble,
    log,
  }: {
    readonly clock: Clock;
    readonly signal: AbortSignal;
    readonly trouble: (reason: string | undefined) => void;
    readonly log: Logger;
  },
): Promise<void> {
  const first = full();
  if (first === undefined) return;
  log.warn('waits before it reads from its source', { reason: first });
  try {
    for (let reason: string | undefined = first; reason !== undefined; reason = full()) {
      trouble(`waits before it reads: ${reason}`);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  } finally {
    trouble(undefined);
  }
}
