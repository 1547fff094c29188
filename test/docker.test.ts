/** docker/: no engine runs here, so the files are held against each other, against schemas and against the agent's own checks. */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { configure } from '../agent/configure.ts';
import { FRUGAL } from '../agent/frugal-malloc.ts';
import { OWN_METRICS, type OwnMetric } from '../agent/own-metrics.ts';
import { version } from '../agent/version.ts';
import type { Configuration } from '../config/validate.ts';
import { attributeName, decimal } from '../pipelines/focus/index.ts';
import { TOTAL_DIMENSIONS } from '../pipelines/plugin/index.ts';
import { parseEndpoint } from '../plugins/kit/endpoint.ts';
import { createCostMetrics } from '../plugins/kit/points.ts';
import { GROUP, PLURAL } from '../plugins/receivers/kubernetes/allocations/cost-allocation.ts';
import { rulesOf } from './docs/alerts-table.ts';
import { prometheusName } from './docs/metrics-table.ts';
import {
  dashboard,
  dockerFile,
  documents,
  expressions,
  imageOf,
  stages,
} from './helpers/deployment-files.ts';
import {
  asCompose,
  asManifest,
  type Container,
  type Manifest,
  type PodSpec,
} from './helpers/deployment-schemas.ts';

const ROOT = join(import.meta.dirname, '..');
const IMAGE = imageOf(dockerFile('Dockerfile'));
const COMPOSE = asCompose(documents(dockerFile('compose.yaml'))[0]);
const FLAVOURS = ['deployment', 'daemonset', 'sidecar', 'cluster-costs'] as const;

t.test('every YAML file is YAML without doubts', async (t) => {
  const files = globSync('docker/**/*.yaml', { cwd: ROOT }).map((path) =>
    path.slice('docker/'.length),
  );
  t.ok(files.length >= 9);
  for (const file of files) t.ok(documents(dockerFile(file)).length > 0, file);
});

t.test('the image is pinned, not root, and is built from what is there', async (t) => {
  const built = stages(dockerFile('Dockerfile'));
  t.equal(built.length, 2);
  for (const [from] of built) t.match(from?.text, /^node:24\.\d+\.\d+-slim( AS build)?$/);
  t.match(IMAGE.user, /^[1-9]\d+:[1-9]\d+$/, 'a number, so that runAsNonRoot can be checked');
  t.equal(IMAGE.stopSignal, 'SIGTERM');
  t.same(IMAGE.command, ['focusd', 'run', '-c', '/etc/focusd/focusd.yaml']);
  t.same(IMAGE.volumes, ['/var/lib/focusd']);
  t.ok(IMAGE.environment.TMPDIR?.startsWith('/var/lib/focusd'), 'temporary files go to the volume');
  t.match(IMAGE.environment, FRUGAL, 'malloc gives freed buffers back from the start');
  const ignored = ignoring(readIgnore());
  const copied = built
    .flat()
    .filter(({ name, options }) => name === 'COPY' && !('from' in options));
  for (const source of copied.flatMap(({ text }) => text.split(/\s+/).slice(0, -1))) {
    t.ok(existsSync(join(ROOT, source)), `${source} is there`);
    if (source !== '.') t.notOk(ignored(source), `${source} is not ignored`);
  }
  for (const kept of [
    'agent/main.ts',
    'test/helpers/conformance.ts',
    'LICENSE',
    'NOTICE',
    '.ci/package.mjs',
  ])
    t.notOk(ignored(kept), `${kept} is part of the build`);
  for (const left of ['node_modules', '.git', 'dist', 'docker/compose.yaml', 'test/docker.test.ts'])
    t.ok(ignored(left), `${left} stays outside`);
  t.match(dockerFile('Dockerfile'), `VERSION=${version()}\n`);
});

t.test('the configuration of the image is good and listens where the image says', async (t) => {
  const { configuration } = await configured(dockerFile('focusd.yaml'));
  t.same(ports(configuration), [...IMAGE.ports].sort());
  t.ok(configuration.storage.folder.startsWith('/var/lib/focusd/'), 'state is on the volume');
  t.match(IMAGE.healthcheck.join(' '), `127.0.0.1:${IMAGE.ports[0]}/ready`);
  const set = await configured(dockerFile('focusd.yaml'), {
    OTLP_ENDPOINT: 'http://elsewhere:4317',
    FOCUSD_WORKERS: '3',
  });
  t.equal(set.configuration.workers, 3);
  t.equal(set.configuration.exporters[0]?.settings.endpoint, 'http://elsewhere:4317');
});

t.test('compose: everything that is named is there', async (t) => {
  const { services, volumes } = COMPOSE;
  const own = Object.values(services).filter(({ image }) => image.startsWith('focusd:'));
  t.equal(own.length, 2);
  for (const { image } of own) t.equal(image, `focusd:${version()}`);
  for (const [name, service] of Object.entries(services)) {
    for (const other of service.depends_on ?? []) t.ok(services[other], `${name} needs ${other}`);
    for (const mount of service.volumes ?? []) {
      const [source = ''] = mount.replace(/^\$\{\w+:-(\w+)\}/, '$1').split(':');
      const there = source.startsWith('.')
        ? existsSync(join(ROOT, 'docker', source))
        : source in volumes;
      t.ok(there, `${name} mounts ${source}`);
    }
  }
  const published = Object.values(services).flatMap((service) => service.ports ?? []);
  t.equal(new Set(published).size, published.length, 'no port twice');
  const inner = (services.focusd?.ports ?? []).map((port) => Number(port.split(':')[2]));
  t.same(inner.sort(), [...IMAGE.ports].sort());
  t.ok(
    existsSync(
      join(
        ROOT,
        'docker',
        services.focusd?.build?.context ?? '',
        services.focusd?.build?.dockerfile ?? '',
      ),
    ),
  );
});

t.test('the way from the agent to the dashboard has no gap', async (t) => {
  const { services } = COMPOSE;
  const [collector] = documents(dockerFile('collector.yaml')) as readonly Collector[];
  for (const [signal, { receivers, processors, exporters }] of Object.entries(
    collector?.service.pipelines ?? {},
  )) {
    for (const name of receivers) t.ok(name in (collector?.receivers ?? {}), `${signal}: ${name}`);
    for (const name of processors)
      t.ok(name in (collector?.processors ?? {}), `${signal}: ${name}`);
    for (const name of exporters) t.ok(name in (collector?.exporters ?? {}), `${signal}: ${name}`);
  }
  const { OTLP_ENDPOINT = '' } = services.focusd?.environment ?? {};
  t.ok(services[new URL(OTLP_ENDPOINT).hostname]);
  t.ok(collector?.receivers.otlp.protocols.grpc.endpoint.includes(new URL(OTLP_ENDPOINT).port));
  const { endpoint } = collector?.exporters['otlp_http/prometheus'] ?? { endpoint: '' };
  const [, onward = ''] = /:-(http[^}]+)\}/.exec(endpoint) ?? [];
  t.match(new URL(onward), { hostname: 'prometheus', port: '9090', pathname: '/api/v1/otlp' });
  t.ok(services.prometheus?.command?.includes('--web.enable-otlp-receiver'));
  const [prometheus] = documents(dockerFile('prometheus.yaml')) as readonly Prometheus[];
  t.same(prometheus?.scrape_configs[0]?.static_configs[0]?.targets, ['focusd:8888']);
  const [sources] = documents(
    dockerFile('grafana/provisioning/datasources/prometheus.yaml'),
  ) as readonly Sources[];
  t.match(sources?.datasources, [{ uid: 'prometheus', url: 'http://prometheus:9090' }]);
});

for (const flavour of FLAVOURS) {
  t.test(`kubernetes/${flavour}.yaml fits together`, async (t) => {
    const manifests = documents(dockerFile(`kubernetes/${flavour}.yaml`)).map(asManifest);
    const named = (kind: string): readonly (string | undefined)[] =>
      manifests.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
    const workload = manifests.find(({ spec }) => spec?.template !== undefined);
    const pod = workload?.spec?.template;
    if (pod === undefined) throw new Error('no workload');
    t.match(pod.metadata.labels, workload?.spec?.selector?.matchLabels ?? {});
    for (const { spec, kind } of manifests.filter(
      ({ kind }) => kind === 'Service' || kind === 'NetworkPolicy',
    ))
      t.match(pod.metadata.labels, spec?.podSelector?.matchLabels ?? spec?.selector ?? {}, kind);
    if (pod.spec.serviceAccountName !== undefined)
      t.ok(named('ServiceAccount').includes(pod.spec.serviceAccountName));
    t.equal(
      pod.spec.automountServiceAccountToken,
      manifests.some(({ roleRef }) => roleRef !== undefined),
      'a token only for who has a role',
    );
    for (const { roleRef, subjects = [] } of manifests) {
      if (roleRef !== undefined) t.ok(named('ClusterRole').includes(roleRef.name));
      for (const one of subjects) t.equal(one.name, pod.spec.serviceAccountName);
    }
    for (const { configMap, persistentVolumeClaim } of pod.spec.volumes) {
      if (configMap !== undefined) t.ok(named('ConfigMap').includes(configMap.name));
      if (persistentVolumeClaim !== undefined)
        t.ok(named('PersistentVolumeClaim').includes(persistentVolumeClaim.claimName));
    }
    for (const container of containers(pod.spec)) fits(t, container, pod.spec);
    const agent = containers(pod.spec).find(({ name }) => name === 'focusd');
    const env = Object.fromEntries((agent?.env ?? []).map(({ name }) => [name, 'worker-1']));
    const { configuration } = await configured(settingsIn(manifests), env);
    t.same(
      ports(configuration),
      (agent?.ports ?? []).map(({ containerPort }) => containerPort).sort(),
    );
    t.match(agent?.livenessProbe, { httpGet: { path: '/live', port: 'health' } });
    if (agent?.restartPolicy === undefined)
      t.match(agent?.readinessProbe, { httpGet: { path: '/ready' } });
    const writable = (agent?.volumeMounts ?? []).map(({ mountPath }) => mountPath);
    t.ok(writable.includes('/var/lib/focusd') && writable.includes('/etc/focusd'));
    t.ok(configuration.storage.folder.startsWith('/var/lib/focusd/'));
  });
}

t.test('kubernetes/cost-allocations.yaml goes with cluster-costs.yaml', async (t) => {
  const all = documents(dockerFile('kubernetes/cost-allocations.yaml')).map(asManifest);
  const [definition, role, binding] = all;
  t.match(definition, {
    kind: 'CustomResourceDefinition',
    metadata: { name: `${PLURAL}.${GROUP}` },
  });
  t.equal(binding?.roleRef?.name, role?.metadata.name);
  const accounts = documents(dockerFile('kubernetes/cluster-costs.yaml')).map(asManifest);
  const account = accounts.find(({ kind }) => kind === 'ServiceAccount')?.metadata.name;
  t.same(
    binding?.subjects?.map(({ name }) => name),
    [account],
  );
});

t.test('a manifest with a slip does not fit', async (t) => {
  const [account] = documents(dockerFile('kubernetes/deployment.yaml'));
  t.throws(
    () => asManifest({ ...(account as object), automountServiceAccountTokn: false }),
    /Tokn/,
  );
  const services = { focusd: { ...COMPOSE.services.focusd, ports: ['8888:8888'] } };
  t.throws(() => asCompose({ ...COMPOSE, services }), /ports\/0: must match/);
});

t.test('the dashboard asks for metrics and labels that exist', async (t) => {
  const board = dashboard();
  const known = prometheusNames();
  const labels = prometheusLabels();
  for (const [where, expression] of expressions(board)) {
    const names = expression.match(/\b(?:focus|finops|focusd)_\w+/g) ?? [];
    t.ok(names.length > 0, `${where} asks for something`);
    for (const name of names) t.ok(known.has(name) || labels.has(name), `${where}: ${name}`);
    for (const [, variable = ''] of expression.matchAll(/\$(?!__)(\w+)/g))
      t.ok(
        board.templating.list.some(({ name }) => name === variable),
        `${where}: $${variable}`,
      );
  }
  const uids = [...board.panels, ...board.templating.list].map(({ datasource }) => datasource?.uid);
  t.same(
    [...new Set(uids)].filter((uid) => uid !== undefined),
    ['prometheus'],
  );
  t.equal(new Set(board.panels.map(({ id }) => id)).size, board.panels.length);
  const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  );
  t.equal(new Set(cells).size, cells.length, 'no panel lies over another');
});

t.test('the alerts ask for metrics that exist, and say what to do', async (t) => {
  const [prometheus] = documents(dockerFile('prometheus.yaml')) as readonly Prometheus[];
  t.same(prometheus?.rule_files, ['prometheus/alerts.yaml']);
  t.ok(
    COMPOSE.services.prometheus?.volumes?.includes(
      './prometheus/alerts.yaml:/etc/prometheus/prometheus/alerts.yaml:ro',
    ),
  );
  const known = prometheusNames();
  for (const { alert, record, expr, labels, annotations } of rulesOf(
    dockerFile('prometheus/alerts.yaml'),
  )) {
    const names = [...expr.matchAll(/\b(?:focusd|finops)_\w+/g)].map(([name]) => name);
    t.ok(names.length > 0 || expr.includes('focusd:'), `${alert ?? record} asks for something`);
    for (const name of names) t.ok(known.has(name.replace(/_bucket$/, '')), `${name} is there`);
    if (alert === undefined) continue;
    t.match(labels?.severity, /^(critical|warning)$/, alert);
    t.ok(annotations?.summary && annotations.runbook, `${alert} says what to do`);
  }
});

interface Collector {
  readonly receivers: {
    readonly otlp: { readonly protocols: { readonly grpc: { readonly endpoint: string } } };
  };
  readonly processors: Readonly<Record<string, unknown>>;
  readonly exporters: Readonly<Record<string, { readonly endpoint: string }>>;
  readonly service: {
    readonly pipelines: Readonly<
      Record<string, Readonly<Record<'receivers' | 'processors' | 'exporters', readonly string[]>>>
    >;
  };
}

interface Prometheus {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly {
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
}

interface Sources {
  readonly datasources: readonly unknown[];
}

function configured(text: string, env: Readonly<Record<string, string>> = {}) {
  return configure({ text, folder: '/etc/focusd', file: 'focusd.yaml' }, env);
}

/** Where the agent listens for others: on all interfaces, or nobody outside the container reaches it. */
function ports({ extensions, telemetry, warnings }: Configuration): readonly number[] {
  if (warnings.length > 0) throw new Error(JSON.stringify(warnings));
  const health = extensions.find(({ type }) => type === 'health')?.settings.endpoint;
  return [String(health), telemetry.metrics.address]
    .map((address) => parseEndpoint(address, 'address'))
    .map(({ host, port }) => (host === '0.0.0.0' ? port : Number.NaN))
    .sort();
}

function containers({ initContainers = [], containers: main }: PodSpec): readonly Container[] {
  return [...initContainers, ...main];
}

function fits(t: Test, container: Container, pod: PodSpec): void {
  const { name, image, ports: open = [], volumeMounts = [] } = container;
  if (image.startsWith('focusd')) t.equal(image, `focusd:${version()}`);
  for (const mount of volumeMounts)
    t.ok(
      pod.volumes.some((volume) => volume.name === mount.name),
      `${name} mounts ${mount.name}`,
    );
  for (const probe of [container.startupProbe, container.livenessProbe, container.readinessProbe])
    if (probe !== undefined)
      t.ok(
        open.some((port) => port.name === probe.httpGet.port),
        `${name} probes ${probe.httpGet.port}`,
      );
}

function settingsIn(manifests: readonly Manifest[]): string {
  return manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['focusd.yaml'] ?? '';
}

/** The rules of .dockerignore that are used here: `*`, and what is let in again. */
function ignoring(lines: readonly string[]): (path: string) => boolean {
  const kept = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  if (!lines.includes('*')) throw new Error('.dockerignore does not start from nothing');
  return (path) => !kept.some((entry) => path === entry || path.startsWith(`${entry}/`));
}

function readIgnore(): readonly string[] {
  return dockerFile('../.dockerignore').split('\n');
}

const SUFFIXES: Readonly<Record<string, string>> = { s: '_seconds', '1': '_ratio' };

/** Names as Prometheus knows them: what comes by OTLP has its unit at the end, what is scraped has not. */
function prometheusNames(): ReadonlySet<string> {
  const underscored = (name: string): string => name.replaceAll('.', '_');
  const costs = costMetrics().map(
    ({ name, unit }) => `${underscored(name)}${SUFFIXES[unit] ?? ''}`,
  );
  const own = Object.entries<OwnMetric>(OWN_METRICS).map(([name, { kind }]) =>
    prometheusName(name, kind),
  );
  return new Set([...costs, ...own]);
}

function prometheusLabels(): ReadonlySet<string> {
  const dimensions = TOTAL_DIMENSIONS.map((name) =>
    name === 'owner' ? 'finops.owner' : attributeName(name),
  );
  const seen = costMetrics().flatMap(({ points }) =>
    points.flatMap(({ attributes }) => Object.keys(attributes)),
  );
  return new Set([...dimensions, ...seen].map((name) => name.replaceAll('.', '_')));
}

function costMetrics() {
  const now = Date.UTC(2026, 8, 17);
  const one = decimal('1');
  const costs = { BilledCost: one, EffectiveCost: one, ListCost: one, ContractedCost: one };
  const dimensions = TOTAL_DIMENSIONS.map((name) => name.toLowerCase());
  const total = {
    dimensions,
    billingPeriod: '2026-09-01',
    day: '2026-09-16',
    charges: 1,
    costs,
    overflow: false,
  };
  const source = { receiver: 'files', scope: 'bill', committedMs: now, dataUntilMs: now };
  const totals = { version: 1, totals: () => [total], sources: () => [source] };
  return createCostMetrics(totals, { periods: 2, dailyDays: 35, maxSeries: 2000 }).at(now);
}
