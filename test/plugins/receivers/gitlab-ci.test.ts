import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { systemClock } from '../../../plugins/kit/clock.ts';
import { judgeHook } from '../../../plugins/receivers/gitlab-ci/hook.ts';
import gitlab from '../../../plugins/receivers/gitlab-ci/index.ts';
import { jobRecord } from '../../../plugins/receivers/gitlab-ci/job-record.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

const HOOK = {
  object_kind: 'build',
  ref: 'main',
  build_id: 1977,
  build_name: 'test',
  build_stage: 'test',
  build_status: 'success',
  build_started_at: '2026-09-17 10:00:00 UTC',
  build_finished_at: '2026-09-17 10:01:40 UTC',
  pipeline_id: 2366,
  project: { path_with_namespace: 'example/group/shop' },
  user: { username: 'root' },
  runner: {
    description: 'hosted',
    runner_type: 'instance_type',
    tags: ['saas-linux-medium-amd64'],
  },
};
const SETTINGS = {
  price: '0.01',
  currency: 'USD',
  cost_factors: {},
  self_managed_price: '0.004',
  trace_ids: 'collector',
} as const;

const record = (changes: object = {}, settings: object = {}) => {
  const body = { ...HOOK, ...changes };
  return jobRecord({ body, project: HOOK.project, delivery: 'u-1' }, { ...SETTINGS, ...settings });
};

t.test('minutes by cost factor, not rounded', (t) => {
  t.match(record(), {
    ids: ['job example/group/shop/1977', 'delivery u-1'],
    value: {
      account: 'example',
      started_at: '2026-09-17T10:00:00.000Z',
      seconds: '100',
      quantity: '3.333333333333',
      price: '0.01',
      sku: 'saas-linux-medium-amd64',
      trace_id: null,
    },
  });
  const own = { runner: { runner_type: 'project_type', tags: ['metal'] } };
  t.match(record(own).value, { sku: 'self-managed', price: '0.004', quantity: '1.666666666667' });
  const unknown = { runner: { runner_type: 'instance_type', tags: ['odd'] } };
  t.match(record(unknown).value, { sku: 'odd', price: null, price_source: 'unknown' });
  t.match(record(unknown, { cost_factors: { odd: '0.5' } }).value, { quantity: '0.833333333333' });
  t.end();
});

t.test('the trace id is that of the pipeline and its end', (t) => {
  const finished_at = '2026-09-17T10:02:00Z';
  const wanted = createHash('sha256').update(`2366t${finished_at}`).digest('hex').slice(0, 32);
  t.equal(record({ commit: { finished_at } }).value.trace_id, wanted);
  t.equal(record({ commit: { finished_at } }, { trace_ids: 'none' }).value.trace_id, null);
  t.end();
});

t.test('hooks are judged by their token, event and state', (t) => {
  const judged = (body: unknown, headers: Readonly<Record<string, string>>) =>
    judgeHook(
      {
        method: 'POST',
        path: '/gitlab',
        header: (name) => headers[name],
        query: () => undefined,
        body: Buffer.from(JSON.stringify(body)),
      },
      { ...SETTINGS, path: '/gitlab', secret: 'secret' },
    );
  const good = { 'x-gitlab-token': 'secret', 'x-gitlab-event': 'Job Hook' };
  t.match(judged(HOOK, good), { kind: 'record' });
  t.match(judged(HOOK, { ...good, 'x-gitlab-token': 'guess' }), { kind: 'refused', status: 401 });
  t.match(judged([], good), { kind: 'refused', status: 400 });
  t.match(judged(HOOK, { ...good, 'x-gitlab-event': 'Push Hook' }), { kind: 'ignored' });
  t.match(judged({ ...HOOK, build_status: 'running' }, good), { kind: 'ignored' });
  t.match(judged({ ...HOOK, build_started_at: null }, good), { kind: 'ignored' });
  t.end();
});

t.test('a hook becomes a line of a delivery', async (t) => {
  const config = await checkedSettings(gitlab, {
    secret: 'secret',
    endpoint: '127.0.0.1:0',
    seal_every: '100ms',
  });
  const world = { ...worldOf(config, { folder: t.testdir() }), clock: systemClock };
  const deliveries = gitlab.receive(world, undefined)[Symbol.asyncIterator]();
  const first = deliveries.next();
  let address: unknown;
  while (address === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    address = world.lines.find(({ fields }) => 'address' in fields)?.fields.address;
  }
  const answer = await fetch(`http://${address}/gitlab`, {
    method: 'POST',
    headers: { 'x-gitlab-token': 'secret', 'x-gitlab-event': 'Job Hook' },
    body: JSON.stringify(HOOK),
  });
  t.equal(answer.status, 202);
  const { value } = await first;
  t.match(value, { mode: 'append', mapping: 'ci-jobs' });
  t.match(JSON.parse(readFileSync(value?.parts[0]?.path ?? '', 'utf8')), { ci_provider: 'GitLab' });
  world.stop.abort();
  await deliveries.return?.(undefined);
  await world.close();
});
