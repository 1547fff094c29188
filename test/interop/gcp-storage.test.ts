/** Exported bills in a Cloud Storage of another maker (fake-gcs-server): what is delivered, and what happens when it changes on the way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Delivery } from '../../pipelines/plugin/index.ts';
import gcpBilling from '../../plugins/receivers/gcp-billing/index.ts';
import { checkedSettings, worldOf } from '../helpers/plugin-world.ts';
import { type FakeGcs, fakeGcs, startFakeGcs } from './programs/fake-gcs.ts';
import { startRelay } from './programs/relay.ts';
import { focusBill, monthsAgo, storeAgent } from './store-agent.ts';

t.setTimeout(20 * 60_000);

const program = await fakeGcs();
const skip = 'skip' in program ? program.skip : false;

const BUCKET = 'bills';

/** A run of September below `export/`: its files, and the marker last. */
async function putRun(
  store: FakeGcs,
  run: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files))
    await store.put(BUCKET, `${run}/${name}`, content);
  await store.put(BUCKET, `${run}/_SUCCESS`, '');
}

interface Taking {
  readonly folder?: string;
  readonly cursor?: string | undefined;
  readonly settings?: Readonly<Record<string, unknown>>;
}

interface Taken extends Delivery {
  readonly texts: readonly string[];
}

/** What one look at a Cloud Storage delivers. */
async function take(
  t: Test,
  url: string,
  { folder = t.testdir({}), cursor, settings }: Taking = {},
): Promise<readonly Taken[]> {
  const written = { bucket: BUCKET, prefix: 'export/', storage_endpoint: url, anonymous: true };
  const config = await checkedSettings(gcpBilling, { ...written, ...settings });
  const world = worldOf(config, { once: true, folder });
  t.teardown(() => world.close());
  const found: Taken[] = [];
  for await (const delivery of gcpBilling.receive(world, cursor)) {
    const texts = delivery.parts.map(({ path }) => readFileSync(path, 'utf8'));
    found.push({ ...delivery, texts });
  }
  return found;
}

t.test('runs in Cloud Storage', { skip }, async (t) => {
  t.testdir({});
  const store = await startFakeGcs(join(t.testdirName, 'gcs'));
  t.teardown(() => store.stop());

  t.test('come whole, and a younger run replaces the former one', async (t) => {
    await putRun(store, 'export/2026-09/run-1', { 'a 1+%&ü.csv': 'first', 'b.csv': 'second' });
    const [first, ...more] = await take(t, store.url);
    t.same(more, []);
    t.match(first, { scope: 'gs://bills/export/2026-09', revision: /^run-1\/\d+$/ });
    t.same(first?.texts, ['first', 'second']);
    const { cursor } = first ?? {};
    t.same(await take(t, store.url, { cursor }), [], 'nothing new');
    await store.put(BUCKET, 'export/2026-09/run-2/a.csv', 'less');
    t.same(await take(t, store.url, { cursor }), [], 'not while the marker is missing');
    await store.put(BUCKET, 'export/2026-09/run-2/_SUCCESS', '');
    t.match(await take(t, store.url, { cursor }), [{ revision: /^run-2/, texts: ['less'] }]);
  });

  t.test('come from a listing of several pages', async (t) => {
    const relay = await startRelay(store.url, (path) =>
      path.includes('/o?') ? `${path}&maxResults=2` : path,
    );
    t.teardown(() => relay.stop());
    t.match(await take(t, relay.url), [{ revision: /^run-2/, texts: ['less'] }]);
    t.ok(relay.passed.filter(({ path }) => path.includes('/o?')).length > 2, 'pages');
  });

  t.test('that change while they are read are read again', async (t) => {
    await putRun(store, 'export/2026-09/run-3', { 'a.csv': 'old', 'b.csv': 'old' });
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    relay.fault = async ({ path }) => {
      if (!path.includes('b.csv')) return undefined;
      relay.fault = () => undefined;
      await putRun(store, 'export/2026-09/run-3', { 'a.csv': 'new a', 'b.csv': 'new b' });
      return undefined;
    };
    t.match(await take(t, relay.url), [{ texts: ['new a', 'new b'] }]);
  });

  t.test('go on where a download was cut', async (t) => {
    const content = 'charges'.repeat(200_000);
    await putRun(store, 'export/2026-09/run-4', { 'a.csv': content });
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    relay.fault = ({ path }) => (path.includes('a.csv') ? { cutAfter: 300_000 } : undefined);
    const folder = t.testdir({});
    await t.rejects(take(t, relay.url, { folder }), { name: 'Unavailable' });
    relay.fault = () => undefined;
    const [delivery] = await take(t, relay.url, { folder });
    t.equal(delivery?.texts[0] === content, true, 'every byte');
    t.match(
      relay.passed.flatMap(({ headers }) => headers.range ?? []),
      [/^bytes=[1-9]\d*-$/],
    );
  });

  t.test('that are refused say why', async (t) => {
    await t.rejects(take(t, store.url, { settings: { bucket: 'nowhere' } }), {
      name: 'Misconfigured',
      path: 'receivers.test.bucket',
    });
    const relay = await startRelay(store.url);
    t.teardown(() => relay.stop());
    const error = (code: number, reason: string) => ({
      status: code,
      body: JSON.stringify({ error: { code, message: 'no', errors: [{ reason }] } }),
    });
    relay.fault = () => error(403, 'forbidden');
    await t.rejects(take(t, relay.url), { name: 'Misconfigured', hint: /storage\.objectViewer/ });
    let left = 2;
    relay.fault = () => (left-- > 0 ? error(429, 'rateLimitExceeded') : undefined);
    t.match(await take(t, relay.url), [{ revision: /^run-4/ }], 'asked again after a while');
  });
});

t.test('from the bucket to charges, and derived again', { skip }, async (t) => {
  const dir = t.testdir({});
  const store = await startFakeGcs(join(dir, 'gcs'));
  t.teardown(() => store.stop());
  const month = monthsAgo(0);
  const settings = {
    ...{ bucket: BUCKET, prefix: 'export/', storage_endpoint: store.url, anonymous: true },
    keep_bills: true,
  };
  const agent = storeAgent(t, { dir, type: 'gcp-billing', settings });
  const putBill = (run: string, costs: readonly string[]) =>
    putRun(store, `export/${month}/${run}`, { 'a.csv': focusBill(month, costs) });
  await putBill('run-1', ['0.1', '0.2']);
  t.match(await agent.probe(), /1 bill would be read:/);
  for (const [run, costs, sum] of [
    ['run-2', ['0.1', '0.2', '1e-9'], '0.300000001'],
    ['run-3', ['0.1'], '0.1'],
    ['run-4', [], '0'],
  ] as const) {
    await putBill(run, costs);
    t.equal(await agent.billed(), sum, `the totals are those of ${run}`);
    await agent.audit();
  }
});
