import { createHmac } from 'node:crypto';
import t from 'tap';
import ciJobs from '../../../pipelines/normalize/mappings/ci-jobs.ts';
import ci from '../../../plugins/receivers/ci-http/index.ts';
import { drained, runningReceiver, stored } from '../../helpers/running-receiver.ts';

const SECRET = 'It is a secret to everybody';
const TRACE = '7f5b83fd8f30f35146e301f34c879a4c';

const buildkite = (job: object = {}, rest: object = {}) => ({
  event: 'job.finished',
  job: {
    id: 'b63254c0-3271-4a98-8270-7cfbd6c2f14e',
    name: 'test',
    state: 'passed',
    agent_query_rules: ['queue=gpu', 'os=linux'],
    started_at: '2026-09-17T10:00:00.000Z',
    finished_at: '2026-09-17T10:01:30.500Z',
    ...job,
  },
  build: { id: 'build-1', branch: 'main' },
  pipeline: { slug: 'shop', repository: 'git@github.com:example/shop.git' },
  organization: { slug: 'example' },
  sender: { name: 'octocat' },
  ...rest,
});
const circleci = {
  type: 'job-completed',
  id: 'event-1',
  job: {
    id: 'job-1',
    name: 'build',
    status: 'success',
    started_at: '2026-09-17T10:00:00Z',
    stopped_at: '2026-09-17T10:00:45Z',
  },
  project: { slug: 'gh/example/shop' },
  organization: { name: 'example' },
  pipeline: { id: 'p-1', vcs: { branch: 'main' } },
};
const jenkins = {
  name: 'shop',
  build: {
    full_url: 'https://ci.example.com/job/shop/18/',
    number: 18,
    phase: 'COMPLETED',
    status: 'SUCCESS',
    timestamp: '2026-09-17T10:00:00.0+00:00',
    duration: 61_000,
    scm: { url: 'https://example.com/shop.git', branch: 'origin/main' },
  },
};

const hmac = (text: string) => createHmac('sha256', SECRET).update(text).digest('hex');
const post = (url: string, body: object | string, headers: Readonly<Record<string, string>> = {}) =>
  fetch(`${url}/ci`, {
    method: 'POST',
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** Posts to a receiver with these settings, and answers what the mapping makes of it. */
async function charged(
  folder: string,
  settings: Readonly<Record<string, unknown>>,
  bodies: readonly (readonly [object, Readonly<Record<string, string>>])[],
) {
  const all = { secret: SECRET, ...settings };
  const { url, stop } = await runningReceiver(ci, folder, all);
  const statuses: number[] = [];
  for (const [body, headers] of bodies) statuses.push((await post(url, body, headers)).status);
  await stop();
  return { statuses, ...(await drained(ci, folder, { settings: all, mapping: ciJobs })) };
}

t.test('Buildkite: token or signature, price by queue, one charge per job', async (t) => {
  const settings = {
    preset: 'buildkite',
    proof: 'buildkite',
    prices: { 'queue=gpu': '0.05' },
    price: '0.004',
    round_up: 'second',
  };
  const token = { 'x-buildkite-token': SECRET };
  const now = Math.floor(Date.now() / 1000);
  const signed = (body: object, timestamp: number) => ({
    'x-buildkite-signature': `timestamp=${timestamp},signature=${hmac(`${timestamp}.${JSON.stringify(body)}`)}`,
  });
  const other = buildkite({ id: '2', agent_query_rules: [] });
  const { statuses, rows } = await charged(t.testdir(), settings, [
    [buildkite(), token],
    [buildkite(), token],
    [other, signed(other, now)],
    [other, signed(other, now - 3600)],
    [other, signed(buildkite(), now)],
    [{ ...other, event: 'job.started' }, token],
  ]);
  t.same(statuses, [202, 200, 202, 401, 401, 204]);
  t.same(
    rows.map((row) => [row.SkuId, row.PricingQuantity, row.ListUnitPrice]),
    [
      ['queue=gpu', '1.516666666667', '0.05'],
      ['runner', '1.516666666667', '0.004'],
    ],
  );
  t.match(rows[0], {
    BilledCost: '0',
    BillingAccountId: 'example',
    ServiceName: 'Buildkite Pipelines',
    ServiceProviderName: 'Buildkite',
    ConsumedQuantity: '90.5',
    ResourceId: 'git@github.com:example/shop.git/b63254c0-3271-4a98-8270-7cfbd6c2f14e',
    x_CostSource: 'estimated',
    x_PriceSource: 'configured',
    Tags: /"branch":"main","actor":"octocat"/,
  });
});

t.test('CircleCI and Jenkins', async (t) => {
  const body = JSON.stringify(circleci);
  const signed = { 'circleci-signature': `v1=${hmac(body)},v2=abc` };
  const circle = await charged(
    t.testdir({ a: {} }),
    { preset: 'circleci', proof: 'circleci', prices: { 'gh/example/shop': '0.006' } },
    [
      [circleci, signed],
      [circleci, { 'circleci-signature': `v1=${hmac('else')}` }],
    ],
  );
  t.same(circle.statuses, [202, 401]);
  t.match(circle.rows, [
    { PricingQuantity: '0.75', EffectiveCost: '0.0045', SkuId: 'gh/example/shop' },
  ]);
  const bearer = { authorization: `Bearer ${SECRET}` };
  const built = await charged(
    t.testdir({ b: {} }),
    { preset: 'jenkins', price: '0.01', account: 'example', round_up: 'minute' },
    [[jenkins, bearer]],
  );
  t.match(built.rows, [{ PricingQuantity: '2', ConsumedQuantity: '61', ServiceName: 'Jenkins' }]);
});

t.test("a table of one's own, with traces; what is missing is said", async (t) => {
  const settings = {
    provider: 'Woodpecker',
    fields: {
      id: 'jobs.0.id',
      account: 'org',
      started_at: 'start',
      completed_at: 'end',
      traceparent: 'trace',
      runner: 'agent',
    },
    when: { status: 'success, failure' },
    prices: { big: '0.01' },
  };
  const body = (id: string, rest: object = {}) => ({
    jobs: [{ id }],
    org: 'example',
    start: 1_789_639_200,
    end: 1_789_639_260_000,
    agent: 'big',
    status: 'success',
    trace: `00-${TRACE}-b5206c7345cb417b-01`,
    ...rest,
  });
  const known = { authorization: `Bearer ${SECRET}` };
  const { statuses, rows, rejected } = await charged(t.testdir(), settings, [
    [body('1'), known],
    [body('2', { agent: 'small' }), known],
    [body('3', { end: 1_789_639_100 }), known],
    [body('4', { org: null }), known],
    [body('5', { end: 'never' }), known],
    [body('6', { status: 'running' }), known],
    [body('', {}), known],
    [body('7', { start: 8.7e18, end: 8.8e18 }), known],
  ]);
  t.same(statuses, [202, 202, 202, 202, 202, 204, 400, 202]);
  t.match(rows, [
    { PricingQuantity: '1', EffectiveCost: '0.01', x_TraceId: TRACE, x_SpanId: 'b5206c7345cb417b' },
  ]);
  t.same(rejected, { unknown_price: 1, negative_duration: 1, missing_mandatory: 3 });
});

t.test('what is wrong is refused, and nothing of it is stored', async (t) => {
  const settings = { secret: SECRET, preset: 'jenkins', price: '1' };
  const { url, world, stop } = await runningReceiver(ci, t.testdir(), settings);
  t.equal((await post(url, jenkins)).status, 401);
  t.equal((await post(url, jenkins, { authorization: 'Bearer guess' })).status, 401);
  t.equal((await fetch(`${url}/ci?token=${encodeURIComponent(SECRET)}`)).status, 405);
  t.equal((await fetch(`${url}/else`)).status, 404);
  t.equal((await post(url, '{', { authorization: `Bearer ${SECRET}` })).status, 400);
  t.equal(stored(world.folder), '');
  await stop();
  for (const [path, wrong] of Object.entries({
    price: { preset: 'jenkins', price: 'cheap' },
    'prices.a': { preset: 'jenkins', prices: { a: '-1' } },
    'fields.id': { preset: 'none' },
    'fields.colour': { preset: 'jenkins', fields: { colour: 'a' } },
  })) {
    const run = drained(ci, t.testdir(), {
      settings: { secret: SECRET, ...wrong },
      mapping: ciJobs,
    });
    await t.rejects(run, { name: 'Misconfigured', path: `receivers.test.${path}` }, path);
  }
});
