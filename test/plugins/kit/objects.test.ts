import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import t from 'tap';
import type { Delivery } from '../../../pipelines/plugin/index.ts';
import { manifestSets } from '../../../plugins/kit/objects/manifest-sets.ts';
import { receiveSets } from '../../../plugins/kit/objects/receive.ts';
import { claims } from '../../helpers/claims.ts';
import { type MemoryStore, memoryStore } from '../../helpers/memory-store.ts';
import { type World, worldOf } from '../../helpers/plugin-world.ts';
import { filesBelow } from '../../helpers/world.ts';

const MANIFEST = 'costs/metadata/BILLING_PERIOD=2026-09/costs-Manifest.json';

/** A bill of some files, as AWS Data Exports lays it out. */
function putBill(
  store: MemoryStore,
  run: string,
  files: Readonly<Record<string, string>>,
  manifest = MANIFEST,
): void {
  const keys = Object.keys(files).map((name) => `costs/data/BILLING_PERIOD=2026-09/${name}`);
  for (const [index, content] of Object.values(files).entries())
    store.put(keys[index] ?? '', content);
  const dataFiles = keys.map((key) => `s3://bucket/${key}`);
  store.put(manifest, JSON.stringify({ executionId: run, exportName: 'costs', dataFiles }));
}

interface Setting {
  readonly store: MemoryStore;
  readonly world: World<object>;
  readonly since?: string;
  readonly maxBytes?: number;
  readonly keep?: boolean;
}

function receiving(
  { store, world, since = '2026-08', maxBytes = 1e6, keep = false }: Setting,
  cursor?: string,
) {
  const search = manifestSets(store);
  const look = () => search({ prefix: 'costs/', since });
  const more = {
    mapping: 'auto',
    intervalMs: 60_000,
    parallel: 2,
    maxBytes,
    keep,
    random: () => 0.5,
  };
  return receiveSets({ context: world, store, look, ...more }, cursor);
}

/** What is delivered, and the content of its parts at that time. */
async function taken(
  setting: Setting,
  cursor?: string,
): Promise<readonly (Delivery & { readonly texts: readonly string[] })[]> {
  const found: (Delivery & { readonly texts: readonly string[] })[] = [];
  for await (const delivery of receiving(setting, cursor))
    found.push({
      ...delivery,
      texts: delivery.parts.map(({ path }) => readFileSync(path, 'utf8')),
    });
  return found;
}

t.test('a bill in an object store', async (t) => {
  const setting = (): Setting & { readonly folder: string } => {
    const folder = t.testdir({});
    return { store: memoryStore(), world: worldOf({}, { once: true, folder }), folder };
  };

  t.test('is delivered whole, once, and its download removed', async (t) => {
    const { store, world, folder } = setting();
    putBill(store, 'run-1', { 'a.csv': 'first part', 'b.csv': 'second part' });
    const [delivery, ...more] = await taken({ store, world });
    t.same(more, []);
    t.match(delivery, { scope: 'costs/2026-09', revision: 'run-1', mode: 'snapshot' });
    t.same(delivery?.texts, ['first part', 'second part']);
    t.same(
      delivery?.parts.map(({ bytes }) => bytes),
      [10, 11],
    );
    t.same(readdirSync(join(folder, 'parts')), []);
    t.same(await taken({ store, world }, delivery?.cursor), [], 'the cursor knows it');
    putBill(store, 'run-2', { 'a.csv': 'less' });
    const [restated] = await taken({ store, world }, delivery?.cursor);
    t.match(restated, { scope: 'costs/2026-09', revision: 'run-2', texts: ['less'] });
  });

  t.test('stays on the disk until it is replaced where that is wanted', async (t) => {
    const { store, world, folder } = setting();
    const kept = () => readdirSync(join(folder, 'parts')).length;
    putBill(store, 'run-1', { 'a.csv': 'old' });
    const [first] = await taken({ store, world, keep: true });
    t.equal(readFileSync(first?.parts[0]?.path ?? '', 'utf8'), 'old');
    await taken({ store, world, keep: true }, first?.cursor);
    t.equal(kept(), 1, 'another look leaves it');
    putBill(store, 'run-2', { 'a.csv': 'new' });
    const [second] = await taken({ store, world, keep: true }, first?.cursor);
    t.equal(readFileSync(second?.parts[0]?.path ?? '', 'utf8'), 'new');
    t.equal(kept(), 1, 'the former version is gone');
  });

  t.test('that another agent is at is left out, and looked for again', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'theirs' });
    const other = 'costs/metadata/BILLING_PERIOD=2026-08/costs-Manifest.json';
    store.put('costs/data/BILLING_PERIOD=2026-08/b.csv', 'ours');
    const dataFiles = ['s3://bucket/costs/data/BILLING_PERIOD=2026-08/b.csv'];
    store.put(other, JSON.stringify({ executionId: 'run-2', exportName: 'costs', dataFiles }));
    const sharing = claims({ 'costs/2026-09': ['elsewhere', 'elsewhere', 'done'] });
    const [ours, ...more] = await taken({ store, world: { ...world, sharing } });
    t.same(more, []);
    t.match(ours, { scope: 'costs/2026-08', texts: ['ours'] });
    t.equal(sharing.said.filter((said) => said === 'look').length, 3);
    t.equal(sharing.said.filter((said) => said === 'costs/2026-09 run-1').length, 3);
    t.same(
      store.opened.filter(({ key }) => key.endsWith('a.csv')),
      [],
      'nothing of it is downloaded',
    );
  });

  t.test('that changes while it is read is read again', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'old', 'b.csv': 'old' });
    store.onOpen = (key) => {
      if (!key.endsWith('b.csv')) return;
      store.onOpen = undefined;
      putBill(store, 'run-2', { 'a.csv': 'new a', 'b.csv': 'new b' });
    };
    const found = await taken({ store, world });
    t.same(
      found.map(({ revision, texts }) => [revision, ...texts]),
      [['run-2', 'new a', 'new b']],
    );
    t.match(world.lines, [{ message: 'bill changed while it was read, it is read again' }]);
  });

  t.test('whose manifest changes last is read again', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'same' });
    store.onOpen = () => {
      store.onOpen = undefined;
      putBill(store, 'run-2', { 'a.csv': 'same' });
    };
    t.same(
      (await taken({ store, world })).map(({ revision }) => revision),
      ['run-2'],
    );
  });

  t.test('that never holds still is given up for now', async (t) => {
    const { store, world } = setting();
    let run = 1;
    putBill(store, 'run-1', { 'a.csv': 'x' });
    store.onOpen = () => putBill(store, `run-${++run}`, { 'a.csv': `x${run}` });
    await t.rejects(taken({ store, world }), { name: 'Unavailable', message: /written anew/ });
  });

  t.test('with a part that is missing or of another length is waited for', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'x', 'b.csv': 'y' });
    store.delete('costs/data/BILLING_PERIOD=2026-09/b.csv');
    t.same(await taken({ store, world }), []);
    t.match(world.lines, [{ level: 'warn', fields: { missing: /b\.csv$/ } }]);
    const blobs = [{ blobName: 'costs/data/BILLING_PERIOD=2026-09/a.csv', byteCount: 7 }];
    store.put(
      MANIFEST,
      JSON.stringify({ blobs, runInfo: { runId: 'r', startDate: '2026-09-01' } }),
    );
    t.same(await taken({ store, world }), []);
    t.match(world.lines.at(-1)?.fields, { missing: /a\.csv \(has 1 of 7 bytes\)/ });
  });

  t.test('goes on where its download broke off', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'all of the bytes' });
    store.bend = (_, bytes) => bytes.subarray(0, 6);
    await t.rejects(taken({ store, world }), {
      name: 'Unavailable',
      message: /shorter .*16 bytes/,
    });
    store.bend = undefined;
    t.same(
      (await taken({ store, world })).map(({ texts }) => texts),
      [['all of the bytes']],
    );
    t.same(
      store.opened.map(({ from }) => from),
      [0, 6],
    );
  });

  t.test('whose part had come whole before the agent stopped', async (t) => {
    const { store, world, folder } = setting();
    putBill(store, 'run-1', { 'a.csv': 'whole' });
    store.bend = (_, bytes) => bytes.subarray(0, 2);
    await t.rejects(taken({ store, world }), { name: 'Unavailable' });
    const [partial = ''] = Object.keys(filesBelow(folder));
    appendFileSync(join(folder, partial), 'ole');
    store.bend = undefined;
    t.same(
      (await taken({ store, world })).map(({ texts }) => texts),
      [['whole']],
    );
    t.equal(store.opened.length, 1, 'is not asked for again');
  });

  t.test('with a part longer than it should be is not trusted', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'short' });
    store.bend = (_, bytes) => Buffer.concat([bytes, Buffer.from(' and more')]);
    await t.rejects(taken({ store, world }), { name: 'Unavailable', message: /longer .*5 bytes/ });
    store.bend = undefined;
    t.same(
      (await taken({ store, world })).map(({ texts }) => texts),
      [['short']],
    );
    t.same(
      store.opened.map(({ from }) => from),
      [0, 0],
      'from its beginning',
    );
  });

  t.test('cannot write outside its folder, whatever its keys are', async (t) => {
    const { store, world, folder } = setting();
    putBill(store, 'run-1', {
      '../../../../escaped.csv': 'a',
      '/absolute/../up.csv': 'b',
      [`${'long'.repeat(200)}.csv`]: 'c',
      'quo"te\n;.csv': 'd',
    });
    const [delivery] = await taken({ store, world });
    t.same(delivery?.texts, ['a', 'b', 'c', 'd']);
    for (const { path } of delivery?.parts ?? [])
      t.notMatch(relative(join(folder, 'parts'), path), /\.\.|^\//);
    t.notOk(existsSync(join(folder, '..', 'escaped.csv')));
  });

  t.test('says how far the downloads of all bills are', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': '12345' });
    putBill(store, 'run-2', { 'b.csv': '123' }, MANIFEST.replace('2026-09', '2026-08'));
    store.onOpen = () => world.clock.set(world.clock.now() + 6_000);
    await taken({ store, world });
    const progress = world.lines.filter(({ message }) => message === 'bill is downloaded');
    t.match(
      progress.map(({ fields }) => fields),
      [
        { bills: 2, files: 2, bytes: 3, of: 8, etaSeconds: 10 },
        { bills: 2, files: 2, bytes: 6, of: 8, etaSeconds: 4 },
      ],
      'three bytes come at once, six seconds after each is asked for',
    );
  });

  t.test('before the months that are looked at is left alone', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'x' });
    t.same(await taken({ store, world, since: '2026-10' }), []);
  });

  t.test('is found whatever the case of its partition names', async (t) => {
    const { store, world } = setting();
    const key = 'costs/data/billing_period=2026-09/a.csv';
    store.put(key, 'lower');
    const dataFiles = [`s3://bucket/${key.replace('billing_period', 'BILLING_PERIOD')}`];
    store.put(MANIFEST, JSON.stringify({ executionId: 'run-1', dataFiles }));
    t.same(
      (await taken({ store, world })).map(({ texts }) => texts),
      [['lower']],
    );
  });

  t.test('that is too large says which setting to raise', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'twelve bytes' });
    await t.rejects(taken({ store, world, maxBytes: 11 }), {
      name: 'Misconfigured',
      path: 'receivers.test.max_bill',
      hint: /set it to 12 or more/,
    });
  });

  t.test('of several manifests the youngest speaks', async (t) => {
    const { store, world } = setting();
    putBill(
      store,
      'run-2',
      { 'a.csv': 'x' },
      'costs/metadata/BILLING_PERIOD=2026-09/z/old-Manifest.json',
    );
    putBill(store, 'run-3', { 'a.csv': 'y' });
    t.same(
      (await taken({ store, world })).map(({ revision }) => revision),
      ['run-3'],
    );
  });

  t.test('of another export with the same name is another bill', async (t) => {
    const { store, world } = setting();
    putBill(store, 'run-1', { 'a.csv': 'x' }, `costs/one/${MANIFEST.slice(6)}`);
    putBill(store, 'run-2', { 'b.csv': 'y' }, `costs/two/${MANIFEST.slice(6)}`);
    t.same(
      (await taken({ store, world })).map(({ scope, texts }) => [scope, ...texts]),
      [
        ['costs/one/2026-09', 'x'],
        ['costs/two/2026-09', 'y'],
      ],
    );
  });

  t.test('is looked for again and again until the agent stops', async (t) => {
    const folder = t.testdir({});
    const store = memoryStore();
    const world = worldOf({}, { folder });
    putBill(store, 'run-1', { 'a.csv': 'x' });
    const revisions: string[] = [];
    await t.rejects(async () => {
      for await (const { revision } of receiving({ store, world })) {
        revisions.push(revision);
        if (revision === 'run-1') putBill(store, 'run-2', { 'a.csv': 'y' });
        else world.stop.abort();
      }
    });
    t.same(revisions, ['run-1', 'run-2']);
    t.same(world.clock.slept, [60_000]);
  });

  t.test('that another export holds, too, is warned of once', async (t) => {
    const store = memoryStore();
    const world = worldOf({}, { folder: t.testdir({}) });
    for (const name of ['one', 'two']) {
      const exportArn = `arn:aws:bcm-data-exports:us-east-1:111111111111:export/${name}`;
      const manifest = { executionId: 'run-1', exportArn, dataFiles: [] };
      store.put(`costs/${name}/${MANIFEST.slice(6)}`, JSON.stringify(manifest));
    }
    const sleep = async () => {
      if (++looks === 3) world.stop.abort();
      world.signal.throwIfAborted();
    };
    let looks = 0;
    const context = { ...world, clock: { ...world.clock, sleep } };
    await t.rejects(async () => {
      for await (const { parts } of receiving({ store, world: context })) t.same(parts, []);
    });
    t.equal(looks, 3);
    t.match(world.lines, [{ fields: { scopes: ['costs/one/2026-09', 'costs/two/2026-09'] } }]);
    t.equal(world.lines.length, 1);
  });
});
