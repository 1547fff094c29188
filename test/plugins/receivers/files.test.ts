import { mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import type { Delivery, Sharing } from '../../../pipelines/plugin/index.ts';
import { filePatterns, listFiles, watchFiles, watchFolders } from '../../../plugins/kit/watch.ts';
import files from '../../../plugins/receivers/files/index.ts';
import { settling } from '../../../plugins/receivers/files/settling.ts';
import { claims } from '../../helpers/claims.ts';
import { checkedSettings, turnedClock, worldOf } from '../../helpers/plugin-world.ts';

/** Files by path, long settled unless told otherwise. */
function put(folder: string, contents: Readonly<Record<string, string>>, agoMs = 3_600_000): void {
  for (const [path, content] of Object.entries(contents)) {
    const target = join(folder, path);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content);
    const at = (NOW - agoMs) / 1_000;
    utimesSync(target, at, at);
  }
}

/** Where the turned clock starts. */
const NOW = Date.UTC(2026, 8, 17, 12);

interface Looked {
  readonly scope: string;
  readonly parts: readonly string[];
  readonly revision: string;
}

/** What one run with `once` delivers, paths from the folder on. */
async function look(
  t: Test,
  folder: string,
  written: Readonly<Record<string, unknown>> = {},
  {
    onSleep = () => {},
    sharing,
  }: { readonly onSleep?: (count: number) => void; readonly sharing?: Sharing } = {},
): Promise<{ readonly given: readonly Looked[]; readonly world: ReturnType<typeof worldOf> }> {
  const config = await checkedSettings(files, { paths: [join(folder, 'bills')], ...written });
  const clock = turnedClock(onSleep);
  const world = worldOf(config, { clock, folder: join(folder, 'remembered'), once: true });
  t.teardown(() => world.close());
  mkdirSync(world.folder, { recursive: true });
  const given: Looked[] = [];
  for await (const { scope, parts, revision } of files.receive(
    { ...world, ...(sharing && { sharing }) },
    undefined,
  ) as AsyncIterable<Delivery>)
    given.push({
      scope: scope.replace(`${folder}/bills/`, ''),
      revision,
      parts: parts.map(({ path }) => path.replace(`${folder}/bills/`, '')),
    });
  return { given, world };
}

t.test('what another agent is at is left out, and looked at again', async (t) => {
  const folder = t.testdir();
  put(folder, { 'bills/a.csv': 'a', 'bills/b.csv': 'b', 'bills/c.csv': 'c' });
  const path = (name: string): string => join(folder, 'bills', name);
  const sharing = claims({
    [path('a.csv')]: ['elsewhere', 'done'],
    [path('b.csv')]: ['elsewhere', 'mine'],
  });
  const { given, world } = await look(t, folder, {}, { sharing });
  t.same(
    given.map(({ scope }) => scope),
    ['c.csv', 'b.csv'],
  );
  t.equal(sharing.said.filter((said) => said === 'look').length, 2);
  t.same((world.clock as ReturnType<typeof turnedClock>).slept, [1_000]);
});

t.test('patterns', async (t) => {
  const folder = t.testdir();
  put(folder, {
    'a.csv': '',
    'b.ndjson': '',
    'deep/c.csv': '',
    'deep/deeper/d.csv': '',
    'deep/e.csv.tmp': '',
    'deep/.f.csv': '',
    '.hidden/g.csv': '',
    'with [brackets].csv': '',
    '../elsewhere/h.csv': '',
  });
  symlinkSync(join(folder, '../elsewhere/h.csv'), join(folder, 'deep/out.csv'));
  symlinkSync(join(folder, 'a.csv'), join(folder, 'deep/in.csv'));
  symlinkSync(join(folder, 'deep'), join(folder, 'linked'));
  t.teardown(() => rmSync(join(folder, '../elsewhere'), { recursive: true }));
  const found = async (
    patterns: readonly string[],
    exclude: readonly string[] = [],
  ): Promise<string[]> => {
    const seen = await listFiles(
      await filePatterns(
        patterns.map((path) => join(folder, path)),
        exclude,
      ),
    );
    return seen.map(({ path }) => path.slice(folder.length + 1));
  };
  const all = [
    'a.csv',
    'b.ndjson',
    'deep/c.csv',
    'deep/deeper/d.csv',
    'deep/in.csv',
    'with [brackets].csv',
  ];
  t.strictSame(
    await found(['.']),
    all,
    'a folder: everything below, nothing unfinished, nothing linked in from outside',
  );
  t.strictSame(await found(['*.csv']), ['a.csv', 'with [brackets].csv']);
  t.strictSame(
    await found(['**/*.csv']),
    all.filter((path) => path.endsWith('.csv')),
  );
  t.strictSame(await found(['deep/*/*.csv', '{a,b}.*']), [
    'a.csv',
    'b.ndjson',
    'deep/deeper/d.csv',
  ]);
  t.strictSame(await found(['a.csv', 'a.csv', 'nowhere.csv', 'with [brackets].csv']), [
    'a.csv',
    'with [brackets].csv',
  ]);
  t.strictSame(
    await found(['linked']),
    ['linked/c.csv', 'linked/deeper/d.csv'],
    'a linked folder, named by the operator',
  );
  t.strictSame(
    await found(['.'], ['deep/**', 'with*']),
    ['a.csv', 'b.ndjson'],
    'exclude below the root, or by name',
  );
  t.strictSame(await found(['.'], [join(folder, 'deep/**'), '*.ndjson']), [
    'a.csv',
    'with [brackets].csv',
  ]);

  const patterns = await filePatterns([join(folder, 'later')]);
  put(folder, { 'later/x.csv': '' });
  t.equal((await listFiles(patterns)).length, 1, 'a folder that came later');
  const { roots } = await filePatterns([
    join(folder, 'a.csv'),
    join(folder, '*.csv'),
    join(folder, '**/x'),
  ]);
  t.match(
    roots,
    [{ path: join(folder, 'a.csv') }, { path: folder, depth: Number.POSITIVE_INFINITY }],
    'nobody walks more than has to be',
  );
  t.match((await filePatterns([join(folder, 'deep/*/x.csv')])).roots, [
    { path: join(folder, 'deep'), depth: 1 },
  ]);
});

t.test('a watch tells of changes', async (t) => {
  const folder = t.testdir({ bills: {}, 'one.csv': '' });
  const stop = new AbortController();
  const roots = [
    { path: join(folder, 'bills'), depth: 9 },
    { path: join(folder, 'one.csv'), depth: 0 },
    { path: join(folder, 'later'), depth: 9 },
  ];
  const watch = watchFolders(roots, stop.signal);
  await watch.changed(5_000);
  const next = async (change: () => void): Promise<void> => {
    await watch.changed(300);
    const patience = AbortSignal.timeout(10_000);
    const changed = watch.changed(20_000);
    change();
    await Promise.race([
      changed,
      new Promise((_, reject) => patience.addEventListener('abort', reject)),
    ]);
  };
  await t.resolves(
    next(() => put(folder, { 'bills/a/b.csv': 'x' })),
    'added',
  );
  await t.resolves(
    next(() => writeFileSync(join(folder, 'bills/a/b.csv'), 'yy')),
    'written',
  );
  await t.resolves(
    next(() => rmSync(join(folder, 'bills/a/b.csv'))),
    'removed',
  );
  await t.resolves(
    next(() => writeFileSync(join(folder, 'one.csv'), 'yy')),
    'a single file',
  );
  await t.resolves(
    next(() => put(folder, { 'later/c.csv': 'x' })),
    'a folder that was not there',
  );
  await t.resolves(
    next(() => stop.abort()),
    'the end',
  );
  await watch.close();

  const told: number[] = [];
  const end = watchFiles([join(folder, 'one.csv')], () => told.push(1));
  t.teardown(end);
  for (let i = 0; i < 100 && told.length === 0; i++) {
    writeFileSync(join(folder, 'one.csv'), 'z'.repeat(i));
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  t.ok(told.length > 0);
});

t.test('a file is settled', async (t) => {
  const settled = settling(1_000);
  const file = { path: '/a', bytes: 1, modifiedMs: 10_000, changedMs: 10_000 };
  t.equal(settled([file], 10_500)(file), false, 'not yet');
  t.equal(settled([file], 11_000)(file), true, 'by its age');
  const ahead = { ...file, modifiedMs: 99_000 };
  t.equal(settled([ahead], 20_000)(ahead), false);
  t.equal(settled([ahead], 20_900)(ahead), false);
  t.equal(settled([ahead], 21_001)(ahead), true, 'from the future, but it was watched long enough');
  const grown = { ...ahead, bytes: 2 };
  t.equal(settled([grown], 21_002)(grown), false, 'it grew');
});

t.test('what is still being written is waited for', async (t) => {
  const folder = t.testdir();
  put(folder, { 'bills/old.csv': '1' });
  put(folder, { 'bills/young.csv': '1' }, 100);
  const onSleep = (count: number): void => {
    if (count === 1) put(folder, { 'bills/young.csv': '12' }, -1_000);
  };
  const { given, world } = await look(t, folder, { settle: '2s' }, { onSleep });
  t.match(given, [{ scope: 'old.csv' }, { scope: 'young.csv' }], 'the old one does not wait');
  t.ok((world.clock as ReturnType<typeof turnedClock>).slept.length >= 3);
  t.match(world.lines, [{ level: 'debug', fields: { path: /young/ } }]);
});

t.test('the revision is the content', async (t) => {
  const folder = t.testdir();
  put(folder, { 'bills/a.csv': 'one', 'bills/b.csv': 'one' });
  const first = (await look(t, folder)).given;
  t.equal(first[0]?.revision, first[1]?.revision);
  put(folder, { 'bills/b.csv': 'two' }, 60_000);
  const second = (await look(t, folder)).given;
  t.equal(second[0]?.revision, first[0]?.revision);
  t.not(second[1]?.revision, first[1]?.revision);
  const both = (await look(t, folder, { scope: 'folder' })).given;
  t.match(both, [{ parts: ['a.csv', 'b.csv'] }]);
});

t.test('a file rewritten with the same length and the same time is another file', async (t) => {
  const folder = t.testdir();
  put(folder, { 'bills/a.csv': 'one' });
  const before = (await look(t, folder)).given;
  put(folder, { 'bills/a.csv': 'two' });
  const after = (await look(t, folder)).given;
  t.equal(after.length, 1);
  t.not(after[0]?.revision, before[0]?.revision);
});

t.test('what is no bill by its name', async (t) => {
  const folder = t.testdir();
  put(folder, {
    'bills/README.md': '',
    'bills/a.csv.sha256': '',
    'bills/truth-aws-2026-09.json': '{}',
    'bills/broken-manifest.json': '{"dataFiles":',
    'bills/manifest.json': '{"other":"thing"}',
    'bills/a.csv': '',
  });
  t.match((await look(t, folder)).given, [{ scope: 'a.csv' }]);
});

t.test('nothing there', async (t) => {
  const folder = t.testdir();
  const { given, world } = await look(t, folder);
  t.strictSame(given, []);
  t.match(world.lines, [{ level: 'warn', message: 'no file to read yet' }]);
});

t.test('the manifest of a legacy Cost and Usage Report', async (t) => {
  const folder = t.testdir();
  const manifest = (assemblyId: string, keys: readonly string[]): string =>
    JSON.stringify({
      assemblyId,
      reportName: 'hourly',
      billingPeriod: { start: '20260901T000000.000Z', end: '20261001T000000.000Z' },
      reportKeys: keys.map((key) => `prefix/hourly/20260901-20261001/${key}`),
    });
  const period = 'bills/hourly/20260901-20261001';
  put(folder, {
    [`${period}/run-1/hourly-00001.csv.gz`]: 'one',
    [`${period}/run-1/hourly-Manifest.json`]: manifest('run-1', ['run-1/hourly-00001.csv.gz']),
    [`${period}/hourly-Manifest.json`]: manifest('run-1', ['run-1/hourly-00001.csv.gz']),
  });
  t.match((await look(t, folder)).given, [
    { scope: 'hourly/20260901', revision: 'run-1', parts: [/run-1\/hourly-00001/] },
  ]);
  put(
    folder,
    {
      [`${period}/run-2/hourly-00001.csv.gz`]: 'two',
      [`${period}/run-2/hourly-00002.csv.gz`]: 'two',
      [`${period}/run-2/hourly-Manifest.json`]: manifest('run-2', [
        'run-2/hourly-00001.csv.gz',
        'run-2/hourly-00002.csv.gz',
      ]),
      [`${period}/hourly-Manifest.json`]: manifest('run-2', [
        'run-2/hourly-00001.csv.gz',
        'run-2/hourly-00002.csv.gz',
      ]),
    },
    1_800_000,
  );
  t.match(
    (await look(t, folder)).given,
    [{ revision: 'run-2', parts: [/run-2\/hourly-00001/, /run-2\/hourly-00002/] }],
    'the run before lies there still, with a manifest of its own',
  );
});

t.test('two exports of one name are told apart by their folders', async (t) => {
  const folder = t.testdir();
  const bill = (payer: string, agoMs: number) => {
    const dataFiles = ['s3://bucket/data/a.csv'];
    const manifest = { executionId: payer, exportName: 'focus', dataFiles };
    const path = `bills/${payer}/metadata/BILLING_PERIOD=2026-09/focus-Manifest.json`;
    put(folder, { [`bills/${payer}/data/a.csv`]: payer, [path]: JSON.stringify(manifest) }, agoMs);
  };
  bill('one', 7_200_000);
  t.same((await look(t, folder)).world.lines, []);
  bill('two', 3_600_000);
  const { given, world } = await look(t, folder);
  t.match(given, [{ revision: 'two' }], 'the younger one is read');
  const left = [{ level: 'warn', message: /another export has its name/, fields: { by: /two/ } }];
  t.match(world.lines, left, 'and the other is not left out in silence');
  const config = await checkedSettings(files, { paths: [join(folder, 'bills')] });
  t.match((await files.probe?.({ ...world, config }))?.problems, [/one\/metadata.* is left out/]);
});

t.test('names in a manifest do not lead out of the folder', async (t) => {
  const folder = t.testdir();
  put(folder, {
    'secret.csv': 'no',
    'bills/metadata/x-Manifest.json': JSON.stringify({
      exportName: 'x',
      executionId: '1',
      dataFiles: ['s3://b/../secret.csv', '/../../secret.csv'],
    }),
  });
  const { given, world } = await look(t, folder);
  t.strictSame(given, []);
  t.match(world.lines, [{ message: /left out/, fields: { missing: /secret/ } }]);
});

t.test('files that were read one by one are taken back when a manifest comes', async (t) => {
  const folder = t.testdir();
  put(folder, {
    'bills/data/1.csv': 'one',
    'bills/data/2.csv': 'two',
    'bills/other/3.csv': 'three',
  });
  t.equal((await look(t, folder)).given.length, 3);
  put(folder, {
    'bills/metadata/x-Manifest.json': JSON.stringify({
      exportName: 'x',
      executionId: '7',
      dataFiles: ['s3://b/p/data/1.csv', 's3://b/p/data/2.csv'],
    }),
  });
  const noted = readFileSync(join(folder, 'remembered/loose-scopes.txt'), 'utf8');
  writeFileSync(join(folder, 'remembered/loose-scopes.txt'), `${noted}\n+"/cut of`);
  const { given } = await look(t, folder);
  t.strictSame(
    given.map(({ scope, revision, parts }) => [scope, revision, parts.length]),
    [
      ['data/1.csv', 'taken-back', 0],
      ['data/2.csv', 'taken-back', 0],
      ['x/', '7', 2],
      ['other/3.csv', given.at(-1)?.revision, 1],
    ],
  );
  t.match((await look(t, folder)).given, [{ scope: 'x/' }, { scope: 'other/3.csv' }], 'once');
});
