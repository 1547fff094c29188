import fc from 'fast-check';
import t from 'tap';
import { createSkuFold, SkuMerge } from '../../../pipelines/fold/skus.ts';
import type { ChargedSku, ChargedSkus } from '../../../pipelines/plugin/index.ts';
import { batchesOf, batchOf, type Row } from '../../helpers/batch.ts';

const ROW: Row = {
  ServiceProviderName: 'AWS',
  SkuId: 'S1',
  SkuPriceId: 'S1.T1',
  SkuMeter: 'EU-Hours',
  RegionId: 'eu-west-1',
  PricingUnit: 'Hours',
  BillingCurrency: 'USD',
  ListUnitPrice: '0.12345678901234567891',
  ChargePeriodStart: '2026-09-01T00:00:00Z',
};

/** The same found one row after the other. */
function naive(rows: readonly Row[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    if (row.SkuId === undefined) continue;
    const key = JSON.stringify(
      ['ServiceProviderName', 'SkuId', 'RegionId', 'BillingCurrency', 'ListUnitPrice'].map(
        (name) => row[name] ?? null,
      ),
    );
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function merged(some: readonly ChargedSkus[], maxSkus: number): ChargedSkus {
  const merge = new SkuMerge(maxSkus);
  for (const skus of some) merge.add(skus);
  return merge.result();
}

const keyOf = (sku: ChargedSku) =>
  JSON.stringify([sku.provider, sku.sku, sku.region, sku.currency, sku.listPrice]);

t.test('distinct SKUs with their list prices, to the last digit', (t) => {
  const fold = createSkuFold({ maxSkus: 10 });
  fold.add(
    batchOf([
      ROW,
      { ...ROW, ChargePeriodStart: '2026-09-05T00:00:00Z' },
      { ...ROW, SkuId: undefined },
      { ...ROW, SkuId: 'S2', SkuMeter: undefined, ListUnitPrice: undefined },
    ]),
  );
  t.strictSame(fold.result(), {
    skus: [
      {
        provider: 'AWS',
        sku: 'S1',
        priceId: 'S1.T1',
        meter: 'EU-Hours',
        region: 'eu-west-1',
        unit: 'Hours',
        currency: 'USD',
        listPrice: '0.12345678901234567891',
        newestMs: Date.UTC(2026, 8, 5),
        charges: 2,
      },
      {
        provider: 'AWS',
        sku: 'S2',
        priceId: 'S1.T1',
        meter: null,
        region: 'eu-west-1',
        unit: 'Hours',
        currency: 'USD',
        listPrice: null,
        newestMs: Date.UTC(2026, 8, 1),
        charges: 1,
      },
    ],
    omitted: 0,
  });
  t.end();
});

t.test('prices in the currency that the seller prices in', (t) => {
  const fold = createSkuFold({ maxSkus: 10 });
  const priced = { PricingCurrency: 'USD', PricingCurrencyListUnitPrice: '0.2' };
  fold.add(batchOf([{ ...ROW, BillingCurrency: 'EUR', ListUnitPrice: '0.18', ...priced }]));
  t.match(fold.result().skus, [{ currency: 'USD', listPrice: '0.2' }]);
  t.end();
});

t.test('a bill without SKUs has none', (t) => {
  const fold = createSkuFold({ maxSkus: 10 });
  fold.add(batchOf([{ BillingCurrency: 'USD' }]));
  t.strictSame(fold.result(), { skus: [], omitted: 0 });
  t.end();
});

t.test('what has no room is counted', (t) => {
  const fold = createSkuFold({ maxSkus: 2 });
  for (const SkuId of ['a', 'b', 'c', 'a', 'd']) fold.add(batchOf([{ ...ROW, SkuId }]));
  const first = fold.result();
  t.strictSame(
    first.skus.map(({ sku, charges }) => `${sku} ${charges}`),
    ['a 2', 'b 1'],
  );
  t.equal(first.omitted, 2);
  const second = createSkuFold({ maxSkus: 2 });
  second.add(batchOf([{ ...ROW, SkuId: 'e' }, ROW, { ...ROW, SkuId: 'e' }]));
  const both = merged([first, second.result()], 2);
  t.equal(both.skus.length, 2);
  t.equal(both.omitted, 5, 'two, and three charges of e and S1');
  t.end();
});

t.test('as found row by row, however the rows are cut into batches and tasks', (t) => {
  const row = fc.record({
    ServiceProviderName: fc.constantFrom('AWS', 'Microsoft'),
    SkuId: fc.constantFrom('a', 'b', undefined),
    RegionId: fc.constantFrom('r1', undefined),
    BillingCurrency: fc.constantFrom('USD', 'EUR'),
    ListUnitPrice: fc.constantFrom('1', '2.5', undefined),
  });
  fc.assert(
    fc.property(
      fc.array(row, { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      fc.boolean(),
      (rows, batchRows, isTransient) => {
        const transient = isTransient ? ['ListUnitPrice'] : [];
        const folds = [createSkuFold({ maxSkus: 99 }), createSkuFold({ maxSkus: 99 })];
        let turn = 0;
        for (const batch of batchesOf(rows, { batchRows, transient }))
          folds[turn++ % 2]?.add(batch);
        const { skus, omitted } = merged(
          folds.map((fold) => fold.result()),
          99,
        );
        const found = new Map(skus.map((sku) => [keyOf(sku), sku.charges]));
        t.strictSame(new Map([...found].sort()), new Map([...naive(rows)].sort()));
        return omitted === 0;
      },
    ),
  );
  t.end();
});
