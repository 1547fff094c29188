import { join } from 'node:path';
import t from 'tap';
import serverless from '../../../pipelines/normalize/mappings/serverless.ts';
import run from '../../../plugins/receivers/gcp-run/index.ts';
import { servedRequest } from '../../../plugins/receivers/gcp-run/request-log.ts';
import { copied, drained, runningReceiver, stored } from '../../helpers/running-receiver.ts';

const SECRET = 'It is a secret to everybody';
let inserted = 0;

const entry = (rest: object = {}, latency: string | undefined = '0.004300310s') => ({
  insertId: `68ac65d5${inserted++}`,
  logName: 'projects/shop/logs/run.googleapis.com%2Frequests',
  httpRequest: { requestMethod: 'GET', status: 200, latency },
  resource: {
    type: 'cloud_run_revision',
    labels: {
      project_id: 'shop',
      service_name: 'checkout',
      revision_name: 'checkout-00007-rob',
      location: 'europe-west1',
      configuration_name: 'checkout',
    },
  },
  timestamp: '2026-09-17T10:00:04.262299Z',
  severity: 'INFO',
  trace: 'projects/shop/traces/7f5b83fd8f30f35146e301f34c879a4c',
  spanId: 'b5206c7345cb417b',
  traceSampled: true,
  ...rest,
});
const located = (location: string, service_name = 'checkout') => ({
  resource: {
    type: 'cloud_run_revision',
    labels: { project_id: 'shop', service_name, revision_name: 'r', location },
  },
});
const message = (value: object, messageId = '1') => ({
  message: { data: Buffer.from(JSON.stringify(value)).toString('base64'), messageId },
  subscription: 'projects/shop/subscriptions/focusd',
});
const post = (url: string, body: object | string, token = SECRET) =>
  fetch(`${url}/run?token=${encodeURIComponent(token)}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

t.test('time is billed in steps of 100 ms', (t) => {
  const billed = (latency: string) => {
    const served = servedRequest(entry({}, latency));
    return typeof served === 'string' ? served : served.billedMs;
  };
  t.same(
    ['0.0001s', '0.1s', '0.1001s', '0.7s', '0.3s', '12s'].map(billed),
    [100, 100, 200, 700, 300, 12_000],
  );
  t.equal(billed('0s'), 0);
  t.equal(billed('soon'), 'the entry has no latency');
  t.end();
});

t.test('pushed entries become charges by service and minute', async (t) => {
  const root = t.testdir({ live: {}, copy: {} });
  const settings = {
    secret: SECRET,
    cpus: { checkout: '2' },
    memories: { checkout: '1024' },
    concurrency: { checkout: '4' },
  };
  const { url, world, stop } = await runningReceiver(run, join(root, 'live'), settings);
  const first = entry();
  t.equal((await post(url, message(first))).status, 202);
  t.equal((await post(url, message(first, '2'))).status, 200, 'delivered again');
  t.equal((await post(url, entry({}, '0.25s'))).status, 202, 'not wrapped');
  t.equal((await post(url, message(entry(located('europe-west3', 'mail'))))).status, 202);
  t.equal((await post(url, message(entry({ logName: 'projects/shop/logs/stdout' })))).status, 204);
  const copy = copied(world.folder, join(root, 'copy'));
  await stop();
  const { rows, rejected } = await drained(run, copy, { settings, mapping: serverless });
  t.same(rejected, {});
  t.same(
    rows.map((row) => [row.ResourceName, row.SkuMeter, row.PricingQuantity, row.ListUnitPrice]),
    [
      ['checkout', 'CPU', '0.2', '0.000024'],
      ['checkout', 'Memory', '0.1', '0.0000025'],
      ['checkout', 'Requests', '2', '0.0000004'],
      ['mail', 'CPU', '0.1', '0.0000336'],
      ['mail', 'Memory', '0.05', '0.0000035'],
      ['mail', 'Requests', '1', '0.0000004'],
    ],
  );
  t.match(rows[0], {
    BilledCost: '0',
    EffectiveCost: '0.0000048',
    SubAccountId: 'shop',
    SubAccountType: 'Project',
    RegionId: 'europe-west1',
    ServiceName: 'Cloud Run',
    ServiceProviderName: 'Google Cloud',
    ResourceId: '//run.googleapis.com/projects/shop/locations/europe-west1/services/checkout',
    ChargePeriodStart: '2026-09-17T10:00:00Z',
    x_CostSource: 'estimated',
    x_PriceSource: 'public: since 2024-09-25',
  });
});

t.test('single requests have their trace; what cannot be counted is said', async (t) => {
  const folder = t.testdir();
  const settings = { secret: SECRET, sample: '1' };
  const { url, stop } = await runningReceiver(run, folder, settings);
  await post(url, message(entry()));
  await post(url, message(entry({ ...located('mars-north1') })));
  const { httpRequest: _, ...rest } = entry();
  t.equal((await post(url, message(rest))).status, 202, 'no latency');
  await stop();
  const { rows, rejected } = await drained(run, folder, { settings, mapping: serverless });
  t.match(rows[0], {
    x_TraceId: '7f5b83fd8f30f35146e301f34c879a4c',
    x_SpanId: 'b5206c7345cb417b',
    ChargePeriodStart: '2026-09-17T10:00:04.262Z',
    ChargePeriodEnd: '2026-09-17T10:00:04.267Z',
  });
  t.equal(rows.length, 4, 'the price of requests is the same everywhere');
  t.same(rejected, { malformed_report: 1, unknown_price: 2 });
});

t.test('what is wrong is refused, and nothing of it is stored', async (t) => {
  const { url, world, stop } = await runningReceiver(run, t.testdir(), { secret: SECRET });
  t.equal((await post(url, message(entry()), 'guess')).status, 401);
  t.equal((await fetch(`${url}/run`, { method: 'POST', body: '{}' })).status, 401);
  t.equal((await fetch(`${url}/run`)).status, 405);
  t.equal((await fetch(`${url}/else`)).status, 404);
  for (const body of ['', '[]', '{"message":{"data":"AAAA"}}'])
    t.equal((await post(url, body)).status, 400, body);
  t.equal(stored(world.folder), '');
  await stop();
  for (const [path, wrong] of Object.entries({
    cpu: { cpu: '0' },
    'memories.a': { memories: { a: '1GiB' } },
    'concurrency.a': { concurrency: { a: '0.0' } },
  })) {
    const settings = { secret: SECRET, ...wrong };
    const refusal = { name: 'Misconfigured', path: `receivers.test.${path}` };
    await t.rejects(drained(run, t.testdir(), { settings, mapping: serverless }), refusal, path);
  }
});
