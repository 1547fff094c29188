/** Services of the OpenTelemetry SDK for Python and the real collector send traces; a bill comes; the collector gets the links. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hourlyBill } from './hourly-bill.ts';
import { logRecords, type MetricPoint, metricPoints } from './otlp-json.ts';
import { collector, startCollector } from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import { startAgent } from './programs/focusd.ts';
import { freePorts } from './programs/ports.ts';
import { pythonSdk, serve } from './programs/python-sdk.ts';

t.setTimeout(10 * 60_000);

const programs = [await collector(), await pythonSdk()];
const missing = programs.find((program) => 'skip' in program);
const skip = missing !== undefined && 'skip' in missing ? missing.skip : false;

const HOUR = 3_600_000;
const MINUTE = 60_000;
const INSTANCE = 'arn:aws:ec2:eu-west-1:123456789012:instance/i-0123456789abcdef0';
const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:resize';
const NIGHTLY = 'arn:aws:lambda:eu-west-1:123456789012:function:nightly';

/** What comes in on the standard port goes on by gRPC, what comes in on `other` by HTTP. */
function config(grpc: number, http: number, other: number): string {
  const file = (signal: string) => ({
    path: `${variable('DIR')}/${signal}.jsonl`,
    append: true,
    flush_interval: '20ms',
  });
  return JSON.stringify({
    receivers: {
      otlp: {
        protocols: {
          grpc: { endpoint: variable('OTLP_GRPC') },
          http: { endpoint: variable('OTLP_HTTP') },
        },
      },
      'otlp/other': { protocols: { grpc: { endpoint: `127.0.0.1:${other}` } } },
    },
    exporters: {
      'otlp/focusd': { endpoint: `127.0.0.1:${grpc}`, tls: { insecure: true } },
      'otlphttp/focusd': { endpoint: `http://127.0.0.1:${http}` },
      'file/logs': file('logs'),
      'file/metrics': file('metrics'),
    },
    service: {
      pipelines: {
        traces: { receivers: ['otlp'], exporters: ['otlp/focusd'] },
        'traces/http': { receivers: ['otlp/other'], exporters: ['otlphttp/focusd'] },
        logs: { receivers: ['otlp'], exporters: ['file/logs'] },
        metrics: { receivers: ['otlp'], exporters: ['file/metrics'] },
      },
    },
  });
}

t.test('known busy shares come out as linked cost', { skip }, async (t) => {
  const dir = t.testdir({ bills: {} });
  const [grpc = 0, http = 0, other = 0] = await freePorts(3);
  const backend = await startCollector({
    dir: join(dir, 'collector'),
    config: config(grpc, http, other),
  });
  t.teardown(() => backend.stop());
  const agent = await startAgent({
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills')],
    exporters: {
      otlp: { endpoint: `http://127.0.0.1:${backend.grpcPort}`, metrics: { interval: '1s' } },
    },
    extensions: {
      traces: {
        grpc: { endpoint: `127.0.0.1:${grpc}` },
        http: { endpoint: `127.0.0.1:${http}` },
      },
    },
  });
  t.teardown(() => agent.stop());

  const start = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
  const host = { 'host.id': 'i-0123456789abcdef0' };
  const folder = (name: string): string => {
    mkdirSync(join(dir, name));
    return join(dir, name);
  };
  const shop = await serve({
    dir: folder('shop'),
    resource: { 'service.name': 'shop', ...host },
    spans: [
      { startMs: start, ms: 20 * MINUTE },
      { startMs: start + 20 * MINUTE, ms: 10 * MINUTE, fails: true },
    ],
    protocol: 'grpc',
    endpoint: `http://127.0.0.1:${backend.grpcPort}`,
  });
  const cart = await serve({
    dir: folder('cart'),
    resource: { 'service.name': 'cart', ...host },
    spans: [{ startMs: start + 30 * MINUTE, ms: 15 * MINUTE }],
    protocol: 'http/protobuf',
    endpoint: `http://127.0.0.1:${http}`,
  });
  const resize = await serve({
    dir: folder('resize'),
    resource: { 'service.name': 'resize', 'cloud.resource_id': `${FUNCTION}:live` },
    spans: Array.from({ length: 4 }, (_, i) => ({ startMs: start + i * MINUTE, ms: 1500 })),
    protocol: 'grpc',
    endpoint: `http://127.0.0.1:${grpc}`,
    compressed: false,
  });
  const nightly = await serve({
    dir: folder('nightly'),
    resource: { 'service.name': 'nightly', 'cloud.resource_id': NIGHTLY },
    spans: [{ startMs: start + MINUTE, ms: 900 }],
    protocol: 'grpc',
    endpoint: `http://127.0.0.1:${other}`,
  });
  // Four of the shop, two of the nightly job: the collector sends them at once, but not in the call of the service.
  const sent = async (): Promise<boolean> =>
    (await backend.selfMetric('otelcol_exporter_sent_spans')) >= 6;
  while (!(await sent())) await new Promise((resolve) => setTimeout(resolve, 50));

  writeFileSync(
    join(dir, 'bills', 'bill.csv'),
    hourlyBill(start, [
      ['1.2', 'Amazon EC2', INSTANCE],
      ['0.002', 'AWS Lambda', FUNCTION],
      ['0.00004', 'AWS Lambda', NIGHTLY],
    ]),
  );
  const all = logRecords(
    await backend.until('logs', (requests) =>
      logRecords(requests).some(({ eventName }) => eventName === 'finops.link'),
    ),
  );
  const records = all.filter(({ eventName }) => eventName === 'finops.link');
  const charges = all.filter(({ eventName }) => eventName === 'focus.cost_and_usage.charge');
  t.strictSame(
    Object.fromEntries(
      charges.map(({ rest, attributes }) => [
        attributes['focus.resource_id'],
        [rest.traceId || undefined, attributes['finops.link.confidence']],
      ]),
    ),
    {
      [INSTANCE]: [undefined, undefined],
      [FUNCTION]: [undefined, undefined],
      [NIGHTLY]: [nightly[0], 'exact'],
    },
    'the charge that is of one trace has its id',
  );
  const costs = Object.fromEntries(
    records.map(({ rest, attributes }) => [
      rest.traceId || attributes['finops.link.reason'],
      attributes['finops.link.cost.decimal'],
    ]),
  );
  t.strictSame(costs, {
    ...Object.fromEntries([...shop.map((id, i) => [id, ['0.4', '0.2'][i]] as const)]),
    [String(cart[0])]: '0.3',
    idle: '0.3',
    ...Object.fromEntries(resize.map((id) => [id, '0.0005'])),
    [String(nightly[0])]: '0.00004',
  });
  const metrics = await backend.until(
    'metrics',
    (requests) => points(requests, 'finops.cost.linked').length >= 4,
  );
  const linked = Object.fromEntries(
    points(metrics, 'finops.cost.linked').map(({ attributes, value }) => [
      `${attributes['service.name']} ${attributes['finops.link.method']} ${attributes['finops.link.confidence']}`,
      value,
    ]),
  );
  t.strictSame(linked, {
    'shop duration_weighted medium': 0.6,
    'cart duration_weighted medium': 0.3,
    'resize sole_owner high': 0.002,
    'nightly id exact': 0.00004,
  });
  const perRequest = Object.fromEntries(
    points(metrics, 'finops.cost.per_request').map(({ attributes, value }) => [
      attributes['service.name'],
      value,
    ]),
  );
  t.strictSame(perRequest, { shop: 0.3, cart: 0.3, resize: 0.0005, nightly: 0.00004 });
  const unlinked = points(metrics, 'finops.cost.unlinked').map(({ value }) => value);
  t.strictSame(new Set(unlinked), new Set([0.3]));
});

/** The newest points of a metric. */
function points(requests: readonly unknown[], wanted: string): readonly MetricPoint[] {
  return metricPoints(requests).filter(({ name }) => name === wanted);
}
