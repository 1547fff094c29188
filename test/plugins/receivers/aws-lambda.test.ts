import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import serverless from '../../../pipelines/normalize/mappings/serverless.ts';
import { isSampled } from '../../../plugins/kit/serverless/sample.ts';
import lambda from '../../../plugins/receivers/aws-lambda/index.ts';
import { provisionedMinute } from '../../../plugins/receivers/aws-lambda/provisioned.ts';
import {
  otelTraceId,
  reportOfRecord,
  reportOfText,
} from '../../../plugins/receivers/aws-lambda/report.ts';
import { checkedSettings } from '../../helpers/plugin-world.ts';
import { copied, drained, runningReceiver, stored } from '../../helpers/running-receiver.ts';

const SECRET = 'It is a secret to everybody';
const ARN = 'arn:aws:lambda:eu-west-1:123456789012:function:checkout';
const STREAM = 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs';
const ID = '55bc566d-1e2c-11e7-93e6-6705ceb4c1cc';
const AT = Date.UTC(2026, 8, 17, 10, 0, 30);

const text = (rest: string) =>
  `REPORT RequestId: ${ID}\tDuration: 469.40 ms\tBilled Duration: 500 ms\tMemory Size: 1024 MB\tMax Memory Used: 21 MB\t${rest}`;
const platform = (
  metrics: object = {},
  record: object = {},
  time = new Date(AT).toISOString(),
) => ({
  time,
  type: 'platform.report',
  record: {
    requestId: ID,
    status: 'success',
    metrics: {
      durationMs: 11.5,
      billedDurationMs: 12,
      memorySizeMB: 512,
      maxMemoryUsedMB: 80,
      ...metrics,
    },
    ...record,
  },
});
const logs = (messages: readonly string[], rest: object = {}) => ({
  messageType: 'DATA_MESSAGE',
  owner: '123456789012',
  logGroup: '/aws/lambda/checkout',
  logStream: '2026/09/17/[7]0a1b2c3d4e5f',
  subscriptionFilters: ['focusd'],
  logEvents: messages.map((message, i) => ({ id: String(i), timestamp: AT + i, message })),
  ...rest,
});
const packed = (value: object) => gzipSync(JSON.stringify(value)).toString('base64');
const firehose = (records: readonly string[]) => ({
  requestId: 'r-1',
  timestamp: AT,
  records: records.map((data) => ({ data })),
});

function post(url: string, body: object | string | Buffer, headers: object = {}) {
  const sent = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return fetch(`${url}/lambda`, {
    method: 'POST',
    body: new Blob([sent]),
    headers: { authorization: `Bearer ${SECRET}`, ...headers },
  });
}
const asFirehose = {
  authorization: '',
  'x-amz-firehose-access-key': SECRET,
  'x-amz-firehose-request-id': 'r-1',
  'x-amz-firehose-source-arn': STREAM,
};

t.test('every form of the text line', (t) => {
  const forms = {
    warm: text(''),
    'cold start': text('Init Duration: 100.99 ms\t\n'),
    SnapStart: text('Restore Duration: 474.16 ms\tBilled Restore Duration: 75 ms\t'),
    traced: text(
      '\nXRAY TraceId: 1-58406520-a006649127e371903a2de979\tSegmentId: 54565fb41ac79632\tSampled: true\t\n',
    ),
    timeout: text('Status: timeout'),
    error: text('Status: error\tError Type: Runtime.ExitError'),
    extensions: text('Init Duration: 9.9 ms\tExtensions Duration: 12.1 ms\t'),
    wrapped: text('Init Duration: 100.99 ms').replaceAll('\t', '\n').replaceAll(': ', ':  '),
    'blanks for tabs': text('Init Duration: 100.99 ms').replaceAll('\t', ' '),
    'carriage returns': text('Status: timeout').replaceAll('\t', '\r\n'),
    'init before the rest': text('').replace('\tDuration', '\tInit Duration: 100.99 ms\tDuration'),
  };
  for (const [name, line] of Object.entries(forms))
    t.match(
      reportOfText(line.replace(/: {2}/g, ': ')),
      { requestId: ID, durationMs: 469.4, billedMs: 500, memoryMb: 1024 },
      name,
    );
  t.match(reportOfText(forms.traced), {
    traceId: '58406520a006649127e371903a2de979',
    spanId: '54565fb41ac79632',
  });
  for (const broken of [
    'REPORT RequestId: ',
    `REPORT RequestId: ${ID}\tDuration: 1 ms\tMemory Size: 128 MB`,
    text('').replace('500', 'many'),
    text('').replace('Billed Duration: 500 ms', 'Billed Restore Duration: 500 ms'),
    text('').replace('1024 MB', '0 MB'),
  ])
    t.equal(reportOfText(broken), undefined, JSON.stringify(broken));
  t.end();
});

t.test('records of the Telemetry API, and ids of traces', (t) => {
  const tracing = {
    spanId: '54565fb41ac79632',
    type: 'X-Amzn-Trace-Id',
    value: 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1',
  };
  t.match(reportOfRecord(platform({ initDurationMs: 397.68 }, { tracing }).record), {
    billedMs: 12,
    memoryMb: 512,
    traceId: '62e900b2710d76f009d6e7785905449a',
    spanId: '54565fb41ac79632',
  });
  t.equal(reportOfRecord(platform({ billedDurationMs: undefined }).record), undefined);
  t.equal(reportOfRecord(platform({ billedDurationMs: -1 }).record), undefined);
  t.equal(otelTraceId('1-58406520-a006649127e371903a2de979'), '58406520a006649127e371903a2de979');
  t.equal(otelTraceId('2-58406520-a006649127e371903a2de979'), undefined);
  t.end();
});

t.test(
  'telemetry, Firehose and subscriptions become one charge per function, minute and meter',
  async (t) => {
    const root = t.testdir({ live: {}, copy: {} });
    const { url, world, stop } = await runningReceiver(lambda, join(root, 'live'), {
      secret: SECRET,
      region: 'eu-west-1',
    });
    const start = {
      time: new Date(AT).toISOString(),
      type: 'platform.start',
      record: { requestId: ID, version: '7' },
    };
    const telemetry = [start, platform(), platform({ billedDurationMs: 18 })];
    const named = { 'lambda-runtime-invoked-function-arn': ARN };
    t.equal((await post(url, telemetry, named)).status, 202);
    t.equal((await post(url, telemetry, named)).status, 200, 'a replayed push');
    const json = JSON.stringify(platform());
    const lines = ['START RequestId', json, 'hello', '{"msg":"x"}'];
    const request = firehose([
      packed(logs([text('').replace('1024 MB', '512 MB'), ...lines])),
      packed({ ...logs([]), messageType: 'CONTROL_MESSAGE' }),
    ]);
    const answer = await post(url, gzipSync(JSON.stringify(request)), {
      ...asFirehose,
      'content-encoding': 'gzip',
    });
    t.equal(answer.status, 200);
    t.match(await answer.json(), { requestId: 'r-1', timestamp: Number });
    t.equal((await post(url, request, asFirehose)).status, 200, 'a replayed request');
    const more = firehose([...request.records.map(({ data }) => data), packed(logs([json, json]))]);
    t.equal((await post(url, more, asFirehose)).status, 200, 'one that holds known records');
    const direct = {
      awslogs: {
        data: packed(logs([json], { logGroup: 'mine', logStream: '2026/09/17/checkout[7][0a1b]' })),
      },
    };
    t.equal((await post(url, direct)).status, 202);
    const copy = copied(world.folder, join(root, 'copy'));
    await stop();
    const { rows, rejected } = await drained(lambda, copy, {
      settings: { secret: SECRET },
      mapping: serverless,
    });
    t.same(rejected, {});
    t.same(
      rows.map((row) => [row.SkuId, row.PricingQuantity, row.PricingUnit, row.EffectiveCost]),
      [
        // (12 + 18 + 500 + 12 + 12 + 12 + 12) ms × 512 MB
        ['Lambda-GB-Second', '0.289', 'GB-Seconds', '0.0000048166763'],
        ['Request', '7', 'Requests', '0.0000014'],
      ],
    );
    t.match(rows[0], {
      BilledCost: '0',
      BillingAccountId: '123456789012',
      SubAccountId: '123456789012',
      RegionId: 'eu-west-1',
      ServiceName: 'AWS Lambda',
      ServiceCategory: 'Compute',
      ServiceSubcategory: 'Serverless Compute',
      ServiceProviderName: 'AWS',
      ResourceId: ARN,
      ResourceName: 'checkout',
      ChargePeriodStart: '2026-09-17T10:00:00Z',
      ChargePeriodEnd: '2026-09-17T10:01:00Z',
      BillingPeriodStart: '2026-09-01T00:00:00Z',
      x_CostSource: 'estimated',
      x_PriceSource: 'public: since 2025-10-01',
    });
    t.same(JSON.parse(rows[0]?.Tags ?? ''), { 'faas.name': 'checkout', 'faas.version': '7' });
    t.same(JSON.parse(rows[0]?.SkuPriceDetails ?? ''), {
      x_Architecture: 'x86_64',
      x_MemorySizeMB: '512',
    });
  },
);

t.test('what is wrong is refused, and nothing of it is stored', async (t) => {
  const { url, world, stop } = await runningReceiver(lambda, t.testdir(), {
    secret: SECRET,
    max_body: '4KiB',
  });
  t.equal((await post(url, [platform()], { authorization: 'Bearer guess' })).status, 401);
  t.equal((await post(url, [platform()], { authorization: '' })).status, 401);
  const guessed = { ...asFirehose, 'x-amz-firehose-access-key': 'guess' };
  t.equal((await post(url, firehose([]), guessed)).status, 401);
  t.equal((await fetch(`${url}/lambda`)).status, 405);
  t.equal((await fetch(`${url}/else`)).status, 404);
  for (const body of ['', '{', '"text"', '{"awslogs":{"data":"AAAA"}}', '{}'])
    t.equal((await post(url, body)).status, 400, body);
  t.equal((await post(url, 'x', { 'content-encoding': 'gzip' })).status, 400);
  t.equal((await post(url, 'x'.repeat(5000))).status, 413);
  t.equal((await post(url, [{ type: 'function', record: 'hello' }])).status, 202, 'nothing in it');
  t.equal(stored(world.folder), '');
  await stop();
});

t.test('reports that cannot be read are dead letters, the rest is counted', async (t) => {
  const root = t.testdir({ live: {} });
  const folder = join(root, 'live');
  const { url, stop } = await runningReceiver(lambda, folder, { secret: SECRET });
  const broken = text('').replace('500 ms', '');
  const other = logs([text('')], { logGroup: '/app', logStream: 'a-host' });
  const records = [
    packed(logs([broken, text(''), '{"type":"platform.report","record":{}}'])),
    packed(other),
    Buffer.from(`a line of a log\n${text('')}\n{"level":"info"}`).toString('base64'),
    Buffer.from([0x1f, 0x8b, 1, 2]).toString('base64'),
  ];
  t.equal((await post(url, firehose(records), asFirehose)).status, 200, 'never sent again');
  await post(url, [platform({}, {}, 'yesterday'), platform()]);
  await stop();
  const { rows, rejected, lines } = await drained(lambda, folder, {
    settings: { secret: SECRET },
    mapping: serverless,
  });
  t.same(rejected, { malformed_report: 7 });
  t.equal(rows.length, 2);
  t.same(
    lines.filter(({ level }) => level === 'warn'),
    [],
  );
});

/** A request id that is in a sample of a half, or not in it. */
function idThat(name: string, sampled: boolean): string {
  const ids = Array.from({ length: 1000 }, (_, i) => `${name}-${i}`);
  return ids.find((id) => isSampled(id, 0.5) === sampled) ?? '';
}

t.test('a share of all ids is sampled, always the same', (t) => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `${i}-1e2c-11e7-93e6-6705ceb4c1cc`);
  const sampled = ids.filter((id) => isSampled(id, 0.1));
  t.ok(Math.abs(sampled.length - 1000) < 150, `${sampled.length} of 10,000`);
  t.same(
    sampled.filter((id) => !isSampled(id, 0.2)),
    [],
    'a larger share holds the smaller',
  );
  t.notOk(ids.some((id) => isSampled(id, 0)));
  t.ok(ids.every((id) => isSampled(id, 1)));
  t.end();
});

t.test(
  'architecture, storage, provisioned concurrency, samples, tiers, unknown prices',
  async (t) => {
    const folder = t.testdir();
    const live = `${ARN.replace('checkout', 'pay')}:live`;
    const settings = {
      secret: SECRET,
      region: 'us-east-1',
      architectures: { checkout: 'arm64' },
      ephemeral_storage: { checkout: '1536' },
      provisioned_concurrency: { [live.replace('eu-west-1', 'us-east-1')]: '10 x 1024' },
      tier: 2,
      sample: '0.5',
    };
    const { url, stop } = await runningReceiver(lambda, folder, settings);
    const push = (name: string, metrics: object, record: object = {}, region = 'us-east-1') => {
      const arn = ARN.replace('checkout', name).replace('eu-west-1', region);
      return post(url, [platform(metrics, { requestId: idThat(name, false), ...record })], {
        'lambda-runtime-invoked-function-arn': `${arn}:7`,
      });
    };
    const second = { billedDurationMs: 1000, memorySizeMB: 1024 };
    await push('checkout', second);
    await push('pay', second);
    const tracing = {
      value: 'Root=1-62e900b2-710d76f009d6e7785905449a;Sampled=1',
      spanId: '54565fb41ac79632',
    };
    const one = idThat('one', true);
    await push('one', { ...second, durationMs: 900.5 }, { requestId: one, tracing });
    await push('far', second, {}, 'mars-north-1');
    await stop();
    const { rows, rejected, lines } = await drained(lambda, folder, {
      settings,
      mapping: serverless,
    });
    const costs = rows.map((row) => [
      row.ResourceName,
      row.SkuId,
      row.PricingQuantity,
      row.ListUnitPrice,
    ]);
    t.same(costs.filter(([, sku]) => sku !== 'Lambda-Provisioned-Concurrency').toSorted(), [
      ['checkout', 'Lambda-GB-Second-ARM', '1', '0.0000120001'],
      ['checkout', 'Lambda-Storage-GB-Second', '1', '0.0000000309'],
      ['checkout', 'Request-ARM', '1', '0.0000002'],
      ['one', 'Lambda-GB-Second', '1', '0.000015'],
      ['one', 'Request', '1', '0.0000002'],
      ['pay', 'Lambda-Provisioned-GB-Second', '1', '0.0000097222'],
      ['pay', 'Request', '1', '0.0000002'],
    ]);
    t.same(costs.find(([, sku]) => sku === 'Lambda-Provisioned-Concurrency')?.slice(1), [
      'Lambda-Provisioned-Concurrency',
      '600',
      '0.0000041667',
    ]);
    t.match(
      rows.find(({ ResourceName }) => ResourceName === 'one'),
      {
        ChargePeriodStart: '2026-09-17T10:00:29.099Z',
        ChargePeriodEnd: '2026-09-17T10:00:30Z',
        x_TraceId: '62e900b2710d76f009d6e7785905449a',
        x_SpanId: '54565fb41ac79632',
        x_PriceSource: 'public: since 2025-10-01, tier 2',
        Tags: new RegExp(`"faas.invocation_id":"${one}"`),
      },
    );
    t.same(rejected, { unknown_price: 2 });
    t.match(lines, [
      { level: 'warn', fields: { sku: 'Lambda-GB-Second', region: 'mars-north-1' } },
      {},
    ]);
  },
);

t.test('a minute of provisioned concurrency counts once', (t) => {
  const table = { [`${ARN}:live`]: '2 x 512' };
  const ids = (at: number) => provisionedMinute(table, at).flatMap((record) => record.ids);
  t.same(ids(AT), ids(AT + 1));
  t.notSame(ids(AT), ids(AT + 60_000));
  t.end();
});

t.test(
  'a function of a sidecar has its name from the settings; a wrong clock holds nothing up',
  async (t) => {
    const folder = t.testdir();
    const settings = { secret: SECRET, function_arn: ARN };
    const { url, stop } = await runningReceiver(lambda, folder, settings);
    await post(url, [platform(), platform({}, {}, '2031-01-01T00:00:00Z')]);
    await stop();
    const { rows } = await drained(lambda, folder, { settings, mapping: serverless });
    t.same(
      rows.map(({ ResourceId, ChargePeriodStart }) => [ResourceId, ChargePeriodStart]),
      ['2026-09-17T10:00:00Z', '2031-01-01T00:00:00Z'].flatMap((start) => [
        [ARN, start],
        [ARN, start],
      ]),
    );
  },
);

t.test('a full spool tells Firehose to come again', async (t) => {
  const { url, stop } = await runningReceiver(lambda, t.testdir(), {
    secret: SECRET,
    spool_size: '64KiB',
  });
  const records = Array.from({ length: 400 }, (_, i) => packed(logs([text(`Status: ${i}`)])));
  const answer = await post(url, firehose(records), asFirehose);
  t.equal(answer.status, 503);
  t.equal(answer.headers.get('retry-after'), '30');
  t.match(await answer.json(), { requestId: 'r-1', errorMessage: /full/ });
  await stop();
});

t.test('settings of a wrong form name their place', async (t) => {
  const wrong = {
    'prices.Request': { prices: { Request: 'cheap' } },
    'architectures.a': { architectures: { a: 'mips' } },
    'ephemeral_storage.a': { ephemeral_storage: { a: '2GB' } },
    'provisioned_concurrency.a': { provisioned_concurrency: { a: '1 x 128' } },
    function_arn: { function_arn: 'checkout' },
    sample: { sample: '2' },
  };
  for (const [path, settings] of Object.entries(wrong)) {
    const run = drained(lambda, t.testdir(), {
      settings: { secret: SECRET, ...settings },
      mapping: serverless,
    });
    await t.rejects(run, { name: 'Misconfigured', path: `receivers.test.${path}` }, path);
  }
  await t.rejects(checkedSettings(lambda, {}), /secret/);
});
