/** One agent per node (docker/kubernetes/daemonset.yaml) between a real API server and a kubelet that asks it who may read. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/index.ts';
import kubernetes from '../../plugins/receivers/kubernetes/index.ts';
import { rawNode } from '../helpers/kube-objects.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { linesOf, receiving } from '../helpers/receiving.ts';
import {
  type Account,
  accountOf,
  apply,
  type Cluster,
  fresh,
  made,
  NODES,
  pod,
  ROLE,
  SHOP,
  startCluster,
} from './kube-cluster.ts';
import { startKubelet } from './kubelet.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const HOUR_MS = 3_600_000;
const GIB = 2 ** 30;

await t.test('an agent of a node and a real API server', async (t) => {
  const cluster = await startCluster(t);
  if ('skip' in cluster) return t.plan(0, cluster.skip);
  const { kube } = cluster;
  await apply(cluster, 'daemonset.yaml');
  const account = await accountOf(cluster, 'focusd-node');
  for (const name of ['a', 'b']) {
    await made(kube, NODES, fresh(rawNode(name)));
    await pod(kube, `on-${name}`, { node: name, cpu: '500m', memory: '1Gi' });
  }
  const { body } = await kube.ask('GET', `${SHOP}/on-a`);
  const { uid } = body.metadata as { readonly uid: string };
  const pods = () => [{ name: 'on-a', uid, cores: 1.5, bytes: 2 * GIB }];
  const kubelet = await startKubelet(t, cluster, { node: 'a', pods });
  const config = await checkedSettings(kubernetes, {
    ...{ api_server: kube.url, service_account: account.folder, node: 'a' },
    kubelet: { port: kubelet.port },
    prices: { 'm5.xlarge': '0.192' },
  });
  await t.test('its ClusterRole is enough, and no more', (t) =>
    permissions(t, { cluster, account, config }),
  );
  await t.test('it charges its own node, by what the kubelet says', (t) =>
    hour(t, { cluster, config }),
  );
  t.ok(kubelet.statuses.includes(200) && kubelet.statuses.includes(403));
});

type Settings = Awaited<ReturnType<typeof checkedSettings<typeof kubernetes.config>>>;

async function permissions(
  t: Test,
  of: { readonly cluster: Cluster; readonly account: Account; readonly config: Settings },
): Promise<void> {
  const { kube } = of.cluster;
  const eventually = async (holds: (problems: string) => boolean): Promise<string> => {
    for (let tries = 0; ; tries += 1) {
      const world = worldOf(of.config, { folder: t.testdirName });
      const probe = await kubernetes.probe?.(world).finally(() => world.close());
      const problems = probe?.problems.join('\n') ?? '';
      if (holds(problems) || tries > 60) return problems;
      await delay(200);
    }
  };
  t.equal(await eventually((problems) => problems === ''), '', 'the role is enough');
  const forbidden = [
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/namespaces'],
    ['GET', '/api/v1/services'],
    ['GET', `${NODES}/a`],
    ['GET', `${NODES}/a/proxy/stats/summary`],
    ['PATCH', `${NODES}/a`],
    ['POST', SHOP],
    ['DELETE', `${SHOP}/on-a`],
  ] as const;
  for (const [method, path] of forbidden) {
    const body = method === 'GET' ? undefined : {};
    const { status } = await kube.ask(method, path, body, of.account.token);
    t.equal(status, 403, `${method} ${path}`);
  }
  const role = (await kube.ask('GET', `${ROLE}/focusd-node`)).body;
  const rules = role.rules as readonly { readonly resources: readonly string[] }[];
  for (const [i, said] of [
    'resources: [pods], verbs: [list, watch]',
    'resources: [nodes/stats], verbs: [get]',
    'resources: [namespaces], verbs: [get]',
  ].entries()) {
    await kube.ask('PATCH', `${ROLE}/focusd-node`, { rules: rules.filter((_, at) => at !== i) });
    t.match(await eventually((problems) => problems.includes(said)), said, `${said} is needed`);
  }
  await kube.ask('PATCH', `${ROLE}/focusd-node`, { rules });
  t.equal(await eventually((problems) => problems === ''), '');
}

async function hour(
  t: Test,
  { cluster, config }: { readonly cluster: Cluster; readonly config: Settings },
): Promise<void> {
  const turned = movedClock(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS);
  const plain = worldOf(config, { folder: join(cluster.dir, 'state') });
  const world = { ...plain, clock: turned.clock };
  const lines: Record<string, string>[] = [];
  const { stop } = receiving(kubernetes, world, (delivery) => lines.push(...linesOf(delivery)));
  t.teardown(stop);
  for (let minute = 0; minute < 300 && lines.length === 0; minute += 1) {
    await turned.move(60_000);
    await delay(10);
  }
  await until(() => lines.length > 0);
  t.same([...new Set(lines.map((one) => one.resource_name))], ['a'], 'nothing of another node');
  const ofPod = (unit: string) =>
    lines.find((one) => one.allocated_name === 'shop/on-a/app' && one.unit === unit);
  const used = (unit: string) => Number(ofPod(unit)?.used) / Number(ofPod(unit)?.requested);
  t.ok(used('Core-Hours') > 2.5 && used('Core-Hours') < 3.001, `${used('Core-Hours')} of 3`);
  t.ok(used('GiB-Hours') > 1.6 && used('GiB-Hours') < 2.001, `${used('GiB-Hours')} of 2`);
  t.match(ofPod('Core-Hours')?.cluster, /^[0-9a-f-]{36}$/, 'the uid of kube-system');
  const cost = formatDecimal(sum(lines.map((one) => decimal(one.cost ?? '0'))));
  t.ok(
    cost === '0.192' || Number(cost) < 0.192,
    `an hour of the node, or what was seen of it: ${cost}`,
  );
}
