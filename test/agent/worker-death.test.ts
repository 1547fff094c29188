/** A worker thread dies over a part: the part is set aside, everything else counts. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import {
  committedCosts,
  deadLetters,
  exportedCosts,
  focusCsv,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

t.setTimeout(10 * 60_000);

/** Enough for bills, not for one cell with so many tags. */
const HEAP_MIB = 40;
const TAGS = 60;
const TEXT = 'x'.repeat(1_000_000);

/** JSON whose objects take far more memory than its text. */
function hugeRow(): string {
  const tags = Object.fromEntries(Array.from({ length: TAGS }, (_, i) => [`key-${i}`, TEXT]));
  return `${JSON.stringify({
    BilledCost: 1,
    BillingCurrency: 'EUR',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    ChargePeriodStart: '2026-09-02T00:00:00Z',
    ServiceName: 'Search',
    Tags: JSON.stringify(tags),
  })}\n`;
}

t.test('out of memory', async (t) => {
  const pool = createWorkerPool({ workers: 1, heapMiB: HEAP_MIB });
  t.teardown(() => pool.close());
  const folder = worldFolder(
    t,
    { files: 'scope: folder' },
    {
      'bills/one/a.csv': focusCsv([1, 2]),
      'bills/one/b.ndjson': hugeRow(),
      'bills/one/c.csv': focusCsv([4]),
      'bills/two/d.csv': focusCsv([8]),
    },
  );
  const costs = async () => ({
    totals: committedCosts(folder).BilledCost,
    files: (await exportedCosts(join(folder, 'out'))).BilledCost,
  });
  const { ok } = await readOnce(t, folder, { pool });
  t.ok(ok);
  t.strictSame(await costs(), { totals: '15', files: '15' }, 'the parts beside it count');
  t.match(deadLetters(folder), [
    { kind: 'part', path: /b\.ndjson$/, message: 'it takes more memory than a worker has' },
  ]);
  rmSync(join(folder, 'bills/one/b.ndjson'));
  put(folder, 'bills/one/e.csv', focusCsv([16]));
  await readOnce(t, folder, { pool });
  t.strictSame(await costs(), { totals: '31', files: '31' }, 'and the mended bill');
});

t.test('a worker that cannot even start', async (t) => {
  const pool = createWorkerPool({ workers: 1, heapMiB: 8 });
  const plan = pool.plan({ path: 'none', mapping: 'auto', mappingSettings: {}, verify: false });
  const ended = plan.then(
    () => 'read',
    (error: Error) => error.message,
  );
  t.equal(await Promise.race([ended, delay(2_500, 'waits')]), 'waits', 'the process goes on');
  await pool.close();
  t.not(await ended, 'read');
});

t.test('closed while its worker fails to start', async (t) => {
  // The failure takes its time; somewhere among these the pool is closed in the middle of it.
  for (let after = 80; after < 280; after += 10) {
    const pool = createWorkerPool({ workers: 1, heapMiB: 8 });
    const plan = pool.plan({ path: 'none', mapping: 'auto', mappingSettings: {}, verify: false });
    plan.catch(() => {});
    await delay(after);
    await pool.close();
    await t.rejects(plan);
  }
  let started = 0;
  const count = () => started++;
  process.on('worker', count);
  t.teardown(() => process.off('worker', count));
  await delay(1_500);
  t.equal(started, 0, 'nothing starts workers any more');
});
