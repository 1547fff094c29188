import {
  decimal,
  divide,
  formatDecimal,
  subtract,
  toNumber,
} from '../../../pipelines/focus/index.ts';
import { errorMessage, errorName, type LogEvent } from '../../../pipelines/plugin/index.ts';
import { retrying } from '../../kit/retry.ts';
import { BACKOFF, patienceMs, type Reading } from './reading.ts';
import { forgetChanges, type PriceChange, saidChanges, untoldChanges } from './store/look.ts';

const EVENT = 'finops.sku.price_changed';
/** Changes told at a time. */
const SOME = 1_000;

/**
 * Tells each price that moved: in the log and as a count, then as a log record to the exporters that take them. What these cannot take now
 * is told again in the next round, or after the next start; so it is after a crash before it was written down that they have it.
 */
export async function tellChanges(reading: Reading): Promise<void> {
  const { context, database, signal } = reading;
  try {
    for (;;) {
      const changes = untoldChanges(database, SOME);
      const [first, last] = [changes.at(0), changes.at(-1)];
      if (first === undefined || last === undefined) return;
      say(changes, reading);
      saidChanges(database, last.id);
      const events = changes.map((change) => eventOf(change, context.clock.now()));
      const batch = { scope: 'price-changes', revision: `${first.id}-${last.id}`, events };
      await retrying(() => context.events.send(batch), {
        ...BACKOFF,
        maxElapsedMs: patienceMs(context),
        clock: context.clock,
        signal,
      });
      forgetChanges(database, last.id);
    }
  } catch (error) {
    signal.throwIfAborted();
    if (errorName(error) !== 'Unavailable') throw error;
    const reason = errorMessage(error);
    context.log.warn('exporters cannot be told of price changes now', { reason });
  }
}

function say(changes: readonly PriceChange[], { context, meters }: Reading): void {
  for (const change of changes.filter(({ said }) => said === 0)) {
    const { id: _, said: __, valid_from, ...about } = change;
    const from = new Date(valid_from).toISOString();
    const percent = percentOf(change);
    context.log.info('price changed', { event: EVENT, ...about, percent, valid_from: from });
    meters.changed(change.provider);
  }
}

/** As a log record: attributes named after FOCUS columns where there is one; prices are doubles here and nowhere before. */
function eventOf(change: PriceChange, timeMs: number): LogEvent {
  const percent = percentOf(change);
  return {
    name: EVENT,
    timeMs,
    attributes: {
      'focus.service_provider_name': change.provider,
      'focus.sku_id': change.sku,
      'focus.sku_price_id': change.price_id,
      'focus.region_id': change.region,
      'focus.pricing_unit': change.unit,
      'focus.pricing_currency': change.currency,
      'finops.price.list': change.list,
      'finops.price.tier_start': toNumber(decimal(change.tier_start)),
      'finops.price.old': toNumber(decimal(change.old)),
      'finops.price.new': toNumber(decimal(change.new)),
      ...(percent !== null && { 'finops.price.change_percent': Number(percent) }),
      'finops.price.valid_from': new Date(change.valid_from).toISOString(),
    },
  };
}

/** By how much it moved, percent, two decimals; null when it was free. */
function percentOf({ old, new: price }: PriceChange): string | null {
  const moved = subtract(decimal(price), decimal(old));
  const share = divide({ ...moved, digits: moved.digits * 100n }, decimal(old), 2);
  return share === undefined ? null : formatDecimal(share);
}
