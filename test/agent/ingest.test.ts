import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BILLS, type BillProvider } from '../../agent/generate/generate-bill.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import type { BillFormat } from '../../agent/generate/write-bill.ts';
import {
  addCosts,
  bill,
  committed,
  committedCosts,
  exportedCosts,
  filesBelow,
  focusCsv,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

const FORMATS: readonly BillFormat[] = [
  'csv',
  'csv.gz',
  'csv.zst',
  'ndjson',
  'ndjson.gz',
  'parquet',
];
const PROVIDERS = Object.keys(BILLS) as BillProvider[];

const ALL_EXPORTERS = {
  'file/otlp': '{ folder: ./out/otlp }',
  'file/csv': '{ folder: ./out/csv, format: focus-csv }',
  'file/ndjson': '{ folder: ./out/ndjson, format: focus-ndjson, focus_version: "1.3" }',
  'file/parquet': '{ folder: ./out/parquet, format: focus-parquet, focus_version: "1.4" }',
};

/** Every provider in every format, some of them in two parts. */
async function everyBill(folder: string): Promise<Map<string, Truth>> {
  const truths = new Map<string, Truth>();
  for (const provider of PROVIDERS) {
    for (const [i, format] of FORMATS.entries()) {
      const name = `${provider}-${format.replace('.', '-')}`;
      const parts = 1 + (i % 2);
      const request = { provider, format, parts, seed: 10 + i, rows: 25 };
      truths.set(name, await bill(folder, { ...request, folder: join(folder, 'bills', name) }));
    }
  }
  return truths;
}

t.test('every provider in every format: totals are the truth, to the last decimal', async (t) => {
  const exporters = { 'file/csv': '{ folder: ./out, format: focus-csv }' };
  const folder = worldFolder(t, { exporters, workers: 2 });
  const truths = await everyBill(folder);
  // A manifest names its export, not its folder: the same export in six formats is six exports here.
  for (const name of truths.keys()) renameExport(folder, name);
  const { ok } = await readOnce(t, folder);
  t.ok(ok);
  const deliveries = committed(folder);
  for (const [name, truth] of truths) {
    const own = deliveries.filter(({ scope, summary }) =>
      [scope, ...summary.parts.map(({ path }) => path)].some((text) => text.includes(`/${name}/`)),
    );
    t.strictSame(addCosts(own.map(({ costs }) => costs)), truth.costs, name);
    t.equal(
      own.reduce((sum, { charges }) => sum + charges, 0),
      truth.charges,
      `${name}: charges`,
    );
    t.equal(
      own.reduce((sum, { summary }) => sum + summary.rows.read, 0),
      truth.rows,
      `${name}: rows`,
    );
  }
  const all = addCosts([...truths.values()].map(({ costs }) => costs));
  t.strictSame(await exportedCosts(join(folder, 'out')), all, 'exported');
});

function renameExport(folder: string, name: string): void {
  const manifests = Object.keys(filesBelow(join(folder, 'bills', name))).filter((path) =>
    path.endsWith('-Manifest.json'),
  );
  for (const path of manifests) {
    const file = join(folder, 'bills', name, path);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('"exportName": "cur2"', `"exportName": "${name}"`),
    );
  }
}

t.test('what is committed is left alone', async (t) => {
  const folder = worldFolder(t);
  const truth = await bill(folder, { provider: 'azure' });
  await readOnce(t, folder);
  const before = { deliveries: committed(folder), files: filesBelow(join(folder, 'out')) };
  const { ok, logs } = await readOnce(t, folder);
  t.ok(ok);
  t.notMatch(logs, [{ message: 'delivery committed' }]);
  t.strictSame(committed(folder), before.deliveries);
  t.strictSame(filesBelow(join(folder, 'out')), before.files);

  t.test('also when the file was only touched', async (t) => {
    const path = join(folder, 'bills/azure-2026-09.csv');
    utimesSync(path, 1_800_000_000, 1_700_000_000);
    await readOnce(t, folder);
    t.strictSame(committed(folder), before.deliveries);
  });

  t.test('also when what was remembered of the files is damaged', async (t) => {
    put(folder, 'state/components/files@costs/hashes.json', '[{"path":');
    await readOnce(t, folder);
    t.strictSame(committed(folder), before.deliveries);
    t.strictSame(committedCosts(folder), truth.costs);
  });
});

t.test('a restated month takes the place of the old one', async (t) => {
  const folder = worldFolder(t, { exporters: ALL_EXPORTERS });
  for (const provider of PROVIDERS)
    await bill(folder, { provider, folder: join(folder, 'bills', provider), rows: 90 });
  await readOnce(t, folder);
  const old = committed(folder);
  const truths: Truth[] = [];
  for (const provider of PROVIDERS)
    truths.push(
      await bill(folder, {
        provider,
        folder: join(folder, 'bills', provider),
        rows: 90,
        revision: 2,
      }),
    );
  await readOnce(t, folder);
  const now = addCosts(truths.map(({ costs }) => costs));
  t.strictNotSame(now, addCosts(old.map(({ costs }) => costs)), 'something was restated');
  t.strictSame(committedCosts(folder), now);
  for (const id of ['otlp', 'csv', 'ndjson', 'parquet'])
    t.strictSame(await exportedCosts(join(folder, 'out', id)), now, `exported as ${id}`);
  t.equal(committed(folder).length, PROVIDERS.length);
  for (const { scope, replaced } of committed(folder))
    t.strictSame(replaced, old.find((delivery) => delivery.scope === scope)?.costs, scope);

  t.test('and back again', async (t) => {
    for (const provider of PROVIDERS)
      await bill(folder, { provider, folder: join(folder, 'bills', provider), rows: 90 });
    await readOnce(t, folder);
    t.strictSame(committedCosts(folder), addCosts(old.map(({ costs }) => costs)));
  });
});

t.test('an AWS export with its manifest', async (t) => {
  const folder = worldFolder(t);
  const aws = { provider: 'aws', rows: 50, parts: 3, format: 'csv.gz' } as const;
  const truth = await bill(folder, aws);
  const data = 'bills/data/BILLING_PERIOD=2026-09';
  const manifest = 'bills/metadata/BILLING_PERIOD=2026-09/cur2-Manifest.json';
  const kept = {
    part: readFileSync(join(folder, data, 'cur2-00002.csv.gz')),
    manifest: readFileSync(join(folder, manifest)),
  };

  await t.test('is not read while a part is missing', async (t) => {
    rmSync(join(folder, data, 'cur2-00002.csv.gz'));
    const { ok, logs } = await readOnce(t, folder);
    t.ok(ok);
    t.strictSame(committed(folder), [], 'nor are the parts that are there, one by one');
    t.match(
      logs.filter(({ level }) => level === 'warn'),
      [{ message: /left out/, missing: /cur2-00002\.csv\.gz$/, manifest: /cur2-Manifest\.json$/ }],
    );
  });

  await t.test('is read file by file without a manifest', async (t) => {
    put(folder, `${data}/cur2-00002.csv.gz`, kept.part);
    rmSync(join(folder, manifest));
    await readOnce(t, folder);
    t.equal(committed(folder).length, 3);
    t.strictSame(committedCosts(folder), truth.costs);
  });

  await t.test('is one bill once the manifest is there, not counted twice', async (t) => {
    put(folder, manifest, kept.manifest);
    await readOnce(t, folder);
    const deliveries = committed(folder).filter(({ charges }) => charges > 0);
    t.match(deliveries, [{ scope: 'cur2/2026-09', summary: { parts: { length: 3 } } }]);
    t.strictSame(committedCosts(folder), truth.costs);
    t.strictSame(await exportedCosts(join(folder, 'out')), truth.costs);
  });

  await t.test('stays what it was while new data lies there without a new manifest', async (t) => {
    const restated = await bill(folder, { ...aws, revision: 2 });
    const next = readFileSync(join(folder, manifest));
    put(folder, manifest, kept.manifest);
    put(folder, `${data}/cur2-00009.csv.gz`, kept.part);
    const { logs } = await readOnce(t, folder);
    t.strictSame(committedCosts(folder), truth.costs);
    t.match(
      logs.filter(({ level }) => level === 'warn'),
      [{ message: /left alone/, path: /cur2-00009/ }],
    );

    put(folder, manifest, next);
    await readOnce(t, folder);
    t.strictSame(committedCosts(folder), restated.costs, 'the manifest was updated');
    t.strictSame(await exportedCosts(join(folder, 'out')), restated.costs);
  });
});

t.test('an Azure export with its manifest', async (t) => {
  const folder = worldFolder(t);
  const run = (id: string, parts: readonly string[], bytes?: number): void => {
    const base = `bills/costs/20260901-20260930/${id}`;
    for (const [i, text] of parts.entries()) put(folder, `${base}/part_${i}_0001.csv`, text);
    const manifest = {
      exportConfig: { exportName: 'costs', type: 'FocusCost' },
      runInfo: { runId: id, startDate: '2026-09-01T00:00:00', endDate: '2026-09-30T00:00:00' },
      blobCount: parts.length,
      blobs: parts.map((text, i) => ({
        blobName: `container/costs/20260901-20260930/${id}/part_${i}_0001.csv`,
        byteCount: bytes ?? Buffer.byteLength(text),
      })),
    };
    put(folder, `${base}/manifest.json`, `\uFEFF${JSON.stringify(manifest)}`);
  };
  run('run-1', [focusCsv([1, 2]), focusCsv([3])]);
  await readOnce(t, folder);
  t.match(committed(folder), [{ scope: 'costs/2026-09-01', revision: 'run-1' }]);
  t.equal(committedCosts(folder).BilledCost, '6');

  run('run-2', [focusCsv([10])], 5_000);
  const { logs } = await readOnce(t, folder);
  t.equal(committedCosts(folder).BilledCost, '6', 'a part that is too short is waited for');
  t.match(
    logs.filter(({ level }) => level === 'warn'),
    [{ missing: /part_0_0001\.csv \(has \d+ of 5000 bytes\)/ }],
  );

  run('run-2', [focusCsv([10])]);
  const later = Date.now() / 1000 + 5;
  utimesSync(
    join(folder, 'bills/costs/20260901-20260930/run-1/manifest.json'),
    later - 100,
    later - 100,
  );
  await readOnce(t, folder);
  t.match(committed(folder), [{ revision: 'run-2' }], 'the younger of two runs speaks');
  t.equal(committedCosts(folder).BilledCost, '10');
});

t.test('files that belong together by their folder', async (t) => {
  const folder = worldFolder(t, { files: 'scope: folder, exclude: ["old/**", "*.bak.csv"]' });
  put(folder, 'bills/september/a.csv', focusCsv([1]));
  put(folder, 'bills/september/b.csv', focusCsv([2]));
  put(folder, 'bills/september/b.bak.csv', focusCsv([2]));
  put(folder, 'bills/old/a.csv', focusCsv([50]));
  await readOnce(t, folder);
  t.equal(committedCosts(folder).BilledCost, '3');
  rmSync(join(folder, 'bills/september/a.csv'));
  put(folder, 'bills/september/b.csv', focusCsv([5]));
  await readOnce(t, folder);
  t.equal(committedCosts(folder).BilledCost, '5', 'the folder says all there is');
  t.equal(committed(folder).length, 1);
});

t.test('charges of several parts are in the order of the parts', async (t: Test) => {
  const folder = worldFolder(t, { files: 'scope: folder', workers: 2 });
  for (let part = 0; part < 6; part++)
    put(
      folder,
      `bills/part-${part}.csv`,
      focusCsv(Array.from({ length: 50 }, (_, i) => part * 100 + i)),
    );
  await readOnce(t, folder);
  const files = Object.values(filesBelow(join(folder, 'out'))).map(String);
  const amounts = files.flatMap((text) =>
    text
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(',')[1]),
  );
  const expected = Array.from({ length: 6 }, (_, part) =>
    Array.from({ length: 50 }, (_, i) => String(part * 100 + i)),
  ).flat();
  t.strictSame(amounts, expected);
});
