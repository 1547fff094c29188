/** The receiver `kubernetes` against a real API server: its ClusterRole is enough and no more; pages, watches, a version that is forgotten. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/index.ts';
import type { Delivery, Http, Probe } from '../../pipelines/plugin/index.ts';
import { createLimit } from '../../plugins/kit/limit.ts';
import kubernetes from '../../plugins/receivers/kubernetes/index.ts';
import { dockerFile, documents } from '../helpers/deployment-files.ts';
import { rawNode } from '../helpers/kube-objects.ts';
import type { Raw } from '../helpers/kube-server.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { linesOf, receiving } from '../helpers/receiving.ts';
import {
  type Account,
  accountOf,
  apply,
  fresh,
  made,
  NODES,
  pod,
  ROLE,
  SHOP,
  startCluster,
} from './kube-cluster.ts';
import type { Kube } from './programs/kube.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const MANY = 2100;
const HOUR_MS = 3_600_000;

await t.test('the receiver kubernetes and a real API server', async (t) => {
  const cluster = await startCluster(t);
  if ('skip' in cluster) return t.plan(0, cluster.skip);
  const { kube } = cluster;
  await apply(cluster, 'cluster-costs.yaml');
  const account = await accountOf(cluster, 'focusd-cluster-costs');
  await t.test('its ClusterRole is enough, and no more', (t) => permissions(t, kube, account));
  await t.test('thousands of pods, and all that happens to them', (t) => hour(t, kube, account));
});

async function settingsFor({ folder }: Account, { url }: Kube) {
  return await checkedSettings(kubernetes, {
    api_server: url,
    service_account: folder,
    usage: 'requests',
    prices: { 'm5.xlarge': '0.192' },
    storage_prices: { default: '0.1' },
    load_balancer_price: '0.02',
  });
}

async function permissions(t: Test, kube: Kube, account: Account): Promise<void> {
  const config = await settingsFor(account, kube);
  const probe = async (): Promise<Probe | undefined> => {
    const world = worldOf(config, { folder: t.testdirName });
    return await kubernetes.probe?.(world).finally(() => world.close());
  };
  const eventually = async (holds: (problems: string) => boolean) => {
    for (let tries = 0; ; tries += 1) {
      const found = await probe();
      const problems = found?.problems.join('\n') ?? '';
      if (holds(problems) || tries > 50) return found;
      await delay(200);
    }
  };
  const all = await eventually((problems) => problems === '');
  t.same(all?.problems, [], 'the role is enough');
  t.match(all?.source, /v1\.36\.3\), cluster [0-9a-f-]{36}/);

  const forbidden = [
    ['GET', '/api/v1/secrets'],
    ['GET', '/api/v1/configmaps'],
    ['GET', '/api/v1/namespaces/focusd'],
    ['GET', '/apis/apps/v1/deployments'],
    ['GET', `${NODES}/a/proxy/stats/summary`],
    ['POST', SHOP],
    ['DELETE', SHOP],
    ['PATCH', `${NODES}/a`],
    ['POST', '/api/v1/namespaces/shop/pods/x/exec'],
  ] as const;
  for (const [method, path] of forbidden) {
    const { status } = await kube.ask(
      method,
      path,
      method === 'GET' ? undefined : {},
      account.token,
    );
    t.equal(status, 403, `${method} ${path}`);
  }

  const role = documents(dockerFile('kubernetes/cluster-costs.yaml')).find(
    (one) => (one as Raw).kind === 'ClusterRole',
  ) as Raw;
  const rules = role.rules as readonly { readonly resources: readonly string[] }[];
  const [first] = rules;
  for (const resource of first?.resources ?? []) {
    const less = rules.map((rule) =>
      rule === first
        ? { ...rule, resources: rule.resources.filter((one) => one !== resource) }
        : rule,
    );
    await kube.ask('PATCH', `${ROLE}/focusd-cluster-costs`, { rules: less });
    const said = `resources: [${resource}], verbs: [list, watch]`;
    const found = await eventually((problems) => problems.includes(said));
    t.match(found?.problems.join('\n'), said, `${resource} is needed, and asked for`);
  }
  await kube.ask('PATCH', `${ROLE}/focusd-cluster-costs`, { rules });
  t.same((await eventually((problems) => problems === ''))?.problems, []);
}

/** HTTP that writes down what is asked. */
function recorded(http: Http): Http & { readonly asked: readonly string[] } {
  const asked: string[] = [];
  return {
    asked,
    request: (options) => http.request({ ...options, url: noted(asked, options.url) }),
    stream: (options) => http.stream({ ...options, url: noted(asked, options.url) }),
  };
}

function noted(asked: string[], url: string): string {
  asked.push(url.replace(/^https:\/\/[^/]+/, ''));
  return url;
}

async function hour(t: Test, kube: Kube, account: Account): Promise<void> {
  await made(
    kube,
    NODES,
    fresh(rawNode('a', { capacity: { cpu: '64' }, allocatable: { cpu: '64' } })),
  );
  const limit = createLimit(16);
  const names = Array.from({ length: MANY }, (_, i) => `p${i}`);
  await Promise.all(names.map((name) => limit.run(() => pod(kube, name))));

  const start = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  const turned = movedClock(start);
  const plain = worldOf(await settingsFor(account, kube), {
    folder: join(account.folder, 'state'),
  });
  const http = recorded(plain.http);
  const world = { ...plain, http, clock: turned.clock };
  const deliveries: Delivery[] = [];
  const lines: Record<string, string>[] = [];
  const { stop } = receiving(kubernetes, world, (delivery) => {
    deliveries.push(delivery);
    lines.push(...linesOf(delivery));
  });
  t.teardown(stop);
  const lists = () => http.asked.filter((path) => path.startsWith('/api/v1/pods?limit'));
  const watches = () => http.asked.filter((path) => path.startsWith('/api/v1/pods?watch'));
  const heard = () => delay(1000);

  await until(() => watches().length === 1);
  t.equal(lists().length, Math.ceil(MANY / 500), 'in pages');
  for (let minute = 1; minute <= 15; minute += 1) await turned.move(60_000);
  await pod(kube, 'fresh');
  await kube.ask('DELETE', `${SHOP}/p0`, { gracePeriodSeconds: 0 });
  await heard();
  for (let minute = 16; minute <= 30; minute += 1) await turned.move(60_000);

  const before = lists().length;
  await kube.restart();
  await kube.ask('DELETE', `${SHOP}/p1`, { gracePeriodSeconds: 0 });
  await pod(kube, 'late');
  for (let tries = 0; lists().length === before && tries < 60; tries += 1) {
    await turned.move(1_000, 1);
    await delay(250);
  }
  t.ok(lists().length > before, 'a version that the server has forgotten is listed anew');
  await heard();
  for (let minute = 31; minute <= 62; minute += 1) await turned.move(60_000);
  await until(() => deliveries.length > 0);

  const cores = (name: string) => {
    const line = lines.find((one) => one.allocated_name === `shop/${name}/app`);
    return line === undefined ? undefined : Number(line.quantity) * 1000;
  };
  t.equal(cores('p2'), 1, 'there for the whole hour');
  t.equal(cores('p0'), 0.25, 'for a quarter');
  const half = cores('p1') ?? 0;
  t.ok(half > 0.45 && half < 0.6, `gone while the server was away: ${half}`);
  t.ok(cores('fresh') !== undefined && cores('late') !== undefined);
  const pods = new Set(lines.flatMap((one) => one.allocated_id ?? []));
  t.equal(pods.size, MANY + 2);
  const cost = sum(lines.map((one) => decimal(one.cost ?? '0')));
  t.equal(formatDecimal(cost), '0.192', 'to the last decimal');
}
