import { createHmac } from 'node:crypto';
import { appendFileSync, cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import { createLogEncoder } from '../../../pipelines/encode/otlp-logs/index.ts';
import type { Mapping } from '../../../pipelines/normalize/mapping.ts';
import ciJobs from '../../../pipelines/normalize/mappings/ci-jobs.ts';
import githubUsage from '../../../pipelines/normalize/mappings/github-usage.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import { systemClock } from '../../../plugins/kit/clock.ts';
import github from '../../../plugins/receivers/github-actions/index.ts';
import { publicPrice } from '../../../plugins/receivers/github-actions/prices.ts';
import { rootSpanIdOf, traceIdOf } from '../../../plugins/receivers/github-actions/trace-ids.ts';
import { batchOf } from '../../helpers/batch.ts';
import { chargesOf } from '../../helpers/normalize-rows.ts';
import { numberedIds } from '../../helpers/numbered-ids.ts';
import { decodeLogs, recordsOf } from '../../helpers/otlp-proto.ts';
import { checkedSettings, type Line, worldOf } from '../../helpers/plugin-world.ts';
import { recordedHttp } from '../../helpers/receiver-case.ts';

const SECRET = 'It is a secret to everybody';
const REPOSITORY = {
  full_name: 'example/shop',
  private: true,
  owner: { login: 'example', type: 'Organization' },
};
const JOB = {
  id: 4711,
  run_id: 14460881260,
  run_attempt: 13,
  name: 'build',
  workflow_name: 'CI',
  head_branch: 'main',
  labels: ['ubuntu-latest'],
  runner_name: 'GitHub Actions 7',
  status: 'completed',
  conclusion: 'success',
  started_at: '2026-09-17T10:00:00Z',
  completed_at: '2026-09-17T10:02:01Z',
};

/** A receiver that runs, with its listener; deliveries are taken when `take` is called. */
async function running(folder: string, settings: Readonly<Record<string, unknown>> = {}) {
  const config = await checkedSettings(github, {
    secret: SECRET,
    endpoint: '127.0.0.1:0',
    ...settings,
  });
  const world = { ...worldOf(config, { folder }), clock: systemClock };
  const deliveries = github.receive(world, undefined)[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<Delivery>> | undefined = deliveries.next();
  next.catch(() => {});
  const address = await waitFor(() => listening(world));
  return {
    world,
    url: `http://${address}/github`,
    /** To be awaited before the folder of the test goes. */
    async stop(): Promise<void> {
      world.stop.abort();
      await next?.catch(() => {});
      await deliveries.return?.(undefined).catch(() => {});
      await world.close();
    },
    async take(): Promise<Delivery> {
      const { value } = await (next ?? deliveries.next());
      next = undefined;
      return value as Delivery;
    },
    commit(): void {
      next = deliveries.next();
      next.catch(() => {});
    },
  };
}

function listening({ lines }: { readonly lines: readonly Line[] }): string | undefined {
  const line = lines.find(({ message }) => message === 'listens for pushed records');
  return line === undefined ? undefined : String(line.fields.address);
}

async function waitFor<T>(look: () => T | undefined): Promise<T> {
  for (let i = 0; i < 2000; i++) {
    const found = look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not come');
}

function post(
  url: string,
  body: object | string,
  { event = 'workflow_job', delivery = 'd-1', secret = SECRET } = {},
): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const signature = createHmac('sha256', secret).update(text).digest('hex');
  return fetch(url, {
    method: 'POST',
    body: text,
    headers: {
      'content-type': 'application/json',
      'x-github-event': event,
      'x-github-delivery': delivery,
      'x-hub-signature-256': `sha256=${signature}`,
    },
  });
}

const hook = (job: object = {}, repository: object = {}) => ({
  action: 'completed',
  workflow_job: { ...JOB, ...job },
  repository: { ...REPOSITORY, ...repository },
  sender: { login: 'octocat' },
});

async function charges(mapping: Mapping, { parts }: Delivery) {
  const source = await openSource({ path: parts[0]?.path ?? '' });
  const normalizer = new Normalizer(mapping, source.columns);
  const rows = await chargesOf(normalizer, source.batches());
  await source.close();
  return { rows, counts: normalizer.counts };
}

t.test('ids are those of the published example', (t) => {
  t.equal(traceIdOf('14460881260', '13'), '731ec8a47fd7450f753a812a4a8aa5a0');
  t.equal(rootSpanIdOf('14460881260', '13'), 'aba151af7cfbcf0f');
  t.end();
});

t.test('public prices are dated', (t) => {
  const price = (sku: string, day: string) => publicPrice(sku, day)?.price;
  t.equal(price('actions_linux', '2025-12-31T23:59:59Z'), '0.008');
  t.equal(price('actions_linux', '2026-01-01T00:00:00Z'), '0.006');
  t.equal(price('actions_windows', '2026-09-17'), '0.010');
  t.equal(price('actions_macos', '2026-09-17'), '0.062');
  t.equal(price('toString', '2026-09-17'), undefined);
  t.end();
});

t.test('a web hook becomes one charge, however often it comes', async (t) => {
  const { url, take, commit, world, stop } = await running(t.testdir(), { seal_every: '100ms' });
  t.equal((await post(url, hook())).status, 202);
  t.equal((await post(url, hook())).status, 200, 'the same delivery again');
  t.equal((await post(url, hook(), { delivery: 'd-2' })).status, 200, 'the same job again');
  const delivery = await take();
  const { rows, counts } = await charges(ciJobs, delivery);
  t.equal(rows.length, 1);
  t.match(rows[0], {
    BilledCost: '0',
    EffectiveCost: '0.018',
    ListCost: '0.018',
    ListUnitPrice: '0.006',
    PricingQuantity: '3',
    PricingUnit: 'Minutes',
    ConsumedQuantity: '121',
    ConsumedUnit: 'Seconds',
    BillingAccountId: 'example',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    ChargePeriodStart: '2026-09-17T10:00:00Z',
    ServiceName: 'GitHub Actions',
    ServiceSubcategory: 'Continuous Integration and Deployment',
    SkuId: 'actions_linux',
    ResourceId: 'example/shop/actions/runs/14460881260/job/4711/13',
    x_CostSource: 'estimated',
    x_PriceSource: 'github-public: since 2026-01-01',
    x_TraceId: '731ec8a47fd7450f753a812a4a8aa5a0',
  });
  t.match(JSON.parse(rows[0]?.Tags ?? ''), {
    repository: 'example/shop',
    workflow: 'CI',
    branch: 'main',
    actor: 'octocat',
    runner_labels: 'ubuntu-latest',
  });
  t.ok(counts);
  commit();
  await waitFor(() => segments(world.folder).length === 0 || undefined);
  t.same(delivery.mode, 'append');
  await stop();
});

function segments(folder: string): readonly string[] {
  return readdirSync(join(folder, 'intake')).filter((name) => name.endsWith('.ndjson'));
}

function stored(folder: string): string {
  const intake = join(folder, 'intake');
  return readdirSync(intake)
    .filter((name) => name !== 'seen')
    .map((name) => readFileSync(join(intake, name), 'utf8'))
    .join('');
}

t.test('what is wrong is refused, and nothing of it is stored', async (t) => {
  const { url, world, stop } = await running(t.testdir(), { max_body: '4KiB' });
  t.equal((await post(url, hook(), { secret: 'guessed' })).status, 401);
  t.equal((await fetch(url, { method: 'POST', body: '{}' })).status, 401, 'no signature');
  t.equal((await fetch(url)).status, 405);
  t.equal((await fetch(`${url}/else`)).status, 404);
  t.equal((await post(url, '{"action":')).status, 400);
  t.equal((await post(url, 'x'.repeat(5000))).status, 413);
  t.equal((await post(url, { zen: 'Keep it logically awesome.' }, { event: 'ping' })).status, 200);
  t.equal((await post(url, {}, { event: 'push' })).status, 204);
  t.equal((await post(url, { ...hook(), action: 'queued' })).status, 204);
  t.equal((await post(url, hook({ conclusion: 'skipped' }))).status, 204);
  t.equal(stored(world.folder), '');
  await stop();
});

t.test('a full spool says so', async (t) => {
  const { url, stop } = await running(t.testdir(), { spool_size: '64KiB', seal_every: '1h' });
  const statuses: number[] = [];
  for (let id = 0; id < 120; id++) {
    const answer = await post(url, hook({ id }), { delivery: `d-${id}` });
    statuses.push(answer.status);
    if (answer.status === 503) t.equal(answer.headers.get('retry-after'), '30');
    if (answer.status === 503) break;
  }
  t.equal(statuses.at(-1), 503);
  t.ok(statuses.length > 20);
  await stop();
});

/** One run with `once`: what it delivers; `crash`: cut off before the commit of the first. */
async function drained(
  folder: string,
  {
    settings = {},
    answers,
    crash = false,
  }: {
    readonly settings?: object;
    readonly answers?: Parameters<typeof recordedHttp>[0];
    readonly crash?: boolean;
  } = {},
): Promise<{ readonly deliveries: readonly Delivery[]; readonly texts: readonly string[] }> {
  const config = await checkedSettings(github, { secret: SECRET, ...settings });
  const world = {
    ...worldOf(config, { folder, once: true }),
    ...(answers === undefined ? { clock: systemClock } : { http: recordedHttp(answers) }),
  };
  const deliveries: Delivery[] = [];
  const texts: string[] = [];
  try {
    for await (const delivery of github.receive(world, undefined)) {
      deliveries.push(delivery);
      texts.push(readFileSync(delivery.parts[0]?.path ?? '', 'utf8'));
      if (crash) break;
    }
  } finally {
    await world.close();
  }
  return { deliveries, texts };
}

t.test('after a crash everything acknowledged is delivered once, a torn line is not', async (t) => {
  const root = t.testdir({ live: {}, copy: {} });
  const folder = join(root, 'live');
  const first = await running(folder, { seal_every: '1h' });
  await Promise.all(
    Array.from({ length: 50 }, (_, id) => post(first.url, hook({ id }), { delivery: `d-${id}` })),
  );
  const copy = copyOf(folder, join(root, 'copy'));
  const open = readdirSync(join(copy, 'intake')).find((name) => name.endsWith('.open')) ?? '';
  appendFileSync(join(copy, 'intake', open), '{"ci_provider":"GitH');
  const cut = await drained(copy, { crash: true });
  const again = await drained(copy);
  t.equal(cut.texts[0]?.trim().split('\n').length, 50);
  t.same(again.texts, cut.texts, 'what was not committed comes again');
  t.equal(again.deliveries[0]?.revision, cut.deliveries[0]?.revision);
  t.same((await drained(copy)).deliveries, [], 'and is forgotten when it was');
  const second = await running(copy);
  t.equal(
    (await post(second.url, hook({ id: 7 }), { delivery: 'd-7' })).status,
    200,
    'known still',
  );
  await Promise.all([first.stop(), second.stop()]);
});

t.test('runners: own, unknown, public repositories, wrong clocks, no end', async (t) => {
  const root = t.testdir({ live: {}, copy: {} });
  const { url, world, stop } = await running(join(root, 'live'), {
    runners: { metal: 'self-hosted', big: 'linux_8_core' },
    prices: { linux_8_core: '0.02' },
    self_hosted_price: '0.004',
    trace_ids: 'none',
    seal_every: '1h',
  });
  const jobs = [
    hook({ id: 1, labels: ['metal'] }),
    hook({ id: 2, labels: ['big'] }),
    hook({ id: 3, labels: ['nobody-knows'] }),
    hook({ id: 4 }, { private: false }),
    hook({ id: 5, completed_at: '2026-09-17T09:59:00Z' }),
    hook({ id: 6, labels: ['self-hosted', 'linux'] }),
    hook({ id: 7, completed_at: null }),
    hook({ id: 8, started_at: null }),
  ];
  for (const [i, job] of jobs.entries()) await post(url, job, { delivery: `d-${i}` });
  t.match(world.lines, [
    { message: 'listens for pushed records' },
    { fields: { runner: 'nobody-knows' } },
  ]);
  const { texts, deliveries } = await drained(copyOf(world.folder, join(root, 'copy')));
  t.equal(texts.length, 1);
  const { rows, counts } = await charges(ciJobs, kept(root, deliveries[0], texts[0] ?? ''));
  t.same(
    rows.map(({ SkuId, EffectiveCost }) => [SkuId, EffectiveCost]),
    [
      ['self-hosted', '0.012'],
      ['linux_8_core', '0.06'],
      ['actions_linux', '0'],
      ['self-hosted', '0.012'],
    ],
  );
  t.same(
    rows.map(({ x_TraceId }) => x_TraceId).filter((id) => id !== undefined),
    [],
  );
  await stop();
  t.same(
    Object.fromEntries(counts.rejected),
    { negative_duration: 1, unknown_price: 1, missing_mandatory: 2 },
    'a job that is said to have ended, but not when, has no cost',
  );
});

/** A copy of what an instance has stored, as a crash would leave it. */
function copyOf(folder: string, copy: string): string {
  cpSync(join(folder, 'intake'), join(copy, 'intake'), { recursive: true });
  return copy;
}

/** The delivery with its part written anew: it is gone once committed. */
function kept(folder: string, delivery: Delivery | undefined, text: string): Delivery {
  const path = join(folder, 'kept.ndjson');
  writeFileSync(path, text);
  return { ...(delivery as Delivery), parts: [{ path, bytes: text.length, modifiedMs: 0 }] };
}

const RUNS = 'https://api.github.com/repos/example/shop/actions/runs';

t.test('polling finds jobs that no web hook told of, and counts none twice', async (t) => {
  const folder = t.testdir();
  const run = {
    id: 14460881260,
    run_attempt: 2,
    repository: REPOSITORY,
    actor: { login: 'octocat' },
  };
  const job = (id: number, run_attempt: number) => ({ ...JOB, id, run_attempt });
  const answers = [
    {
      url: `${RUNS}?created=%3E%3D2026-09-17&status=completed&per_page=100&page=1`,
      body: { workflow_runs: [run] },
    },
    { url: `${RUNS}/14460881260/attempts/1/jobs?per_page=100&page=1`, body: { jobs: [job(1, 1)] } },
    {
      url: `${RUNS}/14460881260/attempts/2/jobs?per_page=100&page=1`,
      body: { jobs: [job(2, 2), { ...job(3, 2), status: 'in_progress' }] },
    },
  ];
  const settings = { token: 'x', repositories: ['example/shop'] };
  const { texts } = await drained(folder, { settings, answers });
  t.equal(texts.join('').trim().split('\n').length, 2);
  t.same((await drained(folder, { settings, answers })).texts, [], 'known already');
  const limited = [{ url: answers[0]?.url ?? '', status: 403, headers: { 'retry-after': '60' } }];
  t.same((await drained(folder, { settings, answers: limited })).texts, [], 'asked again later');
  const wrong = [{ url: answers[0]?.url ?? '', status: 401 }];
  await t.rejects(drained(folder, { settings, answers: wrong }), { name: 'Misconfigured' });
});

t.test('the bill of an organisation, digits as they are', async (t) => {
  const item = `{"date":"2026-09-03T00:00:00Z","product":"actions","sku":"Actions Linux","quantity":100,"unitType":"minutes",
    "pricePerUnit":0.006,"grossAmount":0.60000000000000000001,"discountAmount":0.1,"netAmount":0.50000000000000000001,
    "organizationName":"example","repositoryName":"shop"}`;
  const url = 'https://api.github.com/organizations/example/settings/billing/usage';
  const answers = [
    { url: `${url}?year=2026&month=8`, body: '{"usageItems":[]}' },
    { url: `${url}?year=2026&month=9`, body: `{"usageItems":[${item}]}` },
  ];
  const settings = { mode: 'usage', org: 'example', token: 'x' };
  const { deliveries } = await drained(t.testdir(), { settings, answers });
  t.match(deliveries, [{ scope: 'example/2026-09', mode: 'snapshot', mapping: 'github-usage' }]);
  const { rows } = await charges(githubUsage, deliveries[0] as Delivery);
  t.match(rows, [
    {
      BilledCost: '0.50000000000000000001',
      ListCost: '0.60000000000000000001',
      ChargePeriodEnd: '2026-09-04T00:00:00Z',
      PricingQuantity: '100',
      ResourceId: 'example/shop',
      ServiceName: 'GitHub Actions',
      x_CostSource: 'invoice',
    },
  ]);
  await t.rejects(drained(t.testdir(), { settings: { mode: 'usage', token: 'x' } }), {
    name: 'Misconfigured',
    path: /org$/,
  });
});

t.test('ids become fields of the OTLP record', (t) => {
  const ids = { x_TraceId: '731ec8a47fd7450f753a812a4a8aa5a0', x_SpanId: 'aba151af7cfbcf0f' };
  const encoder = createLogEncoder({
    resource: {},
    observedMs: 1_790_000_000_123,
    uidPrefix: '0',
    scopeVersion: '0',
  });
  const wrong = { x_TraceId: 'no-id', x_SpanId: '0000000000000000' };
  const batch = batchOf([ids, wrong]);
  const chunks = [...encoder.add(batch, { ids: numberedIds(batch) }), ...encoder.finish()];
  const records = chunks.flatMap(({ bytes }) => recordsOf(decodeLogs(bytes)));
  const hex = (bytes: Uint8Array = new Uint8Array(0)) => Buffer.from(bytes).toString('hex');
  t.same(
    records.map(({ traceId, spanId }) => [hex(traceId), hex(spanId)]),
    [
      [ids.x_TraceId, ids.x_SpanId],
      ['', ''],
    ],
  );
  t.match(
    JSON.stringify(records[1]),
    /focus.x_trace_id.*no-id/,
    'what is no id stays an attribute',
  );
  t.end();
});
