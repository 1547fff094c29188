import { errorMessage, errorName } from '../../../pipelines/plugin/index.ts';
import { jittered } from '../../kit/jitter.ts';
import { retrying } from '../../kit/retry.ts';
import type { ListSource } from './lists/price-list.ts';
import { BACKOFF, patienceMs, type Reading } from './reading.ts';
import type { Taken } from './store/merge.ts';
import { inSlices, takeList } from './store/take-list.ts';
import { tellChanges } from './tell-changes.ts';

/** Reads every list again and again until the signal ends it. */
export async function keepCurrent(sources: readonly ListSource[], reading: Reading): Promise<void> {
  const { context, signal } = reading;
  while (!signal.aborted) {
    await readLists(sources, reading);
    await context.clock.sleep(jittered(context.config.refresh), signal);
  }
}

/** Reads every list once. What cannot be read is said and counted; what was known of it stays. */
export async function readLists(sources: readonly ListSource[], reading: Reading): Promise<void> {
  await tellChanges(reading);
  for (const source of sources) {
    reading.signal.throwIfAborted();
    await readList(source, reading);
    await tellChanges(reading);
  }
  await judgeAgain(reading);
}

async function readList(source: ListSource, reading: Reading): Promise<void> {
  const { context, signal, meters } = reading;
  const { log, clock } = context;
  const list = source.id;
  try {
    const taken = await retrying(() => attempt(source, reading), {
      ...BACKOFF,
      maxElapsedMs: patienceMs(context),
      clock,
      signal,
      onRetry: ({ message }, delayMs) =>
        log.warn('price list is tried again', { list, reason: message, delayMs }),
    });
    if (taken === undefined) return;
    meters.taken(taken);
    log.info('price list taken', { list, ...taken });
  } catch (error) {
    signal.throwIfAborted();
    if (!EXPECTED.includes(errorName(error))) throw error;
    meters.failed(list);
    const reason = errorMessage(error);
    log.error('price list not taken, its older prices stay', { list, reason });
  }
}

/** What bills charged is compared with the lists as they are now. */
async function judgeAgain({ context, charged, signal }: Reading): Promise<void> {
  const { clock, config } = context;
  const since = clock.now() - config.charged_within;
  await inSlices(charged.judgeAgain(since), () => clock.sleep(0, signal));
}

const EXPECTED: readonly string[] = ['BadPart', 'Misconfigured', 'Unavailable'];

async function attempt(
  source: ListSource,
  { context, database, signal }: Reading,
): Promise<Taken | undefined> {
  const { clock, config } = context;
  return await takeList(database, {
    id: source.id,
    list: await source.find(signal),
    nowMs: clock.now(),
    maxLoss: config.max_loss,
    pause: () => clock.sleep(0, signal),
  });
}
