import { decimal, divide, formatDecimal, subtract } from '../../../pipelines/focus/index.ts';
import { type Context, errorName } from '../../../pipelines/plugin/index.ts';
import { retrying } from '../../kit/retry.ts';
import type { ListSource } from './lists/price-list.ts';
import type { CatalogSettings } from './lists/sources.ts';
import type { CatalogMeters } from './meters.ts';
import type { ChargedStore } from './store/charged.ts';
import { forgetChange, type PriceChange, untoldChanges } from './store/look.ts';
import type { Taken } from './store/merge.ts';
import type { Catalog } from './store/open.ts';
import { inSlices, takeList } from './store/take-list.ts';

/** What the reading of lists works with. */
export interface Reading {
  readonly context: Pick<Context<CatalogSettings>, 'config' | 'log' | 'clock' | 'once'>;
  readonly database: Catalog;
  readonly charged: ChargedStore;
  readonly meters: CatalogMeters;
  readonly signal: AbortSignal;
}

/** Attempts go on for so long before the list waits for the next round, milliseconds. */
const PATIENCE_MS = 15 * 60_000;
const BACKOFF = { initialMs: 5_000, maxMs: 5 * 60_000 };

/** Reads every list again and again until the signal ends it. */
export async function keepCurrent(sources: readonly ListSource[], reading: Reading): Promise<void> {
  const { context, signal } = reading;
  while (!signal.aborted) {
    await readLists(sources, reading);
    const tenths = 0.9 + 0.2 * Math.random();
    await context.clock.sleep(Math.round(context.config.refresh * tenths), signal);
  }
}

/** Reads every list once. What cannot be read is said and counted; what was known of it stays. */
export async function readLists(sources: readonly ListSource[], reading: Reading): Promise<void> {
  tellChanges(reading);
  for (const source of sources) {
    reading.signal.throwIfAborted();
    await readList(source, reading);
    tellChanges(reading);
  }
  await judgeAgain(reading);
}

async function readList(source: ListSource, reading: Reading): Promise<void> {
  const { context, signal, meters } = reading;
  const { log, clock, once } = context;
  const list = source.id;
  try {
    const taken = await retrying(() => attempt(source, reading), {
      ...BACKOFF,
      maxElapsedMs: once ? 1 : PATIENCE_MS,
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
    const reason = error instanceof Error ? error.message : String(error);
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

/** Changes told at a time. */
const SOME = 1_000;

/** Tells each price that moved: an event in the log, a count. What was told is forgotten at once; after a crash between the two it is told again. */
function tellChanges({ database, context, meters }: Reading): void {
  for (let changes = untoldChanges(database, SOME); changes.length > 0; ) {
    for (const change of changes) {
      context.log.info('price changed', eventOf(change));
      meters.changed(change.provider);
      forgetChange(database, change.id);
    }
    changes = untoldChanges(database, SOME);
  }
}

function eventOf(change: PriceChange): Readonly<Record<string, unknown>> {
  const { id: _, valid_from, ...about } = change;
  return {
    event: 'finops.sku.price_changed',
    ...about,
    percent: percentOf(change),
    valid_from: new Date(valid_from).toISOString(),
  };
}

/** By how much it moved, percent, two decimals; null when it was free. */
function percentOf({ old, new: price }: PriceChange): string | null {
  const moved = subtract(decimal(price), decimal(old));
  const share = divide({ ...moved, digits: moved.digits * 100n }, decimal(old), 2);
  return share === undefined ? null : formatDecimal(share);
}
