/** The examples for Kafka and traces, as a new user runs them: the file as it is, and the commands of the README. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { type Running, startFocusd } from '../helpers/focusd-process.ts';
import { hourlyBill } from './hourly-bill.ts';
import { type LogRecord, logRecords } from './otlp-json.ts';
import { type Collector, collector, startCollector } from './programs/collector.ts';
import { variable } from './programs/collector-config.ts';
import { kafka, startKafka } from './programs/kafka.ts';
import { freePorts } from './programs/ports.ts';
import { pythonSdk, serve } from './programs/python-sdk.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const HOUR = 3_600_000;
const CHARGE = 'focus.cost_and_usage.charge';

/** The example with ports that are free here; all else is as a new user finds it. Answers its path. */
function example(
  name: string,
  folder: string,
  extensions: Readonly<Record<string, object>> = {},
): string {
  const file = new URL(`../../config/examples/${name}.yaml`, import.meta.url);
  const written = parse(readFileSync(file, 'utf8'));
  const own = { ...written.extensions, health: { endpoint: '127.0.0.1:0' } };
  for (const [extension, settings] of Object.entries(extensions))
    own[extension] = { ...own[extension], ...settings };
  const service = { ...written.service, telemetry: { metrics: { address: 'off' } } };
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, stringify({ ...written, extensions: own, service }));
  return path;
}

/** As an operator ends it; what it wrote can then be removed. */
async function ended(agent: Running): Promise<void> {
  agent.kill('SIGTERM');
  await agent.ended;
}

/** The arguments after a command in the README, and what it is told by a here document. */
function written(readme: string, command: string): { args: readonly string[]; input: string } {
  const found = new RegExp(`bin/${command}\\.sh ([^\\n]*?)(?: <<'ROWS'\\n(.*?)ROWS)?\\n`, 's').exec(
    readme,
  );
  if (found === null) throw new Error(`the README has no ${command}`);
  return { args: (found[1] ?? '').split(' '), input: found[2] ?? '' };
}

async function records(from: Collector, eventName: string): Promise<readonly LogRecord[]> {
  const named = (requests: readonly unknown[]) =>
    logRecords(requests).filter((record) => record.eventName === eventName);
  return named(await from.until('logs', (requests) => named(requests).length > 0, 120_000));
}

t.test('kafka.yaml takes the charge that the README publishes', async (t) => {
  const programs = [await kafka(), await collector()];
  const missing = programs.find((program) => 'skip' in program);
  if (missing !== undefined && 'skip' in missing) return t.plan(0, missing.skip);
  const folder = t.testdir({});
  const broker = await startKafka({ dir: join(folder, 'kafka') });
  t.teardown(() => broker.stop());
  const backend = await startCollector({ dir: join(folder, 'collector') });
  t.teardown(() => backend.stop());
  const readme = readFileSync(
    new URL('../../plugins/receivers/kafka/README.md', import.meta.url),
    'utf8',
  );
  const run = async (tool: string, command: string) => {
    const { args, input } = written(readme, command);
    const here = args.map((arg) => arg.replace('127.0.0.1:9092', broker.broker));
    await broker.tool(`org.apache.kafka.tools.${tool}`, here, input);
  };
  await run('TopicCommand', 'kafka-topics');
  const agent = startFocusd(t, ['run', '-c', example('kafka', folder)], {
    env: {
      KAFKA_BROKER: broker.broker,
      FOCUSD_STORAGE: join(folder, 'state'),
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${backend.grpcPort}`,
    },
  });
  await run('ConsoleProducer', 'kafka-console-producer');
  const [charge, ...more] = await records(backend, CHARGE);
  t.match(charge?.attributes, { 'focus.billed_cost': 0.25, 'finops.owner': 'shop' });
  t.same(more, []);
  await ended(agent);
});

t.test('traces.yaml links a bill to what a collector sends a copy of', async (t) => {
  const programs = [await collector(), await pythonSdk()];
  const missing = programs.find((program) => 'skip' in program);
  if (missing !== undefined && 'skip' in missing) return t.plan(0, missing.skip);
  const folder = t.testdir({ bills: {}, service: {} });
  const [grpc = 0, http = 0] = await freePorts(2);
  const path = example('traces', folder, {
    traces: {
      grpc: { endpoint: `127.0.0.1:${grpc}` },
      http: { endpoint: `127.0.0.1:${http}` },
    },
  });
  // The exporter that the example shows in its comment, and a backend for what the agent sends.
  const backend = await startCollector({
    dir: join(folder, 'collector'),
    config: JSON.stringify({
      receivers: { otlp: { protocols: { grpc: { endpoint: variable('OTLP_GRPC') } } } },
      exporters: {
        'otlp/focusd': { endpoint: `127.0.0.1:${grpc}`, tls: { insecure: true } },
        file: { path: `${variable('DIR')}/logs.jsonl`, append: true, flush_interval: '20ms' },
        nop: {},
      },
      service: {
        pipelines: {
          traces: { receivers: ['otlp'], exporters: ['otlp/focusd'] },
          logs: { receivers: ['otlp'], exporters: ['file'] },
          metrics: { receivers: ['otlp'], exporters: ['nop'] },
        },
      },
    }),
  });
  t.teardown(() => backend.stop());
  const endpoint = `http://127.0.0.1:${backend.grpcPort}`;
  const agent = startFocusd(t, ['run', '-c', path], {
    env: {
      FOCUSD_BILLS: join(folder, 'bills'),
      FOCUSD_STORAGE: join(folder, 'state'),
      OTLP_ENDPOINT: endpoint,
    },
  });
  await agent.until(({ message }) => message === 'agent is ready');
  const start = Math.floor(Date.now() / HOUR) * HOUR - HOUR;
  const resource = 'arn:aws:lambda:eu-west-1:123456789012:function:nightly';
  mkdirSync(join(folder, 'service'), { recursive: true });
  const [traceId] = await serve({
    dir: join(folder, 'service'),
    resource: { 'service.name': 'nightly', 'cloud.resource_id': resource },
    spans: [{ startMs: start, ms: 900 }],
    protocol: 'grpc',
    endpoint,
  });
  for (let i = 0; i < 600 && (await backend.selfMetric('otelcol_exporter_sent_spans')) < 2; i++)
    await delay(100);
  writeFileSync(
    join(folder, 'bills', 'bill.csv'),
    hourlyBill(start, [['0.5', 'AWS Lambda', resource]]),
  );
  const [link] = await records(backend, 'finops.link');
  t.match(link, {
    rest: { traceId },
    attributes: {
      'service.name': 'nightly',
      'finops.link.confidence': 'exact',
      'finops.link.cost.decimal': '0.5',
    },
  });
  t.match(await records(backend, CHARGE), [{ rest: { traceId } }]);
  await ended(agent);
});
