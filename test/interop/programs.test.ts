import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { credentials } from '@grpc/grpc-js';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as ProtoExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import t, { type Test } from 'tap';
import { cached, type Recipe, unavailable } from './programs/cache.ts';
import { makeCertificates } from './programs/certs.ts';
import { collector, startCollector } from './programs/collector.ts';
import { csvConfig, variable } from './programs/collector-config.ts';
import { goRecipe, step } from './programs/go.ts';
import { freePorts } from './programs/ports.ts';
import { prometheus, startPrometheus } from './programs/prometheus.ts';
import { start } from './programs/running.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(30 * 60_000);

const FAKE: Recipe = {
  name: 'fake',
  version: '1',
  source: 'a',
  build: async (folder) => writeFile(join(folder, 'fake'), '#!/bin/sh\n'),
};

/** Builds may take this long for the rest of a test, however long all the tests have taken. */
function timeToBuild(t: Test, ms: number): void {
  const until = process.env.FOCUSD_BUILD_UNTIL;
  process.env.FOCUSD_BUILD_UNTIL = String(Date.now() + ms);
  t.teardown(() => {
    if (until === undefined) delete process.env.FOCUSD_BUILD_UNTIL;
    else process.env.FOCUSD_BUILD_UNTIL = until;
  });
}

t.test('a program is built once, whoever asks', async (t) => {
  timeToBuild(t, 60_000);
  const cache = t.testdir();
  const log = join(t.testdirName, 'builds');
  const recipe: Recipe = {
    ...FAKE,
    build: async (folder) => {
      await appendFile(log, 'x');
      await FAKE.build(folder);
    },
  };
  const answers = await Promise.all([1, 2, 3].map(() => cached(recipe, cache)));
  const again = await cached(recipe, cache);
  const other = await cached({ ...recipe, source: 'b' }, cache);
  t.same(new Set([...answers, again].map((answer) => JSON.stringify(answer))).size, 1);
  t.notSame(other, again, 'another recipe is another program');
  t.equal(readFileSync(log, 'utf8'), 'xx');
});

t.test('a program that cannot be had says why, and a failed build leaves nothing', async (t) => {
  timeToBuild(t, 60_000);
  const cache = t.testdir();
  const lacking = async () => Promise.reject(unavailable('no compiler'));
  t.same(await cached({ ...FAKE, build: lacking }, cache), { skip: 'no compiler' });
  const broken = async (folder: string) => {
    await FAKE.build(folder);
    throw new Error('broken');
  };
  await t.rejects(cached({ ...FAKE, build: broken }, cache), { message: 'broken' });
  t.match(await cached(FAKE, cache), { path: /fake$/ }, 'and the next build succeeds');
});

t.test('a machine without Go is told so', async (t) => {
  timeToBuild(t, 60_000);
  const { PATH = '' } = process.env;
  const nice = PATH.split(delimiter)
    .map((folder) => join(folder, 'nice'))
    .find(existsSync);
  if (nice === undefined) return t.plan(0, 'this system has no "nice"');
  const cache = t.testdir({ bin: { nice: t.fixture('symlink', nice) } });
  t.teardown(() => {
    process.env.PATH = PATH;
  });
  process.env.PATH = join(cache, 'bin');
  const command = { name: 'x', version: '1', package: 'example.org/x', module: 'v1', flags: [] };
  t.match(await cached(goRecipe(command), cache), { skip: /Go is not installed/ });
});

t.test('free ports differ', async (t) => {
  t.equal(new Set(await freePorts(5)).size, 5);
});

t.test('a server ends with the process that started it, even by SIGKILL', async (t) => {
  const serve = 'console.log("ready"); setInterval(() => {}, 1000)';
  const how = { path: process.execPath, args: ['-e', serve], cwd: t.testdir() };
  const module = JSON.stringify(new URL('./programs/running.ts', import.meta.url));
  const script = `
    import { start } from ${module};
    console.log((await start({ ...${JSON.stringify(how)}, ready: /ready/ })).pid);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const [line] = await once(parent.stdout, 'data');
  const server = Number(String(line));
  t.ok(lives(server));
  parent.kill('SIGKILL');
  while (lives(server)) await delay(10);
  await t.rejects(start({ ...how, ready: /never/, within: 5000 }), { message: /5000 ms:\nready/ });
});

t.test('OpenTelemetry Collector', async (t) => {
  const program = await collector();
  if ('skip' in program) return t.plan(0, program.skip);

  t.test('takes OTLP/HTTP logs and writes them as they are', async (t) => {
    const running = await startCollector({ dir: t.testdir() });
    t.teardown(() => running.stop());
    const sent = logRequest('focus.charge');
    t.equal(await post(`http://127.0.0.1:${running.httpPort}/v1/logs`, sent), 200);
    t.same(await running.until('logs', (requests) => requests.length === 1), [sent]);
    t.equal(await running.selfMetric('otelcol_receiver_accepted_log_records'), 1);
    const usage = running.usage();
    if (usage !== undefined) t.ok(usage.peakBytes > 1e6 && usage.cpuSeconds > 0);
  });

  t.test('comes back on its ports after a crash and goes on in its file', async (t) => {
    const dir = t.testdir();
    const first = await startCollector({ dir });
    const ports = { grpc: first.grpcPort, http: first.httpPort };
    await post(`http://127.0.0.1:${ports.http}/v1/logs`, logRequest('before'));
    await first.until('logs', (requests) => requests.length === 1);
    await first.stop('SIGKILL');
    await t.rejects(post(`http://127.0.0.1:${ports.http}/v1/logs`, logRequest('while')));
    const second = await startCollector({ dir, ports });
    t.teardown(() => second.stop());
    await post(`http://127.0.0.1:${ports.http}/v1/logs`, logRequest('after'));
    const seen = await second.until('logs', (requests) => requests.length === 2);
    t.same(seen, [logRequest('before'), logRequest('after')]);
  });

  t.test('takes gRPC metrics over mutual TLS only from clients it knows', async (t) => {
    const dir = t.testdir();
    const certs = await makeCertificates(join(dir, 'certs'));
    const strange = await makeCertificates(join(dir, 'strange'));
    if ('skip' in certs || 'skip' in strange) return t.plan(0, 'openssl is not installed');
    const tls = { cert: certs.serverCert, key: certs.serverKey, clientCa: certs.ca };
    const running = await startCollector({ dir, tls });
    t.teardown(() => running.stop());
    const url = `https://localhost:${running.grpcPort}`;
    const client = (key: string, cert: string) =>
      new GrpcExporter({
        url,
        timeoutMillis: 3000,
        credentials: credentials.createSsl(
          readFileSync(certs.ca),
          readFileSync(key),
          readFileSync(cert),
        ),
      });
    await t.rejects(gauge(client(strange.clientKey, strange.clientCert), 1));
    await gauge(client(certs.clientKey, certs.clientCert), 12.34);
    const seen = await running.until('metrics', (requests) => requests.length > 0);
    t.match(JSON.stringify(seen), /"name":"focus.cost","unit":"\{USD\}".*"asDouble":12.34/);
    t.equal(seen.length, 1, 'and nothing from the stranger');
    const secure = { ca: readFileSync(certs.ca), port: running.httpPort, path: '/v1/logs' };
    await t.rejects(overTls(secure), 'HTTP without a certificate');
    const shown = { key: readFileSync(certs.clientKey), cert: readFileSync(certs.clientCert) };
    t.equal(await overTls({ ...secure, ...shown }), 200, 'HTTP with one');
  });

  t.test('refuses a gRPC message above its limit', async (t) => {
    const large = (mebibytes: number) => 'x'.repeat(mebibytes * 1024 * 1024);
    const dir = t.testdir({ 1: {}, 4: {} });
    const send = async (limit: number) => {
      const running = await startCollector({
        dir: join(dir, String(limit)),
        maxRecvMsgSizeMib: limit,
      });
      t.teardown(() => running.stop());
      const exporter = new GrpcExporter({ url: `http://127.0.0.1:${running.grpcPort}` });
      return gauge(exporter, 1, { padding: large(2) });
    };
    await t.rejects(send(1));
    await t.resolves(send(4));
  });

  t.test('reads a CSV file row by row with an own configuration', async (t) => {
    const header = 'BilledCost,ServiceName';
    const dir = t.testdir({ 'bill.csv': `${header}\n0.1,"Compute, large"\n0.2,Storage\n` });
    const file = { path: `${variable('DIR')}/logs.jsonl`, flush_interval: '20ms' };
    const reading = { file: join(dir, 'bill.csv'), header, exporter: { file }, batch: 1000 };
    const running = await startCollector({ dir, config: csvConfig(reading) });
    t.teardown(() => running.stop());
    const seen = JSON.stringify(await running.until('logs', (requests) => requests.length > 0));
    t.match(seen, /"key":"ServiceName","value":\{"stringValue":"Compute, large"\}/);
    t.equal(await running.selfMetric('otelcol_exporter_sent_log_records'), 3, 'header and rows');
  });

  t.test('says why a configuration does not start', async (t) => {
    await t.rejects(startCollector({ dir: t.testdir(), config: 'receivers: { nonsense: {} }' }), {
      message: /nonsense/,
    });
  });
});

t.test('Prometheus', async (t) => {
  const program = await prometheus();
  if ('skip' in program) return t.plan(0, program.skip);

  t.test('answers queries about OTLP metrics, also after a restart', async (t) => {
    const dir = t.testdir();
    const first = await startPrometheus({ dir });
    await gauge(new ProtoExporter({ url: first.otlpUrl }), 12.34, { provider: 'aws' });
    const seen = await first.query('{__name__=~"focus_cost.*"}');
    t.match(seen, [{ value: '12.34', labels: { provider: 'aws', job: 'focusd' } }]);
    await t.rejects(first.query('sum('), { message: /parse error/ });
    await first.stop();
    const second = await startPrometheus({ dir });
    t.teardown(() => second.stop());
    const value = { labels: seen[0]?.labels, value: '12.34' };
    t.match(await second.query('{__name__=~"focus_cost.*"}[1h]'), [value]);
  });
});

function lives(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function logRequest(eventName: string): object {
  const record = {
    timeUnixNano: '1767225600000000000',
    body: { stringValue: 'a charge' },
    attributes: [{ key: 'rows', value: { intValue: '9007199254740993' } }],
    eventName,
  };
  return { resourceLogs: [{ resource: {}, scopeLogs: [{ scope: {}, logRecords: [record] }] }] };
}

async function post(url: string, body: object): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return answer.status;
}

/** Posts a log over TLS; `fetch` knows no client certificates. */
function overTls(options: object): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const call = request({ host: 'localhost', method: 'POST', headers, ...options }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    call.once('error', reject);
    call.end(JSON.stringify(logRequest('over TLS')));
  });
}

/** Exports one gauge point; rejects where the receiver did not take it. */
async function gauge(
  exporter: PushMetricExporter,
  value: number,
  attributes: Readonly<Record<string, string>> = {},
): Promise<void> {
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const resource = resourceFromAttributes({ 'service.name': 'focusd' });
  const provider = new MeterProvider({ resource, readers: [reader] });
  provider.getMeter('test').createGauge('focus.cost', { unit: '{USD}' }).record(value, attributes);
  const { resourceMetrics } = await reader.collect();
  await new Promise<void>((resolve, reject) => {
    exporter.export(resourceMetrics, ({ error }) => (error ? reject(error) : resolve()));
  });
  await exporter.shutdown();
}

t.test('builds end when their time is over', async (t) => {
  const folder = t.testdir({ programs: {} });
  const build = { command: 'sleep', args: ['60'], cwd: folder, env: {} };
  const over = { name: 'Unavailable', message: /FOCUSD_BUILD_MINUTES/ };
  timeToBuild(t, 300);
  await t.rejects(step(build), over, 'one that is under way');
  await t.rejects(step(build), over, 'one that would begin');
  const lock = new DatabaseSync(join(folder, 'programs', 'lock'));
  lock.exec('BEGIN EXCLUSIVE');
  timeToBuild(t, 300);
  const recipe = { name: 'fake', version: '1', source: '', build: async () => {} };
  t.match(await cached(recipe, folder), { skip: over.message }, 'one that waits for another');
  lock.close();
  timeToBuild(t, 60_000);
  await t.resolves(step({ ...build, args: ['0'] }));
});
