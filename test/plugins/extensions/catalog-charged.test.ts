import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import t, { type Test } from 'tap';
import { OWN_METRICS } from '../../../agent/own-metrics.ts';
import type { AgentView, ChargedSku, SkuListener } from '../../../pipelines/plugin/index.ts';
import catalog from '../../../plugins/extensions/catalog/index.ts';
import { ChargedStore, chargedSkus } from '../../../plugins/extensions/catalog/store/charged.ts';
import { openCatalog } from '../../../plugins/extensions/catalog/store/open.ts';
import { checkedSettings, inspection, turnedClock, worldOf } from '../../helpers/plugin-world.ts';

const HEADER = 'provider,sku,region,price,currency,valid_from\n';
const AGENT: AgentView = {
  version: '1.2.3',
  ready: () => true,
  health: () => [],
  inspect: () => inspection(),
};

/** A meter, and all its points: value and attributes by name. */
function meters(t: Test) {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e8 });
  const provider = new MeterProvider({ readers: [reader] });
  t.teardown(() => provider.shutdown());
  return {
    meter: provider.getMeter('catalog'),
    async collect() {
      const { resourceMetrics } = await reader.collect();
      const metrics = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
      return Object.fromEntries(
        metrics.map(({ descriptor, dataPoints }) => [
          descriptor.name,
          dataPoints.map(({ value, attributes }) => [value, attributes]),
        ]),
      );
    },
  };
}

function charge(sku: string, of: Partial<ChargedSku> = {}): ChargedSku {
  return {
    provider: 'Acme',
    sku,
    priceId: sku,
    meter: null,
    region: 'eu',
    unit: 'Hours',
    currency: 'EUR',
    listPrice: '0.1',
    newestMs: Date.UTC(2026, 8, 10),
    charges: 1,
    ...of,
  };
}

t.test('SKUs of bills are compared with the lists, and again when these change', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  writeFileSync(path, `${HEADER}Acme,vm,eu,0.10,EUR,2026-01-01\n`);
  let listener: SkuListener | undefined;
  const { promise: again, resolve: read } = Promise.withResolvers<void>();
  const us = { region: 'us', listPrice: '0.2' };
  const rounds: Readonly<Record<number, () => void>> = {
    1: () => listener?.({ skus: [charge('vm'), charge('vm', us), charge('disk')], omitted: 0 }),
    3: () => {
      const disk = 'Acme,disk,,0.1,EUR,2026-01-01\n';
      writeFileSync(path, `${HEADER}Acme,vm,eu,0.20,EUR,2026-02-01\n${disk}`);
    },
    9: () => read(),
  };
  const clock = turnedClock((round) => rounds[round]?.());
  const config = await checkedSettings(catalog, { built_in: false, files: [path] });
  const world = worldOf(config, { id: 'catalog', clock, folder });
  t.teardown(() => world.close());
  const { meter, collect } = meters(t);
  const opened = await catalog.open({ ...world, meter }, AGENT);
  listener = opened.charged;
  await again;
  const points = await collect();
  t.match(points, {
    'focusd.catalog.skus': [
      [2, { provider: 'Acme', result: 'known' }],
      [0, { provider: 'Acme', result: 'unknown' }],
      [0, { provider: 'Acme', result: 'renamed' }],
      [1, { provider: 'Acme', result: 'price_differs' }],
    ],
    'focusd.catalog.prices': [[2, { list: `file:${path}` }]],
    'focusd.catalog.price.changes': [[1, { provider: 'Acme' }]],
  });
  for (const name of Object.keys(points)) t.ok(name in OWN_METRICS, `${name} is documented`);
  await opened.close();
  t.match(
    world.lines.filter(({ message }) => message.startsWith('SKUs')),
    [{ fields: { known: 2, unknown: 1, omitted: 0 } }],
  );
  t.strictSame(
    chargedSkus(folder).map(({ sku, region, verdict }) => `${sku} ${region} ${verdict}`),
    ['disk eu known', 'vm eu price_differs', 'vm us known'],
  );
  t.equal(chargedSkus(folder, 'price_differs').length, 1);
});

t.test('a SKU is kept as its newest charge has it, at the same time as the worst', async (t) => {
  const folder = t.testdir();
  const path = join(folder, 'rates.csv');
  writeFileSync(path, `${HEADER}Acme,vm,eu,0.10,EUR,2026-01-01\n`);
  const config = await checkedSettings(catalog, { built_in: false, files: [path] });
  const world = worldOf(config, { id: 'catalog', folder, once: true });
  t.teardown(() => world.close());
  await (await catalog.open(world, AGENT)).close();
  const store = new ChargedStore(folder);
  t.teardown(() => store.close());
  const vm = (listPrice: string, day: number): ChargedSku =>
    charge('vm', { listPrice, newestMs: Date.UTC(2026, 8, day) });
  const kept = () => chargedSkus(folder).map((one) => `${one.list_price} ${one.verdict}`);
  const take = (nowMs: number, ...skus: readonly ChargedSku[]) => [...store.take(skus, nowMs)];
  take(1, vm('0.3', 2), vm('0.1', 2));
  t.strictSame(kept(), ['0.3 price_differs'], 'whatever their order');
  take(2, vm('0.2', 1));
  t.strictSame(kept(), ['0.3 price_differs'], 'an older charge says nothing');
  take(3, vm('0.1', 2));
  t.strictSame(kept(), ['0.1 known'], 'a later bill corrects it');
  t.same(store.counts(3), [{ provider: 'Acme', verdict: 'known', skus: 1 }]);
  t.same(store.counts(4), []);
  t.same([...store.judgeAgain(4)], []);
  t.strictSame(kept(), [], 'what was not seen for long is forgotten');
});

t.test('a damaged file is named', async (t) => {
  const folder = t.testdir({ 'charged.sqlite': 'no database, but long enough to look like one' });
  openCatalog(folder).close();
  t.throws(() => new ChargedStore(folder), { name: 'Misconfigured', message: /charged\.sqlite/ });
});
