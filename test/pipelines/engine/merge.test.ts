import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import t from 'tap';
import { stageSettings } from '../../../agent/stages.ts';
import { deliver } from '../../../pipelines/engine/deliver.ts';
import { Merge, type Merged, mergeCounts } from '../../../pipelines/engine/merge.ts';
import type { TaskResult } from '../../../pipelines/engine/protocol.ts';
import type { WorkerPool } from '../../../pipelines/engine/worker-pool.ts';
import { createFold, type FoldedTotal } from '../../../pipelines/fold/index.ts';
import { batchOf, type Row } from '../../helpers/batch.ts';

const CHARGE: Row = {
  ServiceName: 'S3',
  BillingCurrency: 'EUR',
  BillingPeriodStart: '2026-09-01T00:00:00Z',
  ChargePeriodStart: '2026-09-02T00:00:00Z',
  BilledCost: '0.1',
};

function result(charges: readonly Row[], of: Partial<TaskResult> = {}): TaskResult {
  const fold = createFold({ maxGroups: 100 });
  fold.add(batchOf(charges));
  return {
    format: 'csv',
    mapping: 'focus',
    rows: { read: 2, written: 1, rejected: 1, dropped: 0 },
    ledger: {
      BilledCost: {
        source: 'Cost',
        read: '0.3',
        exported: '0.1',
        rejected: '0.2',
        dropped: '0',
        reshaped: '0',
      },
    },
    totals: fold.totals(),
    resources: [],
    skus: { skus: [], omitted: 0 },
    repairs: { a: 1 },
    dropped: {},
    rejected: { x: 1 },
    violations: {},
    dataUntilMs: 5,
    stages: { decode: 1.5 },
    ...of,
  };
}

function merged(results: readonly TaskResult[], maxGroups = 100): Merged {
  const merge = new Merge(maxGroups);
  for (const [task, result] of results.entries()) merge.add(task, result);
  return merge.result();
}

t.test('results of several tasks are one', async (t) => {
  const other = { ...CHARGE, ChargePeriodStart: '2026-09-03T00:00:00Z' };
  const { totals, ...rest } = merged([
    result([CHARGE]),
    result([CHARGE, other], { dataUntilMs: Number.NaN, repairs: { b: 2 } }),
    result([], { dataUntilMs: 9, ledger: {} }),
  ]);
  t.match(rest, {
    rows: { read: 6, written: 3, rejected: 3, dropped: 0 },
    ledger: { BilledCost: { source: 'Cost', read: '0.6', exported: '0.2', rejected: '0.4' } },
    repairs: { a: 2, b: 2 },
    rejected: { x: 3 },
    dataUntilMs: 9,
    stages: { decode: 4.5 },
  });
  const days = (): unknown => [...totals].map(({ day, charges, costs }) => [day, charges, costs]);
  const expected = [
    ['2026-09-02', 2, ['0.2', '0', '0', '0']],
    ['2026-09-03', 1, ['0.1', '0', '0', '0']],
  ];
  t.strictSame(days(), expected);
  t.strictSame(days(), expected, 'again');
  const nothing = merged([]);
  t.match(nothing, { rows: { read: 0 }, dataUntilMs: Number.NaN });
  t.strictSame([...nothing.totals], []);
  t.strictSame(mergeCounts([{ constructor: 1 }, { constructor: 2 }]), { constructor: 3 });
});

t.test('a cost that only some parts state is accounted for whole', async (t) => {
  const entry = { rejected: '0', dropped: '0', reshaped: '0' };
  const stated = (amount: string) => ({ source: 'C', read: amount, exported: amount, ...entry });
  const charge = { ...CHARGE, EffectiveCost: '0.7', ListCost: '0.9' };
  const { ledger } = merged([
    result([charge], { ledger: { BilledCost: stated('0.1'), EffectiveCost: stated('0.7') } }),
    result([charge, { ...charge, ServiceName: 'EC2' }], { ledger: { BilledCost: stated('0.2') } }),
    result([], { ledger: {} }),
  ]);
  t.strictSame(ledger, {
    BilledCost: stated('0.3'),
    EffectiveCost: { ...stated('2.1'), source: 'C, derived' },
  });
});

const services = (count: number): Row[] =>
  Array.from({ length: count }, (_, i) => ({ ...CHARGE, ServiceName: `service ${i}` }));

t.test('groups over the limit fold together, the money stays', async (t) => {
  const groups = services(6);
  const totals = [...merged([result(groups.slice(0, 3)), result(groups.slice(3))], 4).totals];
  const sums = (of: readonly FoldedTotal[]): number =>
    of.reduce((sum, { charges }) => sum + charges, 0);
  t.equal(sums(totals), 6);
  const [overflow, ...more] = totals.filter((group) => group.overflow);
  t.strictSame(more, []);
  t.match(overflow, { charges: 2, costs: ['0.2'], day: '2026-09-02' });
  t.strictSame(
    overflow?.dimensions.filter((value) => value !== null),
    ['EUR'],
  );
  t.equal(totals.length, 5);
});

t.test('whichever task ends first, the outcome is the same, over the limit too', async (t) => {
  const results = services(8).map((row, i) => result([row, CHARGE], { repairs: { [`r${i}`]: 1 } }));
  const order = fc.shuffledSubarray([...results.keys()], { minLength: results.length });
  const plain = ({ totals, ...rest }: Merged): unknown => [JSON.stringify(rest), ...totals];
  const expected = plain(merged(results, 5));
  const property = fc.property(order, (tasks) => {
    const merge = new Merge(5);
    for (const task of tasks) merge.add(task, results[task] as TaskResult);
    t.strictSame(plain(merge.result()), expected);
  });
  fc.assert(property, { numRuns: 20 });
});

t.test('a delivery of many parts does not hold what each of them came to', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const path = join(t.testdir(), 'part.csv');
  writeFileSync(path, '');
  const { size, mtimeMs } = statSync(path);
  const given: WeakRef<TaskResult>[] = [];
  let most = 0;
  const waiting: (() => void)[] = [];
  let isBusy = false;
  /** One worker; of what waits it takes the last first. */
  const next = async (): Promise<void> => {
    await turn();
    if (isBusy) return;
    isBusy = waiting.length > 0;
    waiting.pop()?.();
  };
  const run = async (): Promise<TaskResult> => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve);
      void next();
    });
    await turn();
    collect();
    await turn();
    most = Math.max(most, given.filter((ref) => ref.deref() !== undefined).length);
    const answer = result([CHARGE]);
    given.push(new WeakRef(answer));
    isBusy = false;
    void next();
    return answer;
  };
  const plan = { ok: true, format: 'csv', compression: 'none', mapping: 'focus' } as const;
  const pool: Partial<WorkerPool> = {
    size: 1,
    plan: async () => ({ ...plan, customColumns: [], rowGroups: [] }),
    run,
  };
  const delivered = await deliver({
    ...{ pool: pool as WorkerPool, pipeline: 'costs', receiver: 'files', observedMs: 0 },
    delivery: {
      ...{ scope: 's', revision: '1', mode: 'snapshot', mapping: 'auto', cursor: '' },
      parts: Array.from({ length: 40 }, () => ({ path, bytes: size, modifiedMs: mtimeMs })),
    },
    targets: [],
    settings: stageSettings({ version: '0' }),
    events: {
      ...{ refusedPart: () => {}, rejectedRows: () => {}, rejectedBatch: () => {} },
      progress: () => {},
    },
    signal: new AbortController().signal,
  });
  t.equal(delivered.rows.read, 80);
  t.equal(given.length, 40);
  t.ok(most <= 4, `${most} results were held at once`);
});
