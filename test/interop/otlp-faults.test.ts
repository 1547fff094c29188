/** The way to a real OpenTelemetry Collector when something is wrong with it: message limits, outages. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { exactSum } from './exact-sum.ts';
import { type LogRecord, logRecords, metricPoints } from './otlp-json.ts';
import {
  type Collector,
  type CollectorOptions,
  collector,
  startCollector,
} from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import {
  deadLetters,
  focusd,
  type OnePipeline,
  runOnce,
  startOnce,
  writeConfiguration,
} from './programs/focusd.ts';
import { freePorts } from './programs/ports.ts';

t.setTimeout(15 * 60_000);

const program = await collector();
const skip = 'skip' in program ? program.skip : false;

t.test('a limit of message sizes', { skip }, async (t) => {
  const dir = t.testdir();
  const bills = join(dir, 'bills');
  const truth = await bill(bills, 2_000);
  const backend = await running(t, { dir: join(dir, 'collector'), maxRecvMsgSizeMib: 1 });
  const run = async (max_batch_bytes: string) =>
    await runOnce({
      dir: join(dir, max_batch_bytes),
      bills: [bills],
      exporters: {
        otlp: { ...grpc(backend), logs: { max_batch_bytes }, metrics: { enabled: false } },
      },
    });
  const large = await run('3MiB');
  t.match(large.stderr, /RESOURCE_EXHAUSTED: .*larger than max.*lower logs\.max_batch_bytes/);
  const letters = deadLetters(join(dir, '3MiB'));
  t.ok(letters.length > 0);
  const received = logRecords(backend.received('logs')).length;
  const refused = letters.reduce((sum, { rows = 0 }) => sum + rows, 0);
  t.equal(received + refused, truth.charges, 'what did not arrive is a dead letter');
  t.match(letters[0], { kind: 'batch', reason: 'refused_by_backend', exporter: 'otlp' });
  const small = await run('1000KiB');
  t.match(small, { code: 0, stderr: /^((?!"level":"(warn|error)").)*$/s });
  checkTruth(t, logRecords(backend.received('logs')).slice(received), truth);
});

t.test('a collector that comes up later', { skip }, async (t) => {
  const dir = t.testdir();
  const truth = await bill(join(dir, 'bills'), 2_000);
  const [grpcPort = 0, httpPort = 0] = await freePorts(2);
  const exporters = {
    'otlp/grpc': { endpoint: `http://127.0.0.1:${grpcPort}`, metrics: { ...ALL, resource: NAMED } },
    'otlp/http': {
      endpoint: `http://127.0.0.1:${httpPort}`,
      protocol: 'http/protobuf',
      logs: { enabled: false },
      metrics: ALL,
    },
  };
  const once = await startOnce({ dir: join(dir, 'agent'), bills: [join(dir, 'bills')], exporters });
  await once.until(/nothing listens there.*charges could not be sent/);
  const ports = { grpc: grpcPort, http: httpPort };
  const backend = await running(t, { dir: join(dir, 'collector'), ports });
  const ended = await once.finished;
  t.equal(ended.code, 0, ended.stderr);
  checkTruth(t, logRecords(backend.received('logs')), truth);
  const points = metricPoints(backend.received('metrics'));
  for (const service of ['by grpc', 'focusd']) {
    const billed = points.filter(
      ({ name, resource }) => name === 'focus.billed_cost' && resource['service.name'] === service,
    );
    t.equal(exactSum(billed.map(({ value }) => value)), truth.costs.BilledCost, service);
  }
});

/** Everything there is, whatever today's date. */
const ALL = { periods: 24, daily_days: 400, max_series: 100_000 };
const NAMED = { 'service.name': 'by grpc' };

t.test('a collector that is killed and comes back', { skip }, async (t) => {
  const dir = t.testdir();
  const truth = await bill(join(dir, 'bills'), 12_000);
  const store = await running(t, { dir: join(dir, 'store') });
  // The collector that dies passes everything on before it answers: its file exporter would lose what it has confirmed.
  const relay = { dir: join(dir, 'relay'), config: relayTo(store) };
  const first = await startCollector(relay);
  t.teardown(() => first.stop());
  const exporter = {
    ...grpc(first),
    logs: { max_batch_bytes: '64KiB', max_in_flight: 1 },
    metrics: { enabled: false },
    retry: { initial_interval: '100ms' },
  };
  const of: OnePipeline = {
    dir: join(dir, 'agent'),
    bills: [join(dir, 'bills')],
    exporters: { otlp: exporter },
  };
  const once = await startOnce(of);
  await store.until('logs', (requests) => requests.length >= 20);
  await first.stop('SIGKILL');
  await once.until(/charges could not be sent, trying again/);
  const seen = logRecords(store.received('logs')).length;
  t.ok(seen > 0 && seen < truth.charges, `it died after ${seen} of ${truth.charges} charges`);
  const ports = { grpc: first.grpcPort, http: first.httpPort };
  await running(t, { ...relay, ports });
  const ended = await once.finished;
  t.equal(ended.code, 0, ended.stderr);
  const records = logRecords(store.received('logs'));
  const byId = new Map(records.map((record) => [record.attributes['log.record.uid'], record]));
  t.comment(`${records.length - byId.size} charges came twice`);
  checkTruth(t, [...byId.values()], truth);
});

t.test(
  'a collector that is down holds nobody up, and gets what waits for it',
  { skip },
  async (t) => {
    const dir = t.testdir();
    const truth = await bill(join(dir, 'bills'), 4_000);
    const [grpcPort = 0, httpPort = 0] = await freePorts(2);
    const backend = await running(t, { dir: join(dir, 'up') });
    const down: OnePipeline = {
      dir: join(dir, 'agent'),
      bills: [join(dir, 'bills')],
      exporters: {
        'otlp/up': { ...grpc(backend), metrics: { enabled: false } },
        'otlp/down': {
          endpoint: `http://127.0.0.1:${grpcPort}`,
          logs: { max_batch_bytes: '64KiB' },
          metrics: { enabled: false },
          retry: { initial_interval: '10ms', max_elapsed_time: '50ms' },
        },
      },
    };
    const first = focusd(['run', '-c', await writeConfiguration(down)]);
    await first.until(/charges wait for an exporter.*delivery committed/s);
    checkTruth(t, logRecords(backend.received('logs')), truth);
    await first.stop('SIGKILL');

    const again = focusd(['run', '-c', await writeConfiguration(down)]);
    await again.until(/agent is ready/);
    const late = await running(t, {
      dir: join(dir, 'down'),
      ports: { grpc: grpcPort, http: httpPort },
    });
    await again.until(/no charges wait any more/);
    t.equal((await again.stop()).code, 0);
    const byId = new Map(
      logRecords(late.received('logs')).map((record) => [
        record.attributes['log.record.uid'],
        record,
      ]),
    );
    checkTruth(t, [...byId.values()], truth);
    t.equal(
      logRecords(backend.received('logs')).length,
      truth.charges,
      'the other got nothing again',
    );
  },
);

/** OTLP in, OTLP out, without a queue: an answer means that the next one has it. */
function relayTo({ grpcPort }: Collector): string {
  const endpoint = `127.0.0.1:${grpcPort}`;
  const off = { enabled: false };
  const otlp = { endpoint, tls: { insecure: true }, sending_queue: off, retry_on_failure: off };
  return JSON.stringify({
    receivers: { otlp: { protocols: { grpc: { endpoint: variable('OTLP_GRPC') } } } },
    exporters: { otlp_grpc: otlp },
    service: { pipelines: { logs: { receivers: ['otlp'], exporters: ['otlp_grpc'] } } },
  });
}

function grpc({ grpcPort }: Collector) {
  return { endpoint: `http://127.0.0.1:${grpcPort}` };
}

async function bill(folder: string, rows: number): Promise<Truth> {
  return await generateBill({
    folder,
    provider: 'aws',
    format: 'parquet',
    rows,
    seed: 11,
    month: new Date().toISOString().slice(0, 7),
    revision: 1,
    faults: 0,
    parts: 2,
  });
}

function checkTruth(t: Test, records: readonly LogRecord[], truth: Truth): void {
  const ids = new Set(records.map(({ attributes }) => attributes['log.record.uid']));
  t.equal(records.length, truth.charges, 'every charge');
  t.equal(ids.size, truth.charges, 'every charge once');
  for (const [column, name] of [
    ['BilledCost', 'focus.billed_cost'],
    ['EffectiveCost', 'focus.effective_cost'],
  ] as const) {
    const values = records.map(({ attributes }) => Number(attributes[name]));
    t.equal(exactSum(values), truth.costs[column], `the truth of ${column}`);
  }
}

async function running(t: Test, options: CollectorOptions): Promise<Collector> {
  const started = await startCollector(options);
  t.teardown(() => started.stop());
  return started;
}
