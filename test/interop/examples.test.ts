/** Each example of a deployment, as a new user runs it: the file as it is, told by the environment where the programs are that really run here. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse, stringify } from 'yaml';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/index.ts';
import { nodeOf } from '../../plugins/receivers/kubernetes/objects.ts';
import { focusd, type Running, startFocusd } from '../helpers/focusd-process.ts';
import { rawNode } from '../helpers/kube-objects.ts';
import { accountOf, apply, fresh, made, NODES, pod, startCluster } from './kube-cluster.ts';
import { startKubelet } from './kubelet.ts';
import { logRecords } from './otlp-json.ts';
import { type Collector, collector, startCollector } from './programs/collector.ts';
import { moto, startMoto } from './programs/moto.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const EXAMPLES = new URL('../../config/examples/', import.meta.url);
const HOUR_MS = 3_600_000;

type Environment = Readonly<Record<string, string>>;

/** The example with ports that are free here; all else is as a new user finds it. Answers its path. */
function example(name: string, folder: string): string {
  const written = parse(readFileSync(new URL(`${name}.yaml`, EXAMPLES), 'utf8'));
  for (const extension of ['health', 'debug'])
    if (extension in written.extensions)
      written.extensions[extension] = { endpoint: '127.0.0.1:0' };
  const telemetry = { ...written.service.telemetry, metrics: { address: 'off' } };
  const path = join(folder, `${name}.yaml`);
  writeFileSync(path, stringify({ ...written, service: { ...written.service, telemetry } }));
  return path;
}

async function backend(t: Test, dir: string): Promise<Collector | { readonly skip: string }> {
  const program = await collector();
  if ('skip' in program) return program;
  const started = await startCollector({ dir: join(dir, 'collector') });
  t.teardown(() => started.stop());
  return started;
}

interface Charge {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

function chargesIn(requests: readonly unknown[]): readonly Charge[] {
  return logRecords(requests).filter(
    ({ eventName }) => eventName === 'focus.cost_and_usage.charge',
  ) as readonly Charge[];
}

/** Waits for them: of an hour that is just over they come with the second look, and a look is a minute. */
async function charges(from: Collector, atLeast: number): Promise<readonly Charge[]> {
  const requests = await from.until('logs', (all) => chargesIn(all).length >= atLeast, 600_000);
  return chargesIn(requests);
}

function billed(of: readonly Charge[]): string {
  return formatDecimal(
    sum(of.map(({ attributes }) => decimal(String(attributes['focus.billed_cost'])))),
  );
}

/** A bill of this month below a folder. */
async function bill(folder: string, rows: number, seed: number) {
  return await generateBill({
    ...{ folder, provider: 'aws', format: 'csv', rows, seed, revision: 1, faults: 0, parts: 1 },
    month: new Date().toISOString().slice(0, 7),
  });
}

async function ready(agent: Running): Promise<void> {
  await agent.until(({ message }) => message === 'agent is ready');
}

await t.test('sidecar: bills on a volume that both share', async (t) => {
  const folder = t.testdir({ bills: {} });
  const upstream = await backend(t, folder);
  if ('skip' in upstream) return t.plan(0, upstream.skip);
  const env = {
    FOCUSD_BILLS: join(folder, 'bills'),
    FOCUSD_STORAGE: join(folder, 'data'),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${upstream.grpcPort}`,
  };
  const path = example('sidecar', folder);
  t.equal((await focusd(t, ['validate', '-c', path], { env })).code, 0);
  const truth = await bill(env.FOCUSD_BILLS, 300, 3);
  startFocusd(t, ['run', '-c', path], { env });
  const arrived = await charges(upstream, truth.charges);
  t.equal(billed(arrived), truth.costs.BilledCost, 'to the last decimal');
});

await t.test('per account: an agent for each, one collector for all', async (t) => {
  const program = await moto();
  if ('skip' in program) return t.plan(0, program.skip);
  const folder = t.testdir({ s3: {} });
  const upstream = await backend(t, folder);
  if ('skip' in upstream) return t.plan(0, upstream.skip);
  const s3 = await startMoto(join(folder, 's3'));
  t.teardown(() => s3.stop());
  const path = example('per-account', folder);
  const expected = new Map<string, string>();
  let rows = 0;
  for (const [account, seed] of [
    ['111111111111', 5],
    ['222222222222', 6],
  ] as const) {
    const truth = await bill(join(folder, account), 200, seed);
    rows += truth.charges;
    expected.set(account, truth.costs.BilledCost);
    const bucket = `billing-${account}`;
    const month = `BILLING_PERIOD=${new Date().toISOString().slice(0, 7)}`;
    const data = `exports/focus/data/${month}/part.csv`;
    await s3.put(bucket, '', '');
    for (const file of truth.files)
      await s3.put(bucket, data, readFileSync(join(folder, account, file)));
    const manifest = {
      executionId: 'run-1',
      exportName: 'focus',
      dataFiles: [`s3://${bucket}/${data}`],
    };
    await s3.put(
      bucket,
      `exports/focus/metadata/${month}/focus-Manifest.json`,
      JSON.stringify(manifest),
    );
    const user = await s3.user(
      {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: ['s3:ListBucket', 's3:GetObject'], Resource: '*' }],
      },
      account,
    );
    const env: Environment = {
      FOCUSD_BUCKET: bucket,
      FOCUSD_ACCOUNT: account,
      FOCUSD_STORAGE: join(folder, `data-${account}`),
      AWS_ENDPOINT_URL_S3: s3.url,
      AWS_ACCESS_KEY_ID: user.accessKeyId,
      AWS_SECRET_ACCESS_KEY: user.secretAccessKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${upstream.grpcPort}`,
    };
    const seen = await focusd(t, ['test-receiver', 'aws-data-exports', '-c', path], { env });
    t.match(seen.stdout, /1 bill would be read/, seen.stderr);
    startFocusd(t, ['run', '-c', path], { env });
  }
  const arrived = await charges(upstream, rows);
  for (const [account, cost] of expected) {
    const own = arrived.filter(({ resource }) => resource['service.instance.id'] === account);
    t.equal(billed(own), cost, `${account}: to the last decimal`);
  }
});

await t.test(
  'DaemonSet and cluster: what pods cost, and what is written on the node',
  async (t) => {
    const cluster = await startCluster(t);
    if ('skip' in cluster) return t.plan(0, cluster.skip);
    const { kube, dir } = cluster;
    const upstream = await backend(t, dir);
    if ('skip' in upstream) return t.plan(0, upstream.skip);
    await apply(cluster, 'daemonset.yaml');
    await apply(cluster, 'cluster-costs.yaml');
    await made(kube, NODES, fresh(rawNode('a')));
    await pod(kube, 'web', { cpu: '500m', memory: '1Gi' });
    const pods = () => [{ name: 'web', uid: 'unknown', cores: 1, bytes: 2 ** 30 }];
    const kubelet = await startKubelet(t, cluster, { node: 'a', pods });
    const costs = join(dir, 'costs');
    mkdirSync(costs);
    const truth = await bill(costs, 100, 9);
    const common = {
      K8S_CLUSTER_NAME: 'prod',
      KUBERNETES_API: kube.url,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${upstream.grpcPort}`,
    };

    const node = {
      ...common,
      K8S_NODE_NAME: 'a',
      KUBERNETES_SERVICE_ACCOUNT: (await accountOf(cluster, 'focusd-node')).folder,
      KUBELET_PORT: String(kubelet.port),
      FOCUSD_COSTS: costs,
      FOCUSD_STORAGE: join(dir, 'node'),
    };
    const daemonset = example('daemonset', dir);
    const seen = await focusd(t, ['test-receiver', 'kubernetes', '-c', daemonset], { env: node });
    t.equal(seen.code, 0, seen.stdout + seen.stderr);
    t.match(seen.stdout, /cluster prod, 1 nodes/);
    leaveHour(join(dir, 'node'));
    startFocusd(t, ['run', '-c', daemonset], { env: node });
    const arrived = await charges(upstream, truth.charges + 3);
    const isEstimate = ({ attributes }: Charge) =>
      attributes['focus.x_cost_source'] === 'estimated';
    t.equal(billed(arrived.filter((one) => !isEstimate(one))), truth.costs.BilledCost);
    const effective = arrived
      .filter(isEstimate)
      .map(({ attributes }) => decimal(String(attributes['focus.effective_cost'])));
    t.equal(formatDecimal(sum(effective)), '0.192', 'the hour of the node');
    t.ok(kubelet.statuses.length > 0 && kubelet.statuses.every((status) => status === 200));

    const whole = {
      ...common,
      KUBERNETES_SERVICE_ACCOUNT: (await accountOf(cluster, 'focusd-cluster-costs')).folder,
      KUBERNETES_USAGE: 'requests',
      FOCUSD_STORAGE: join(dir, 'cluster'),
      FOCUSD_RATES: join(dir, 'rates.csv'),
    };
    writeFileSync(
      whole.FOCUSD_RATES,
      'provider,sku,price,currency,valid_from,region\nAWS,m5.xlarge,0.5,USD,2026-01-01,eu-west-1\n',
    );
    const central = example('kubernetes', dir);
    const looked = await focusd(t, ['test-receiver', 'kubernetes', '-c', central], { env: whole });
    t.equal(looked.code, 0, looked.stdout + looked.stderr);
    const before = arrived.length;
    const agent = startFocusd(t, ['run', '-c', central], { env: whole });
    await ready(agent);
    await agent.until(({ message }) => message === 'price list taken');
    agent.kill('SIGTERM');
    await agent.ended;
    leaveHour(join(dir, 'cluster'));
    startFocusd(t, ['run', '-c', central], { env: whole });
    const all = (await charges(upstream, before + 3)).slice(before);
    t.match(
      [...new Set(all.map(({ attributes }) => attributes['focus.x_price_source']))].join(),
      /^catalog: file:.*m5\.xlarge/,
      'at the rate of one’s own',
    );
  },
);

/** The hour before this one, in which the node ran, as an agent leaves it that was stopped at its end. */
function leaveHour(storage: string): void {
  const start = Math.floor(Date.now() / HOUR_MS) * 3600 - 3600;
  const node = nodeOf(rawNode('a'));
  const lines = [
    { cluster: 'prod' },
    ['meter', start + 3600, []],
    ['object', true, node],
    ['hour', start, 3600],
    ['node', node.uid, 3600],
  ];
  const folder = join(storage, 'components/kubernetes@costs/hours');
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    join(folder, 'meter.jsonl'),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
}
