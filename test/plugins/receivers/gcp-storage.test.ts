import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import gcpBilling from '../../../plugins/receivers/gcp-billing/index.ts';
import { checkedSettings, worldOf } from '../../helpers/plugin-world.ts';

/** An object of the fake bucket. */
interface Stored {
  content: string;
  generation: number;
  updated: string;
}

interface Bucket {
  readonly url: string;
  readonly objects: Map<string, Stored>;
  readonly asked: { readonly path: string; readonly range: string | undefined }[];
  put(key: string, content: string, minute: number): void;
  /** Status and reason in place of an answer, or `cut`: half of an object. */
  fail: (url: URL) => { readonly status: number; readonly reason: string } | 'cut' | undefined;
}

/** The JSON API of Cloud Storage: two objects to a page, generations, ranges. */
async function fakeBucket(t: Test): Promise<Bucket> {
  let generations = 1_789_000_000_000_000;
  const bucket: Bucket = {
    url: '',
    objects: new Map(),
    asked: [],
    put(key, content, minute) {
      const updated = new Date(Date.UTC(2026, 8, 17, 0, minute)).toISOString();
      bucket.objects.set(key, { content, updated, generation: ++generations });
    },
    fail: () => undefined,
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost');
    bucket.asked.push({ path: url.pathname + url.search, range: request.headers.range });
    const failure = bucket.fail(url);
    const answer = (status: number, body: unknown, headers = {}) =>
      response
        .writeHead(status, headers)
        .end(typeof body === 'string' ? body : JSON.stringify(body));
    const refuse = (code: number, reason: string) =>
      answer(code, { error: { code, message: 'no', errors: [{ reason }] } });
    if (failure !== undefined && failure !== 'cut') return refuse(failure.status, failure.reason);
    const [, key] = /^\/storage\/v1\/b\/bills\/o\/(.+)$/.exec(url.pathname) ?? [];
    if (key === undefined) {
      const prefix = url.searchParams.get('prefix') ?? '';
      const from = Number(url.searchParams.get('pageToken') ?? '0');
      const all = [...bucket.objects].filter(([name]) => name.startsWith(prefix)).sort();
      const items = all.slice(from, from + 2).map(([name, { content, generation, updated }]) => ({
        ...{ name, updated },
        size: String(Buffer.byteLength(content)),
        generation: String(generation),
      }));
      return answer(200, { items, ...(from + 2 < all.length && { nextPageToken: `${from + 2}` }) });
    }
    const object = bucket.objects.get(decodeURIComponent(key));
    if (object === undefined) return refuse(404, 'notFound');
    const wanted = url.searchParams.get('ifGenerationMatch') ?? String(object.generation);
    if (wanted !== String(object.generation)) return refuse(412, 'conditionNotMet');
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? '0');
    const bytes = Buffer.from(object.content).subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      'x-goog-generation': String(object.generation),
      'content-length': bytes.length,
    });
    if (failure === undefined) return response.end(bytes);
    response.write(bytes.subarray(0, 4));
    setTimeout(() => response.destroy(), 20);
    return response;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return Object.assign(bucket, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
}

async function worldAt(t: Test, bucket: Bucket, written: object = {}) {
  const config = await checkedSettings(gcpBilling, {
    bucket: 'bills',
    prefix: 'export/',
    storage_endpoint: bucket.url,
    anonymous: true,
    ...written,
  });
  const folder = mkdtempSync(join(tmpdir(), 'focusd-gcs-'));
  const world = worldOf(config, { folder, once: true });
  t.teardown(async () => {
    await world.close();
    rmSync(folder, { recursive: true });
  });
  return world;
}

/** What a run delivers: scope, and the text of its parts. */
async function look(
  world: Awaited<ReturnType<typeof worldAt>>,
  cursor?: string,
): Promise<{ readonly given: readonly (readonly [string, string])[]; readonly cursor: string }> {
  const given: (readonly [string, string])[] = [];
  let last = cursor ?? '';
  for await (const delivery of gcpBilling.receive(world, cursor)) {
    t.match(delivery, { mode: 'snapshot', mapping: 'auto' });
    given.push([
      delivery.scope,
      delivery.parts.map(({ path }) => readFileSync(path, 'utf8')).join(),
    ]);
    last = delivery.cursor;
  }
  return { given, cursor: last };
}

t.test('of each folder the youngest run with a marker counts, with all of its files', async (t) => {
  const bucket = await fakeBucket(t);
  bucket.put('export/2026-09/run-1/a.csv', 'old', 1);
  bucket.put('export/2026-09/run-1/_SUCCESS', '', 2);
  bucket.put('export/2026-09/run-2/a.csv', 'new a', 3);
  bucket.put('export/2026-09/run-2/../b c.csv', 'elsewhere', 3);
  bucket.put('export/2026-09/run-2/b c.csv', 'new b', 3);
  bucket.put('export/2026-09/run-2/_SUCCESS', '', 4);
  bucket.put('export/2026-09/run-3/a.csv', 'not done', 5);
  bucket.put('export/2026-08/run-1/a.csv', 'august', 1);
  bucket.put('export/2026-08/run-1/_SUCCESS', '', 1);
  bucket.put('export/2025-01/run-1/a.csv', 'long ago', 1);
  bucket.put('export/2025-01/run-1/_SUCCESS', '', 1);
  bucket.put('other/2026-09/run-1/_SUCCESS', '', 1);
  const world = await worldAt(t, bucket);
  const first = await look(world);
  t.same(first.given, [
    ['gs://bills/export/2026-08', 'august'],
    ['gs://bills/export/2026-09', 'new a,new b'],
  ]);
  t.same((await look(world, first.cursor)).given, [], 'nothing new');
  bucket.put('export/2026-09/run-3/_SUCCESS', '', 6);
  t.same((await look(world, first.cursor)).given, [['gs://bills/export/2026-09', 'not done']]);
  t.match(await gcpBilling.probe?.(world), {
    source: 'gs://bills/export/, 12 objects',
    bills: [
      { scope: 'gs://bills/export/2026-08', files: 1, bytes: 6 },
      { scope: 'gs://bills/export/2026-09', revision: /^run-3\/\d+$/ },
    ],
  });
});

t.test(
  'a download that is cut goes on where it stopped, one that changed is read anew',
  async (t) => {
    const bucket = await fakeBucket(t);
    bucket.put('export/2026-09/run-1/a.csv', '0123456789', 1);
    bucket.put('export/2026-09/run-1/_SUCCESS', '', 2);
    const world = await worldAt(t, bucket);
    bucket.fail = ({ pathname }) => (pathname.endsWith('.csv') ? 'cut' : undefined);
    await t.rejects(look(world), { name: 'Unavailable' });
    bucket.fail = () => undefined;
    t.same((await look(world)).given, [['gs://bills/export/2026-09', '0123456789']]);
    t.equal(bucket.asked.findLast(({ path }) => path.includes('a.csv'))?.range, 'bytes=4-');

    bucket.put('export/2026-09/run-2/a.csv', 'first', 3);
    bucket.put('export/2026-09/run-2/_SUCCESS', '', 4);
    let times = 0;
    bucket.fail = ({ pathname }) => {
      if (pathname.endsWith('.csv') && ++times === 1)
        bucket.put('export/2026-09/run-2/a.csv', 'second', 5);
      return undefined;
    };
    t.same((await look(world)).given, [['gs://bills/export/2026-09', 'second']]);
  },
);

t.test('what is refused says who has to do what', async (t) => {
  const bucket = await fakeBucket(t);
  const refused = async (status: number, reason: string, written: object = {}) => {
    bucket.fail = () => ({ status, reason });
    const world = await worldAt(t, bucket, written);
    return await look(world).then(
      () => undefined,
      (error: unknown) => error,
    );
  };
  t.match(await refused(403, 'forbidden'), {
    path: 'receivers.test.bucket',
    hint: /roles\/storage\.objectViewer/,
  });
  t.match(await refused(404, 'notFound'), {
    path: 'receivers.test.bucket',
    hint: /no such bucket/,
  });
  t.match(await refused(503, 'backendError'), { name: 'Unavailable' });
  const both = { table: 'my-project.billing.bills' };
  t.match(await refused(200, '', both).catch((error) => error), {
    name: 'Misconfigured',
    path: 'receivers.test.table',
  });
});
