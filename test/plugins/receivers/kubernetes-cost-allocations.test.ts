/** The status of CostAllocation objects: what chosen pods cost, by day. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { formatDecimal } from '../../../pipelines/focus/index.ts';
import {
  allocationOf,
  PATH,
} from '../../../plugins/receivers/kubernetes/allocations/cost-allocation.ts';
import { statusOf } from '../../../plugins/receivers/kubernetes/allocations/status.ts';
import { Tally } from '../../../plugins/receivers/kubernetes/allocations/tally.ts';
import { emptyHour } from '../../../plugins/receivers/kubernetes/hour.ts';
import kubernetes from '../../../plugins/receivers/kubernetes/index.ts';
import { podOf } from '../../../plugins/receivers/kubernetes/objects.ts';
import { rawNode, rawPod } from '../../helpers/kube-objects.ts';
import { type KubeServer, type Raw, startKubeServer } from '../../helpers/kube-server.ts';
import { type MovedClock, movedClock, until } from '../../helpers/moved-clock.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const TEN = Date.parse('2026-09-17T10:00:00Z');
const NODES = '/api/v1/nodes';
const PODS = '/api/v1/pods';

function raw(name: string, spec: object, more: object = {}): Raw {
  const metadata = { uid: `ca-${name}`, name, namespace: 'shop', generation: 1 };
  return { metadata: { ...metadata, ...more }, spec };
}

t.test('selectors choose as Kubernetes does', (t) => {
  const chosen = (selector: unknown, labels: Readonly<Record<string, string>>) =>
    allocationOf(raw('a', { selector })).selects(labels);
  const expression = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  t.ok(chosen({}, {}), 'an empty one chooses all');
  t.ok(chosen({ matchLabels: { a: '1' } }, { a: '1', b: '2' }));
  t.notOk(chosen({ matchLabels: { a: '1', c: '1' } }, { a: '1', b: '2' }));
  t.ok(chosen(expression('a', 'In', '1', '2'), { a: '2' }));
  t.notOk(chosen(expression('a', 'In', ''), {}));
  t.ok(chosen(expression('a', 'NotIn', '1'), {}));
  t.notOk(chosen(expression('a', 'NotIn', '1'), { a: '1' }));
  t.ok(chosen(expression('a', 'Exists'), { a: '' }));
  t.notOk(chosen(expression('a', 'DoesNotExist'), { a: '' }));
  const problem = (spec: object) => allocationOf(raw('a', spec)).problem;
  t.equal(problem({ selector: {}, rule: 'Odd' }), 'there is no rule Odd');
  t.equal(problem({}), 'it has no selector');
  t.equal(problem({ selector: expression('a', 'Like') }), 'there is no operator Like');
  t.equal(problem({ selector: {} }), undefined);
  t.end();
});

t.test('what nodes keep idle is shared by cost, to the last decimal', (t) => {
  const hour = emptyHour(0);
  for (const name of ['a', 'b', 'c'])
    hour.pods.set(name, {
      ...{ pod: podOf(rawPod(name, { labels: { app: name } })), node: 'n', namespace: {} },
      ...{ seconds: 3600, containers: new Map(), sent: 0 },
    });
  const line = (kind: string, pod: string | null, cost: string, origin = 'n/1') => ({
    ...{ kind, cost, origin, resource_id: 'n' },
    allocated_id: pod === null ? null : `pod-${pod}`,
  });
  const lines = [
    ...['a', 'b', 'c'].map((pod) => line('container', pod, '0.1')),
    line('volume', 'a', '0.01', 'v/1'),
    line('idle', null, '0.1'),
    line('overhead', null, '0.000000000001'),
    line('idle', null, '5', 'empty/1'),
    { ...line('network', null, '0.5'), resource_id: 'pod-b' },
    { ...line('container', 'a', '7'), cost: null },
  ];
  const tally = new Tally();
  t.equal([...tally.through(lines)].length, lines.length);
  const cost = (app: string, rule: string) =>
    formatDecimal(
      tally.costOf(allocationOf(raw('x', { rule, selector: { matchLabels: { app } } })), hour),
    );
  t.equal(cost('a', 'Direct'), '0.11');
  t.equal(cost('b', 'Direct'), '0.6');
  t.same(
    ['a', 'b', 'c'].map((app) => cost(app, 'WithIdle')),
    ['0.143333333334', '0.633333333334', '0.133333333333'],
  );
  t.end();
});

t.test('a status keeps the days that this agent has not counted', (t) => {
  const facts = { currency: 'USD', nowMs: TEN, most: 3 };
  const status = statusOf(allocationOf(raw('a', { selector: {} })), { ...facts, days: [] });
  const since = '2026-09-17T10:00:00Z';
  t.match(status, {
    ...{ total: '0', days: [], observedGeneration: 1 },
    conditions: [{ status: 'False', reason: 'Waiting', lastTransitionTime: since }],
  });
  const days = [
    { date: '2026-09-14', cost: '4', hours: 24 },
    { date: '2026-09-15', cost: '1.5', hours: 24 },
    { date: '2026-09-16', cost: '9', hours: 12 },
  ];
  const before = {
    ...status,
    days,
    conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 'then' }],
  };
  const counted = [
    { date: '2026-09-15', cost: '0.1', hours: 2 },
    { date: '2026-09-16', cost: '2', hours: 12 },
    { date: '2026-09-17', cost: '0.25', hours: 1 },
  ];
  const after = statusOf(
    { ...allocationOf(raw('a', { selector: {} })), status: before },
    { ...facts, days: counted },
  );
  t.same(after.days, [days[1], counted[1], counted[2]]);
  t.equal(after.total, '3.75');
  t.match(after.conditions, [{ status: 'True', reason: 'Counted', lastTransitionTime: 'then' }]);
  const euros = statusOf(
    { ...allocationOf(raw('a', { selector: {} })), status: before },
    { ...facts, currency: 'EUR', days: [] },
  );
  t.same(euros.days, [], 'another currency begins anew');
  const odd = allocationOf(raw('a', { selector: {}, rule: 'Odd' }));
  t.match(statusOf(odd, { ...facts, days: [] }).conditions, [{ reason: 'Invalid' }]);
  t.end();
});

async function running(
  t: Test,
  server: KubeServer,
  { folder, turned = movedClock(TEN) }: { folder: string; turned?: MovedClock },
) {
  const kubeconfig = join(folder, 'kubeconfig');
  const named = [{ name: 'c', cluster: { server: server.url } }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      'current-context': 'c',
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      clusters: named,
      users: [{ name: 'u', user: { token: 'secret' } }],
    }),
  );
  const config = await checkedSettings(kubernetes, {
    ...{ kubeconfig, cluster: 'prod', usage: 'requests', prices: { 'm5.xlarge': '0.192' } },
    cost_allocations: { enabled: true, days: 5 },
  });
  const world = { ...worldOf(config, { folder }), clock: turned.clock };
  const watches = server.requests.length;
  let delivered = 0;
  const ended = (async () => {
    for await (const _ of kubernetes.receive(world, undefined)) delivered += 1;
  })().catch((error: unknown) => error);
  await until(() => server.requests.slice(watches).some((one) => one.includes('pods?watch')));
  const stop = async () => {
    world.stop.abort();
    await ended;
    await world.close();
  };
  t.teardown(stop);
  return { world, turned, stop, delivered: () => delivered };
}

/** What a run made of a status. */
function status(server: KubeServer, name: string) {
  return server.get(PATH, `ca-${name}`)?.status as
    | {
        readonly days: readonly unknown[];
        readonly total: string;
        readonly observedGeneration: number;
      }
    | undefined;
}

t.test('statuses move with each hour, survive restarts and lost disks', async (t) => {
  const server = await startKubeServer();
  t.teardown(() => server.close());
  server.put(NODES, rawNode('a'));
  server.put(PODS, rawPod('web', { labels: { app: 'web' } }));
  server.put(PODS, rawPod('other', { namespace: 'bank', labels: { app: 'web' } }));
  server.put(PATH, raw('web', { selector: { matchLabels: { app: 'web' } }, rule: 'Direct' }));
  const folder = t.testdir();
  const first = await running(t, server, { folder });
  await first.turned.move(60_000);
  await until(() => status(server, 'web') !== undefined);
  t.match(status(server, 'web'), { total: '0', conditions: [{ reason: 'Waiting' }] });
  for (let minute = 2; minute <= 61; minute += 1) await first.turned.move(60_000);
  await until(() => first.delivered() === 1 && status(server, 'web')?.days.length === 1);
  const counted = status(server, 'web');
  const patches = () => server.requests.filter((one) => one.startsWith('PATCH')).length;
  t.match(counted?.days, [{ date: '2026-09-17', hours: 1 }]);
  t.match(counted?.total, /^0\.0[0-9]+$/, 'only the pod of its namespace');
  const before = patches();
  for (let minute = 62; minute <= 65; minute += 1) await first.turned.move(60_000);
  t.equal(patches(), before, 'nothing to write');
  await first.stop();

  rmSync(join(folder, 'cost-allocations.json'));
  const next = await running(t, server, { folder, turned: first.turned });
  for (let minute = 66; minute <= 121; minute += 1) await next.turned.move(60_000);
  await until(() => next.delivered() === 1);
  t.same(status(server, 'web')?.days, counted?.days, 'of the day, what was counted most');
  for (let minute = 122; minute <= 181; minute += 1) await next.turned.move(60_000);
  await until(() => status(server, 'web')?.days.length === 1 && next.delivered() === 2);
  await until(() => JSON.stringify(status(server, 'web')?.days).includes('"hours":2'));
  t.match(JSON.parse(readFileSync(join(folder, 'cost-allocations.json'), 'utf8')), {
    'ca-web': {},
  });
  t.equal(next.world.troubles.at(-1), undefined);
});

t.test('what was changed meanwhile is not overwritten, what is forbidden is said', async (t) => {
  const server = await startKubeServer();
  t.teardown(() => server.close());
  server.put(NODES, rawNode('a'));
  server.put(PATH, raw('web', { selector: {} }));
  const path = PATH.replace(/[^/]+$/, 'namespaces/shop/$&/web/status');
  server.answer(path, 409, { message: 'it has been modified' });
  const run = await running(t, server, { folder: t.testdir() });
  await run.turned.move(60_000);
  await run.turned.move(60_000);
  t.equal(run.world.troubles.at(-1), undefined, 'a conflict is no trouble');
  server.answer(path, 403, { message: 'forbidden' });
  await run.turned.move(60_000);
  await until(() => run.world.troubles.at(-1) !== undefined);
  t.match(
    run.world.troubles.at(-1),
    /PATCH .*403 forbidden; .*apiGroups: \["focusd.dev"\], resources: \[costallocations\/status\], verbs: \[patch\]/,
  );
  server.answer(path, undefined);
  server.put(PATH, raw('web', { selector: {}, rule: 'WithIdle' }, { generation: 2 }));
  await until(() => server.requests.length > 0);
  for (let tries = 0; tries < 20 && status(server, 'web') === undefined; tries += 1)
    await run.turned.move(60_000);
  t.equal(status(server, 'web')?.observedGeneration, 2);
});

t.test('without the definition costs go on, and it is said', async (t) => {
  const server = await startKubeServer();
  t.teardown(() => server.close());
  server.put(NODES, rawNode('a'));
  server.answer(PATH, 404, { message: 'not found' });
  const run = await running(t, server, { folder: t.testdir() });
  for (let minute = 1; minute <= 61; minute += 1) await run.turned.move(60_000, 3);
  await until(() => run.delivered() === 1);
  t.match(run.world.troubles.at(-1), /costallocations: 404/);
  t.ok(run.world.lines.some(({ message }) => message.startsWith('the status of cost alloc')));
});
