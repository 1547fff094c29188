/** Costs in a real Prometheus: sent by OTLP, restated, and the agent's own metrics as it reads them. */
import { execFile } from 'node:child_process';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { startAgent } from './programs/focusd.ts';
import { freePort } from './programs/ports.ts';
import { type Prometheus, prometheus, promtool, startPrometheus } from './programs/prometheus.ts';

t.setTimeout(15 * 60_000);

const program = await prometheus();
const tool = await promtool();
const skip = 'skip' in program ? program.skip : 'skip' in tool ? tool.skip : false;

/** As Prometheus comes, but for the pace: no samples of the past are taken. */
const config = (scraped: string): string => `
global: { scrape_interval: 1s }
scrape_configs: [{ job_name: agent, static_configs: [{ targets: ['${scraped}'] }] }]
`;

t.test('period to date and days, before and after a restatement', { skip }, async (t) => {
  const dir = t.testdir({ bills: {} });
  const bills = join(dir, 'bills');
  const truth = await generateBill({
    folder: join(bills, 'aws'),
    provider: 'aws',
    format: 'csv.gz',
    rows: 3_000,
    seed: 5,
    month: month(-1),
    revision: 1,
    faults: 0,
    parts: 1,
  });
  await put(bills, FIRST);
  const metrics = `127.0.0.1:${await freePort()}`;
  const backend = await startPrometheus({ dir: join(dir, 'prometheus'), config: config(metrics) });
  t.teardown(() => backend.stop());
  const exporter = {
    endpoint: backend.otlpUrl.replace(/\/v1\/metrics$/, ''),
    protocol: 'http/protobuf',
    logs: { enabled: false },
    metrics: { interval: '1s', daily_days: 70, max_series: 50_000 },
  };
  const agent = await startAgent({
    dir: join(dir, 'agent'),
    bills: [bills],
    exporters: { otlp: exporter },
    metrics,
  });
  t.teardown(() => agent.stop());

  const mine = '{focus_service_provider_name="Wolke"}';
  const before = await until(backend, `sum(focus_billed_cost${mine})`, '49.75');
  t.equal(before, '49.75', 'the first revision');
  const last = `{focus_service_provider_name="AWS",focus_billing_period_start="${month(-1)}-01"}`;
  const billed = await until(backend, `sum(focus_billed_cost${last})`, truth.costs.BilledCost);
  t.equal(rounded(billed), rounded(truth.costs.BilledCost), 'the period to date of last month');
  const effective = await one(backend, `sum(focus_effective_cost${last})`);
  t.equal(rounded(effective), rounded(truth.costs.EffectiveCost), 'its effective cost');
  const daily = await one(
    backend,
    'sum(finops_daily_cost{focus_service_provider_name="AWS",finops_cost_type="billed"})',
  );
  t.equal(rounded(daily), rounded(truth.costs.BilledCost), 'the days of last month');
  t.strictSame(
    (await backend.query('count by (focus_billing_period_start) (focus_billed_cost)'))
      .map(({ labels }) => labels.focus_billing_period_start)
      .sort(),
    [`${month(-1)}-01`, `${month(0)}-01`],
    'each billing period is a series of its own',
  );
  t.match(
    await backend.query(`focus_billed_cost{focus_service_name="Database"}`),
    [{ value: '32.5', labels: { job: 'focusd', focus_billing_currency: 'EUR' } }],
    'a series',
  );

  await put(bills, SECOND);
  const after = await until(backend, `sum(focus_billed_cost${mine})`, '61.75');
  t.equal(after, '61.75', 'the new total, neither added to the old one nor with what is gone');
  const days = await backend.query(
    `sum by (focus_charge_date) (finops_daily_cost{focus_service_provider_name="Wolke",finops_cost_type="billed"}) != 0`,
  );
  t.strictSame(
    days.map(({ labels, value }) => [labels.focus_charge_date, value]),
    [[`${month(0)}-01`, '61.75']],
    'and by day',
  );
  t.match(
    await backend.query(`focus_billed_cost{focus_service_name="Database"}`),
    [{ value: '50.5' }],
    'the series moved',
  );
  const gone = await backend.query(`focus_billed_cost{focus_service_name="Queue"}`);
  t.strictSame(
    gone.map(({ value }) => value),
    ['0'],
    'what is in the bill no more costs nothing',
  );
  await checkOwnMetrics(t, backend, metrics);
});

/** The page that the agent serves, as promtool and Prometheus see it. */
async function checkOwnMetrics(t: Test, backend: Prometheus, address: string): Promise<void> {
  const answer = await fetch(`http://${address}/metrics`);
  const exposition = await answer.text();
  t.match(answer.headers.get('content-type'), /^text\/plain/);
  t.strictSame(await checked(exposition), { code: 0, said: '' }, 'promtool finds nothing to say');
  t.equal(await until(backend, 'up{job="agent"}', '1'), '1', 'Prometheus can read it');
  const written = await until(backend, 'sum(focusd_rows_written_total)', '2966');
  t.match(written, /^[1-9]\d+$/, 'rows written');
  t.equal(await one(backend, 'focusd_ready'), '1');
}

async function checked(exposition: string): Promise<{ code: number; said: string }> {
  if ('skip' in tool) throw new Error(tool.skip);
  return await new Promise((resolve) => {
    const child = execFile(tool.path, ['check', 'metrics'], (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), said: `${stdout}${stderr}` }),
    );
    child.stdin?.end(exposition);
  });
}

const FIRST = [
  ['Compute', 'Machines', '10'],
  ['Databases', 'Database', '32.5'],
  ['Integration', 'Queue', '7.25'],
] as const;
const SECOND = [
  ['Compute', 'Machines', '10'],
  ['Databases', 'Database', '50.5'],
  ['Storage', 'Disks', '1.25'],
] as const;

/** Puts a revision of this month's bill where the agent looks, in one step. */
async function put(bills: string, rows: readonly (readonly string[])[]): Promise<void> {
  const start = `${month(0)}-01T00:00:00Z`;
  const end = `${month(1)}-01T00:00:00Z`;
  const lines = rows.map(([category, service, cost]) =>
    [
      ...[cost, cost, cost, cost],
      ...['a', 'EUR', start, end, start, end],
      ...['Usage', 'Usage-Based', 'Wolke', 'Wolke', 'Wolke', category, service],
    ].join(','),
  );
  const header = `BilledCost,EffectiveCost,ListCost,ContractedCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,\
ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeFrequency,ProviderName,PublisherName,InvoiceIssuerName,ServiceCategory,ServiceName`;
  const folder = join(bills, '..', 'new');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'wolke.csv'), `${header}\n${lines.join('\n')}\n`);
  await rename(join(folder, 'wolke.csv'), join(bills, 'wolke.csv'));
}

function month(offset: number): string {
  const now = new Date();
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset, 1));
  return first.toISOString().slice(0, 7);
}

/** Prometheus adds doubles: the last digits may differ. */
function rounded(value: string): string {
  return Number(value).toFixed(6);
}

/** Asks until the answer is this one, or for ten seconds; answers the last answer. */
async function until(backend: Prometheus, promql: string, expected: string): Promise<string> {
  const end = performance.now() + 10_000;
  for (;;) {
    const value = await one(backend, promql);
    if (rounded(value) === rounded(expected) || performance.now() > end) return value;
    await delay(100);
  }
}

async function one(backend: Prometheus, promql: string): Promise<string> {
  const [sample] = await backend.query(promql);
  return sample?.value ?? 'nothing';
}
