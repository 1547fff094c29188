/** Our Parquet read by DuckDB, DuckDB's Parquet read by us, and DuckDB's SQL as a second opinion on an AWS bill. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type BillProvider, generateBill } from '../../agent/generate/generate-bill.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { duckdb } from '../helpers/parquet.ts';
import { CUR_COLUMNS, CUR_MATRIX, curRows } from './aws-matrix.ts';
import { exactSum } from './exact-sum.ts';
import { focusd, runOnce } from './programs/focusd.ts';

t.setTimeout(15 * 60_000);

const db = await duckdb();
t.teardown(() => db.close());
// Whoever reads a time must not depend on where he is.
await db.run("SET TimeZone = 'America/New_York'");

const AMOUNTS = `BilledCost CommitmentDiscountQuantity ConsumedQuantity ContractedCost ContractedUnitPrice EffectiveCost ListCost
  ListUnitPrice PricingCurrencyContractedUnitPrice PricingCurrencyEffectiveCost PricingCurrencyListUnitPrice PricingQuantity`;
const TIMES = 'BillingPeriodEnd BillingPeriodStart ChargePeriodEnd ChargePeriodStart';
const OBJECTS = 'SkuPriceDetails Tags';
const TEXTS = `AvailabilityZone BillingAccountId BillingAccountName BillingAccountType BillingCurrency CapacityReservationId
  CapacityReservationStatus ChargeCategory ChargeClass ChargeDescription ChargeFrequency CommitmentDiscountCategory CommitmentDiscountId
  CommitmentDiscountName CommitmentDiscountStatus CommitmentDiscountType CommitmentDiscountUnit ConsumedUnit InvoiceId InvoiceIssuerName
  PricingCategory PricingCurrency PricingUnit ProviderName PublisherName RegionId RegionName ResourceId ResourceName ResourceType
  ServiceCategory ServiceName ServiceSubcategory SkuId SkuMeter SkuPriceId SubAccountId SubAccountName SubAccountType`;
const words = (text: string): string[] => text.split(/\s+/);

const decimalOf = (name: string): string =>
  name.endsWith('Quantity') ? 'DECIMAL(38,18)' : 'DECIMAL(38,24)';

/** FOCUS 1.2 by hand, as DuckDB should see it. */
const FOCUS_1_2: Readonly<Record<string, string>> = Object.fromEntries([
  ...words(AMOUNTS).map((name) => [name, decimalOf(name)]),
  ...words(TIMES).map((name) => [name, 'TIMESTAMP WITH TIME ZONE']),
  ...[...words(TEXTS), ...words(OBJECTS)].map((name) => [name, 'VARCHAR']),
]);
const COSTS = ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'] as const;

t.test('DuckDB finds our sums, types and times in what convert writes', async (t) => {
  const dir = t.testdir();
  for (const provider of ['aws', 'aws-legacy', 'azure', 'gcp', 'focus'] as const) {
    const { truth, source } = await bill(dir, provider);
    const { output } = await convert(t, source, join(dir, `${provider}.parquet`));
    const found = await types(output);
    const standard = Object.entries(found).filter(([name]) => !name.startsWith('x_'));
    t.strictSame(Object.fromEntries(standard), FOCUS_1_2, `${provider}: columns and types`);
    t.strictSame(await sums(output), { charges: truth.charges, ...truth.costs }, provider);
    // The legacy report names services by their code only.
    if (provider !== 'aws-legacy')
      t.strictSame(await byService(output), truth.effectiveCostByService, `${provider} by service`);
    t.strictSame(await oddities(output), [0, 0, 0], `${provider}: periods, JSON`);
  }
});

t.test('every value of a FOCUS file is what it was', async (t) => {
  const dir = t.testdir();
  for (const provider of ['azure', 'focus'] as const) {
    const { truth, source } = await bill(dir, provider);
    const { output } = await convert(t, source, join(dir, `${provider}.parquet`));
    await db.run(
      `CREATE OR REPLACE TABLE source AS SELECT *, row_number() OVER () AS n
       FROM read_csv('${source}', all_varchar = true, nullstr = '')`,
    );
    await db.run(
      `CREATE OR REPLACE TABLE ours AS SELECT *, file_row_number + 1 AS n FROM read_parquet('${output}', file_row_number = true)`,
    );
    const given = (await db.rows('SELECT column_name FROM (DESCRIBE source)')).flat().map(String);
    const checks = Object.keys(FOCUS_1_2)
      .filter((name) => given.includes(name))
      .map(
        (name) => `count(*) FILTER (${before(name)} IS DISTINCT FROM ${after(name)}) AS ${name}`,
      );
    t.ok(checks.length >= 57, `${checks.length} columns`);
    const [counts = []] = await db.rows(
      `SELECT count(*), ${checks.join(', ')} FROM source JOIN ours USING (n)`,
    );
    t.strictSame(
      counts.map(Number),
      [truth.charges, ...checks.map(() => 0)],
      `${provider}: no difference`,
    );
  }
});

/** A value of the source, as DuckDB understands it. */
function before(name: string): string {
  if (words(AMOUNTS).includes(name)) return `source.${name}::${decimalOf(name)}`;
  if (words(TIMES).includes(name)) return `source.${name}::TIMESTAMPTZ`;
  return words(OBJECTS).includes(name) ? `json(source.${name})::VARCHAR` : `source.${name}`;
}

function after(name: string): string {
  return words(OBJECTS).includes(name) ? `json(ours.${name})::VARCHAR` : `ours.${name}`;
}

t.test('Parquet of DuckDB, by every codec and with typed columns, is the same bill', async (t) => {
  const dir = t.testdir();
  const codecs = ['snappy', 'gzip', 'zstd', 'uncompressed'] as const;
  for (const [i, provider] of (['aws', 'azure', 'gcp', 'focus'] as const).entries()) {
    const { truth, source } = await bill(dir, provider);
    const { output: plain } = await convert(t, source, join(dir, `${provider}-csv.parquet`));
    const tried = provider === 'aws' ? codecs : [codecs[i % 3]];
    for (const codec of tried) {
      const written = join(dir, `${provider}-${codec}.parquet`);
      await db.run(
        `COPY (SELECT ${await typedColumns(source)} FROM read_csv('${source}', all_varchar = true, nullstr = ''))
         TO '${written}' (FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE 2048)`,
      );
      const title = `${provider}, ${codec}`;
      const { output, account } = await convert(t, written, join(dir, 'ours.parquet'));
      t.match(account.rows, { read: truth.rows, written: truth.charges, rejected: 0 }, title);
      t.strictSame(await sums(output), { charges: truth.charges, ...truth.costs }, title);
      const names = Object.keys(await types(plain)).filter((name) => name !== 'x_Repairs');
      const [differing] = await db.rows(
        `SELECT (SELECT count(*) FROM (SELECT ${names.join()} FROM '${plain}' EXCEPT ALL SELECT ${names.join()} FROM '${output}')),
                (SELECT count(*) FROM (SELECT ${names.join()} FROM '${output}' EXCEPT ALL SELECT ${names.join()} FROM '${plain}'))`,
      );
      t.strictSame(differing?.map(Number), [0, 0], `${title}: the charges of the CSV`);
    }
  }
});

/** Types that a data team would give the columns of a CSV bill. */
async function typedColumns(source: string): Promise<string> {
  const described = await db.rows(
    `SELECT column_name FROM (DESCRIBE SELECT * FROM read_csv('${source}', all_varchar = true))`,
  );
  return described
    .flat()
    .map((column) => {
      const name = `"${String(column)}"`;
      if (/^(tags|product|resource_tags|cost_category|discount)$/i.test(String(column)))
        return `from_json(${name}, '"MAP(VARCHAR, VARCHAR)"') AS ${name}`;
      if (
        /(Period(Start|End)|period_(start|end)_date|usage_(start|end)_(date|time))$/.test(
          String(column),
        )
      )
        return `${name}::TIMESTAMPTZ AT TIME ZONE 'UTC' AS ${name}`;
      if (/Cost$|_cost$|^cost$|Quantity$|usage_amount$|_commitment|_fee/.test(String(column)))
        return `${name}::DECIMAL(24, 10) AS ${name}`;
      return name;
    })
    .join();
}

t.test('the AWS line item matrix, again in SQL', async (t) => {
  const dir = t.testdir();
  const bills = join(dir, 'bills');
  mkdirSync(bills);
  for (const net of [true, false]) {
    const columns = CUR_COLUMNS.filter((name) => net || !name.includes('_net_'));
    const lines = curRows(net ? 3 : 4, 4_000).map((row) =>
      columns.map((name) =>
        row[name] === undefined ? '' : `"${row[name].replaceAll('"', '""')}"`,
      ),
    );
    const csv = [columns, ...lines].map((cells) => cells.join(',')).join('\n');
    writeFileSync(join(bills, net ? 'net.csv' : 'gross.csv'), `${csv}\n`);
  }
  const generated = await bill(dir, 'aws');
  const ended = await runOnce({
    dir: join(dir, 'agent'),
    bills: [join(bills, '*.csv'), generated.source],
    exporters: { console: {} },
  });
  t.equal(ended.code, 0, ended.stderr);
  const files = [join(bills, 'net.csv'), join(bills, 'gross.csv'), generated.source];
  await db.run(
    `CREATE OR REPLACE TABLE cur AS SELECT * FROM read_csv(['${files.join("', '")}'], all_varchar = true, nullstr = '', union_by_name = true)`,
  );
  const expected = (await db.rows(CUR_MATRIX)).map(([service, day, billed, effective]) =>
    JSON.stringify([service, day, exactSum([String(billed)]), exactSum([String(effective)])]),
  );
  const found = totalsByServiceAndDay(join(dir, 'agent'));
  t.ok(expected.length > 200, `${expected.length} services and days`);
  const missing = new Set(expected);
  const wrong = found.filter((line) => !missing.delete(line));
  t.strictSame(
    { wrong: wrong.slice(0, 5), missing: [...missing].slice(0, 5) },
    { wrong: [], missing: [] },
  );
});

function totalsByServiceAndDay(agent: string): string[] {
  const state = openState(join(agent, 'data', 'state'));
  const groups = Map.groupBy(state.view(['costs']).totals(), ({ day, dimensions }) =>
    JSON.stringify([dimensions[SERVICE_NAME], day]),
  );
  const texts = [...groups].map(([key, totals]) => {
    const sum = (cost: 'BilledCost' | 'EffectiveCost'): string =>
      exactSum(totals.map(({ costs }) => `${costs[cost].digits}e-${costs[cost].scale}`));
    return JSON.stringify([...JSON.parse(key), sum('BilledCost'), sum('EffectiveCost')]);
  });
  state.close();
  return texts;
}

/** Place of the service among the dimensions of a total. */
const SERVICE_NAME = 4;

async function bill(
  dir: string,
  provider: BillProvider,
): Promise<{ readonly truth: Truth; readonly source: string }> {
  const truth = await generateBill({
    folder: join(dir, 'generated', provider),
    provider,
    format: 'csv.gz',
    rows: 5_000,
    seed: 31,
    month: '2026-10',
    revision: 1,
    faults: 0,
    parts: 1,
  });
  return { truth, source: join(dir, 'generated', provider, truth.files[0] ?? '') };
}

interface Account {
  readonly rows: { readonly read: number; readonly written: number; readonly rejected: number };
}

async function convert(
  t: Test,
  source: string,
  output: string,
): Promise<{ readonly output: string; readonly account: Account }> {
  const { finished } = focusd(['convert', source, '--focus', '1.2', '-o', output, '--json']);
  const { code, stdout, stderr } = await finished;
  t.equal(code, 0, stderr);
  return { output, account: JSON.parse(stdout) as Account };
}

async function types(file: string): Promise<Record<string, string>> {
  const rows = await db.rows(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM '${file}')`,
  );
  return Object.fromEntries(rows) as Record<string, string>;
}

async function sums(file: string): Promise<object> {
  const [row = []] = await db.rows(
    `SELECT count(*), ${COSTS.map((cost) => `sum(${cost})::VARCHAR`).join()} FROM '${file}'`,
  );
  const costs = COSTS.map((cost, i) => [cost, exactSum([String(row[i + 1])])]);
  return { charges: Number(row[0]), ...Object.fromEntries(costs) };
}

async function byService(file: string): Promise<object> {
  const rows = await db.rows(
    `SELECT ServiceName, sum(EffectiveCost)::VARCHAR FROM '${file}' GROUP BY 1 ORDER BY 1 COLLATE C`,
  );
  return Object.fromEntries(rows.map(([service, cost]) => [service, exactSum([String(cost)])]));
}

/** Charges outside of October, without a billing period of a month, with tags that are no JSON object. */
async function oddities(file: string): Promise<readonly number[]> {
  const [row = []] = await db.rows(
    `SELECT count(*) FILTER (NOT (ChargePeriodStart >= '2026-10-01T00:00:00Z'::TIMESTAMPTZ
                              AND ChargePeriodEnd <= '2026-11-01T00:00:00Z'::TIMESTAMPTZ
                              AND ChargePeriodStart < ChargePeriodEnd)),
            count(*) FILTER (datesub('hour', BillingPeriodStart, BillingPeriodEnd) <> 744),
            count(*) FILTER (Tags IS NOT NULL AND json_type(Tags) IS DISTINCT FROM 'OBJECT')
     FROM '${file}'`,
  );
  return row.map(Number);
}
