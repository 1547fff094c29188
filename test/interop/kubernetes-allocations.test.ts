/** CostAllocation objects in a real API server: the definition is good, the role enough and no more, statuses appear and are exact. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/index.ts';
import { PATH } from '../../plugins/receivers/kubernetes/allocations/cost-allocation.ts';
import kubernetes from '../../plugins/receivers/kubernetes/index.ts';
import { rawNode } from '../helpers/kube-objects.ts';
import type { Raw } from '../helpers/kube-server.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { receiving } from '../helpers/receiving.ts';
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
  startCluster,
} from './kube-cluster.ts';

/** The first run on a machine builds the programs. */
t.setTimeout(60 * 60_000);

const HOUR_MS = 3_600_000;
const SHOP = PATH.replace(/[^/]+$/, 'namespaces/shop/$&');

await t.test('the status of a CostAllocation in a real API server', async (t) => {
  const cluster = await startCluster(t);
  if ('skip' in cluster) return t.plan(0, cluster.skip);
  for (const manifest of ['cluster-costs.yaml', 'cost-allocations.yaml'])
    await apply(cluster, manifest);
  const account = await accountOf(cluster, 'focusd-cluster-costs');
  await served(cluster);
  await t.test('the definition refuses what means nothing', (t) => refused(t, cluster));
  await t.test('statuses appear, exact, and move', (t) => counted(t, cluster, account));
  await t.test('the role is enough, and no more', (t) => permissions(t, cluster, account));
});

/** Waits until the definition is served. */
async function served({ kube }: Cluster): Promise<void> {
  for (let tries = 0; (await kube.ask('GET', PATH)).status !== 200; tries += 1) {
    if (tries > 300) throw new Error('the definition is not served');
    await delay(200);
  }
}

function allocation(name: string, spec: object): Raw {
  return { apiVersion: 'focusd.dev/v1alpha1', kind: 'CostAllocation', metadata: { name }, spec };
}

async function refused(t: Test, { kube }: Cluster): Promise<void> {
  const matchExpressions = [{ key: 'a', operator: 'Like' }];
  for (const spec of [{}, { selector: {}, rule: 'Odd' }, { selector: { matchExpressions } }]) {
    const { status, body } = await kube.ask('POST', SHOP, allocation('odd', spec));
    t.equal(status, 422, String(body.message));
  }
}

function costIn(text: string): string {
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly cost: string });
  return formatDecimal(sum(lines.map(({ cost }) => decimal(cost))));
}

interface Status {
  readonly total: string;
  readonly days: readonly { readonly cost: string; readonly hours: number }[];
  readonly observedGeneration: number;
  readonly conditions: readonly { readonly reason: string }[];
}

async function statusOf({ kube }: Cluster, name: string): Promise<Status | undefined> {
  return (await kube.ask('GET', `${SHOP}/${name}`)).body.status as Status | undefined;
}

async function settingsFor({ kube }: Cluster, { folder }: Account) {
  return await checkedSettings(kubernetes, {
    ...{ api_server: kube.url, service_account: folder, usage: 'requests' },
    prices: { 'm5.xlarge': '0.192' },
    cost_allocations: { enabled: true },
  });
}

async function counted(t: Test, cluster: Cluster, account: Account): Promise<void> {
  const { kube, dir } = cluster;
  await made(kube, NODES, fresh(rawNode('a')));
  for (const [name, team] of [
    ['web', 'shop'],
    ['api', 'shop'],
    ['job', 'data'],
  ] as const)
    await pod(kube, name, { cpu: '333m', memory: '1Gi', labels: { team } });
  await made(kube, SHOP, allocation('shop', { selector: { matchLabels: { team: 'shop' } } }));
  await made(kube, SHOP, allocation('all', { selector: {}, rule: 'WithIdle' }));

  const turned = movedClock(Math.ceil(Date.now() / HOUR_MS) * HOUR_MS);
  const plain = worldOf(await settingsFor(cluster, account), { folder: join(dir, 'state') });
  const world = { ...plain, clock: turned.clock };
  /** Cost of each hour that was delivered. */
  const hours: string[] = [];
  const { stop } = receiving(kubernetes, world, ({ parts }) => {
    for (const { path } of parts) hours.push(costIn(readFileSync(path, 'utf8')));
  });
  t.teardown(stop);
  /** Moves on until a status says so. */
  const eventually = async (name: string, holds: (status: Status) => boolean) => {
    for (let tries = 0; tries < 300; tries += 1) {
      await turned.move(60_000);
      const status = await statusOf(cluster, name);
      if (status !== undefined && holds(status)) return status;
      await delay(20);
    }
    throw new Error(`${name}: ${JSON.stringify(await statusOf(cluster, name))}`);
  };

  const waiting = await eventually('shop', () => true);
  t.match(waiting, { total: '0', conditions: [{ reason: 'Waiting' }] }, 'there before an hour is');
  const all = await eventually('all', ({ days }) => days.length > 0);
  t.match(all.total, /^0\.\d+$/);
  t.equal(all.total, formatDecimal(sum(all.days.map(({ cost }) => decimal(cost)))));
  const shop = await eventually('shop', ({ days }) => days.length > 0);
  const cost = (status: Status) => Number(status.total);
  t.ok(cost(shop) > 0 && cost(shop) < cost(all) / 2, `${shop.total} of ${all.total}`);
  const whole = await eventually(
    'all',
    ({ days }) => (days[0]?.hours ?? 0) + (days[1]?.hours ?? 0) > 1,
  );
  const counted = whole.days.reduce((total, { hours }) => total + hours, 0);
  for (let tries = 0; hours.length < counted && tries < 30; tries += 1) {
    await turned.move(60_000);
    await delay(50);
  }
  const delivered = formatDecimal(sum(hours.slice(0, counted).map(decimal)));
  t.equal(whole.total, delivered, 'all pods with what is idle: all that was delivered');

  await kube.ask('PATCH', `${SHOP}/shop`, { spec: { rule: 'WithIdle' } });
  const changed = await eventually('shop', ({ observedGeneration }) => observedGeneration === 2);
  t.match(changed.conditions, [{ reason: 'Counted' }]);
  await kube.ask('DELETE', `${SHOP}/all`);
  await until(() => world.troubles.length > 0);
  for (let minute = 0; minute < 5; minute += 1) await turned.move(60_000);
  t.equal(world.troubles.at(-1), undefined, 'nothing went wrong');
}

async function permissions(t: Test, cluster: Cluster, account: Account): Promise<void> {
  const { kube } = cluster;
  const forbidden = [
    ['GET', `${SHOP}/shop`],
    ['PATCH', `${SHOP}/shop`],
    ['PUT', `${SHOP}/shop/status`],
    ['POST', SHOP],
    ['DELETE', `${SHOP}/shop`],
    ['GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'],
  ] as const;
  for (const [method, path] of forbidden) {
    const body = method === 'GET' ? undefined : {};
    const { status } = await kube.ask(method, path, body, account.token);
    t.equal(status, 403, `${method} ${path}`);
  }
  const stale = { metadata: { resourceVersion: '1' }, status: { total: '9' } };
  const conflict = await kube.ask('PATCH', `${SHOP}/shop/status`, stale, account.token);
  t.equal(conflict.status, 409, 'a status for another version is refused');

  const config = await settingsFor(cluster, account);
  const problems = async () => {
    const world = worldOf(config, { folder: t.testdirName });
    const probe = await kubernetes.probe?.(world).finally(() => world.close());
    return probe?.problems.join('\n') ?? '';
  };
  t.equal(await problems(), '', 'the roles are enough');
  await kube.ask('PATCH', `${ROLE}/focusd-cost-allocations`, { rules: [] });
  const said = 'apiGroups: ["focusd.dev"], resources: [costallocations], verbs: [list, watch]';
  for (let tries = 0; !(await problems()).includes(said); tries += 1) {
    if (tries > 100) throw new Error('it is not said');
    await delay(200);
  }
  t.pass('and needed');
}
