import fc from 'fast-check';
import t from 'tap';
import { add, type Decimal, toNumber, ZERO } from '../../../pipelines/focus/index.ts';
import type { PointMetric, Total } from '../../../pipelines/plugin/index.ts';
import { withinBudget } from '../../../plugins/kit/budget.ts';
import { createCostMetrics, firstPeriodStart } from '../../../plugins/kit/points.ts';
import { total, totalsOf } from '../../helpers/plugin-world.ts';

const NOW = Date.UTC(2026, 8, 17, 12);
const SETTINGS = { periods: 2, dailyDays: 35, maxSeries: 2000 };
const EC2 = { ServiceProviderName: 'AWS', ServiceName: 'Amazon EC2', owner: 'team-a' };

function metric(metrics: readonly PointMetric[], name: string): PointMetric {
  const found = metrics.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

function sumOf(points: PointMetric['points']): number {
  return points.reduce((sum, { value }) => sum + value, 0);
}

t.test('the totals of a period by all dimensions, from its start until now', async (t) => {
  const dimensions = { ...EC2, BillingAccountId: '1', SubAccountId: '2', RegionId: 'eu-west-1' };
  const view = totalsOf([
    total(dimensions, { billed: '0.1', effective: '0.3', day: '2026-09-01' }),
    total(dimensions, { billed: '0.2', effective: '0.6', list: '1', day: '2026-09-02' }),
    total(dimensions, { billed: '5', period: '2026-08-01', day: '2026-08-31' }),
    total(dimensions, { billed: '7', period: '2026-07-01', day: '2026-07-31' }),
  ]);
  const metrics = createCostMetrics(view, SETTINGS).at(NOW);
  const attributes = {
    'focus.service_provider_name': 'AWS',
    'focus.billing_account_id': '1',
    'focus.sub_account_id': '2',
    'focus.service_name': 'Amazon EC2',
    'focus.region_id': 'eu-west-1',
    'focus.billing_currency': 'USD',
    'finops.owner': 'team-a',
  };
  const september = { ...attributes, 'focus.billing_period_start': '2026-09-01' };
  const august = { ...attributes, 'focus.billing_period_start': '2026-08-01' };
  const start = Date.UTC(2026, 8, 1);
  t.strictSame(metric(metrics, 'focus.billed_cost'), {
    name: 'focus.billed_cost',
    description: 'Billed cost of the billing period to date.',
    unit: '{currency}',
    kind: 'sum',
    points: [
      { attributes: september, startMs: start, endMs: NOW, value: 0.3 },
      { attributes: august, startMs: Date.UTC(2026, 7, 1), endMs: NOW, value: 5 },
    ],
  });
  const values = (name: string) => metric(metrics, name).points.map(({ value }) => value);
  t.strictSame(values('focus.effective_cost'), [0.9, 5], 'summed exactly, then made a double');
  t.strictSame(values('focus.list_cost'), [1.1, 5]);
  t.strictSame(values('focus.contracted_cost'), [0.3, 5]);
});

t.test('daily costs by provider, service, currency and owner', async (t) => {
  const view = totalsOf([
    total({ ...EC2, RegionId: 'a' }, { billed: '1', effective: '2', day: '2026-09-17' }),
    total({ ...EC2, RegionId: 'b' }, { billed: '3', effective: '4', day: '2026-09-17' }),
    total(EC2, { billed: '9', period: '2026-08-01', day: '2026-08-14' }),
    total(EC2, { billed: '8', period: '2026-08-01', day: '2026-08-13' }),
  ]);
  const { points } = metric(createCostMetrics(view, SETTINGS).at(NOW), 'finops.daily.cost');
  const shown = points.map(({ attributes, value }) => [
    attributes['focus.charge_date'],
    attributes['finops.cost.type'],
    attributes['focus.region_id'],
    value,
  ]);
  t.strictSame(shown, [
    ['2026-09-17', 'billed', undefined, 4],
    ['2026-09-17', 'effective', undefined, 6],
    ['2026-09-17', 'list', undefined, 4],
    ['2026-09-17', 'contracted', undefined, 4],
    ['2026-08-14', 'billed', undefined, 9],
    ['2026-08-14', 'effective', undefined, 9],
    ['2026-08-14', 'list', undefined, 9],
    ['2026-08-14', 'contracted', undefined, 9],
  ]);
  const none = createCostMetrics(view, { ...SETTINGS, dailyDays: 0 }).at(NOW);
  t.notOk(none.some(({ name }) => name === 'finops.daily.cost'));
});

t.test('how old the data of each source is', async (t) => {
  const source = { receiver: 'files', committedMs: NOW };
  const view = totalsOf(
    [],
    [
      { ...source, scope: 'a', dataUntilMs: NOW - 3_600_000 },
      { ...source, scope: 'ahead', dataUntilMs: NOW + 3_600_000 },
      { ...source, scope: 'empty', dataUntilMs: Number.NaN },
    ],
  );
  const metrics = createCostMetrics(view, SETTINGS).at(NOW);
  t.strictSame(
    metrics.map(({ name, unit, kind }) => [name, unit, kind]),
    [['finops.data.age', 's', 'gauge']],
  );
  t.strictSame(
    metrics[0]?.points.map(({ attributes, value }) => [attributes['finops.scope'], value]),
    [
      ['ahead', 0],
      ['a', 3600],
    ],
  );
});

t.test('how complete the days of each account are', async (t) => {
  const on = (day: string, provider = 'AWS', period = `${day.slice(0, 7)}-01`): Total =>
    total({ ServiceProviderName: provider, BillingAccountId: '1' }, { billed: '1', day, period });
  const shown = (...totals: readonly Total[]): unknown =>
    createCostMetrics(totalsOf(totals), SETTINGS)
      .at(NOW)
      .find(({ name }) => name === 'finops.data.completeness')
      ?.points.map(({ attributes, value }) => [
        attributes['focus.service_provider_name'],
        attributes['focus.billing_period_start'],
        value,
      ]);
  t.strictSame(
    shown(on('2026-09-01'), on('2026-09-02'), on('2026-09-04'), on('2026-09-02')),
    [['AWS', '2026-09-01', 0.75]],
    'the third is missing; what lies ahead is a matter of age',
  );
  t.strictSame(
    shown(on('2026-08-30'), on('2026-09-02'), on('2026-09-02', 'Azure')),
    [
      ['AWS', '2026-08-01', 0.5],
      ['AWS', '2026-09-01', 0.5],
      ['Azure', '2026-09-01', 1],
    ],
    'an end and a start that others of the account show to be missing',
  );
  t.strictSame(
    shown(on('2026-09-01'), on('2026-08-31', 'AWS', '2026-09-01'), on('2026-09-02')),
    [['AWS', '2026-09-01', 1]],
    'days outside of the billing period do not count',
  );
  const folded = total({}, { billed: '1', day: '2026-09-02', overflow: true });
  t.match(shown(on('2026-09-01'), folded, on('2026-09-03')), [['AWS', '2026-09-01', 1]]);
  t.equal(shown(on('2026-09-01', 'AWS', 'soon')), undefined, 'a period that cannot be read');
});

t.test('which billing periods are open', async (t) => {
  const cases = [
    ['2026-09-17', 2, '2026-07-18'],
    ['2026-09-01', 2, '2026-07-02'],
    ['2026-03-31', 1, '2026-03-01'],
    ['2026-01-15', 1, '2025-12-16'],
    ['2024-03-30', 1, '2024-03-01'],
  ] as const;
  for (const [now, periods, expected] of cases) {
    t.equal(firstPeriodStart(Date.parse(`${now}T23:59:59Z`), periods), expected, now);
  }
});

t.test('the budget', async (t) => {
  const services = (count: number, cost: (n: number) => string): Total[] =>
    Array.from({ length: count }, (_, n) => total({ ServiceName: `s${n}` }, { billed: cost(n) }));
  const small = { ...SETTINGS, maxSeries: 100 };

  t.test('what fits is not folded', async (t) => {
    const { points } = metric(
      createCostMetrics(totalsOf(services(100, String)), small).at(NOW),
      'focus.billed_cost',
    );
    t.equal(points.length, 100);
    t.notOk(points.some(({ attributes }) => attributes['otel.metric.overflow']));
  });

  t.test('over it the smallest are summed up by currency and period', async (t) => {
    const euros = total({ ServiceName: 'e', BillingCurrency: 'EUR' }, { billed: '-0.5' });
    const view = totalsOf([...services(150, String), euros]);
    const { points } = metric(createCostMetrics(view, small).at(NOW), 'focus.effective_cost');
    t.equal(points.length, 100);
    const overflow = points.filter(({ attributes }) => attributes['otel.metric.overflow']);
    t.strictSame(
      overflow.map(({ attributes }) => attributes),
      [
        {
          'focus.billing_currency': 'USD',
          'otel.metric.overflow': true,
          'focus.billing_period_start': '2026-09-01',
        },
        {
          'focus.billing_currency': 'EUR',
          'otel.metric.overflow': true,
          'focus.billing_period_start': '2026-09-01',
        },
      ],
    );
    t.equal(overflow[1]?.value, -0.5);
    const kept = points.filter(({ attributes }) => !attributes['otel.metric.overflow']);
    t.equal(Math.min(...kept.map(({ value }) => value)), 52, 'the 98 largest stay');
    t.equal(
      sumOf(points),
      sumOf(metric(createCostMetrics(view, SETTINGS).at(NOW), 'focus.effective_cost').points),
    );
  });

  t.test('a large credit is as large as a large cost', async (t) => {
    const view = totalsOf([
      ...services(150, () => '1'),
      total({ ServiceName: 'credit' }, { billed: '-99' }),
    ]);
    const { points } = metric(createCostMetrics(view, small).at(NOW), 'focus.billed_cost');
    t.ok(points.some(({ attributes }) => attributes['focus.service_name'] === 'credit'));
  });

  t.test('a series once shown stays, though others have grown larger', async (t) => {
    const view = totalsOf(services(150, String));
    const costs = createCostMetrics(view, small);
    const names = () =>
      metric(costs.at(NOW), 'focus.billed_cost')
        .points.filter(({ value }) => value !== 0)
        .map(({ attributes }) => String(attributes['focus.service_name']))
        .sort();
    const before = names();
    view.replace(services(150, (n) => String(1000 - n)));
    t.strictSame(names(), before);
    view.replace(services(120, (n) => String(1000 - n)));
    const after = names();
    t.equal(after.length, 100);
    t.ok(after.includes('s0'), 'places of those that are gone go to the largest');
  });

  t.test('a series that is gone is zero for a while', async (t) => {
    const minutes = (count: number) => NOW + count * 60_000;
    const both = [total({ ServiceName: 'a' }, { billed: '1' }), total({}, { billed: '2' })];
    const view = totalsOf(both);
    const costs = createCostMetrics(view, SETTINGS);
    const seen = (name: string, ms: number) =>
      metric(costs.at(ms), name).points.map(({ attributes, value }) => [
        attributes['focus.service_name'],
        value,
      ]);
    t.strictSame(seen('focus.billed_cost', minutes(0)), [
      ['a', 1],
      [undefined, 2],
    ]);
    view.replace(both.slice(1));
    const zero = [
      [undefined, 2],
      ['a', 0],
    ];
    t.strictSame(seen('focus.billed_cost', minutes(1)), zero);
    t.strictSame(seen('finops.daily.cost', minutes(2)).slice(4), Array(4).fill(['a', 0]));
    view.replace(both.slice(1));
    t.strictSame(seen('focus.billed_cost', minutes(15)), zero, 'whatever else changes');
    t.strictSame(seen('focus.billed_cost', minutes(17)), [[undefined, 2]]);
    view.replace(both);
    t.equal(seen('focus.billed_cost', minutes(18)).length, 2);
    view.replace(both.slice(1));
    seen('focus.billed_cost', minutes(19));
    view.replace(both);
    t.equal(seen('focus.billed_cost', minutes(20)).length, 2, 'it may come back');
    const later = createCostMetrics(view, { ...SETTINGS, periods: 1 });
    t.equal(metric(later.at(NOW), 'focus.billed_cost').points.length, 2);
    const next = later.at(NOW + 31 * 86_400_000).map(({ name }) => name);
    t.notOk(next.includes('focus.billed_cost'), 'a period that is over is not zero');
  });

  t.test('what the workers folded already stays folded', async (t) => {
    const view = totalsOf([
      total({ ServiceName: 'a' }, { billed: '1' }),
      total({}, { billed: '2', overflow: true }),
      total({}, { billed: '3', overflow: true, day: '2026-09-11' }),
    ]);
    const metrics = createCostMetrics(view, SETTINGS).at(NOW);
    const overflow = metric(metrics, 'focus.billed_cost').points.filter(
      ({ attributes }) => attributes['otel.metric.overflow'],
    );
    t.strictSame(
      overflow.map(({ value }) => value),
      [5],
    );
    const days = metric(metrics, 'finops.daily.cost').points.filter(
      ({ attributes }) =>
        attributes['otel.metric.overflow'] && attributes['finops.cost.type'] === 'billed',
    );
    t.strictSame(
      days.map(({ value }) => value),
      [2, 3],
    );
  });

  t.test('daily series are kept or folded with all their days and types', async (t) => {
    const all = Array.from({ length: 20 }, (_, n) =>
      ['10', '11'].map((day) =>
        total({ ServiceName: `s${n}` }, { billed: String(n + 1), day: `2026-09-${day}` }),
      ),
    ).flat();
    const { points } = metric(createCostMetrics(totalsOf(all), small).at(NOW), 'finops.daily.cost');
    t.ok(points.length <= 100, `${points.length} points`);
    const perService = Map.groupBy(points, ({ attributes }) => attributes['focus.service_name']);
    perService.delete(undefined);
    t.strictSame(
      [...perService.values()].map(({ length }) => length),
      Array(11).fill(8),
    );
    t.equal(
      sumOf(points),
      4 * sumOf(all.map(({ costs }) => ({ value: toNumber(costs.BilledCost) })) as never),
    );
  });
});

t.test(
  'whatever the totals and the budget, the money is all there and points are distinct',
  async () => {
    const totals = fc.array(
      fc.record({
        service: fc.constantFrom(...Array.from({ length: 60 }, (_, n) => `s${n}`), undefined),
        owner: fc.constantFrom('a', 'b', undefined),
        currency: fc.constantFrom('USD', 'EUR', undefined),
        period: fc.constantFrom('2026-09-01', '2026-08-01'),
        cents: fc.integer({ min: -100_000, max: 100_000 }),
        overflow: fc.boolean(),
      }),
      { maxLength: 300 },
    );
    fc.assert(
      fc.property(totals, fc.integer({ min: 20, max: 200 }), (rows, maxSeries) => {
        const list = rows.map(({ service, owner, currency, period, cents, overflow }) => {
          const text = `${cents < 0 ? '-' : ''}${Math.trunc(Math.abs(cents) / 100)}.${String(Math.abs(cents) % 100).padStart(2, '0')}`;
          const dimensions = {
            ...(service !== undefined && !overflow && { ServiceName: service }),
            ...(owner !== undefined && !overflow && { owner }),
            BillingCurrency: currency as string,
          };
          return total(dimensions, { billed: text, period, day: period, overflow });
        });
        const metrics = createCostMetrics(totalsOf(list), {
          ...SETTINGS,
          maxSeries,
          dailyDays: 60,
        }).at(NOW);
        let expected: Decimal = ZERO;
        for (const { costs } of list) expected = add(expected, costs.BilledCost);
        const billed = metrics.find(({ name }) => name === 'focus.billed_cost')?.points ?? [];
        const cents = billed.reduce((sum, { value }) => sum + Math.round(value * 100), 0);
        const keys = new Set(
          billed.map(({ attributes }) => JSON.stringify(Object.entries(attributes).sort())),
        );
        return (
          cents === Math.round(toNumber(expected) * 100) &&
          keys.size === billed.length &&
          billed.length <= maxSeries
        );
      }),
      { numRuns: 200 },
    );
  },
);

t.test('what is chosen is what sorting all of it would choose', async () => {
  const candidates = fc.uniqueArray(
    fc.record({
      key: fc.string({ minLength: 1, maxLength: 2 }),
      weight: fc.integer({ min: 0, max: 3 }),
      points: fc.integer({ min: 1, max: 3 }),
    }),
    { selector: ({ key }) => key, maxLength: 40 },
  );
  const shownKeys = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 2 }));
  fc.assert(
    fc.property(candidates, shownKeys, fc.integer({ min: 0, max: 40 }), (all, keys, limit) => {
      const shown = new Set([...keys, ...all.slice(0, keys.length).map(({ key }) => key)]);
      const order = all.toSorted(
        (a, b) =>
          Number(shown.has(b.key)) - Number(shown.has(a.key)) ||
          b.weight - a.weight ||
          (a.key < b.key ? -1 : 1),
      );
      let left = limit - 2;
      const expected = order.filter(({ points }) => {
        if (points > left) return false;
        left -= points;
        return true;
      });
      const chosen = withinBudget(all, { limit, reserved: 2, shown });
      return [...chosen].join('|') === expected.map(({ key }) => key).join('|');
    }),
  );
});
