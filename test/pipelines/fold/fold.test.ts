import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { COST_COLUMNS } from '../../../pipelines/focus/columns.ts';
import { add, formatDecimal, parseDecimal, sum, ZERO } from '../../../pipelines/focus/decimal.ts';
import { createFold, type FoldedTotal } from '../../../pipelines/fold/index.ts';
import { TOTAL_DIMENSIONS } from '../../../pipelines/plugin/totals.ts';
import { amountText } from '../../helpers/arbitrary-charges.ts';
import { type BatchOptions, batchesOf, batchOf, type Row } from '../../helpers/batch.ts';

type Layout = BatchOptions & { readonly batchRows: number };

function folded(rows: readonly Row[], maxGroups: number, layout: Layout): FoldedTotal[] {
  const fold = createFold({ maxGroups });
  for (const batch of batchesOf(rows, layout)) fold.add(batch);
  return fold.result();
}

/** The same by a map of texts. */
function expected(rows: readonly Row[]): Map<string, { charges: number; costs: string[] }> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = JSON.stringify([
      TOTAL_DIMENSIONS.map((name) => row[name] ?? null),
      row.BillingPeriodStart?.slice(0, 10) ?? '1970-01-01',
      row.ChargePeriodStart?.slice(0, 10) ?? '1970-01-01',
    ]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return new Map(
    [...groups].map(([key, members]) => [
      key,
      { charges: members.length, costs: costsOf(members) },
    ]),
  );
}

function costsOf(rows: readonly Row[]): string[] {
  return COST_COLUMNS.map((name) =>
    formatDecimal(sum(rows.flatMap((row) => parseDecimal(row[name] ?? '') ?? []))),
  );
}

function asMap(
  totals: readonly FoldedTotal[],
): Map<string, { charges: number; costs: readonly string[] }> {
  return new Map(
    totals.map(({ dimensions, billingPeriod, day, charges, costs }) => [
      JSON.stringify([dimensions, billingPeriod, day]),
      { charges, costs },
    ]),
  );
}

const some = (...values: string[]): fc.Arbitrary<string | undefined> =>
  fc.option(fc.constantFrom(...values), { nil: undefined, freq: 4 });

const charge: fc.Arbitrary<Row> = fc.record({
  ServiceProviderName: fc.constant('AWS'),
  SubAccountId: some('1', '2', '3', ''),
  ServiceName: some('S3', 'EC2'),
  RegionId: some('eu', 'us'),
  BillingCurrency: fc.constantFrom('USD', 'EUR'),
  owner: some('a', 'b'),
  BillingPeriodStart: fc.constantFrom('2026-08-01T00:00:00Z', '2026-09-01T00:00:00Z'),
  ChargePeriodStart: some('2026-09-01T00:00:00Z', '2026-09-01T23:59:59Z', '2026-09-02T00:00:00Z'),
  BilledCost: fc.option(amountText, { nil: undefined }),
  EffectiveCost: amountText,
  ListCost: fc.constant('0'),
});

const layout: fc.Arbitrary<Layout> = fc.record({
  batchRows: fc.integer({ min: 1, max: 30 }),
  transient: fc.subarray(['SubAccountId', 'BilledCost', 'EffectiveCost', 'ChargePeriodStart']),
  together: fc.constantFrom([], [['ServiceName', 'RegionId']], [['EffectiveCost', 'owner']]),
  constant: fc.constantFrom(['ServiceProviderName'], ['ServiceProviderName', 'ListCost']),
});

const rows = fc.array(charge, { minLength: 1, maxLength: 120 });

t.test('exact sums by dimensions, billing period and UTC day', async (t) => {
  const property = fc.property(rows, layout, (charges, how) => {
    const totals = folded(charges, 10_000, how);
    assert.deepEqual(asMap(totals), expected(charges));
    assert.equal(new Set(totals.map((total) => total.overflow)).has(true), false);
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 80 }));
});

t.test('the result does not depend on the layout or the batches', async (t) => {
  const property = fc.property(rows, layout, layout, (charges, one, other) => {
    assert.deepEqual(folded(charges, 10_000, one), folded(charges, 10_000, other));
    const reversed = folded([...charges].reverse(), 10_000, other);
    assert.deepEqual(folded(charges, 10_000, one), reversed, 'sorted');
  });
  t.doesNotThrow(() => fc.assert(property, { numRuns: 40 }));
});

t.test('groups stay the same while there come more values than keys have room for', async (t) => {
  const many = (dimensions: readonly string[], count: number): Row[] =>
    Array.from({ length: count }, (_, i) => ({
      ...Object.fromEntries(
        dimensions.map((name, at) => [name, `${name} ${(i * (at + 1)) % 997}`]),
      ),
      ChargePeriodStart: `2026-09-${String((i % 30) + 1).padStart(2, '0')}T00:00:00Z`,
      BilledCost: '0.1',
      EffectiveCost: String(i),
    }));
  for (const [dimensions, count] of [
    [TOTAL_DIMENSIONS.slice(1, 4), 6_000],
    [TOTAL_DIMENSIONS, 1_000],
  ] as const) {
    const charges = many(dimensions, count);
    const totals = folded(charges, 100_000, { batchRows: 70, transient: ['SubAccountId'] });
    t.strictSame(asMap(totals), expected(charges), `${dimensions.length} dimensions`);
    t.strictSame(asMap(merged(charges, 100_000, { batchRows: 70 }, 700)), expected(charges));
  }
});

/** Folded in tasks of some rows each, which are merged; threads hand plain data over. */
function merged(rows: readonly Row[], maxGroups: number, layout: Layout, taskRows: number) {
  const whole = createFold({ maxGroups });
  for (let from = 0; from < rows.length; from += taskRows) {
    const task = createFold({ maxGroups });
    for (const batch of batchesOf(rows.slice(from, from + taskRows), layout)) task.add(batch);
    whole.merge(structuredClone(task.totals()));
  }
  return whole.result();
}

t.test('tasks that are merged are as one', async (t) => {
  const property = fc.property(
    rows,
    layout,
    fc.integer({ min: 1, max: 50 }),
    (charges, how, taskRows) => {
      assert.deepEqual(
        merged(charges, 10_000, how, taskRows),
        folded(charges, 10_000, { batchRows: 7 }),
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 80 }));
});

t.test('merged over the budget the money stays', async (t) => {
  const property = fc.property(
    rows,
    layout,
    fc.integer({ min: 0, max: 6 }),
    fc.integer({ min: 1, max: 50 }),
    (charges, how, most, taskRows) => {
      const totals = merged(charges, most, how, taskRows);
      assert.ok(totals.filter(({ overflow }) => !overflow).length <= most);
      assert.deepEqual(moneyOf(totals), moneyOf(folded(charges, 10_000, how)));
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 80 }));
});

t.test('over the budget the money stays, per currency, billing period and day', async (t) => {
  const property = fc.property(
    rows,
    layout,
    fc.integer({ min: 0, max: 6 }),
    (charges, how, most) => {
      const totals = folded(charges, most, how);
      const inside = totals.filter(({ overflow }) => !overflow);
      assert.ok(inside.length <= most);
      for (const { dimensions, overflow } of totals) {
        if (!overflow) continue;
        const others = TOTAL_DIMENSIONS.filter((_, i) => dimensions[i] !== null);
        assert.deepEqual(others, ['BillingCurrency']);
      }
      const byMoney = (row: Row): Row => ({
        BillingCurrency: row.BillingCurrency,
        BillingPeriodStart: row.BillingPeriodStart,
        ChargePeriodStart: row.ChargePeriodStart,
        ...Object.fromEntries(COST_COLUMNS.map((name) => [name, row[name]])),
      });
      assert.deepEqual(
        moneyOf(totals),
        moneyOf(folded(charges.map(byMoney), 10_000, { batchRows: 7 })),
      );
    },
  );
  t.doesNotThrow(() => fc.assert(property, { numRuns: 80 }));
});

/** Charges and costs by currency, billing period and day. */
function moneyOf(totals: readonly FoldedTotal[]): Record<string, readonly string[]> {
  const currency = TOTAL_DIMENSIONS.indexOf('BillingCurrency');
  const money: Record<string, string[]> = {};
  for (const { dimensions, billingPeriod, day, charges, costs } of totals) {
    const key = `${dimensions[currency]} ${billingPeriod} ${day}`;
    money[key] = [String(charges), ...costs].map((value, i) =>
      formatDecimal(add(parseDecimal(money[key]?.[i] ?? '0') ?? ZERO, parseDecimal(value) ?? ZERO)),
    );
  }
  return Object.fromEntries(Object.entries(money).sort());
}

t.test('a dimension with a value per row stays within the budget', async (t) => {
  const fold = createFold({ maxGroups: 10 });
  for (let part = 0; part < 5; part++) {
    const charges = Array.from({ length: 100 }, (_, i) => ({
      SubAccountId: `account ${part * 100 + i}`,
      BillingCurrency: 'USD',
      BilledCost: '0.1',
    }));
    fold.add(batchOf(charges, { transient: ['SubAccountId'] }));
  }
  const totals = fold.result();
  t.equal(totals.length, 11);
  const overflow = totals.filter((total) => total.overflow);
  t.strictSame(overflow, [
    {
      dimensions: TOTAL_DIMENSIONS.map((name) => (name === 'BillingCurrency' ? 'USD' : null)),
      billingPeriod: '1970-01-01',
      day: '1970-01-01',
      charges: 490,
      costs: ['49', '0', '0', '0'],
      overflow: true,
    },
  ]);
});

t.test('limbs are carried before they could lose a digit', async (t) => {
  const charges = Array.from({ length: 50_000 }, (_, i) => ({
    BilledCost: '0.999999999999999999',
    ListCost: i % 2 === 0 ? '999999999999999.999999999999999999' : '-0.000000000000000001',
  }));
  const batch = batchOf(charges);
  const fold = createFold({ maxGroups: 1 });
  for (let i = 0; i < 200; i++) fold.add(batch);
  const [total] = fold.result();
  t.equal(total?.charges, 10_000_000);
  t.strictSame(total?.costs, [
    '9999999.99999999999',
    '0',
    '4999999999999999999999.99999999999',
    '0',
  ]);
});

t.test('merging keeps every digit of sums that do not fit into limbs', async (t) => {
  const task = createFold({ maxGroups: 1 });
  for (let i = 0; i < 9; i++)
    task.add(batchOf([{ BilledCost: '999999999999999.999999999999999999', ListCost: '1e-30' }]));
  const fold = createFold({ maxGroups: 1 });
  for (let i = 0; i < 1000; i++) fold.merge(task.totals());
  const [total] = fold.result();
  t.equal(total?.charges, 9000);
  t.strictSame(total?.costs, [
    '8999999999999999999.999999999999991',
    '0',
    '0.000000000000000000000000009',
    '0',
  ]);
});

t.test('nothing in, nothing out; columns that are missing count as null and zero', async (t) => {
  const fold = createFold({ maxGroups: 5 });
  t.strictSame(fold.result(), []);
  fold.add({ rows: 0, columns: new Map(), rowNumbers: new Float64Array(0) });
  fold.merge(createFold({ maxGroups: 5 }).totals());
  t.strictSame(fold.result(), []);
  fold.add({ rows: 3, columns: new Map(), rowNumbers: new Float64Array(3) });
  fold.add(batchOf([{ ChargePeriodStart: undefined, SubAccountId: undefined, BilledCost: 'abc' }]));
  t.strictSame(fold.result(), [
    {
      dimensions: TOTAL_DIMENSIONS.map(() => null),
      billingPeriod: '1970-01-01',
      day: '1970-01-01',
      charges: 4,
      costs: ['0', '0', '0', '0'],
      overflow: false,
    },
  ]);
});
