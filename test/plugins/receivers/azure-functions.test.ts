import { join } from 'node:path';
import t from 'tap';
import serverless from '../../../pipelines/normalize/mappings/serverless.ts';
import functions from '../../../plugins/receivers/azure-functions/index.ts';
import { billedMbMs } from '../../../plugins/receivers/azure-functions/records.ts';
import { copied, drained, runningReceiver, stored } from '../../helpers/running-receiver.ts';

const SECRET = 'It is a secret to everybody';
const APP = '/SUBSCRIPTIONS/7A9F/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.WEB/SITES/CHECKOUT';

const metric = (metricName: string, total: number, rest: object = {}) => ({
  count: 1,
  total,
  minimum: total,
  maximum: total,
  average: total,
  resourceId: APP,
  time: '2026-09-17T10:00:00.0000000Z',
  metricName,
  timeGrain: 'PT1M',
  ...rest,
});
const request = (DurationMs: number, rest: object = {}) => ({
  time: '2026-09-17T10:00:30.0000000Z',
  resourceId: '/subscriptions/7a9f/resourcegroups/shop/providers/microsoft.insights/components/ai',
  Type: 'AppRequests',
  AppRoleName: 'checkout',
  OperationId: '7f5b83fd8f30f35146e301f34c879a4c',
  Id: 'b5206c7345cb417b',
  Name: 'Charge',
  DurationMs,
  Success: true,
  ItemCount: 1,
  ...rest,
});
const post = (url: string, body: object | string, secret = SECRET) =>
  fetch(`${url}/functions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

t.test('memory in steps of 128 MB, at least 100 ms', (t) => {
  t.equal(billedMbMs(128, 100), 12_800);
  t.equal(billedMbMs(160, 100), 25_600);
  t.equal(billedMbMs(1, 3), 12_800);
  t.equal(billedMbMs(512, 1000.2), 512 * 1001);
  t.end();
});

t.test('metrics become charges by app and minute', async (t) => {
  const root = t.testdir({ live: {}, copy: {} });
  const settings = { secret: SECRET, region: 'eastus' };
  const { url, world, stop } = await runningReceiver(functions, join(root, 'live'), settings);
  const units = metric('FunctionExecutionUnits', 5_120_000);
  const count = metric('FunctionExecutionCount', 40);
  t.equal((await post(url, { records: [units, metric('Http5xx', 3)] })).status, 202);
  t.equal((await post(url, [{ records: [units, count] }])).status, 202, 'one of them is new');
  t.equal((await post(url, { records: [units, count] })).status, 200, 'a replayed push');
  const later = { time: '2026-09-17T10:01:00Z' };
  await post(url, { records: [request(500), metric('FunctionExecutionUnits', 0.5, later)] });
  await post(url, {
    records: [metric('FunctionExecutionCount', 1, { ...later, timeGrain: 'PT1H' })],
  });
  const copy = copied(world.folder, join(root, 'copy'));
  await stop();
  const { rows, rejected } = await drained(functions, copy, { settings, mapping: serverless });
  t.same(
    rows.map((row) => [row.SkuId, row.PricingQuantity, row.EffectiveCost]),
    [
      ['Functions Standard Execution Time', '5', '0.00008'],
      ['Functions Standard Total Executions', '40', '0.000008'],
    ],
  );
  t.match(rows[0], {
    BilledCost: '0',
    SubAccountId: '7a9f',
    SubAccountType: 'Subscription',
    RegionId: 'eastus',
    ServiceName: 'Functions',
    ServiceProviderName: 'Microsoft',
    ResourceId: APP.toLowerCase(),
    ChargePeriodStart: '2026-09-17T10:00:00Z',
    ChargePeriodEnd: '2026-09-17T10:01:00Z',
    x_CostSource: 'estimated',
  });
  t.same(rejected, { malformed_report: 2 });
});

t.test('requests have their trace, and stand for as many as they say', async (t) => {
  const folder = t.testdir();
  const settings = {
    secret: SECRET,
    from: 'requests',
    memory: '1000',
    sample: '1',
    prices: {
      'Functions Standard Execution Time': '0.000016',
      'Functions Standard Total Executions': '0.0000002',
    },
  };
  const { url, stop } = await runningReceiver(functions, folder, settings);
  const records = [
    request(999.5),
    request(10, { Id: 'b5206c7345cb417c', ItemCount: 10 }),
    request(-1, { Id: 'x' }),
    { Type: 'AppTraces', Message: 'hello' },
    metric('FunctionExecutionCount', 40),
  ];
  t.equal((await post(url, { records })).status, 202);
  await stop();
  const { rows, rejected } = await drained(functions, folder, { settings, mapping: serverless });
  t.same(
    rows.map((row) => [row.x_TraceId, row.SkuMeter, row.PricingQuantity]),
    [
      ['7f5b83fd8f30f35146e301f34c879a4c', 'Execution Time', '1'],
      ['7f5b83fd8f30f35146e301f34c879a4c', 'Total Executions', '1'],
      [undefined, 'Execution Time', '1'],
      [undefined, 'Total Executions', '10'],
    ],
  );
  t.same(rejected, { malformed_report: 1 });
});

t.test('an unknown region has no price, and no charge of zero', async (t) => {
  const folder = t.testdir();
  const settings = { secret: SECRET, regions: { checkout: 'marsnorth' } };
  const { url, stop } = await runningReceiver(functions, folder, settings);
  await post(url, { records: [metric('FunctionExecutionUnits', 1024, { location: 'East US' })] });
  await stop();
  const { rows, rejected, lines } = await drained(functions, folder, {
    settings,
    mapping: serverless,
  });
  t.same(rows, []);
  t.same(rejected, { unknown_price: 1 });
  t.match(lines, [{ level: 'warn', fields: { region: 'marsnorth' } }]);
});

t.test('what is wrong is refused, and nothing of it is stored', async (t) => {
  const { url, world, stop } = await runningReceiver(functions, t.testdir(), { secret: SECRET });
  t.equal(
    (await post(url, { records: [metric('FunctionExecutionCount', 1)] }, 'guess')).status,
    401,
  );
  t.equal((await fetch(`${url}/functions`)).status, 405);
  t.equal((await fetch(`${url}/else`)).status, 404);
  for (const body of ['', '{}', '[1]']) t.equal((await post(url, body)).status, 400, body);
  t.equal(stored(world.folder), '');
  await stop();
  const settings = { secret: SECRET, memory: 'much' };
  await t.rejects(drained(functions, t.testdir(), { settings, mapping: serverless }), {
    name: 'Misconfigured',
    path: 'receivers.test.memory',
  });
});
