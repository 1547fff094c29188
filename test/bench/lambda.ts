/**
 * Lambda reports through the receiver `aws-lambda` into charges: pushed over HTTP, fsync before each answer, summed by minute and mapped; sender and receiver in
 * one process. Peer: `JSON.parse` of the same bytes alone. `node test/bench/lambda.ts`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import serverless from '../../pipelines/normalize/mappings/serverless.ts';
import lambda from '../../plugins/receivers/aws-lambda/index.ts';
import { drained, runningReceiver } from '../helpers/running-receiver.ts';

const REPORTS = 1_000_000;
const PER_PUSH = 1_000;
const PUSHES = REPORTS / PER_PUSH;
const SECRET = 'bench';
const START = Date.UTC(2026, 8, 17, 10);

const forms = {
  'Telemetry API': {
    body: telemetry,
    headers: {},
    peer: (body: Buffer) => void JSON.parse(body.toString('utf8')),
  },
  'Firehose, JSON lines in gzip': {
    body: (push: number) => firehose(push, json),
    headers: {
      'x-amz-firehose-source-arn': 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs',
    },
    peer: parseFirehose,
  },
  'Firehose, text lines in gzip': {
    body: (push: number) => firehose(push, text),
    headers: {
      'x-amz-firehose-source-arn': 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs',
    },
    peer: parseFirehose,
  },
};
for (const [name, form] of Object.entries(forms)) await measure(name, form);

async function measure(
  name: string,
  form: {
    readonly body: (push: number) => Buffer;
    readonly headers: Readonly<Record<string, string>>;
    readonly peer: (body: Buffer) => void;
  },
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'focusd-lambda-'));
  const bodies = Array.from({ length: PUSHES }, (_, push) => form.body(push));
  const peer = cpuSeconds(process.cpuUsage(), () => bodies.forEach(form.peer));
  const settings = { secret: SECRET };
  const started = process.cpuUsage();
  const { url, stop } = await runningReceiver(lambda, folder, settings);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  let next = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (next < bodies.length)
        await post(url, bodies[next++] as Buffer, { agent, headers: form.headers });
    }),
  );
  await stop();
  const { rows } = await drained(lambda, folder, { settings, mapping: serverless });
  const used = cpuSeconds(started, () => {});
  const requests = rows.filter(({ SkuId }) => SkuId === 'Request');
  const counted = requests.reduce((sum, { PricingQuantity }) => sum + Number(PricingQuantity), 0);
  if (counted !== REPORTS) throw new Error(`${counted} of ${REPORTS} reports were counted`);
  console.log(
    `${name}: ${Math.round(REPORTS / used)} reports a CPU-second into ${rows.length} charges (sender included), ${(used / peer).toFixed(1)} × the time of JSON.parse alone (${Math.round(REPORTS / peer)} a CPU-second), RSS ${Math.round(process.memoryUsage().rss / 1e6)} MB (all pushes included)`,
  );
  agent.destroy();
  rmSync(folder, { recursive: true });
}

function cpuSeconds(since: NodeJS.CpuUsage, work: () => void): number {
  work();
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
}

function post(
  url: string,
  body: Buffer,
  { agent, headers }: { readonly agent: Agent; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  const answered = Promise.withResolvers<void>();
  request(`${url}/lambda`, {
    method: 'POST',
    agent,
    headers: {
      'content-length': body.length,
      'x-amz-firehose-access-key': SECRET,
      'lambda-runtime-invoked-function-arn':
        'arn:aws:lambda:eu-west-1:123456789012:function:checkout:7',
      ...headers,
    },
  })
    .on('error', answered.reject)
    .on('response', (response) => {
      if (response.statusCode !== 200 && response.statusCode !== 202)
        answered.reject(new Error(`answered with ${response.statusCode}`));
      response.resume().on('end', answered.resolve);
    })
    .end(body);
  return answered.promise;
}

/** A thousand reports a second. */
function timeOf(push: number, i: number): number {
  return START + push * PER_PUSH + i;
}

function idOf(push: number, i: number): string {
  return `${String(push).padStart(8, '0')}-1e2c-41e7-93e6-${String(i).padStart(12, '0')}`;
}

function event(push: number, i: number): object {
  return {
    time: new Date(timeOf(push, i)).toISOString(),
    type: 'platform.report',
    record: {
      requestId: idOf(push, i),
      metrics: { durationMs: 11.52, billedDurationMs: 12, memorySizeMB: 512, maxMemoryUsedMB: 84 },
      tracing: {
        spanId: '54565fb41ac79632',
        type: 'X-Amzn-Trace-Id',
        value: 'Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1',
      },
      status: 'success',
    },
  };
}

function telemetry(push: number): Buffer {
  return Buffer.from(JSON.stringify(Array.from({ length: PER_PUSH }, (_, i) => event(push, i))));
}

function json(push: number, i: number): string {
  return JSON.stringify(event(push, i));
}

function text(push: number, i: number): string {
  return `REPORT RequestId: ${idOf(push, i)}\tDuration: 11.52 ms\tBilled Duration: 12 ms\tMemory Size: 512 MB\tMax Memory Used: 84 MB\t\nXRAY TraceId: 1-62e900b2-710d76f009d6e7785905449a\tSegmentId: 54565fb41ac79632\tSampled: true\t\n`;
}

function firehose(push: number, line: (push: number, i: number) => string): Buffer {
  const log = {
    messageType: 'DATA_MESSAGE',
    owner: '123456789012',
    logGroup: '/aws/lambda/checkout',
    logStream: '2026/09/17/[7]0a1b2c3d4e5f',
    logEvents: Array.from({ length: PER_PUSH }, (_, i) => ({
      id: String(i),
      timestamp: timeOf(push, i),
      message: line(push, i),
    })),
  };
  const data = gzipSync(JSON.stringify(log), { level: 1 }).toString('base64');
  return Buffer.from(
    JSON.stringify({ requestId: String(push), timestamp: START, records: [{ data }] }),
  );
}

function parseFirehose(body: Buffer): void {
  const { records } = JSON.parse(body.toString('utf8')) as { records: { data: string }[] };
  for (const { data } of records)
    JSON.parse(gunzipSync(Buffer.from(data, 'base64')).toString('utf8'));
}
