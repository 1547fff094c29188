import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Random } from '../../agent/generate/random.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { focusd, startFocusd } from '../helpers/focusd-process.ts';
import {
  addCosts,
  bill,
  committed,
  committedCosts,
  deadLetters,
  exportedCosts,
  filesBelow,
  worldFolder,
} from '../helpers/world.ts';

/** Kills between two restatements. */
const KILLS = 5;
const REVISIONS = 3;

const EXPORTERS = {
  'file/csv': '{ folder: ./out/csv, format: focus-csv }',
  'file/parquet': '{ folder: ./out/parquet, format: focus-parquet }',
  'file/otlp': '{ folder: ./out/otlp }',
};

/** A month of every kind: one manifest with several parts, files of several formats, one with broken rows. */
async function writeBills(folder: string, revision: number): Promise<Truth[]> {
  const of = (name: string) => ({ folder: join(folder, 'bills', name), revision, seed: 3 });
  return [
    await bill(folder, { ...of('aws'), provider: 'aws', format: 'parquet', rows: 4_000, parts: 3 }),
    await bill(folder, { ...of('azure'), provider: 'azure', format: 'csv.gz', rows: 4_000 }),
    await bill(folder, { ...of('gcp'), provider: 'gcp', format: 'ndjson', rows: 1_500, parts: 3 }),
    await bill(folder, {
      ...of('focus'),
      provider: 'focus',
      format: 'csv.zst',
      rows: 2_000,
      faults: 40,
    }),
  ];
}

/** What is written, whenever it was. */
function exported(folder: string): Readonly<Record<string, string>> {
  const files = Object.entries(filesBelow(join(folder, 'out'))).map(
    ([path, bytes]): [string, string] => [
      path,
      path.endsWith('.jsonl') ? withoutTimes(bytes.toString()) : bytes.toString('base64'),
    ],
  );
  return Object.fromEntries(files.filter(([path]) => !path.endsWith('metrics.jsonl')));
}

function withoutTimes(text: string): string {
  return text.replaceAll(/"observedTimeUnixNano":"\d+"/g, '');
}

function withoutTime(letters: ReturnType<typeof deadLetters>) {
  return letters.map(({ time, ...letter }) => letter);
}

t.test('kill -9 again and again while bills are read', async (t) => {
  const folder = worldFolder(t, { exporters: EXPORTERS, workers: 2 });
  const random = new Random(20_260_917);
  const run = ['run', '--once', '-c', join(folder, 'focusd.yaml')];
  let killed = 0;
  let truths: readonly Truth[] = [];
  for (let revision = 1; revision <= REVISIONS; revision++) {
    truths = await writeBills(folder, revision);
    for (let kill = 0; kill < KILLS; kill++) {
      const running = startFocusd(t, run);
      const timer = setTimeout(() => running.kill('SIGKILL'), 200 + random.int(800));
      const { signal } = await running.ended;
      clearTimeout(timer);
      if (signal === 'SIGKILL') killed++;
      const counted = new Set(committed(folder).map(({ scope }) => scope));
      t.equal(counted.size, committed(folder).length, 'no scope counts twice');
      if (signal !== 'SIGKILL') break;
    }
  }
  t.comment(`${killed} kills`);
  t.ok(killed >= REVISIONS * 2, 'it was killed at all');

  t.equal((await focusd(t, run)).code, 0);
  const truth = addCosts(truths.map(({ costs }) => costs));
  t.strictSame(committedCosts(folder), truth, 'the same totals');
  for (const id of ['csv', 'otlp', 'parquet'])
    t.strictSame(await exportedCosts(join(folder, 'out', id)), truth, `the same charges as ${id}`);
  const after = { files: exported(folder), letters: withoutTime(deadLetters(folder)) };
  t.equal(after.letters.length, 40);
  t.strictSame(
    [
      ...Object.keys(after.files),
      ...Object.keys(filesBelow(join(folder, 'state/deadletters'))),
    ].filter((path) => /incomplete|\.new$|\.tmp$/.test(path)),
    [],
    'nothing half written is left',
  );

  rmSync(join(folder, 'out'), { recursive: true });
  rmSync(join(folder, 'state'), { recursive: true });
  t.equal((await focusd(t, run)).code, 0);
  t.strictSame(exported(folder), after.files, 'the same bytes as without a kill');
  t.strictSame(withoutTime(deadLetters(folder)), after.letters);
  const audit = await focusd(t, ['audit', '-c', join(folder, 'focusd.yaml')]);
  t.equal(audit.code, 0);
  t.match(audit.stdout, /6 of 6 committed deliveries derived again to the same totals/);
});
