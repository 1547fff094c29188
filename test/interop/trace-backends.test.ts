/** From a cost to its trace in real backends: exemplars in Prometheus, and the trace of a charge's record in Jaeger. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { hourlyBill } from './hourly-bill.ts';
import { logRecords } from './otlp-json.ts';
import { collector, startCollector } from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import { startAgent } from './programs/focusd.ts';
import { jaeger, startJaeger } from './programs/jaeger.ts';
import { freePorts } from './programs/ports.ts';
import { prometheus, startPrometheus } from './programs/prometheus.ts';
import { pythonSdk, serve } from './programs/python-sdk.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const HOUR = 3_600_000;
const MINUTE = 60_000;
const FUNCTIONS = 'arn:aws:lambda:eu-west-1:123456789012:function:';
const START = Math.floor(Date.now() / HOUR) * HOUR - HOUR;

/** A function that ran so many milliseconds at a time; answers the ids of its traces. */
async function ran(
  name: string,
  {
    dir,
    endpoint,
    ms,
  }: { readonly dir: string; readonly endpoint: string; readonly ms: readonly number[] },
): Promise<readonly string[]> {
  const folder = join(dir, name);
  mkdirSync(folder);
  return await serve({
    dir: folder,
    resource: { 'service.name': name, 'cloud.resource_id': `${FUNCTIONS}${name}` },
    spans: ms.map((ms, i) => ({ startMs: START + i * MINUTE, ms })),
    protocol: 'grpc',
    endpoint,
  });
}

/** An agent that takes traces in, and the bills below its folder. */
async function linking(t: Test, dir: string, exporter: object) {
  const [grpc = 0] = await freePorts(1);
  mkdirSync(join(dir, 'bills'));
  const agent = await startAgent({
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills')],
    exporters: { otlp: { metrics: { interval: '1s' }, ...exporter } },
    extensions: { traces: { grpc: { endpoint: `127.0.0.1:${grpc}` }, http: { endpoint: 'off' } } },
  });
  t.teardown(() => agent.stop());
  return {
    endpoint: `http://127.0.0.1:${grpc}`,
    bill: (text: string) => writeFileSync(join(dir, 'bills', 'bill.csv'), text),
  };
}

/** Asks until there is an answer, for a minute. */
async function some<T>(ask: () => Promise<readonly T[]>, atLeast = 1): Promise<readonly T[]> {
  const end = performance.now() + 60_000;
  for (;;) {
    const found = await ask();
    if (found.length >= atLeast || performance.now() > end) return found;
    await delay(200);
  }
}

const missing = async (...programs: Promise<{ path: string } | { skip: string }>[]) => {
  const program = (await Promise.all(programs)).find((one) => 'skip' in one);
  return program !== undefined && 'skip' in program ? program.skip : false;
};

t.test('Prometheus shows the spans behind a linked cost', async (t) => {
  const skip = await missing(prometheus(), pythonSdk());
  if (skip !== false) return t.plan(0, skip);
  const dir = t.testdir({});
  const backend = await startPrometheus({
    dir: join(dir, 'prometheus'),
    features: ['exemplar-storage'],
  });
  t.teardown(() => backend.stop());
  const { endpoint, bill } = await linking(t, dir, {
    endpoint: backend.otlpUrl.replace(/\/v1\/metrics$/, ''),
    protocol: 'http/protobuf',
    logs: { enabled: false },
  });
  const resize = await ran('resize', { dir, endpoint, ms: [1000, 3000] });
  const nightly = await ran('nightly', { dir, endpoint, ms: [900] });
  bill(
    hourlyBill(START, [
      ['0.002', 'AWS Lambda', `${FUNCTIONS}resize`],
      ['0.00004', 'AWS Lambda', `${FUNCTIONS}nightly`],
    ]),
  );
  const within = { start: START / 1000 - 1, end: START / 1000 + 3600 };
  const found = await some(() => backend.exemplars('finops_cost_linked', within), 3);
  t.strictSame(
    found
      .map(({ series, labels, value, time }) => [
        series.service_name,
        labels.trace_id,
        Number(value),
        time,
      ])
      .sort(),
    [
      ['nightly', nightly[0], 0.00004, START / 1000 + 0.9],
      ['resize', resize[0], 0.0005, START / 1000 + 1],
      ['resize', resize[1], 0.0015, START / 1000 + 63],
    ].sort(),
  );
  t.match(await backend.query('finops_cost_linked{service_name="resize"}'), [{ value: '0.002' }]);
});

t.test('Jaeger shows the trace whose id is on the record of a charge', async (t) => {
  const skip = await missing(jaeger(), collector(), pythonSdk());
  if (skip !== false) return t.plan(0, skip);
  const dir = t.testdir({});
  const traces = await startJaeger(join(dir, 'jaeger'));
  t.teardown(() => traces.stop());
  const [logs = 0] = await freePorts(1);
  const linked = await linking(t, dir, { endpoint: `http://127.0.0.1:${logs}` });
  // What services send goes to Jaeger, and a copy of it to the agent.
  const backend = await startCollector({
    dir: join(dir, 'collector'),
    config: JSON.stringify({
      receivers: {
        otlp: { protocols: { grpc: { endpoint: variable('OTLP_GRPC') } } },
        'otlp/costs': { protocols: { grpc: { endpoint: `127.0.0.1:${logs}` } } },
      },
      exporters: {
        'otlp/jaeger': { endpoint: `127.0.0.1:${traces.otlpPort}`, tls: { insecure: true } },
        'otlp/focusd': { endpoint: linked.endpoint.slice(7), tls: { insecure: true } },
        file: { path: `${variable('DIR')}/logs.jsonl`, append: true, flush_interval: '20ms' },
        nop: {},
      },
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['otlp/jaeger', 'otlp/focusd'] },
          logs: { receivers: ['otlp/costs'], exporters: ['file'] },
          metrics: { receivers: ['otlp/costs'], exporters: ['nop'] },
        },
      },
    }),
  });
  t.teardown(() => backend.stop());
  const endpoint = `http://127.0.0.1:${backend.grpcPort}`;
  const [traceId = ''] = await ran('nightly', { dir, endpoint, ms: [900] });
  const others = await ran('resize', { dir, endpoint, ms: [1000, 3000] });
  // Each span has a child of kind client; both exporters got all six.
  await some(async () =>
    (await backend.selfMetric('otelcol_exporter_sent_spans')) >= 12 ? ['sent'] : [],
  );
  linked.bill(
    hourlyBill(START, [
      ['0.00004', 'AWS Lambda', `${FUNCTIONS}nightly`],
      ['0.002', 'AWS Lambda', `${FUNCTIONS}resize`],
    ]),
  );
  const records = logRecords(
    await backend.until('logs', (requests) =>
      logRecords(requests).some(({ eventName }) => eventName === 'finops.link'),
    ),
  );
  const charge = records.find(
    ({ eventName, attributes }) =>
      eventName === 'focus.cost_and_usage.charge' &&
      attributes['focus.resource_id'] === `${FUNCTIONS}nightly`,
  );
  t.equal(charge?.rest.traceId, traceId);
  const spans = await some(() => traces.trace(String(charge?.rest.traceId)), 2);
  t.strictSame(
    spans.map(({ name, service }) => [service, name]).sort(),
    [
      ['nightly', 'GET /'],
      ['nightly', 'SELECT'],
    ],
    'the trace is the one of the function that the charge is of',
  );
  t.equal(spans.find(({ name }) => name === 'GET /')?.spanId, charge?.rest.spanId);
  const links = records.filter(({ eventName }) => eventName === 'finops.link');
  for (const id of others) {
    t.ok(links.some(({ rest }) => rest.traceId === id));
    t.match(await traces.trace(id), [{ service: 'resize' }, { service: 'resize' }]);
  }
});
