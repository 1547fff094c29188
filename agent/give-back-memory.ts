import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../pipelines/plugin/contract.ts';

/** By then receivers have had their first look. */
const AFTER_START_MS = 5_000;

/**
 * Collects all garbage of this thread and gives its room back to the system, in some 20 to 50 ms of processor time. V8 does that only when it
 * needs room, which an idle agent never does: it would keep what its start, or its last work, has left behind.
 */
export function giveBackMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (how: object) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

/** Does so once, when an agent that has started has nothing to do. */
export async function giveBackAfterStart({
  clock,
  signal,
  isIdle,
}: {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly isIdle: () => boolean;
}): Promise<void> {
  await clock.sleep(AFTER_START_MS, signal).catch(() => undefined);
  if (!signal.aborted && isIdle()) giveBackMemory();
}
