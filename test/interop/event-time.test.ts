/** Costs of charge days as points of these days, in a real Prometheus that takes points of the last ten days. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { deadLetters, focusd, startAgent, writeConfiguration } from './programs/focusd.ts';
import { freePort } from './programs/ports.ts';
import { type Prometheus, prometheus, startPrometheus } from './programs/prometheus.ts';

t.setTimeout(15 * 60_000);

const DAY_MS = 86_400_000;
const program = await prometheus();
const skip = 'skip' in program ? program.skip : false;

const config = (scraped: string): string => `
global: { scrape_interval: 1s }
storage: { tsdb: { out_of_order_time_window: 10d } }
scrape_configs: [{ job_name: agent, static_configs: [{ targets: ['${scraped}'] }] }]
`;

t.test('days, a day restated, and one that is too old', { skip }, async (t) => {
  const dir = t.testdir({ bills: {} });
  const bills = join(dir, 'bills');
  const metrics = `127.0.0.1:${await freePort()}`;
  const backend = await startPrometheus({ dir: join(dir, 'prometheus'), config: config(metrics) });
  t.teardown(() => backend.stop());
  t.ok(await until(async () => (await backend.query('up')).length > 0), 'it has samples of now');
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  await put(bills, today, { '2 A': '1.5', '2 B': '2', '3 A': '4', '20 A': '8', '20 B': '-1' });
  const pipeline = {
    dir: join(dir, 'agent'),
    bills: [bills],
    metrics,
    exporters: {
      otlp: {
        endpoint: backend.otlpUrl.replace(/\/v1\/metrics$/, ''),
        protocol: 'http/protobuf',
        backend_profile: 'prometheus',
        logs: { enabled: false },
        metrics: { interval: '1s', event_time: { enabled: true, max_age: '40d' } },
      },
    },
  };
  const agent = await startAgent(pipeline);
  t.teardown(() => agent.stop());

  const dayIs = async (back: number, expected: string) =>
    await until(async () => (await costOf(backend, today - back * DAY_MS)) === expected);
  t.ok(await dayIs(2, '3.5'), 'a day of two series');
  t.ok(await dayIs(3, '4'), 'the day before it');
  const letters = () => deadLetters(pipeline.dir).filter(({ kind }) => kind === 'point');
  t.ok(await until(async () => letters().length === 8), 'each point of the day that is too old');
  t.match(letters()[0], {
    exporter: 'otlp',
    reason: 'refused_point',
    message: /HTTP 400.*too old/,
  });
  t.equal(await costOf(backend, today - 20 * DAY_MS), 'nothing');
  t.strictSame(await ledger(metrics), { exported: 7.5, refused: 7 });

  await put(bills, today, { '2 A': '1.25', '3 A': '4', '3 C': '0.5', '20 A': '8', '20 B': '-1' });
  t.ok(await dayIs(2, '1.25'), 'the day restated: what is gone is 0');
  t.ok(await dayIs(3, '4.5'), 'a series more');
  t.strictSame(await ledger(metrics), { exported: 5.75, refused: 7 });
  const range = await backend.query(
    'finops_charge_day_cost{finops_cost_type="billed",focus_service_name="A"}[30d]',
  );
  const values = range.map(({ time, value }) => [Math.floor(time / 86_400), value]);
  t.strictSame(
    values,
    [
      [today / DAY_MS - 3, '4'],
      [today / DAY_MS - 2, '1.5'],
      [today / DAY_MS - 2, '1.25'],
    ],
    'a day that is restated has two points, the last is what it is now',
  );
  await agent.stop();

  const again = await startAgent(pipeline);
  t.teardown(() => again.stop());
  t.ok(await until(async () => (await ledger(metrics)).refused === 7), 'tried again at a start');
  t.equal(letters().length, 8);
  t.strictSame(await ledger(metrics), { exported: 5.75, refused: 7 }, 'and nothing else was sent');
  t.equal((await backend.query(`${A}[30d]`)).length, 3);
  await again.stop();
});

t.test('what probe finds out, and validate says', { skip }, async (t) => {
  const dir = t.testdir({ bills: {} });
  const backend = await startPrometheus({
    dir: join(dir, 'prometheus'),
    config: config('127.0.0.1:1'),
  });
  t.teardown(() => backend.stop());
  await until(async () => (await backend.query('up')).length > 0);
  const otlp = {
    endpoint: backend.otlpUrl.replace(/\/v1\/metrics$/, ''),
    protocol: 'http/protobuf',
    backend_profile: 'prometheus',
    logs: { enabled: false },
    metrics: { event_time: { enabled: true } },
  };
  const path = await writeConfiguration({
    ...{ dir, bills: [join(dir, 'bills')], exporters: { otlp } },
  });
  const probed = await focusd(['probe', 'otlp', '--json', '-c', path]).finished;
  t.equal(probed.code, 0, probed.stderr);
  t.match(JSON.parse(probed.stdout), { settings: { 'metrics.event_time.max_age': '168h' } });
  const validated = await focusd(['validate', '-c', path]).finished;
  t.match(
    `${validated.stdout}${validated.stderr}`,
    /event_time\.enabled.*out_of_order_time_window/s,
  );
});

const A = 'finops_charge_day_cost{finops_cost_type="billed",focus_service_name="A"}';

/** Billed cost of a day by the last point of each series in it. */
async function costOf(backend: Prometheus, dayMs: number): Promise<string> {
  const end = dayMs / 1000 + 86_400;
  const query = 'sum(last_over_time(finops_charge_day_cost{finops_cost_type="billed"}[1d]))';
  const [sample] = await backend.query(query, end);
  return sample?.value ?? 'nothing';
}

/** Billed cost by stage, as the agent's own metrics tell it. */
async function ledger(address: string): Promise<Readonly<Record<string, number>>> {
  const page = await (await fetch(`http://${address}/metrics`)).text();
  const lines = page.matchAll(
    /^focusd_exporter_event_time_cost\{[^}]*column="BilledCost"[^}]*stage="(\w+)"[^}]*\} (\S+)/gm,
  );
  return Object.fromEntries([...lines].map(([, stage, value]) => [stage ?? '', Number(value)]));
}

/** Puts a revision of the bill where the agent looks, in one step; costs by days back and service. */
async function put(
  bills: string,
  today: number,
  costs: Readonly<Record<string, string>>,
): Promise<void> {
  const lines = Object.entries(costs).map(([key, cost]) => {
    const [back = '', service = ''] = key.split(' ');
    const day = new Date(today - Number(back) * DAY_MS);
    const [year, month] = [day.getUTCFullYear(), day.getUTCMonth()];
    const times = [Date.UTC(year, month), Date.UTC(year, month + 1), +day, +day + DAY_MS];
    return [
      ...[cost, cost, cost, cost, 'a', 'EUR', ...times.map((ms) => new Date(ms).toISOString())],
      ...['Usage', 'Usage-Based', 'Wolke', 'Wolke', 'Wolke', 'Compute', service],
    ].join(',');
  });
  const header = `BilledCost,EffectiveCost,ListCost,ContractedCost,BillingAccountId,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,\
ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeFrequency,ProviderName,PublisherName,InvoiceIssuerName,ServiceCategory,ServiceName`;
  const folder = join(bills, '..', 'new');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'wolke.csv'), `${header}\n${lines.join('\n')}\n`);
  await rename(join(folder, 'wolke.csv'), join(bills, 'wolke.csv'));
}

/** Asks until it is so, for a minute at most. */
async function until(isSo: () => Promise<boolean>): Promise<boolean> {
  const end = performance.now() + 60_000;
  for (;;) {
    if (await isSo()) return true;
    if (performance.now() > end) return false;
    await delay(200);
  }
}
