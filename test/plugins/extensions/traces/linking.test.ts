import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import t from 'tap';
import { compare, decimal, formatDecimal, sum } from '../../../../pipelines/focus/index.ts';
import type { Linked, LinkedDelivery, ResourceCost } from '../../../../pipelines/plugin/index.ts';
import {
  KEY_ATTRIBUTES,
  keysOf,
  serviceOf,
} from '../../../../plugins/extensions/traces/identity.ts';
import { createLinkPoints } from '../../../../plugins/extensions/traces/link-points.ts';
import { type LinkStore, openLinkStore } from '../../../../plugins/extensions/traces/link-store.ts';
import {
  type LinkerOptions,
  linkableOf,
  linkCosts,
  tracesOf,
} from '../../../../plugins/extensions/traces/linker.ts';
import { SpanBatch } from '../../../../plugins/extensions/traces/span-batch.ts';
import { createSpanReader } from '../../../../plugins/extensions/traces/span-reader.ts';
import { split } from '../../../../plugins/extensions/traces/split.ts';
import { openStore } from '../../../../plugins/extensions/traces/store.ts';
import { createTraceIndex, HOUR_MS } from '../../../../plugins/extensions/traces/trace-index.ts';
import { amountText } from '../../../helpers/arbitrary-charges.ts';
import { encodeTraces, type TestSpan } from '../../../helpers/otlp-traces-proto.ts';
import { turnedClock } from '../../../helpers/plugin-world.ts';
import { NOON, spanOf } from '../../../helpers/test-spans.ts';

const MINUTE = 60_000;
const INSTANCE = 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0';
const LAMBDA = 'arn:aws:lambda:eu-west-1:123456789012:function:resize';

interface World {
  readonly options: LinkerOptions;
  readonly store: LinkStore;
  readonly clock: ReturnType<typeof turnedClock>;
  see(attributes: Readonly<Record<string, string>>, spans: readonly TestSpan[]): void;
  link(costs: readonly ResourceCost[], delivery?: Partial<LinkedDelivery>): Promise<Linked>;
}

function world(folder: string, given: Partial<LinkerOptions['sharing']> = {}): World {
  const clock = turnedClock();
  const place = { folder, nowMs: NOON, onDamaged: () => undefined };
  const store = openLinkStore(place);
  const index = createTraceIndex({
    store: openStore(place),
    limits: {
      sampleHours: 72,
      totalHours: 840,
      maxBytes: 1e9,
      maxResources: 1000,
      maxServices: 1000,
      samples: 3,
    },
    naming: {
      keysOf: (attributes) => keysOf(attributes, new Set(KEY_ATTRIBUTES)),
      serviceOf,
    },
    events: { evicted: () => undefined, dropped: () => undefined },
  });
  const reader = createSpanReader({
    resourceAttributes: [...KEY_ATTRIBUTES, 'service.namespace', 'deployment.environment.name'],
    spanAttributes: [],
    usageAttribute: 'used',
    requests: 256,
  });
  const options: LinkerOptions = {
    index,
    store,
    clock,
    signal: new AbortController().signal,
    sharing: { idle: 'separate', concurrency: 1, samples: 3, ...given },
    bounds: { maxWindowMs: 25 * HOUR_MS, maxGroups: 1000 },
    events: true,
    sampleHours: 72,
    totalHours: 840,
    days: 35,
    exemplars: 3,
  };
  return {
    options,
    store,
    clock,
    see(attributes, spans) {
      const batch = new SpanBatch();
      reader.read(encodeTraces([{ attributes, spans }]), batch);
      index.add(batch, NOON);
    },
    link: (costs, delivery = {}) => linkCosts(options, { ...DELIVERY, ...delivery }, costs),
  };
}

const DELIVERY: LinkedDelivery = {
  id: 'd1',
  pipeline: 'costs',
  receiver: 'files',
  scope: 'acc/2026-09',
  mode: 'snapshot',
  observedMs: NOON,
};

function costOf(given: Partial<ResourceCost> = {}): ResourceCost {
  return {
    class: 'linkable',
    resourceId: INSTANCE,
    startMs: NOON - HOUR_MS,
    endMs: NOON,
    currency: 'USD',
    costSource: null,
    charges: 1,
    effectiveCost: '1',
    ...given,
  };
}

/** Points by metric and attributes, the day and the currency left out. */
function pointsOf({ store }: World, pipelines: readonly string[] = ['costs']) {
  const metrics = createLinkPoints(store, { maxSeries: 100, days: 35, exemplars: 3 }).at(
    pipelines,
    NOON,
  );
  return Object.fromEntries(
    metrics.map(({ name, points }) => [
      name,
      Object.fromEntries(
        points.map(({ attributes, value }) => {
          const { 'focus.charge_date': _day, 'focus.billing_currency': _c, ...rest } = attributes;
          return [Object.values(rest).join(' '), value];
        }),
      ),
    ]),
  );
}

function idsOf({ traceId, spanId }: TestSpan): { traceId: string; spanId: string } {
  return {
    traceId: Buffer.from(traceId).toString('hex'),
    spanId: Buffer.from(spanId).toString('hex'),
  };
}

const eventsOf = ({ events }: Linked) =>
  [...events].map(({ traceId, attributes }) => ({
    traceId: traceId && Buffer.from(traceId).toString('hex'),
    ...Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [name.replace('finops.link.', ''), value]),
    ),
  }));

t.test('shares add up to the amount, and are as the weights are', async () => {
  const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(amountText, weights, (text, all) => {
      const amount = decimal(text);
      const shares = split(amount, all);
      assert.equal(compare(sum(shares), amount), 0);
      const total = all.reduce((a, b) => a + b, 0n);
      for (const [i, { digits, scale }] of shares.entries()) {
        const units = amount.digits * 10n ** BigInt(scale - amount.scale);
        const exact = total === 0n ? [units, BigInt(all.length)] : [units * (all[i] ?? 0n), total];
        const off = digits * (exact[1] ?? 1n) - (exact[0] ?? 0n);
        assert.ok((off < 0n ? -off : off) < (exact[1] ?? 1n), 'less than one unit off');
      }
    }),
  );
});

t.test('two services share an instance by the time they were busy, idle stays idle', async (t) => {
  const all = world(t.testdir());
  all.see({ 'host.id': 'i-0123456789abcdef0', 'service.name': 'shop' }, [
    spanOf(1, { startMs: NOON - 50 * MINUTE, ms: 20 * MINUTE }),
    spanOf(2, { startMs: NOON - 25 * MINUTE, ms: 10 * MINUTE }),
  ]);
  all.see({ 'host.id': 'i-0123456789abcdef0', 'service.name': 'cart' }, [
    spanOf(3, { startMs: NOON - 15 * MINUTE, ms: 6 * MINUTE, status: { code: 2 } }),
  ]);
  t.same(
    [...linkableOf(all.options).resources].filter((one) => one.startsWith('i-')),
    ['i-0123456789abcdef0'],
  );
  const linked = await all.link([costOf({ effectiveCost: '0.1' })]);
  const about = { method: 'duration_weighted', confidence: 'medium', found_by: 'host.id' };
  t.match(eventsOf(linked), [
    { 'service.name': 'shop', part: 'busy', ...about },
    { 'service.name': 'shop', part: 'busy', ...about },
    { 'service.name': 'cart', part: 'busy', ...about, share: 0.1, 'cost.decimal': '0.01' },
    { 'service.name': undefined, part: 'idle', method: 'none', reason: 'idle', share: 0.4 },
  ]);
  t.same(pointsOf(all), {}, 'nothing counts before it is committed');
  linked.commit();
  t.same(pointsOf(all), {
    'finops.cost.linked': {
      'shop duration_weighted medium busy': 0.05,
      'cart duration_weighted medium busy': 0.01,
    },
    'finops.cost.unlinked': { idle: 0.04 },
    'finops.cost.requests': { shop: 2, cart: 1 },
    'finops.cost.per_request': { shop: 0.025, cart: 0.01 },
  });
});

t.test('methods', async (t) => {
  const hour = { startMs: NOON - 30 * MINUTE, ms: (36 * MINUTE) / 2 };
  const cases: Readonly<
    Record<
      string,
      {
        see: [Record<string, string>, TestSpan[]][];
        cost?: Partial<ResourceCost>;
        method: string;
        confidence: string;
        idle?: string;
      }
    >
  > = {
    'one span, the same id': {
      see: [[{ 'cloud.resource_id': LAMBDA, 'service.name': 'a' }, [spanOf(1, hour)]]],
      cost: { resourceId: LAMBDA },
      method: 'id',
      confidence: 'exact',
    },
    'one span, the version is not in the bill': {
      see: [[{ 'cloud.resource_id': `${LAMBDA}:7`, 'service.name': 'a' }, [spanOf(1, hour)]]],
      cost: { resourceId: `${LAMBDA}:live` },
      method: 'derived_id',
      confidence: 'high',
    },
    'one span of a named function': {
      see: [[{ 'faas.name': 'resize', 'service.name': 'a' }, [spanOf(1, hour)]]],
      cost: { resourceId: LAMBDA },
      method: 'derived_id',
      confidence: 'medium',
    },
    'one service': {
      see: [
        [
          { 'host.id': 'i-0123456789abcdef0', 'service.name': 'a' },
          [spanOf(1, hour), spanOf(2, { ms: 0 })],
        ],
      ],
      method: 'sole_owner',
      confidence: 'high',
      idle: '0.7',
    },
    'by usage': {
      see: ['a', 'b'].map((name, i) => [
        { 'host.id': 'i-0123456789abcdef0', 'service.name': name },
        [spanOf(i, { ...hour, attributes: { used: 1 + i } })],
      ]),
      method: 'usage_weighted',
      confidence: 'medium',
      idle: '0.4',
    },
    'by count': {
      see: ['a', 'b'].map((name, i) => [
        { 'cloud.resource_id': LAMBDA, 'service.name': name },
        [spanOf(i, { ms: 0 })],
      ]),
      cost: { resourceId: LAMBDA },
      method: 'count_weighted',
      confidence: 'low',
    },
  };
  const folder = t.testdir();
  for (const [name, { see, cost, method, confidence, idle }] of Object.entries(cases)) {
    const all = world(`${folder}/${name}`);
    for (const [attributes, spans] of see) all.see(attributes, spans);
    const events = eventsOf(await all.link([costOf(cost)]));
    const used = events.filter(({ part }: Record<string, unknown>) => part === 'busy');
    t.ok(used.length > 0, name);
    for (const one of used) t.match(one, { method, confidence }, name);
    const left = events.filter(({ part }: Record<string, unknown>) => part === 'idle');
    t.match(left, idle === undefined ? [] : [{ 'cost.decimal': idle }], name);
  }
});

t.test('idle: of the owner, or spread', async (t) => {
  const folder = t.testdir();
  const seen = async (idle: 'owner' | 'spread', services: readonly string[]) => {
    const all = world(`${folder}/${idle}${services.length}`, { idle });
    for (const [i, name] of services.entries())
      all.see({ 'host.id': 'i-0123456789abcdef0', 'service.name': name }, [
        spanOf(i, { ms: 6 * MINUTE * (i + 1) }),
        spanOf(i + 10, { ms: 0 }),
      ]);
    (await all.link([costOf()])).commit();
    return pointsOf(all);
  };
  t.match(await seen('owner', ['a']), {
    'finops.cost.linked': { 'a sole_owner high busy': 0.1, 'a sole_owner high idle': 0.9 },
    'finops.cost.unlinked': undefined,
  });
  t.match(await seen('owner', ['a', 'b']), { 'finops.cost.unlinked': { idle: 0.7 } });
  t.match(await seen('spread', ['a', 'b']), {
    'finops.cost.linked': {
      'a duration_weighted medium busy': 0.1,
      'a duration_weighted medium idle': 0.233333333333,
      'b duration_weighted medium idle': 0.466666666667,
    },
    'finops.cost.unlinked': undefined,
  });
});

t.test('a sampled request counts as those it stands for', async (t) => {
  const all = world(t.testdir());
  all.see({ 'cloud.resource_id': LAMBDA, 'service.name': 'a' }, [
    spanOf(1, { ms: 100, traceState: 'ot=th:c' }),
  ]);
  all.see({ 'cloud.resource_id': LAMBDA, 'service.name': 'b' }, [spanOf(2, { ms: 100 })]);
  (await all.link([costOf({ resourceId: LAMBDA })])).commit();
  t.match(pointsOf(all), {
    'finops.cost.linked': { 'a duration_weighted medium busy': 0.8 },
    'finops.cost.requests': { a: 4, b: 1 },
    'finops.cost.per_request': { a: 0.2, b: 0.2 },
  });
});

t.test('points show the dearest spans that they are of', async (t) => {
  const all = world(t.testdir());
  all.see({ 'cloud.resource_id': LAMBDA, 'service.name': 'a' }, [
    spanOf(1, { ms: 200 }),
    spanOf(2, { ms: 500 }),
    spanOf(3, { startMs: NOON - 40 * MINUTE, ms: 300 }),
  ]);
  const cost = costOf({ resourceId: LAMBDA, effectiveCost: '10' });
  (await all.link([cost])).commit();
  (await all.link([cost], { id: 'd2', scope: 'other' })).commit();
  const exemplars = (most: number) =>
    createLinkPoints(all.store, { maxSeries: 100, days: 35, exemplars: most })
      .at(['costs'], NOON)
      .flatMap(({ name, points }) => points.map((point) => [name, point.exemplars] as const));
  const [second, third] = [spanOf(2), spanOf(3)].map(idsOf);
  t.strictSame(exemplars(2), [
    [
      'finops.cost.linked',
      [
        { ...third, timeMs: NOON - 40 * MINUTE + 300, value: 3 },
        { ...second, timeMs: NOON - 30 * MINUTE + 500, value: 5 },
      ],
    ],
    ['finops.cost.requests', undefined],
    ['finops.cost.per_request', undefined],
  ]);
  t.strictSame(exemplars(0)[0], ['finops.cost.linked', undefined]);
  (await all.link([costOf({ effectiveCost: '1' })])).commit();
  (await all.link([], { id: 'd2', scope: 'other' })).commit();
  t.strictSame(
    exemplars(2).flatMap(([, of]) => of ?? []),
    [],
    'and what was restated shows none',
  );
});

t.test('a charge has a trace where all of its cost is surely of one', async (t) => {
  const host = { 'host.id': 'i-0123456789abcdef0', 'service.name': 'a' };
  const lambda = { 'cloud.resource_id': LAMBDA, 'service.name': 'a' };
  const hour = { startMs: NOON - HOUR_MS, ms: HOUR_MS };
  const other = spanOf(2);
  const cases: Readonly<
    Record<
      string,
      {
        see: [Record<string, string>, TestSpan[]][];
        resourceId?: string;
        idle?: 'owner';
        trace?: object;
      }
    >
  > = {
    'one invocation': {
      see: [[lambda, [spanOf(1)]]],
      trace: { ...idsOf(spanOf(1)), method: 'id', confidence: 'exact' },
    },
    'one span for the whole hour': {
      see: [[host, [spanOf(1, hour)]]],
      resourceId: INSTANCE,
      trace: { ...idsOf(spanOf(1)), method: 'derived_id', confidence: 'high' },
    },
    'several spans of one trace': {
      see: [[lambda, [spanOf(1), { ...other, traceId: spanOf(1).traceId }]]],
      trace: { traceId: idsOf(spanOf(1)).traceId, method: 'id', confidence: 'exact' },
    },
    'two traces': { see: [[lambda, [spanOf(1), other]]] },
    'more spans than are remembered': {
      see: [[lambda, [1, 2, 3, 4].map((i) => ({ ...spanOf(i), traceId: spanOf(1).traceId }))]],
    },
    'a span that stands for others': { see: [[lambda, [spanOf(1, { traceState: 'ot=th:c' })]]] },
    'idle for half of the hour': {
      see: [[host, [spanOf(1, { ...hour, ms: HOUR_MS / 2 })]]],
      resourceId: INSTANCE,
    },
    'idle that is the owner’s': {
      see: [[host, [spanOf(1, { ...hour, ms: HOUR_MS / 2 })]]],
      resourceId: INSTANCE,
      idle: 'owner',
      trace: { ...idsOf(spanOf(1)), method: 'derived_id', confidence: 'high' },
    },
    'a name that others may have': {
      see: [[{ 'faas.name': 'resize', 'service.name': 'a' }, [spanOf(1)]]],
    },
    'nothing seen': { see: [] },
  };
  const folder = t.testdir();
  for (const [name, { see, resourceId = LAMBDA, idle, trace }] of Object.entries(cases)) {
    const { options, ...all } = world(`${folder}/${name}`, idle && { idle });
    for (const [attributes, spans] of see) all.see(attributes, spans);
    const traces = await tracesOf(options, [
      { resourceId, startMs: NOON - HOUR_MS, endMs: NOON },
      { resourceId, startMs: NOON - 3 * HOUR_MS, endMs: NOON - 2 * HOUR_MS },
      { resourceId, startMs: NOON - 26 * HOUR_MS, endMs: NOON },
    ]);
    t.strictSame(traces, [trace, undefined, undefined], name);
  }
});

t.test('what is not linked says why', async (t) => {
  const all = world(t.testdir());
  all.see({ 'host.id': 'i-0123456789abcdef0', 'service.name': 'a' }, [spanOf(1)]);
  const linked = await all.link([
    costOf({ class: 'no_resource', resourceId: null, effectiveCost: '1' }),
    costOf({ class: 'no_spans', resourceId: null, effectiveCost: '2' }),
    costOf({ startMs: NOON - 3 * HOUR_MS, endMs: NOON - 2 * HOUR_MS, effectiveCost: '4' }),
    costOf({ startMs: NOON - 900 * HOUR_MS, endMs: NOON - 899 * HOUR_MS, effectiveCost: '8' }),
    costOf({ class: 'period', resourceId: null, effectiveCost: '16' }),
    costOf({ class: 'overflow', resourceId: null, effectiveCost: '32' }),
    costOf({ class: 'traced', resourceId: null, effectiveCost: '64' }),
  ]);
  linked.commit();
  t.same([...linked.events], []);
  t.same(pointsOf(all), {
    'finops.cost.linked': { 'id exact busy': 64 },
    'finops.cost.unlinked': { no_resource: 1, no_spans: 6, period: 16, overflow: 32 },
  });
  t.match(
    all.store.totals(['costs']).filter(({ reason }) => reason === 'expired'),
    [{ amount: '8' }],
    'of a day that is not shown any more',
  );
});

const anySpan = fc.record({
  number: fc.nat(10_000),
  resource: fc.constantFrom('i-0123456789abcdef0', 'i-0123456789abcdef1'),
  service: fc.constantFrom('a', 'b', 'c'),
  startMs: fc.integer({ min: NOON - 6 * HOUR_MS, max: NOON }),
  ms: fc.integer({ min: 0, max: 3 * HOUR_MS }),
  used: fc.nat(3),
});
const anyCost = fc.record({
  resource: fc.constantFrom('i-0123456789abcdef0', 'i-0123456789abcdef1', 'i-0123456789abcdef2'),
  hour: fc.integer({ min: -6, max: -1 }),
  hours: fc.constantFrom(1, 24),
  currency: fc.constantFrom('USD', 'EUR'),
  effectiveCost: amountText,
  class: fc.constantFrom('linkable', 'linkable', 'linkable', 'traced', 'no_resource', 'period'),
});

t.test('linked + unlinked = effective cost, and so do the events of each charge', async (t) => {
  const folder = t.testdir();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(anySpan, { maxLength: 25 }),
      fc.array(anyCost, { minLength: 1, maxLength: 12 }),
      fc.constantFrom('separate', 'owner', 'spread'),
      async (spans, given, idle) => {
        const all = world(`${folder}/${run++}`, { idle, concurrency: 1 + (run % 3) });
        for (const { resource, service, ...span } of spans)
          all.see({ 'host.id': resource, 'service.name': service }, [
            spanOf(span.number, { ...span, attributes: { used: span.used } }),
          ]);
        const costs = given.map(({ resource, hour, hours, ...rest }) =>
          costOf({
            ...rest,
            resourceId: rest.class === 'linkable' ? INSTANCE.replace(/i-.*/, resource) : null,
            startMs: NOON + (hour - hours + 1) * HOUR_MS,
            endMs: NOON + (hour + 1) * HOUR_MS,
          }),
        );
        const linked = await all.link(costs);
        linked.commit();
        const totals = all.store.totals(['costs']);
        for (const currency of ['USD', 'EUR']) {
          const wanted = sum(
            costs
              .filter((cost) => cost.currency === currency)
              .map((cost) => decimal(cost.effectiveCost)),
          );
          const found = sum(
            totals.filter((one) => one.currency === currency).map(({ amount }) => decimal(amount)),
          );
          assert.equal(formatDecimal(found), formatDecimal(wanted));
        }
        const sent = new Map<string, string[]>();
        for (const { attributes } of linked.events) {
          const of = [
            'resource_id',
            'charge_period_start',
            'charge_period_end',
            'billing_currency',
          ];
          const key = of.map((name) => attributes[`focus.${name}`]).join(' ');
          sent.set(key, [...(sent.get(key) ?? []), String(attributes['finops.link.cost.decimal'])]);
        }
        for (const [key, amounts] of sent) {
          const costsOfKey = costs.filter(
            ({ resourceId, startMs, endMs, currency }) =>
              key ===
              [
                resourceId,
                ...[startMs, endMs].map((ms) => new Date(ms).toISOString().replace('.000', '')),
                currency,
              ].join(' '),
          );
          assert.equal(
            formatDecimal(sum(amounts.map(decimal))),
            formatDecimal(sum(costsOfKey.map(({ effectiveCost }) => decimal(effectiveCost)))),
          );
        }
        all.store.close();
        all.options.index.close(NOON);
      },
    ),
    { numRuns: 40 },
  );
});

t.test('a restated scope takes the place of what it was, an appended delivery adds', async (t) => {
  const all = world(t.testdir());
  all.see({ 'cloud.resource_id': LAMBDA, 'service.name': 'a' }, [spanOf(1), spanOf(2)]);
  const cost = costOf({ resourceId: LAMBDA });
  const first = await all.link([cost]);
  t.equal([...first.events].length, 2);
  first.commit();
  const again = await all.link([cost], { id: 'd2' });
  t.same([...again.events], [], 'nothing changed: nothing is sent again');
  const more = await all.link([costOf({ resourceId: LAMBDA, effectiveCost: '3' })], { id: 'd3' });
  t.same(
    eventsOf(more).map((one: Record<string, unknown>) => one['log.record.uid']),
    eventsOf(first).map((one: Record<string, unknown>) => one['log.record.uid']),
    'the same record with another cost',
  );
  more.commit();
  t.match(pointsOf(all), { 'finops.cost.linked': { 'a sole_owner high busy': 3 } });
  for (const id of ['x1', 'x2', 'x1'])
    (await all.link([cost], { id, mode: 'append', scope: 'pushed' })).commit();
  t.match(pointsOf(all), { 'finops.cost.linked': { 'a sole_owner high busy': 5 } });
  t.same(pointsOf(all, ['others']), {}, 'other pipelines see nothing of it');
});

t.test(
  'a bill that is 48 hours late is linked; after 72 hours without spans one by one',
  async (t) => {
    const folder = t.testdir();
    const early = world(folder);
    early.see({ 'cloud.resource_id': LAMBDA, 'service.name': 'a' }, [spanOf(1), spanOf(2)]);
    early.options.index.close(NOON);
    early.store.close();
    const all = world(folder);
    all.clock.set(NOON + 48 * HOUR_MS);
    const late = await all.link([costOf({ resourceId: LAMBDA })]);
    t.match(eventsOf(late), [{ method: 'sole_owner', traceId: /^[0-9a-f]{32}$/ }, {}]);
    late.commit();
    all.clock.set(NOON + 80 * HOUR_MS);
    all.options.index.flush(NOON + 80 * HOUR_MS);
    const later = await all.link([costOf({ resourceId: LAMBDA, effectiveCost: '7' })], {
      id: 'd2',
    });
    t.same([...later.events], []);
    later.commit();
    t.match(pointsOf(all), { 'finops.cost.linked': { 'a sole_owner high busy': 7 } });
  },
);

t.test('series that are one too many are summed up, those that are gone are zero', async (t) => {
  const all = world(t.testdir());
  for (let i = 0; i < 30; i++)
    all.see({ 'cloud.resource_id': LAMBDA, 'service.name': `s${i}` }, [
      spanOf(i, { ms: 1000 * (i + 1) }),
    ]);
  (await all.link([costOf({ resourceId: LAMBDA, effectiveCost: '465' })])).commit();
  const points = createLinkPoints(all.store, { maxSeries: 10, days: 35, exemplars: 3 });
  const linked = () =>
    points.at(['costs'], NOON).find(({ name }) => name === 'finops.cost.linked')?.points ?? [];
  t.equal(linked().length, 11);
  t.match(
    linked().filter(({ attributes }) => attributes['otel.metric.overflow'] === true),
    [{ value: 210 }],
  );
  t.equal(
    linked().reduce((total, { value }) => total + value, 0),
    465,
  );
  (await all.link([], { id: 'd2' })).commit();
  t.ok(linked().length === 11 && linked().every(({ value }) => value === 0));
});

t.test('what cannot be kept is tried again', async (t) => {
  const folder = t.testdir();
  const all = world(folder);
  const linked = await all.link([costOf()]);
  const other = new DatabaseSync(`${folder}/links.sqlite`);
  other.exec('BEGIN IMMEDIATE');
  t.throws(() => linked.commit(), { name: 'Unavailable', message: /locked/ });
  other.exec('ROLLBACK');
  other.close();
  linked.commit();
  t.match(pointsOf(all), { 'finops.cost.unlinked': { no_spans: 1 } });
});

t.test('a closed extension says that it is', async (t) => {
  const all = world(t.testdir());
  const stop = new AbortController();
  const options = { ...all.options, signal: stop.signal };
  const linked = await linkCosts(options, DELIVERY, [costOf()]);
  stop.abort();
  t.throws(() => linked.commit(), { name: 'Unavailable' });
  await t.rejects(linkCosts(options, DELIVERY, [costOf()]), { name: 'Unavailable' });
});
