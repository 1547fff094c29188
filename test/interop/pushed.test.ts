/** The examples of serverless functions and of a gateway for CI, as real processes between real pushes and the real collector; killed in between. */
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { type Running, startFocusd } from '../helpers/focusd-process.ts';
import { logRecords, metricPoints } from './otlp-json.ts';
import { collector, startCollector } from './programs/collector.ts';

t.setTimeout(10 * 60_000);

const EXAMPLES = new URL('../../config/examples/', import.meta.url);
const SECRET = 'change-me';
const TRACE = '58406520a006649127e371903a2de979';
/** Of this month: totals of past months are not sent for ever. */
const AT = Date.now() - 60_000;

const report = `REPORT RequestId: 55bc566d\tDuration: 999.40 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\tMax Memory Used: 21 MB\t\nXRAY TraceId: 1-${TRACE.slice(0, 8)}-${TRACE.slice(8)}\tSegmentId: 54565fb41ac79632\tSampled: true\t\n`;
const log = {
  messageType: 'DATA_MESSAGE',
  owner: '123456789012',
  logGroup: '/aws/lambda/checkout',
  logStream: '2026/09/17/[7]0a1b2c3d4e5f',
  logEvents: [{ id: '1', timestamp: AT, message: report }],
};
const firehose = {
  requestId: 'r-1',
  timestamp: AT,
  records: [{ data: gzipSync(JSON.stringify(log)).toString('base64') }],
};
const entry = {
  insertId: '68ac65d5',
  logName: 'projects/shop/logs/run.googleapis.com%2Frequests',
  httpRequest: { status: 200, latency: '1.95s' },
  resource: {
    type: 'cloud_run_revision',
    labels: {
      project_id: 'shop',
      service_name: 'checkout',
      revision_name: 'r',
      location: 'europe-west1',
    },
  },
  timestamp: new Date(AT).toISOString(),
};
const metric = (metricName: string, total: number) => ({
  total,
  resourceId: '/SUBSCRIPTIONS/7A9F/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.WEB/SITES/CHECKOUT',
  time: new Date(AT).toISOString(),
  metricName,
  timeGrain: 'PT1M',
});
const azure = {
  records: [metric('FunctionExecutionUnits', 1_024_000), metric('FunctionExecutionCount', 10)],
};

/** What a service pushes, with the headers and the path that it uses. */
type Push = readonly [
  receiver: string,
  path: string,
  body: object,
  headers: Readonly<Record<string, string>>,
];

const FUNCTIONS: readonly Push[] = [
  [
    'aws-lambda',
    '/lambda',
    firehose,
    {
      'x-amz-firehose-access-key': SECRET,
      'x-amz-firehose-source-arn': 'arn:aws:firehose:eu-west-1:123456789012:deliverystream/logs',
    },
  ],
  [
    'gcp-run',
    `/run?token=${SECRET}`,
    { message: { data: Buffer.from(JSON.stringify(entry)).toString('base64'), messageId: '1' } },
    {},
  ],
  ['azure-functions', '/functions', azure, { authorization: `Bearer ${SECRET}` }],
];

/** Pushes everything; answers the statuses. */
async function pushAll(agent: Running, pushes: readonly Push[]): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const [receiver, path, body, headers] of pushes) {
    const { address } = await agent.until(
      (line) => line.message === 'listens for pushed records' && line.component === receiver,
    );
    const answer = await fetch(`http://${address}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    });
    statuses.push(answer.status);
  }
  return statuses;
}

/** The example with free ports, short pauses, every invocation a charge of its own, and the agent's folder. */
function configuration(example: string, folder: string, sealEvery: string): string {
  const text = readFileSync(new URL(`${example}.yaml`, EXAMPLES), 'utf8')
    .replace(
      /endpoint: 127\.0\.0\.1:91\d\d/g,
      `endpoint: 127.0.0.1:0\n    seal_every: ${sealEvery}`,
    )
    .replace('sample: "0.01"', 'sample: "1"')
    .replace('  health:\n', '  health:\n    endpoint: 127.0.0.1:0\n');
  const path = join(folder, `${example}-${sealEvery}.yaml`);
  writeFileSync(path, `${text}storage:\n  folder: ${join(folder, 'data')}\n`);
  return path;
}

function charged(requests: readonly unknown[]) {
  return logRecords(requests).filter(
    ({ eventName }) => eventName === 'focus.cost_and_usage.charge',
  );
}

t.test('what is pushed arrives once, with its trace, though the agent is killed', async (t) => {
  const program = await collector();
  if ('skip' in program) return t.plan(0, program.skip);
  const folder = t.testdir({});
  const backend = await startCollector({ dir: join(folder, 'collector') });
  t.teardown(() => backend.stop());
  const env = { OTLP_ENDPOINT: `http://127.0.0.1:${backend.grpcPort}` };

  const first = startFocusd(t, ['run', '-c', configuration('serverless', folder, '1h')], { env });
  t.same(await pushAll(first, FUNCTIONS), [200, 202, 202]);
  first.kill('SIGKILL');
  await first.ended;

  const second = startFocusd(t, ['run', '-c', configuration('serverless', folder, '1s')], { env });
  t.same(await pushAll(second, FUNCTIONS), [200, 200, 200], 'the same pushes again');
  const records = charged(
    await backend.until('logs', (requests) => charged(requests).length >= 7, 60_000),
  );
  t.same(
    records
      .map(({ attributes }) => [
        attributes['focus.service_name'],
        attributes['focus.sku_meter'],
        attributes['focus.pricing_quantity'],
        attributes['focus.x_cost_source'],
      ])
      .toSorted(),
    [
      ['AWS Lambda', 'Duration', 1, 'estimated'],
      ['AWS Lambda', 'Requests', 1, 'estimated'],
      ['Cloud Run', 'CPU', 2, 'estimated'],
      ['Cloud Run', 'Memory', 2, 'estimated'],
      ['Cloud Run', 'Requests', 1, 'estimated'],
      ['Functions', 'Execution Time', 1, 'estimated'],
      ['Functions', 'Total Executions', 10, 'estimated'],
    ],
  );
  const traced = records.filter(({ rest }) => rest.traceId === TRACE);
  t.equal(traced.length, 2, 'both charges of the invocation have its trace');
  t.equal(traced[0]?.rest.spanId, '54565fb41ac79632');

  const points = (requests: readonly unknown[]) =>
    metricPoints(requests).filter(({ name }) => name === 'focus.effective_cost');
  const totals = points(
    await backend.until('metrics', (requests) => points(requests).length >= 3, 60_000),
  );
  const cost = (service: string) =>
    totals.find(({ attributes }) => attributes['focus.service_name'] === service)?.value;
  t.equal(cost('AWS Lambda'), 0.0000168667);
  t.ok(totals.every(({ attributes }) => attributes['focus.x_cost_source'] === 'estimated'));
  second.kill('SIGTERM');
  await second.ended;
  t.equal(charged(backend.received('logs')).length, 7, 'and nothing came twice');
});

const STARTED = new Date(AT - 90_000).toISOString();
const workflowJob = {
  action: 'completed',
  workflow_job: {
    id: 4711,
    run_id: 14460881260,
    run_attempt: 13,
    name: 'build',
    labels: ['ubuntu-latest'],
    runner_name: 'GitHub Actions 7',
    status: 'completed',
    conclusion: 'success',
    started_at: STARTED,
    completed_at: new Date(AT).toISOString(),
  },
  repository: { full_name: 'example/shop', private: true, owner: { login: 'example' } },
};
const gitlabJob = {
  build_id: 1977,
  build_name: 'test',
  build_status: 'success',
  build_started_at: STARTED,
  build_finished_at: new Date(AT).toISOString(),
  pipeline_id: 2366,
  project: { path_with_namespace: 'example/group/shop' },
  runner: { runner_type: 'instance_type', tags: ['saas-linux-small-amd64'] },
};
const buildkiteJob = {
  event: 'job.finished',
  job: {
    id: 'b63254c0',
    name: 'test',
    started_at: STARTED,
    finished_at: new Date(AT).toISOString(),
  },
  pipeline: { repository: 'example/shop' },
  organization: { slug: 'example' },
};
const signature = createHmac('sha256', SECRET).update(JSON.stringify(workflowJob)).digest('hex');
const JOBS: readonly Push[] = [
  [
    'github-actions',
    '/github',
    workflowJob,
    {
      'x-github-event': 'workflow_job',
      'x-github-delivery': 'd-1',
      'x-hub-signature-256': `sha256=${signature}`,
    },
  ],
  ['gitlab-ci', '/gitlab', gitlabJob, { 'x-gitlab-event': 'Job Hook', 'x-gitlab-token': SECRET }],
  ['ci-http', '/ci', buildkiteJob, { 'x-buildkite-token': SECRET }],
];

t.test('a gateway for CI: jobs of three services, with owners and the trace', async (t) => {
  const program = await collector();
  if ('skip' in program) return t.plan(0, program.skip);
  const folder = t.testdir({});
  const backend = await startCollector({ dir: join(folder, 'collector') });
  t.teardown(() => backend.stop());
  const env = { OTLP_ENDPOINT: `http://127.0.0.1:${backend.grpcPort}` };
  const agent = startFocusd(t, ['run', '-c', configuration('ci-gateway', folder, '1s')], { env });
  t.same(await pushAll(agent, JOBS), [202, 202, 202]);
  t.same(await pushAll(agent, JOBS), [200, 200, 200]);
  const records = charged(
    await backend.until('logs', (requests) => charged(requests).length >= 3, 60_000),
  );
  t.same(
    records
      .map(({ attributes, rest }) => [
        attributes['focus.service_name'],
        attributes['focus.effective_cost'],
        attributes['finops.owner'],
        rest.traceId,
      ])
      .toSorted(),
    [
      ['Buildkite Pipelines', 0.006, 'example/shop', undefined],
      ['GitHub Actions', 0.012, 'example/shop', '731ec8a47fd7450f753a812a4a8aa5a0'],
      ['GitLab CI/CD', 0.015, 'example/group/shop', undefined],
    ],
  );
  agent.kill('SIGTERM');
  await agent.ended;
});
