/** Agents of accounts forward their bills to a central one: its totals are theirs. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createLogEncoder } from '../../pipelines/encode/otlp-logs/index.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { createHttp } from '../../plugins/kit/http.ts';
import { batchOf } from '../helpers/batch.ts';
import { accountFolder, type Central, centralFolder } from '../helpers/forwarding.ts';
import { numberedIds } from '../helpers/numbered-ids.ts';
import {
  addCosts,
  bill,
  type Costs,
  committed,
  committedCosts,
  exportedCosts,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  readOnce,
  startWorld,
} from '../helpers/world.ts';
import { freePort } from '../interop/programs/ports.ts';

t.setTimeout(10 * 60_000);

/** A central agent that runs, and agents of accounts. */
async function forwardingWorld(t: Test, central: Omit<Central, 'port'> = {}) {
  const folder = t.testdir({});
  const port = await freePort();
  const center = centralFolder(join(folder, 'central'), { port, ...central });
  const { logs } = await startWorld(t, center);
  return {
    center,
    logs,
    url: `http://127.0.0.1:${port}`,
    account: (name: string, options: Parameters<typeof accountFolder>[2] = {}) =>
      accountFolder(join(folder, name), port, { agent: name, ...options }),
  };
}

/** Waits until the central agent's totals are these. */
async function settled(t: Test, folder: string, costs: Costs, what: string): Promise<void> {
  const wanted = JSON.stringify(costs);
  for (let i = 0; i < 1200 && JSON.stringify(committedCosts(folder)) !== wanted; i++)
    await new Promise((resolve) => setTimeout(resolve, 25));
  t.strictSame(committedCosts(folder), costs, what);
}

const sums = (folders: readonly string[]): Costs => addCosts(folders.map(committedCosts));

async function read(t: Test, ...folders: readonly string[]): Promise<void> {
  for (const folder of folders) t.ok((await readOnce(t, folder)).ok);
}

for (const protocol of ['grpc', 'http'] as const)
  t.test(`accounts add up, and stay added up when they are restated: ${protocol}`, async (t) => {
    const { center, account } = await forwardingWorld(t, { protocol });
    const sends = protocol === 'http' ? { more: 'protocol: http/protobuf' } : {};
    const [one, two] = [account('one', sends), account('two', sends)];
    await bill(one, { provider: 'aws', rows: 500 });
    const owned = focusRow('0.123456789012345678901', { tags: '"{""team"":""shop""}"' });
    put(two, 'bills/a.csv', focusCsv([1.25, owned, 7, 7, '-1e-7']));
    await read(t, one, two);
    await settled(t, center, sums([one, two]), 'to the last decimal');
    t.match(
      committed(center)
        .map(({ scope }) => scope)
        .toSorted(),
      [/^one\/files\//, /^two\/files\//],
    );
    t.strictSame(await exportedCosts(join(center, 'out')), sums([one, two]));
    const written = Object.values(filesBelow(join(center, 'out'))).join('\n');
    t.match(written, /,shop,.*\btwo,files\b|two,files.*shop/, 'its owner, and its way');

    put(two, 'bills/a.csv', focusCsv([1.25, 8]));
    await read(t, two);
    await settled(t, center, sums([one, two]), 'restated');
    await read(t, one, two);
    t.equal(committed(center).length, 2, 'a scope counts once');
  });

t.test('the clock of an account steps back', async (t) => {
  const { center, account } = await forwardingWorld(t);
  const one = account('one');
  for (const [days, rows] of [[1, 2], [3], [4, 5]].entries()) {
    const clock = { ...systemClock, now: () => systemClock.now() - days * 86_400_000 };
    put(one, 'bills/a.csv', focusCsv(rows));
    t.ok((await readOnce(t, one, { clock })).ok);
    await settled(t, center, sums([one]), `${days} days back`);
  }
});

t.test('what belongs to no delivery, and what does not fit', async (t) => {
  const { center, account, url } = await forwardingWorld(t, {
    protocol: 'http',
    forward: 'token: secret\n    spool_size: 1MiB\n    max_body: 1MiB',
  });
  const http = createHttp();
  t.teardown(() => http.close());
  const post = async (body: Uint8Array, headers: Readonly<Record<string, string>> = {}) =>
    await http.request({
      url: `${url}/v1/logs`,
      method: 'POST',
      body,
      headers: {
        'content-type': 'application/x-protobuf',
        authorization: 'Bearer secret',
        ...headers,
      },
    });
  t.match(await post(Buffer.of(), { authorization: 'Bearer wrong' }), { status: 401 });
  t.match(await post(Buffer.of(0x0a, 0xff, 0x7f)), { status: 400 }, 'no request');
  t.match(await post(Buffer.alloc(2 << 20)), { status: 413 });
  const foreign = await post(Buffer.of(0x0a, 4, 0x12, 2, 0x12, 0));
  t.equal(foreign.status, 200);
  t.match(Buffer.from(foreign.body).toString('latin1'), /not written by an agent/);

  const one = account('one', {
    more: 'protocol: http/protobuf, headers: { authorization: Bearer secret }, logs: { max_batch_bytes: 256KiB }',
  });
  const rows = Array.from({ length: 3_000 }, (_, i) => i);
  put(one, 'bills/a.csv', focusCsv(rows));
  await read(t, one);
  await settled(t, center, sums([one]), 'one delivery may be larger than the spool');
});

t.test('a delivery waits when too many are under way', async (t) => {
  const { center, account, url } = await forwardingWorld(t, {
    protocol: 'http',
    forward: 'spool_size: 1MiB',
  });
  const http = createHttp();
  t.teardown(() => http.close());
  const post = (delivery: string, row: number, charges: number) =>
    http.request({
      url: `${url}/v1/logs`,
      method: 'POST',
      body: halfOf(delivery, row, charges),
      headers: { 'content-type': 'application/x-protobuf' },
    });
  t.match(await post('begun', 0, 5_000), { status: 200 });
  const full = await post('another', 0, 1);
  t.match(full, { status: 503, headers: { 'retry-after': '5' } });
  t.match(await post('begun', 5_000, 10), { status: 200 }, 'what is begun may be finished');
  t.strictSame(committed(center), [], 'not all of it came');
  const one = account('one', {
    more: 'protocol: http/protobuf',
    elapsed: '300ms',
  });
  put(one, 'bills/a.csv', focusCsv([1]));
  t.notOk((await readOnce(t, one)).ok, 'it is told so');
});

/** A request with charges of a delivery whose end never comes. */
function halfOf(id: string, from: number, charges: number): Uint8Array {
  const batch = batchOf(
    Array.from({ length: charges }, () => ({
      BilledCost: '1',
      ChargeDescription: 'x'.repeat(300),
    })),
    { firstRow: from + 1 },
  );
  const encoder = createLogEncoder({
    resource: {},
    observedMs: 1,
    uidPrefix: id,
    scopeVersion: '1',
    maxBytes: 8 << 20,
    forward: { agent: 'half' },
    forwarded: { id, receiver: 'r', scope: id, revision: '1', mode: 'snapshot', attempt: 1 },
  });
  const [request] = [...encoder.add(batch, { ids: numberedIds(batch) }), ...encoder.finish()];
  return request?.bytes ?? new Uint8Array();
}

t.test('only what changed is sent', async (t) => {
  const { center, account } = await forwardingWorld(t);
  const one = account('one', { more: 'logs: { restatement: rows }' });
  const revisions = [
    [1.25, 7, 7],
    [1.25, 7, 8],
    [1.25, 7, 8, 8, '0.1000000000000000000001'],
    [],
    [7],
  ];
  for (const [i, rows] of revisions.entries()) {
    put(one, 'bills/a.csv', focusCsv([3, ...rows]));
    await read(t, one);
    await settled(t, center, sums([one]), `revision ${i + 1}`);
  }
  t.equal(committed(center).length, revisions.length, 'the first and what changed since');
});

for (const restatement of ['totals', 'rows'] as const)
  t.test(`agents that read the same bill: ${restatement}`, async (t) => {
    const { center, account } = await forwardingWorld(t);
    const more = `logs: { restatement: ${restatement} }`;
    const one = account('one', { more });
    const two = account('two', { more, bills: join(one, 'bills') });
    const write = (rows: readonly number[]) => put(one, 'bills/a.csv', focusCsv(rows));
    write([1, 2, 3, 3]);
    await read(t, two, one);
    await settled(t, center, sums([one]), 'a charge counts once, whoever brings it');
    write([1, 2, 4]);
    await read(t, two);
    await settled(t, center, sums([two]), 'who is behind does not hold on to what vanished');
    await read(t, one);
    await settled(t, center, sums([one]), 'nor does it count again when it catches up');
    write([5]);
    await read(t, one);
    await settled(t, center, sums([one]), 'the newest counts');
    t.same(
      committed(center)
        .map(({ charges }) => charges)
        .toSorted(),
      [0, 1],
    );
  });
