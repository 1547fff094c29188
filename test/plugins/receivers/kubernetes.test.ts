import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/index.ts';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import kubernetes from '../../../plugins/receivers/kubernetes/index.ts';
import { rawNode, rawPod } from '../../helpers/kube-objects.ts';
import { type KubeServer, startKubeServer } from '../../helpers/kube-server.ts';
import { type MovedClock, movedClock, until } from '../../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const TEN = Date.parse('2026-09-17T10:00:00Z');
const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';
const NAMESPACES = '/api/v1/namespaces';

/** A server that ends with the test. */
async function startedServer(t: Test): Promise<KubeServer> {
  const server = await startKubeServer();
  t.teardown(() => server.close());
  return server;
}

/** A receiver on its way, with what it delivered: lines by the hour. */
async function running(
  server: KubeServer,
  {
    written = {},
    folder,
    turned = movedClock(TEN),
  }: {
    readonly written?: object;
    readonly folder: string;
    readonly turned?: MovedClock;
  },
) {
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kubeconfigOf(server.url));
  const config = await checkedSettings(kubernetes, {
    kubeconfig,
    prices: { 'm5.xlarge': '0.192' },
    cluster: 'prod',
    usage: 'requests',
    ...written,
  });
  const world = { ...worldOf(config, { folder }), clock: turned.clock };
  const deliveries: Delivery[] = [];
  const lines: Record<string, string>[] = [];
  const ended = (async () => {
    for await (const delivery of kubernetes.receive(world, undefined)) {
      deliveries.push(delivery);
      for (const { path } of delivery.parts)
        for (const line of readFileSync(path, 'utf8').split('\n'))
          if (line !== '') lines.push(JSON.parse(line));
    }
  })().catch((error: unknown) => error);
  return {
    ...{ world, deliveries, lines, turned, ended },
    async stop() {
      world.stop.abort();
      await ended;
      await world.close();
    },
  };
}

function kubeconfigOf(server: string, user: object = { token: 'secret' }): string {
  return JSON.stringify({
    'current-context': 'prod',
    contexts: [{ name: 'prod', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server } }],
    users: [{ name: 'u', user }],
  });
}

/** Waits until a path is watched. */
async function watched(server: KubeServer, path: string, times = 1): Promise<void> {
  const watches = () =>
    server.requests.filter((one) => one.startsWith(`GET ${path}?`) && one.includes('watch=true'));
  await until(() => watches().length >= times);
  await delay(10);
}

const costOf = (lines: readonly Readonly<Record<string, string>>[]) =>
  formatDecimal(sum(lines.map(({ cost }) => decimal(cost ?? '0'))));

t.test('each hour is delivered once it is over, and only once', async (t) => {
  const server = await startedServer(t);
  const folder = t.testdir();
  server.put(NODES, rawNode('a'));
  for (let i = 0; i < 25; i += 1) server.put(PODS, rawPod(`p${i}`, { cpu: '50m' }));
  const first = await running(server, { folder, written: { page_size: 10 } });
  await watched(server, PODS);
  t.equal(server.requests.filter((one) => one.includes('continue=')).length, 2, 'in pages');
  for (let minute = 0; minute < 20; minute += 1) await first.turned.move(60_000);
  server.put(PODS, rawPod('p25', { cpu: '50m', started: '2026-09-17T10:20:00Z' }));
  server.remove(PODS, 'pod-p0');
  await delay(20);
  await first.turned.move(60_000);
  await first.stop();
  t.equal(first.deliveries.length, 0);
  t.ok(existsSync(join(folder, 'hours', 'meter.jsonl')));

  const next = await running(server, { folder, turned: first.turned });
  await watched(server, PODS, 2);
  for (let minute = 21; minute <= 61; minute += 1) await next.turned.move(60_000);
  await until(() => next.deliveries.length === 1);
  t.match(next.deliveries, [
    { scope: 'hours', revision: '2026-09-17T10', mode: 'append', mapping: 'kubernetes-usage' },
  ]);
  t.equal(costOf(next.lines), '0.192');
  const quantity = (name: string) =>
    next.lines.find((one) => one.allocated_name === `shop/${name}/app` && one.unit === 'Core-Hours')
      ?.quantity;
  t.equal(quantity('p1'), '0.05');
  t.equal(quantity('p0'), '0.016666667', 'gone after twenty minutes');
  t.equal(quantity('p25'), '0.033333333', 'there for forty');
  await next.stop();
  t.same(readdirSync(join(folder, 'hours')), ['meter.jsonl']);
});

t.test('a watch that is cut goes on, and one that is too old is listed anew', async (t) => {
  const server = await startedServer(t);
  server.put(NODES, rawNode('a'));
  server.put(PODS, rawPod('one'));
  server.put(PODS, rawPod('two'));
  const run = await running(server, { folder: t.testdir() });
  for (const path of [NODES, NAMESPACES, PODS]) await watched(server, path);
  await run.turned.move(60_000);
  server.cut();
  await until(() => run.turned.sleepers() === 5);
  server.put(PODS, rawPod('three', { started: '2026-09-17T10:01:00Z' }));
  await run.turned.move(2_000, 2);
  for (const path of [NODES, NAMESPACES, PODS]) await watched(server, path, 2);
  const lists = () => server.requests.filter((one) => one.startsWith(`GET ${PODS}?limit`));
  t.equal(lists().length, 1, 'no list anew');
  server.cut();
  await until(() => run.turned.sleepers() === 5);
  server.remove(PODS, 'pod-two');
  server.forget();
  await run.turned.move(4_000, 2);
  await watched(server, PODS, 4);
  t.equal(lists().length, 2, 'listed anew');
  for (let minute = 1; minute <= 61; minute += 1) await run.turned.move(60_000);
  await until(() => run.deliveries.length === 1);
  const cores = (name: string) =>
    Number(run.lines.find((one) => one.allocated_name === `shop/${name}/app`)?.quantity);
  t.equal(cores('one'), 1);
  t.ok(Math.abs(cores('three') - 59 / 60) < 0.001, String(cores('three')));
  t.ok(cores('two') > 0.015 && cores('two') < 0.02, `while it was seen: ${cores('two')}`);
  await run.stop();
});

t.test('the metrics API and kubelets say what is used', async (t) => {
  const server = await startedServer(t);
  server.put(NODES, rawNode('a'));
  server.put(PODS, rawPod('web'));
  const containers = [{ name: 'app', usage: { cpu: '3000000000n', memory: '1Gi' } }];
  server.answer('/apis/metrics.k8s.io/v1beta1/pods', 200, {
    items: [{ metadata: { namespace: 'shop', name: 'web' }, containers }],
  });
  const used = async (written: object) => {
    const run = await running(server, { folder: t.testdir(), written });
    const before = server.requests.length;
    await until(() => server.requests.slice(before).some((one) => one.includes('pods?watch')));
    await delay(10);
    for (let minute = 0; minute <= 60; minute += 1) await run.turned.move(60_000);
    await until(() => run.deliveries.length === 1);
    await run.stop();
    return run;
  };
  const metrics = await used({ usage: 'metrics' });
  const cpu = (lines: typeof metrics.lines) =>
    lines.find((one) => one.allocated_id === 'pod-web' && one.unit === 'Core-Hours');
  t.match(cpu(metrics.lines), { requested: '1', used: '3', quantity: '3' });

  let sent = 0;
  server.answer('/api/v1/nodes/a/proxy/stats/summary', 200, {
    pods: [
      {
        podRef: { name: 'web', namespace: 'shop', uid: 'pod-web' },
        containers: [
          { name: 'app', cpu: { usageNanoCores: 2e9 }, memory: { workingSetBytes: 2 ** 30 } },
        ],
        network: {
          get txBytes() {
            sent += 2 ** 30 / 60;
            return Math.round(sent);
          },
        },
      },
    ],
  });
  const summary = await used({ usage: 'kubelet_proxy', network_price: '0.09' });
  t.match(cpu(summary.lines), { requested: '1', used: '2' });
  const network = summary.lines.find(({ kind }) => kind === 'network');
  t.ok(Math.abs(Number(network?.quantity) - 1) < 0.05, String(network?.quantity));

  server.answer('/apis/metrics.k8s.io/v1beta1/pods', 404);
  const without = await used({ usage: 'metrics' });
  t.match(cpu(without.lines), { used: '0', quantity: '1' });
  const said = without.world.lines.filter(({ message }) => message.startsWith('usage is not'));
  t.equal(said.length, 1, 'said once');
});

t.test('an agent of one node reads that node only', async (t) => {
  const server = await startedServer(t);
  for (const name of ['a', 'b']) {
    server.put(NODES, rawNode(name));
    server.put(PODS, rawPod(`on-${name}`, { node: name }));
  }
  const written = { node: 'b', storage_prices: { default: '1' }, load_balancer_price: '1' };
  const run = await running(server, { folder: t.testdir(), written });
  await watched(server, PODS);
  for (let minute = 0; minute <= 60; minute += 1) await run.turned.move(60_000);
  await until(() => run.deliveries.length === 1);
  t.same([...new Set(run.lines.map((one) => one.resource_name))], ['b']);
  t.notOk(server.requests.some((one) => /services|persistentvolume|namespaces/.test(one)));
  await run.stop();
});

t.test('what is missing is said, with the rule that would mend it', async (t) => {
  const server = await startedServer(t);
  server.put(NODES, rawNode('a'));
  server.answer(PODS, 403, { message: 'pods is forbidden' });
  const run = await running(server, { folder: t.testdir() });
  await until(() => run.turned.sleepers() === 3);
  await run.turned.move(60_000, 1);
  t.match(await run.ended, {
    name: 'Unavailable',
    message:
      /403 pods is forbidden; add to its ClusterRole: apiGroups: \[""\], resources: \[pods\]/,
  });
  t.ok(run.world.lines.some(({ message }) => message.startsWith('not in touch')));
  await run.world.close();
});

t.test('nodes without a price are said before the hour is over', async (t) => {
  const server = await startedServer(t);
  server.put(NODES, rawNode('a', { labels: { 'node.kubernetes.io/instance-type': 'odd' } }));
  const run = await running(server, { folder: t.testdir() });
  await watched(server, PODS);
  await run.turned.move(60_000);
  await run.turned.move(60_000);
  const said = run.world.lines.filter(({ message }) => message.startsWith('no price is known'));
  t.match(said, [{ fields: { type: 'odd', region: 'eu-west-1' } }]);
  t.equal(said.length, 1);
  t.equal(
    run.world.troubles.at(-1),
    'no price is known for 1 nodes and 0 volumes',
    'in its health',
  );
  server.remove(NODES, 'node-a');
  await delay(20);
  await run.turned.move(60_000);
  t.equal(run.world.troubles.at(-1), undefined);
  await run.stop();
});

t.test('settings that cannot be are refused', async (t) => {
  const refused = async (written: object, kubeconfig?: string) => {
    const folder = t.testdir({ kubeconfig: kubeconfig ?? kubeconfigOf('http://127.0.0.1:1') });
    const config = await checkedSettings(kubernetes, {
      kubeconfig: join(folder, 'kubeconfig'),
      ...written,
    });
    const world = worldOf(config, { folder, id: 'kubernetes/x' });
    const error: unknown = await kubernetes
      .receive(world, undefined)
      [Symbol.asyncIterator]()
      .next()
      .catch((reason: unknown) => reason);
    await world.close();
    return error;
  };
  const path = (name: string) => ({
    name: 'Misconfigured',
    path: `receivers.kubernetes/x.${name}`,
  });
  t.match(await refused({ node: 'a', usage: 'metrics' }), path('usage'));
  t.match(await refused({ usage: 'prometheus' }), path('prometheus.url'));
  const url = 'http://127.0.0.1:1';
  for (const selector of ['cluster', 'a="b"} or up{c="d"', 'a="b" c="d"'])
    t.match(
      await refused({ usage: 'prometheus', prometheus: { url, selector } }),
      path('prometheus.selector'),
      selector,
    );
  t.match(await refused({ node: 'a', usage: 'prometheus', prometheus: { url } }), path('usage'));
  t.match(
    await refused({ node: 'a', cost_allocations: { enabled: true } }),
    path('cost_allocations.enabled'),
  );
  t.match(await refused({ network_price: '1' }), path('network_price'));
  t.match(await refused({ costs: ['disks'] }), path('costs'));
  t.match(await refused({ rates: { cpu: 'x' } }), path('rates.cpu'));
  const server = 'https://127.0.0.1:1';
  for (const user of [{ exec: { command: 'aws' } }, { 'auth-provider': {} }, { username: 'x' }])
    t.match(await refused({}, kubeconfigOf(server, user)), path('kubeconfig'));
  t.match(await refused({}, 'a: ['), path('kubeconfig'));
  t.match(await refused({ context: 'none' }), path('kubeconfig'));
  t.match(await refused({ kubeconfig: null, service_account: '/nowhere' }), path('kubeconfig'));
});

t.test('a service account is asked for its token each time', async (t) => {
  const folder = t.testdir({ token: 'one\n', 'ca.crt': '' });
  const config = await checkedSettings(kubernetes, { service_account: folder });
  const { accessOf } = await import('../../../plugins/receivers/kubernetes/access.ts');
  const access = await accessOf(worldOf(config, { folder }));
  t.equal(await access.token(), 'one');
  writeFileSync(join(folder, 'token'), 'two');
  t.equal(await access.token(), 'two');
  t.match(access, { server: 'https://kubernetes.default.svc', tls: { ca: /ca\.crt$/ } });
});

t.test('a look tells what is there and what is missing', async (t) => {
  const server = await startedServer(t);
  const folder = t.testdir({ kubeconfig: kubeconfigOf(server.url) });
  server.put(NODES, rawNode('a'));
  server.put(NODES, rawNode('b', { labels: { 'node.kubernetes.io/instance-type': 'odd' } }));
  server.answer('/version', 200, { gitVersion: 'v1.36.3' });
  server.answer('/apis/metrics.k8s.io/v1beta1/pods', 404);
  server.answer('/api/v1/namespaces/kube-system', 200, { metadata: { uid: 'c1' } });
  server.answer('/api/v1/services', 403, { message: 'services is forbidden' });
  const config = await checkedSettings(kubernetes, {
    kubeconfig: join(folder, 'kubeconfig'),
    prices: { 'm5.xlarge': '0.192' },
    load_balancer_price: '0.02',
  });
  const world = worldOf(config, { folder });
  const probe = await kubernetes.probe?.(world);
  t.match(probe, {
    source: `${server.url} (v1.36.3), cluster c1, 2 nodes`,
    bills: [],
    problems: [
      /services.*403 services is forbidden; add .*resources: \[services\], verbs: \[list, watch\]/,
      /the metrics API is not there.*usage/,
      /no price is set for odd in eu-west-1 \(1 node\).*extension catalog/,
    ],
  });
  t.equal(probe?.problems.length, 3);
  await world.close();
});
