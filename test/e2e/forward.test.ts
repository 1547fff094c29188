/** Agents of accounts forward their bills to a central one: its totals are theirs. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { accountFolder, type Central, centralFolder } from '../helpers/forwarding.ts';
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

t.test('agents that read the same bill', async (t) => {
  const { center, account } = await forwardingWorld(t);
  const one = account('one');
  const two = account('two', { bills: join(one, 'bills') });
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
