import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import t from 'tap';
import ciJobs from '../../../pipelines/normalize/mappings/ci-jobs.ts';
import { systemClock } from '../../../plugins/kit/clock.ts';
import { judgeHook } from '../../../plugins/receivers/gitlab-ci/hook.ts';
import gitlab from '../../../plugins/receivers/gitlab-ci/index.ts';
import { jobRecord } from '../../../plugins/receivers/gitlab-ci/job-record.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';
import { drained } from '../../helpers/running-receiver.ts';

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
        client: () => ({ san: [], cn: [] }),
      },
      {
        ...SETTINGS,
        secret: 'secret',
        signing_token: undefined,
        now: () => Date.UTC(2026, 8, 17, 10),
      },
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
  const post = async (body: object, token = 'secret'): Promise<number> => {
    const answer = await fetch(`http://${address}/gitlab`, {
      method: 'POST',
      headers: { 'x-gitlab-token': token, 'x-gitlab-event': 'Job Hook' },
      body: JSON.stringify(body),
    });
    return answer.status;
  };
  t.equal(await post(HOOK, 'guessed'), 401);
  t.equal(await post(HOOK), 202);
  t.equal(await post(HOOK), 200, 'the same job again');
  t.equal(await post({ ...HOOK, build_id: 1, build_status: 'running' }), 204, 'one that goes on');
  const { value } = await first;
  t.match(value, { mode: 'append', mapping: 'ci-jobs' });
  const [line = '', ...more] = readFileSync(value?.parts[0]?.path ?? '', 'utf8')
    .trim()
    .split('\n');
  t.match(JSON.parse(line), { ci_provider: 'GitLab' });
  t.same(more, [], 'nothing else was stored');
  world.stop.abort();
  await deliveries.return?.(undefined);
  await world.close();
});

const PIPELINE = {
  object_kind: 'pipeline',
  object_attributes: {
    id: 2366,
    ref: 'main',
    status: 'success',
    created_at: '2026-09-17 09:59:50 UTC',
    finished_at: '2026-09-17 10:02:00 UTC',
  },
  project: HOOK.project,
  builds: [
    {
      id: 1977,
      stage: 'test',
      name: 'test',
      status: 'success',
      started_at: '2026-09-17 10:00:00 UTC',
      finished_at: '2026-09-17 10:01:40 UTC',
      user: HOOK.user,
      runner: HOOK.runner,
    },
    { id: 1978, stage: 'deploy', name: 'deploy', status: 'manual', started_at: null },
  ],
};

/** A web hook by its body and headers, as it is judged. */
function judgedBy(
  body: unknown,
  headers: Readonly<Record<string, string>>,
  settings: { readonly secret?: string; readonly signing_token?: string },
) {
  const request = {
    method: 'POST',
    path: '/gitlab',
    header: (name: string) => headers[name],
    query: () => undefined,
    body: Buffer.from(JSON.stringify(body)),
    client: () => ({ san: [], cn: [] }),
  };
  const { secret, signing_token } = settings;
  const now = () => Date.UTC(2026, 8, 17, 10);
  return judgeHook(request, { ...SETTINGS, secret, signing_token, now });
}

t.test('the web hook of an ended pipeline brings its jobs, with their spans', (t) => {
  const headers = { 'x-gitlab-token': 'secret', 'x-gitlab-event': 'Pipeline Hook' };
  const judged = (body: unknown) => judgedBy(body, headers, { secret: 'secret' });
  const hash = (text: string) => createHash('sha256').update(text).digest('hex');
  t.match(judged(PIPELINE), {
    kind: 'records',
    records: [
      {
        ids: ['job example/group/shop/1977'],
        value: {
          quantity: '3.333333333333',
          trace_id: hash('2366t2026-09-17 10:02:00 UTC').slice(0, 32),
          span_id: hash('19772026-09-17 10:00:00 UTC').slice(16, 32),
        },
      },
    ],
  });
  const running = { ...PIPELINE.object_attributes, finished_at: null };
  t.match(judged({ ...PIPELINE, object_attributes: running }), { kind: 'ignored', status: 204 });
  t.match(judged({ ...PIPELINE, builds: 'none' }), { kind: 'refused', status: 400 });
  t.end();
});

t.test('a signing token takes the place of the secret', (t) => {
  const key = Buffer.from('It is a secret to everybody');
  const signing_token = `whsec_${key.toString('base64')}`;
  const at = Date.UTC(2026, 8, 17, 10) / 1000;
  const signed = (body: unknown, time = at) => ({
    'x-gitlab-event': 'Job Hook',
    'webhook-id': 'm-1',
    'webhook-timestamp': String(time),
    'webhook-signature': `v1,old v1,${createHmac('sha256', key)
      .update(`m-1.${time}.${JSON.stringify(body)}`)
      .digest('base64')}`,
  });
  const judged = (body: unknown, headers: Readonly<Record<string, string>>) =>
    judgedBy(body, headers, { signing_token, secret: 'secret' });
  t.match(judged(HOOK, signed(HOOK)), { kind: 'record' });
  const refusal = { kind: 'refused', status: 401, reason: 'bad_signature' };
  t.match(judged(HOOK, signed({})), refusal);
  t.match(judged(HOOK, signed(HOOK, at - 600)), refusal, 'too old');
  const token = { 'x-gitlab-event': 'Job Hook', 'x-gitlab-token': 'secret' };
  t.match(judged(HOOK, token), refusal, 'the token alone does not do');
  t.end();
});

t.test('polling finds jobs page by page, counts none twice, keeps to the limit', async (t) => {
  const folder = t.testdir();
  const base = 'https://gitlab.example.com/api/v4';
  const first = `${base}/projects/example%2Fgroup%2Fshop/jobs?scope[]=success&scope[]=failed&scope[]=canceled&pagination=keyset&order_by=id&sort=desc&per_page=100`;
  const job = (id: number, rest: object = {}) => ({
    id,
    name: 'test',
    status: 'success',
    created_at: '2026-09-17T09:59:00.000Z',
    started_at: '2026-09-17T10:00:00.000Z',
    finished_at: '2026-09-17T10:01:00.000Z',
    tag_list: ['saas-linux-large-amd64'],
    runner: { runner_type: 'instance_type', description: 'hosted' },
    pipeline: { id: 2366 },
    ...rest,
  });
  const answers = [
    {
      url: first,
      headers: {
        link: `<${base}/projects/1/jobs?id_before=9>; rel="next", <${base}/x>; rel="first"`,
      },
      body: [job(10), job(9, { started_at: null })],
    },
    {
      url: `${base}/projects/1/jobs?id_before=9`,
      headers: { link: `<${base}/projects/1/jobs?id_before=8>; rel="next"` },
      body: [job(8), job(7, { created_at: '2026-09-16T09:59:00.000Z' }), job(6)],
    },
  ];
  const settings = { secret: 'x', token: 'x', projects: ['example/group/shop'], api: base };
  const run = (given: typeof answers | readonly object[]) =>
    drained(gitlab, folder, { settings, mapping: ciJobs, answers: given as typeof answers });
  const { rows } = await run(answers);
  t.match(rows, [
    { PricingQuantity: '3', SkuId: 'saas-linux-large-amd64', ResourceId: /jobs\/10$/ },
    { PricingQuantity: '3', ResourceId: /jobs\/8$/ },
  ]);
  t.same((await run(answers)).rows, [], 'known already');
  const limited = [
    {
      url: first,
      status: 429,
      headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': '1789646460' },
    },
  ];
  const { lines, deliveries } = await run(limited);
  t.same(deliveries, []);
  t.match(lines.at(-1), { level: 'warn', message: 'the API is asked again later' });
  const elsewhere = [
    { url: first, headers: { link: '<https://else.example.com/y>; rel="next"' }, body: [job(11)] },
  ];
  t.equal((await run(elsewhere)).rows.length, 1, 'the token goes nowhere else');
  await t.rejects(run([{ url: first, status: 401 }]), { name: 'Misconfigured' });
  for (const [path, wrong] of Object.entries({
    secret: { secret: undefined },
    token: { token: undefined },
    projects: { projects: ['shop'] },
    'cost_factors.a': { cost_factors: { a: 'x' } },
    look_back: { look_back: '7d' },
  })) {
    const given = JSON.parse(JSON.stringify({ ...settings, ...wrong }));
    const refusal = { name: 'Misconfigured', path: `receivers.test.${path}` };
    await t.rejects(drained(gitlab, folder, { settings: given, mapping: ciJobs }), refusal, path);
  }
});
