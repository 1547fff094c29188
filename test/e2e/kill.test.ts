import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { Random } from '../../agent/generate/random.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { focusd, startFocusd } from '../helpers/focusd-process.ts';
import { revisedBill } from '../helpers/mortal-world.ts';
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

const KILL_AT_STEP = fileURLToPath(new URL('../helpers/kill-at-step.ts', import.meta.url));
/** Of one life after the other; each is killed a few steps further on. */
const LIVES = Number(process.env.FOCUSD_FAULT_RUNS ?? 8);
/** More than a life has. */
const STEPS = 60;

t.test('kill -9 in the middle of a step on the disk', async (t) => {
  const folder = worldFolder(t, {
    exporters: { ...EXPORTERS, 'file/rows': '{ folder: ./out/rows, restatement: rows }' },
  });
  const run = ['run', '--once', '-c', join(folder, 'focusd.yaml')];
  const random = new Random(4);
  let revision = 1;
  let truth = revisedBill(folder, revision);
  let killed = 0;
  for (let life = 0; life < LIVES; life++) {
    const at = Math.floor((life * STEPS) / LIVES) + random.int(Math.ceil(STEPS / LIVES));
    const env = { FOCUSD_KILL_AT: String(at), FOCUSD_KILL_BELOW: folder };
    const { signal, code, stderr } = await focusd(t, run, {
      node: ['--import', KILL_AT_STEP],
      env,
    });
    if (signal === 'SIGKILL') killed++;
    else t.equal(code, 0, stderr);
    if (signal === null || random.int(2) === 0) truth = revisedBill(folder, ++revision);
  }
  t.comment(`${killed} kills`);
  t.ok(killed >= LIVES / 2, 'it was killed at all');
  t.equal((await focusd(t, run)).code, 0);
  t.strictSame(committedCosts(folder), truth.costs);
  for (const id of ['csv', 'otlp', 'parquet', 'rows'])
    t.strictSame(await exportedCosts(join(folder, 'out', id)), truth.costs, id);
  t.equal(deadLetters(folder).length, truth.letters);
  t.equal((await focusd(t, ['audit', 'verify', '-c', join(folder, 'focusd.yaml')])).code, 0);
});
