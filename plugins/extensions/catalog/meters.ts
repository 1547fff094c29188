import type { Clock, Context } from '../../../pipelines/plugin/index.ts';
import type { ChargedStore } from './store/charged.ts';
import { knownLists } from './store/look.ts';
import type { Taken } from './store/merge.ts';
import type { Catalog } from './store/open.ts';
import { VERDICTS } from './verdict.ts';

/** What is counted; the names stand in the agent's table of metrics. */
export interface CatalogMeters {
  taken(taken: Taken): void;
  failed(list: string): void;
  changed(provider: string): void;
}

/** Makes the instruments. */
export function catalogMeters(
  meter: Context<unknown>['meter'],
  {
    database,
    charged,
    clock,
    withinMs,
  }: {
    readonly database: Catalog;
    readonly charged: ChargedStore;
    readonly clock: Clock;
    /** SKUs seen in this time are counted. */
    readonly withinMs: number;
  },
): CatalogMeters & { close(): void } {
  const changes = meter.createCounter('focusd.catalog.price.changes', { unit: '{price}' });
  const renames = meter.createCounter('focusd.catalog.renames', { unit: '{sku}' });
  const failures = meter.createCounter('focusd.catalog.failures', { unit: '{reading}' });
  const prices = meter.createObservableGauge('focusd.catalog.prices', { unit: '{price}' });
  const age = meter.createObservableGauge('focusd.catalog.age', { unit: 's' });
  const skus = meter.createObservableGauge('focusd.catalog.skus', { unit: '{sku}' });
  const observed = [prices, age, skus];
  const observe: Observe = (result) => {
    const now = clock.now();
    for (const { id, prices: count, read_ms } of knownLists(database)) {
      result.observe(prices, count, { list: id });
      result.observe(age, (now - read_ms) / 1000, { list: id });
    }
    for (const { provider, verdict, count } of everyVerdict(charged.counts(now - withinMs)))
      result.observe(skus, count, { provider, result: verdict });
  };
  meter.addBatchObservableCallback(observe, observed);
  return {
    taken({ renamed }) {
      for (const [provider, count] of Object.entries(renamed)) renames.add(count, { provider });
    },
    failed: (list) => failures.add(1, { list }),
    changed: (provider) => changes.add(1, { provider }),
    close: () => meter.removeBatchObservableCallback(observe, observed),
  };
}

type Observe = Parameters<Context<unknown>['meter']['addBatchObservableCallback']>[0];

/** Each verdict of each provider that has any, those without a SKU as 0: shares can be taken of them. */
function everyVerdict(counts: ReturnType<ChargedStore['counts']>) {
  return [...Map.groupBy(counts, ({ provider }) => provider)].flatMap(([provider, some]) =>
    VERDICTS.map((verdict) => ({
      provider,
      verdict,
      count: some.find((one) => one.verdict === verdict)?.skus ?? 0,
    })),
  );
}
