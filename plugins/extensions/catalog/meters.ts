import type { Clock, Context } from '../../../pipelines/plugin/index.ts';
import { knownLists } from './store/look.ts';
import type { Taken } from './store/merge.ts';
import type { Catalog } from './store/open.ts';

/** What is counted; the names stand in the agent's table of metrics. */
export interface CatalogMeters {
  taken(taken: Taken): void;
  failed(list: string): void;
  changed(provider: string): void;
}

/** Makes the instruments. */
export function catalogMeters(
  meter: Context<unknown>['meter'],
  { database, clock }: { readonly database: Catalog; readonly clock: Clock },
): CatalogMeters & { close(): void } {
  const changes = meter.createCounter('focusd.catalog.price.changes', { unit: '{price}' });
  const renames = meter.createCounter('focusd.catalog.renames', { unit: '{sku}' });
  const failures = meter.createCounter('focusd.catalog.failures', { unit: '{reading}' });
  const prices = meter.createObservableGauge('focusd.catalog.prices', { unit: '{price}' });
  const age = meter.createObservableGauge('focusd.catalog.age', { unit: 's' });
  const observe: Parameters<typeof meter.addBatchObservableCallback>[0] = (result) => {
    for (const list of knownLists(database)) {
      result.observe(prices, list.prices, { list: list.id });
      result.observe(age, (clock.now() - list.read_ms) / 1000, { list: list.id });
    }
  };
  meter.addBatchObservableCallback(observe, [prices, age]);
  return {
    taken({ renamed }) {
      for (const [provider, count] of Object.entries(renamed)) renames.add(count, { provider });
    },
    failed: (list) => failures.add(1, { list }),
    changed: (provider) => changes.add(1, { provider }),
    close: () => meter.removeBatchObservableCallback(observe, [prices, age]),
  };
}
