import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { Merge } from '../../../pipelines/engine/merge.ts';
import type { TaskResult } from '../../../pipelines/engine/protocol.ts';
import { decimal, formatDecimal, parseDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import { createFold } from '../../../pipelines/fold/index.ts';
import { createResourceFold } from '../../../pipelines/fold/resource-fold.ts';
import type { Linkable, ResourceCost } from '../../../pipelines/plugin/index.ts';
import { amountText } from '../../helpers/arbitrary-charges.ts';
import { type BatchOptions, batchesOf, type Row } from '../../helpers/batch.ts';

const LINKABLE: Linkable = {
  resources: new Set(['i-1', 'fn']),
  maxWindowMs: 24 * 3_600_000,
  maxGroups: 1000,
};
const WINDOWS = [
  ['2026-09-01T10:00:00Z', '2026-09-01T11:00:00Z'],
  ['2026-09-01T11:00:00Z', '2026-09-01T12:00:00Z'],
  ['2026-09-02T00:00:00Z', '2026-09-03T00:00:00Z'],
  ['2026-09-01T00:00:00Z', '2026-10-01T00:00:00Z'],
] as const;

type Layout = BatchOptions & { readonly batchRows: number };

function folded(rows: readonly Row[], how: Layout, linkable = LINKABLE): ResourceCost[] {
  const fold = createResourceFold(linkable);
  for (const batch of batchesOf(rows, how)) fold.add(batch);
  return fold.result();
}

const some = (...values: string[]): fc.Arbitrary<string | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 4 });
const charge: fc.Arbitrary<Row> = fc
  .record({
    ResourceId: some(
      'arn:aws:ec2:eu-1:1:instance/i-1',
      'I-1',
      'arn:aws:lambda:x:1:function:fn:7',
      'bucket',
      '',
    ),
    BillingCurrency: fc.constantFrom('USD', 'EUR'),
    x_CostSource: some('estimated'),
    x_TraceId: fc.option(fc.constant('0af7651916cd43dd8448eb211c80319c'), {
      nil: undefined,
      freq: 1,
    }),
    EffectiveCost: fc.option(amountText, { nil: undefined }),
    window: fc.constantFrom(...WINDOWS),
  })
  .map(({ window, ...row }) => ({
    ...row,
    ChargePeriodStart: window[0],
    ChargePeriodEnd: window[1],
  }));
const rows = fc.array(charge, { minLength: 1, maxLength: 80 });
const layout: fc.Arbitrary<Layout> = fc.record({
  batchRows: fc.integer({ min: 1, max: 30 }),
  transient: fc.subarray(['ResourceId', 'EffectiveCost', 'ChargePeriodStart']),
});

/** The same row by row. */
function expected(all: readonly Row[]): Record<string, { charges: number; cost: string }> {
  const groups = new Map<string, Row[]>();
  for (const row of all) {
    const { ResourceId: id, ChargePeriodStart: start = '', ChargePeriodEnd: end = '' } = row;
    const isLong = start === WINDOWS[3][0] && end === WINDOWS[3][1];
    const kind =
      row.x_TraceId !== undefined
        ? 'traced'
        : id === undefined
          ? 'no_resource'
          : id === 'bucket' || id === ''
            ? 'no_spans'
            : isLong
              ? 'period'
              : 'linkable';
    const window =
      kind === 'linkable'
        ? [id, Date.parse(start), Date.parse(end)]
        : [null, Date.parse(start.slice(0, 10)), Date.parse(start.slice(0, 10)) + 86_400_000];
    const key = JSON.stringify([kind, ...window, row.BillingCurrency, row.x_CostSource ?? null]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return Object.fromEntries(
    [...groups].map(([key, members]) => [
      key,
      {
        charges: members.length,
        cost: formatDecimal(
          sum(members.flatMap(({ EffectiveCost = '' }) => parseDecimal(EffectiveCost) ?? [])),
        ),
      },
    ]),
  );
}

function byKey(costs: readonly ResourceCost[]): Record<string, { charges: number; cost: string }> {
  return Object.fromEntries(
    costs.map((one) => [
      JSON.stringify([
        one.class,
        one.resourceId,
        one.startMs,
        one.endMs,
        one.currency,
        one.costSource,
      ]),
      { charges: one.charges, cost: one.effectiveCost },
    ]),
  );
}

t.test(
  'exact cost by resource and charge period, or by day where nothing can be linked',
  async () => {
    fc.assert(
      fc.property(rows, layout, (all, how) => {
        assert.deepEqual(byKey(folded(all, how)), expected(all));
      }),
      { numRuns: 80 },
    );
  },
);

t.test('over the budget the money stays, by currency and day', async () => {
  fc.assert(
    fc.property(rows, layout, fc.integer({ min: 0, max: 4 }), (all, how, maxGroups) => {
      const costs = folded(all, how, { ...LINKABLE, maxGroups });
      const linkable = costs.filter((cost) => cost.class === 'linkable');
      assert.ok(linkable.length <= maxGroups);
      const total = (of: readonly ResourceCost[]) =>
        formatDecimal(sum(of.map(({ effectiveCost }) => decimal(effectiveCost))));
      assert.equal(total(costs), total(folded(all, how)));
      assert.ok(costs.every((cost) => cost.class === 'linkable' || cost.resourceId === null));
    }),
    { numRuns: 60 },
  );
});

t.test('tasks are added up', async () => {
  fc.assert(
    fc.property(rows, rows, layout, (one, other, how) => {
      const results = [one, other].map((all) => ({ ...NOTHING, resources: folded(all, how) }));
      const merge = new Merge(10);
      for (const [task, result] of results.entries()) merge.add(task, result);
      const { resources } = merge.result();
      assert.deepEqual(byKey(resources), expected([...one, ...other]));
      assert.equal(resources.length, Object.keys(byKey(resources)).length);
    }),
    { numRuns: 40 },
  );
});

const NOTHING: Omit<TaskResult, 'resources'> = {
  format: 'csv',
  mapping: 'focus',
  rows: { read: 0, written: 0, rejected: 0, dropped: 0 },
  ledger: {},
  totals: createFold({ maxGroups: 1 }).totals(),
  skus: { skus: [], omitted: 0 },
  repairs: {},
  dropped: {},
  rejected: {},
  violations: {},
  dataUntilMs: Number.NaN,
  stages: {},
};

t.test('which resource each row of a batch is of', async () => {
  fc.assert(
    fc.property(rows, layout, (all, how) => {
      const fold = createResourceFold({ ...LINKABLE, maxGroups: 3 });
      const groups: ReturnType<typeof fold.resourcesFrom> = [];
      let row = 0;
      for (const batch of batchesOf(all, how)) {
        fold.add(batch);
        groups.push(...fold.resourcesFrom(groups.length));
        for (let i = 0; i < batch.rows; i++, row++) {
          const of = groups[fold.groupOf[i] as number];
          if (of === undefined) continue;
          const { ResourceId, ChargePeriodStart = '', ChargePeriodEnd = '' } = all[row] as Row;
          assert.deepEqual(of, {
            resourceId: ResourceId,
            startMs: Date.parse(ChargePeriodStart),
            endMs: Date.parse(ChargePeriodEnd),
          });
        }
      }
      const linkable = fold.result().filter((cost) => cost.class === 'linkable');
      assert.equal(groups.filter((group) => group !== undefined).length, linkable.length);
    }),
  );
});

t.test('columns that are missing', async (t) => {
  const costs = folded([{ EffectiveCost: '1' }, { EffectiveCost: '2' }], { batchRows: 9 });
  t.match(costs, [
    { class: 'no_resource', startMs: 0, currency: null, charges: 2, effectiveCost: '3' },
  ]);
  const timeless = folded([{ ResourceId: 'i-1', EffectiveCost: '1' }], { batchRows: 9 });
  t.match(timeless, [{ class: 'period', resourceId: null, effectiveCost: '1' }]);
});

t.test('charge periods before a time are not told apart', async (t) => {
  const all: Row[] = [1, 2, 3].map((hour) => ({
    ResourceId: 'i-1',
    ChargePeriodStart: `2026-09-17T0${hour}:00:00Z`,
    ChargePeriodEnd: `2026-09-17T0${hour + 1}:00:00Z`,
    EffectiveCost: '1',
  }));
  const sinceMs = Date.parse('2026-09-17T02:00:00Z');
  const costs = folded(all, { batchRows: 2 }, { ...LINKABLE, sinceMs });
  t.same(
    costs.map((cost) => [cost.class, cost.charges]),
    [
      ['period', 1],
      ['linkable', 1],
      ['linkable', 1],
    ],
  );
});
