/** Cost Management exports in a real Blob storage: what is delivered, and what happens when they change on the way. */
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Delivery, Http, HttpRequest } from '../../pipelines/plugin/index.ts';
import { Unavailable } from '../../pipelines/plugin/index.ts';
import azureExports from '../../plugins/receivers/azure-exports/index.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { type Azurite, azurite, startAzurite } from './programs/azurite.ts';
import { startRelay } from './programs/relay.ts';
import { focusBill, monthsAgo, storeAgent } from './store-agent.ts';

t.setTimeout(10 * 60_000);

const program = await azurite();
const skip = 'skip' in program ? program.skip : false;

const TOMORROW = new Date(Date.now() + 86_400_000);
const SUBSCRIPTION = '/subscriptions/00000000-0000-0000-0000-000000000001';

/** A run of an export as Cost Management lays it out; the manifest comes last. */
function run(of: {
  readonly root: string;
  readonly id: string;
  readonly type?: string;
  readonly parts: readonly string[];
  /** What the manifest says of the parts' lengths, where it is not so. */
  readonly said?: number;
  readonly period?: string;
}): Readonly<Record<string, string>> {
  const { root, id, type = 'FocusCost', parts, period = '20260901-20260930' } = of;
  const folder = `${root}/daily/${period}/202609170300/${id}`;
  const names = parts.map((_, index) => `${folder}/part_${index}_0001.csv`);
  const start = period.replace(/^(\d{4})(\d\d)(\d\d).*/, '$1-$2-$3T00:00:00');
  const manifest = {
    manifestVersion: '2024-04-01',
    blobCount: parts.length,
    exportConfig: {
      exportName: 'daily',
      resourceId: `${SUBSCRIPTION}/providers/Microsoft.CostManagement/exports/daily`,
      type,
    },
    runInfo: { executionType: 'Scheduled', runId: id, startDate: start },
    blobs: parts.map((content, index) => ({
      blobName: names[index],
      byteCount: of.said ?? content.length,
    })),
  };
  const files = Object.fromEntries(parts.map((content, index) => [names[index] ?? '', content]));
  return { ...files, [`${folder}/manifest.json`]: JSON.stringify(manifest) };
}

/** Makes HTTP other than it is. */
type Tampering = (http: Http, request: HttpRequest) => ReturnType<Http['stream']>;

interface Taking {
  readonly store: Azurite;
  readonly root: string;
  readonly credentials?: object;
  readonly cursor?: string | undefined;
  readonly tamper?: Tampering;
  readonly container?: string;
}

interface Taken extends Delivery {
  readonly texts: readonly string[];
}

/** What one look delivers, and what was logged. */
async function take(t: Test, of: Taking) {
  const { store, root, tamper } = of;
  const credentials = of.credentials ?? { kind: 'sas', sas: store.sas(TOMORROW) };
  const written = { container: of.container ?? store.container, prefix: `${root}/`, credentials };
  const config = await checkedSettings(azureExports, { ...written, look_back: 12 });
  const folder = join(t.testdirName, root);
  await mkdir(folder, { recursive: true });
  const real = worldOf(config, { id: 'azure-exports', once: true, folder });
  t.teardown(() => real.close());
  const { http } = real;
  const clock = { ...real.clock, now: () => Date.now() };
  const stream: Http['stream'] = (request) =>
    tamper === undefined ? http.stream(request) : tamper(http, request);
  const world = { ...real, clock, http: { ...http, stream } };
  const deliveries: Taken[] = [];
  for await (const delivery of azureExports.receive(world, of.cursor))
    deliveries.push({
      ...delivery,
      texts: delivery.parts.map(({ path }) => readFileSync(path, 'utf8')),
    });
  return { deliveries, lines: real.lines };
}

t.test('exports in Blob storage', { skip }, async (t) => {
  t.testdir({});
  const store = await startAzurite(join(t.testdirName, 'azurite'));
  t.teardown(() => store.stop());

  t.test('runs replace each other, a closed month too', async (t) => {
    const root = 'replaced';
    await store.put(run({ root, id: 'run-1', parts: ['first', 'second'] }));
    const one = await take(t, { store, root });
    t.match(one.deliveries, [
      { scope: 'replaced/daily/20260901', revision: 'run-1', mode: 'snapshot', mapping: 'auto' },
    ]);
    t.same(one.deliveries[0]?.texts, ['first', 'second']);
    const cursor = one.deliveries[0]?.cursor;
    t.same((await take(t, { store, root, cursor })).deliveries, [], 'the cursor knows it');
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await store.put(run({ root, id: 'run-0', parts: ['less'] }));
    const two = await take(t, { store, root, cursor });
    t.match(two.deliveries, [{ revision: 'run-0', texts: ['less'] }], 'the younger one, with less');
    t.equal(two.deliveries.length, 1);
  });

  t.test('by the key of the account, with names that need escaping', async (t) => {
    const root = "it's (a) käse+&=";
    await store.put(
      Object.fromEntries(
        Object.entries(run({ root, id: 'r', parts: ['abc'] })).map(([name, content]) => [
          name.split('/').map(encodeURIComponent).join('/'),
          content,
        ]),
      ),
    );
    const credentials = { kind: 'shared-key', account_key: store.accountKey };
    const { deliveries } = await take(t, { store, root, credentials });
    t.match(deliveries, [{ texts: ['abc'] }]);
  });

  t.test('listings that page', async (t) => {
    const root = 'pages';
    for (const month of ['07', '08', '09'])
      await store.put(
        run({ root, id: month, parts: ['a', 'b'], period: `2026${month}01-2026${month}30` }),
      );
    let pages = 0;
    const { deliveries } = await take(t, {
      store,
      root,
      tamper: (http, request) => {
        const lists = request.url.includes('comp=list');
        if (lists) pages += 1;
        return http.stream(lists ? { ...request, url: `${request.url}&maxresults=2` } : request);
      },
    });
    t.same(deliveries.map(({ revision }) => revision).toSorted(), ['07', '08', '09']);
    t.ok(pages >= 5, `${pages} pages`);
  });

  t.test('a run that is written anew while it is read', async (t) => {
    const root = 'anew';
    await store.put(run({ root, id: 'r', parts: ['old', 'old'] }));
    let rewritten = false;
    const { deliveries, lines } = await take(t, {
      store,
      root,
      tamper: async (http, request) => {
        if (request.url.includes('part_1') && !rewritten) {
          rewritten = true;
          await store.put(run({ root, id: 'r', parts: ['new!', 'new!'] }));
        }
        return http.stream(request);
      },
    });
    t.same(
      deliveries.map(({ texts }) => texts),
      [['new!', 'new!']],
    );
    t.match(lines, [{ message: /changed while it was read/ }]);
  });

  t.test('a part that is missing, or not as long as said', async (t) => {
    const blobs = run({ root: 'missing', id: 'r', parts: ['a', 'b'] });
    await store.put(blobs);
    const part = Object.keys(blobs)[1] ?? '';
    await store.delete(part);
    const missing = await take(t, { store, root: 'missing' });
    t.same(missing.deliveries, []);
    t.match(missing.lines, [{ level: 'warn', fields: { missing: part } }]);
    for (const said of [2, 200]) {
      const root = `said-${said}`;
      await store.put(run({ root, id: 'r', parts: ['12345'], said }));
      const { deliveries, lines } = await take(t, { store, root });
      t.same(deliveries, []);
      t.match(lines, [{ level: 'warn', fields: { missing: `has 5 of ${said} bytes` } }]);
    }
  });

  t.test('a download that breaks goes on where it stopped', async (t) => {
    const root = 'broken';
    const content = 'x'.repeat(300_000);
    await store.put(run({ root, id: 'r', parts: [content] }));
    const cut: Tampering = async (http, request) => {
      const answer = await http.stream(request);
      if (!request.url.includes('part_0')) return answer;
      async function* first() {
        for await (const chunk of answer.body) {
          yield chunk.subarray(0, 1_000);
          throw new Unavailable('cut');
        }
      }
      return { ...answer, body: first() };
    };
    await t.rejects(take(t, { store, root, tamper: cut }), { name: 'Unavailable' });
    const ranges: (string | undefined)[] = [];
    const { deliveries } = await take(t, {
      store,
      root,
      tamper: (http, request) => {
        if (request.url.includes('part_0')) ranges.push(request.headers?.range);
        return http.stream(request);
      },
    });
    t.same(ranges, ['bytes=1000-']);
    t.equal(deliveries[0]?.texts[0], content);
  });

  t.test('actual beside amortized cost, and FOCUS beside both', async (t) => {
    const root = 'legacy';
    await store.put(run({ root: `${root}/a`, id: 'a', type: 'ActualCost', parts: ['actual'] }));
    const alone = await take(t, { store, root });
    t.match(alone.deliveries, [{ mapping: 'auto', revision: 'a' }]);
    await store.put(run({ root: `${root}/b`, id: 'b', type: 'AmortizedCost', parts: ['amort'] }));
    const { cursor } = alone.deliveries[0] ?? {};
    const both = await take(t, { store, root, cursor });
    t.match(both.deliveries, [
      { scope: 'legacy/a/daily/20260901', mapping: 'azure-cost-fees', revision: 'a+fees' },
      { scope: 'legacy/b/daily/20260901', mapping: 'auto', revision: 'b' },
    ]);
    t.same(both.lines, []);
    await store.put(run({ root: `${root}/c`, id: 'c', parts: ['focus'] }));
    const doubled = await take(t, { store, root });
    const scopes = ['legacy/b/daily/20260901', 'legacy/c/daily/20260901'];
    t.match(doubled.lines, [{ message: /same bill twice/, fields: { scopes } }], 'warned once');
    await store.put(run({ root: `${root}/d`, id: 'd', type: 'ActualCost', parts: ['actual'] }));
    t.match((await take(t, { store, root })).lines, [
      { fields: { scopes: ['legacy/a/daily/20260901', 'legacy/d/daily/20260901'] } },
      { fields: { scopes } },
    ]);
    await store.put(run({ root: `prices/a`, id: 'p', type: 'PriceSheet', parts: ['price'] }));
    t.same((await take(t, { store, root: 'prices' })).deliveries, [], 'prices are no bill');
  });

  t.test('what the operator has to mend', async (t) => {
    const past = new Date(Date.now() - 60_000);
    const root = 'none';
    const credentials = { kind: 'sas', sas: store.sas(past) };
    const expired = take(t, { store, root, credentials });
    await t.rejects(expired, {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.credentials.sas',
      hint: /expired at/,
    });
    const key = { kind: 'shared-key', account_key: Buffer.from('wrong').toString('base64') };
    await t.rejects(take(t, { store, root, credentials: key }), {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.credentials.account_key',
    });
    const container = store.container.replace(/exports$/, 'nowhere');
    await t.rejects(take(t, { store, root, container }), {
      name: 'Misconfigured',
      path: 'receivers.azure-exports.container',
      hint: /misspelling/,
    });
    const nothing = await take(t, { store, root });
    t.match(nothing.lines, [{ message: 'no bill to read yet' }]);
  });
});

t.test('from the container to charges, and derived again', { skip }, async (t) => {
  const dir = t.testdir({});
  const store = await startAzurite(join(dir, 'azurite'));
  t.teardown(() => store.stop());
  const relay = await startRelay(store.url);
  t.teardown(() => relay.stop());
  const credentials = { kind: 'sas', sas: store.sas(TOMORROW) };
  const container = store.container.replace(store.url, relay.url);
  const settings = { container, prefix: 'costs/', credentials, keep_bills: true };
  const agent = storeAgent(t, { dir, type: 'azure-exports', settings });
  const month = monthsAgo(1);
  const putBill = async (id: string, costs: readonly string[] | undefined) => {
    const period = `${month.replace('-', '')}01-${month.replace('-', '')}28`;
    const parts = costs === undefined ? [] : [focusBill(month, costs)];
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await store.put(run({ root: 'costs', id, period, parts }));
  };
  await putBill('run-1', ['0.1', '0.2', '1e-9']);
  t.match(await agent.probe(), /1 bill would be read:/);
  relay.fault = () => {
    relay.fault = () => undefined;
    return { status: 503, headers: { 'x-ms-error-code': 'ServerBusy', 'retry-after': '1' } };
  };
  t.equal(await agent.billed(), '0.300000001', 'though the store was busy at first');
  await agent.audit();
  for (const [id, costs, sum] of [
    ['run-2', ['0.1'], '0.1'],
    ['run-3', [], '0'],
    ['run-4', ['7'], '7'],
    ['run-5', undefined, '0'],
  ] as const) {
    await putBill(id, costs);
    t.equal(await agent.billed(), sum, id);
    await agent.audit();
  }
});
