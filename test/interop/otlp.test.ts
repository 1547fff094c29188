/** What the agent sends, as the OpenTelemetry Collector has received it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BILLS, type BillProvider, generateBill } from '../../agent/generate/generate-bill.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { exactSum } from './exact-sum.ts';
import { type LogRecord, logRecords, type MetricPoint, metricPoints } from './otlp-json.ts';
import { type Collector, collector, startCollector } from './programs/collector.ts';
import { runOnce } from './programs/focusd.ts';
import { OWNERS, type SmallBill, smallBill } from './small-bill.ts';

t.setTimeout(15 * 60_000);

const program = await collector();
const skip = 'skip' in program ? program.skip : false;

/** Everything there is, whatever today's date. */
const ALL = { periods: 24, daily_days: 400, max_series: 100_000 };

t.test('field by field, by every protocol and compression', { skip }, async (t) => {
  const bill = smallBill(new Date());
  const dir = t.testdir({ bills: { 'bill.csv': bill.csv } });
  const backend = await running(t, join(dir, 'collector'));
  const routes = [
    ['grpc', 'gzip'],
    ['grpc', 'none'],
    ['http/protobuf', 'gzip'],
    ['http/protobuf', 'zstd'],
    ['http/protobuf', 'none'],
  ] as const;
  for (const [protocol, compression] of routes) {
    const name = `${protocol} ${compression}`;
    const port = protocol === 'grpc' ? backend.grpcPort : backend.httpPort;
    const resource = { 'service.name': name, 'deployment.environment.name': 'tëst' };
    const exporter = {
      endpoint: `http://127.0.0.1:${port}`,
      protocol,
      compression,
      metrics: { ...ALL, resource },
    };
    const before = Date.now();
    const ended = await runOnce({
      dir: join(dir, name.replaceAll(/\W/g, '-')),
      bills: [join(dir, 'bills')],
      processors: { normalize: {}, attribute: OWNERS },
      exporters: { otlp: exporter },
      resource,
    });
    t.match(ended, { code: 0, stderr: /^((?!"level":"(warn|error)").)*$/s }, name);
    const run = { name, resource, bill, before, after: Date.now() };
    const own = ({ resource: of }: { readonly resource: LogRecord['resource'] }) =>
      of['service.name'] === name;
    checkRecords(t, logRecords(backend.received('logs')).filter(own), run);
    checkPoints(t, metricPoints(backend.received('metrics')).filter(own), run);
  }
});

interface Sent {
  readonly name: string;
  readonly resource: LogRecord['resource'];
  readonly bill: SmallBill;
  readonly before: number;
  readonly after: number;
}

function checkRecords(t: Test, records: readonly LogRecord[], sent: Sent): void {
  const { name, bill } = sent;
  const version = versionOfPackage();
  t.equal(records.length, bill.records.length, `${name}: a record for each charge`);
  t.strictSame(
    records.map(({ attributes: { 'log.record.uid': _, ...rest } }) => inOrder(rest)),
    bill.records.map(inOrder),
    `${name}: attributes`,
  );
  t.strictSame(
    records.map(({ time }) => time),
    bill.times,
    `${name}: times`,
  );
  t.equal(uidsOf(records).size, records.length, `${name}: ids differ`);
  for (const { eventName, rest, resource, scope, observed } of records) {
    t.strictSame(
      { eventName, rest, resource, scope },
      {
        eventName: 'focus.cost_and_usage.charge',
        rest: {},
        resource: { 'service.version': version, ...sent.resource },
        scope: `focusd ${version}`,
      },
      `${name}: what all records have`,
    );
    t.ok(within(observed, sent), `${name}: observed while it was read`);
  }
}

function checkPoints(t: Test, points: readonly MetricPoint[], sent: Sent): void {
  const { name, bill, resource } = sent;
  const costs = points.filter((point) => !point.name.startsWith('finops.data.'));
  const short = ({ name: metric, attributes, start, value }: SmallBill['points'][number]) =>
    JSON.stringify([metric, Object.entries(attributes).sort(), start, value]);
  t.strictSame(costs.map(short).sort(), bill.points.map(short).sort(), `${name}: cost metrics`);
  for (const point of costs) {
    const { kind, unit, scope } = point;
    t.strictSame(
      { kind, unit, scope, resource: point.resource },
      { kind: 'sum', unit: '{currency}', scope: 'focusd', resource },
      `${name}: ${point.name}`,
    );
    t.ok(within(point.time, sent), `${name}: ${point.name} is of now`);
  }
  const ages = points.filter((point) => point.name === 'finops.data.age');
  t.match(
    ages,
    [{ kind: 'gauge', unit: 's', attributes: { 'finops.receiver': 'files' } }],
    `${name}: age of the data`,
  );
  const complete = points.filter((point) => point.name === 'finops.data.completeness');
  t.ok(complete.length > 0, `${name}: completeness of the data`);
  for (const { kind, unit, value } of complete)
    t.ok(kind === 'gauge' && unit === '1' && value > 0 && value <= 1, `${name}: it is a share`);
}

function inOrder(attributes: LogRecord['attributes']): object {
  return Object.fromEntries(Object.entries(attributes).sort());
}

/** Nanoseconds between two times in milliseconds. */
function within(nanos: string, { before, after }: Sent): boolean {
  const ms = Number(BigInt(nanos) / 1_000_000n);
  return before <= ms && ms <= after;
}

t.test('bills of every provider: all charges, all money', { skip }, async (t) => {
  const dir = t.testdir();
  const backend = await running(t, dir);
  const truths = new Map<BillProvider, Truth>();
  for (const [i, provider] of (Object.keys(BILLS) as BillProvider[]).entries()) {
    const folder = join(dir, 'bills', provider);
    const truth = await generateBill({
      folder,
      provider,
      format: i % 2 === 0 ? 'csv.gz' : 'ndjson.gz',
      rows: 2_000 + 10 * i,
      seed: 7 + i,
      month: monthBefore(i),
      revision: 1,
      faults: 5,
      parts: 1,
    });
    truths.set(provider, truth);
  }
  const ended = await runOnce({
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills', '**/*.gz')],
    processors: { normalize: {}, attribute: OWNERS },
    exporters: { otlp: { endpoint: `http://127.0.0.1:${backend.grpcPort}`, metrics: ALL } },
  });
  t.equal(ended.code, 0, ended.stderr);
  const records = logRecords(backend.received('logs'));
  t.equal(uidsOf(records).size, records.length, 'every id once');
  const bills = Map.groupBy(records, ({ attributes }) =>
    String(attributes['log.record.uid']).replace(/-.*/, ''),
  );
  t.strictSame(
    [...bills.values()].map(outcome).sort(byText),
    [...truths.values()].map(({ charges, costs }) => ({ charges, ...costs })).sort(byText),
    'the sums of the bills, to the last decimal',
  );
  checkTotals(t, records, metricPoints(backend.received('metrics')));
});

/** Attributes of the cost metrics, without the period. */
const DIMENSIONS = [
  'focus.service_provider_name',
  'focus.billing_account_id',
  'focus.sub_account_id',
  'focus.service_category',
  'focus.service_name',
  'focus.region_id',
  'focus.charge_category',
  'focus.billing_currency',
  'finops.owner',
] as const;
const DAILY_DIMENSIONS = [
  'focus.service_provider_name',
  'focus.service_name',
  'focus.billing_currency',
  'finops.owner',
] as const;

/** The points must be the exact sums of the log records, each as the double nearest to it. */
function checkTotals(t: Test, records: readonly LogRecord[], points: readonly MetricPoint[]): void {
  const expected = new Map<string, number[]>();
  const add = (key: readonly unknown[], value: unknown): void => {
    const text = JSON.stringify(key);
    const values = expected.get(text);
    if (values === undefined) expected.set(text, [Number(value)]);
    else values.push(Number(value));
  };
  for (const { attributes: of } of records) {
    const period = String(of['focus.billing_period_start']).slice(0, 10);
    const day = String(of['focus.charge_period_start']).slice(0, 10);
    for (const type of COSTS) {
      const cost = of[`focus.${type}_cost`];
      add([`focus.${type}_cost`, ...DIMENSIONS.map((name) => of[name] ?? null), period], cost);
      add(['daily', ...DAILY_DIMENSIONS.map((name) => of[name] ?? null), day, type], cost);
    }
  }
  const found = points.flatMap(({ name, attributes: of, value }) => {
    if (name.startsWith('finops.data.')) return [];
    const daily = name === 'finops.daily.cost';
    const dimensions = (daily ? DAILY_DIMENSIONS : DIMENSIONS).map((at) => of[at] ?? null);
    const key = daily
      ? ['daily', ...dimensions, of['focus.charge_date'], of['finops.cost.type']]
      : [name, ...dimensions, of['focus.billing_period_start']];
    return [`${JSON.stringify(key)} ${value}`];
  });
  const sums = [...expected].map(([key, values]) => `${key} ${Number(exactSum(values))}`);
  t.ok(sums.length > 1_000, `${sums.length} series`);
  t.equal(found.length, sums.length, 'no other series');
  const missing = new Set(sums);
  const wrong = found.filter((point) => !missing.delete(point));
  t.strictSame(
    [...wrong, ...missing].slice(0, 10),
    [],
    'every point is the double nearest to its exact sum',
  );
}

const COSTS = ['billed', 'effective', 'list', 'contracted'] as const;

/** A double's shortest text is the decimal it came from: the bills have at most 15 digits. */
function outcome(records: readonly LogRecord[]) {
  const sum = (name: string): string =>
    exactSum(records.map(({ attributes }) => Number(attributes[name])));
  return {
    charges: records.length,
    BilledCost: sum('focus.billed_cost'),
    EffectiveCost: sum('focus.effective_cost'),
    ListCost: sum('focus.list_cost'),
    ContractedCost: sum('focus.contracted_cost'),
  };
}

function byText(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function uidsOf(records: readonly LogRecord[]): ReadonlySet<unknown> {
  return new Set(records.map(({ attributes }) => attributes['log.record.uid']));
}

function monthBefore(months: number): string {
  const now = new Date();
  const month = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
  return month.toISOString().slice(0, 7);
}

function versionOfPackage(): string {
  const file = new URL('../../package.json', import.meta.url);
  return String((JSON.parse(readFileSync(file, 'utf8')) as { version: unknown }).version);
}

async function running(t: Test, dir: string): Promise<Collector> {
  const started = await startCollector({ dir });
  t.teardown(() => started.stop());
  return started;
}
