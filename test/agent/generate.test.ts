import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BILLS, type BillProvider } from '../../agent/generate/generate-bill.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { checkFile } from '../../pipelines/check/index.ts';
import { openSource } from '../../pipelines/decode/open.ts';
import { add, type Decimal, formatDecimal, ZERO } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';
import {
  bill,
  committed,
  deadLetters,
  filesBelow,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

const PROVIDERS = Object.keys(BILLS) as BillProvider[];

t.test('same request, same bytes', async (t) => {
  const folder = t.testdir();
  const made = async (name: string, more: object): Promise<Readonly<Record<string, Buffer>>> => {
    for (const provider of PROVIDERS)
      await bill(folder, { provider, rows: 40, ...more, folder: join(folder, name) });
    return filesBelow(join(folder, name));
  };
  const first = await made('a', { seed: 1 });
  t.strictSame(await made('b', { seed: 1 }), first);
  for (const [name, more] of Object.entries({
    seed: { seed: 2 },
    revision: { seed: 1, revision: 2 },
    faults: { seed: 1, faults: 3 },
  })) {
    const other = await made(name, more);
    t.strictSame(Object.keys(other), Object.keys(first), `another ${name}`);
    for (const [path, bytes] of Object.entries(other))
      if (path.startsWith('truth'))
        t.notOk(bytes.equals(first[path] ?? Buffer.alloc(0)), `another ${name}: ${path}`);
  }
});

t.test('parts share the rows out, and change nothing else', async (t) => {
  const folder = t.testdir();
  const one = await bill(folder, { provider: 'gcp', rows: 50 });
  const three = await bill(folder, {
    provider: 'gcp',
    rows: 50,
    parts: 3,
    folder: join(folder, 'three'),
  });
  t.equal(three.files.length, 3);
  t.strictSame({ ...three, files: one.files }, one);
  const rows = (path: string): string[] =>
    readFileSync(path, 'utf8').trimEnd().split('\n').slice(1);
  t.strictSame(
    three.files.flatMap((file) => rows(join(folder, 'three', file))),
    rows(join(folder, 'bills', one.files[0] ?? '')),
  );
});

t.test('the truth is what the agent finds: by service, and what is broken', async (t) => {
  const folder = worldFolder(t);
  const service = TOTAL_DIMENSIONS.indexOf('ServiceName');
  for (const provider of PROVIDERS) {
    for (const format of ['csv', 'ndjson'] as const) {
      const name = `${provider}-${format}`;
      const truth = await bill(folder, {
        provider,
        format,
        rows: 90,
        faults: 20,
        seed: 4,
        folder: join(folder, 'bills', name),
      });
      t.equal(
        Object.values(truth.faults).reduce((sum, rows) => sum + rows, 0),
        20,
      );
      const once = await readOnce(t, folder);
      t.ok(once.ok);
      const delivery = committed(folder).at(-1);
      t.strictSame(delivery?.costs, truth.costs, `${name}: costs`);
      t.strictSame(delivery?.summary.rejected, truth.faults, `${name}: reasons`);
      const state = openState(join(folder, 'state/state'));
      const found = new Map<string, Decimal>();
      for (const { dimensions, costs } of state.totalsOf(delivery?.id ?? '')) {
        const key = dimensions[service] ?? 'none';
        found.set(key, add(found.get(key) ?? ZERO, costs.EffectiveCost));
      }
      state.close();
      const sums = [...found].map(([key, sum]): [string, string] => [key, formatDecimal(sum)]);
      const byService = Object.fromEntries(sums.toSorted(([a], [b]) => (a < b ? -1 : 1)));
      t.strictSame(byService, truth.effectiveCostByService, `${name}: by service`);
    }
  }
  const { length } = committed(folder);
  t.equal(deadLetters(folder).length, 20 * length, 'each broken row that counts is a dead letter');
});

t.test('native bills keep the specification', async (t) => {
  const folder = t.testdir();
  for (const provider of ['azure', 'focus'] as const) {
    const truth = await bill(folder, { provider, rows: 300, folder });
    const report = await checkFile(join(folder, truth.files[0] ?? ''), {
      openSource: (path) => openSource({ path }),
    });
    t.match(report, { ok: true, errors: 0 }, provider);
  }
});
