/** The disk is full, read-only or broken from some step on, for a while: the agent says so, goes on by itself once it can, and nothing is lost or doubled. */
import { join } from 'node:path';
import t from 'tap';
import { Random, seedFor } from '../../agent/generate/random.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { type DiskTrouble, diskError, type Step } from '../helpers/disk.ts';
import { MortalWorld, revisedBill, startRememberingBackend } from '../helpers/mortal-world.ts';
import { committedCosts, deadLetters, exportedCosts } from '../helpers/world.ts';

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 30);
t.setTimeout(Math.max(60 * 60_000, RUNS * 10_000));
const TROUBLES: readonly DiskTrouble[] = ['full', 'read-only', 'broken'];

const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

/** Steps of a life that only succeeds later. */
const STEPS = 45;
const LONGEST = 12;

t.test('whenever the disk fails', async (t) => {
  const backend = await startRememberingBackend(t);
  const world = new MortalWorld({ folder: join(t.testdir(), 'world'), backend, pool });
  for (let run = 0; run < RUNS; run++) {
    const random = new Random(seedFor(run, 13));
    const trouble = TROUBLES[run % TROUBLES.length] as DiskTrouble;
    const from = Math.floor((run * STEPS) / RUNS);
    const until = from + 1 + random.int(LONGEST);
    const once = random.int(3) === 0;
    const isRestated = random.int(2) === 0;
    world.begin();
    let truth = revisedBill(world.folder, 1);
    if (isRestated) {
      await world.live({ once: true });
      truth = revisedBill(world.folder, 2);
    }
    let failed = 0;
    const before = (step: Step, number: number): void => {
      if (number < from || number >= until) return;
      failed++;
      if (trouble !== 'broken') throw diskError(trouble, step);
      step.half();
      throw diskError(trouble, step);
    };
    const told = `run ${run}: ${trouble} from ${from} until ${until}${once ? ', once' : ''}${isRestated ? ', restated' : ''}`;
    const first = await world.live({ once, before }).catch((error: Error) => error);
    if (first instanceof Error) t.equal(first.name, 'Misconfigured', `${told}: ${first.message}`);
    else if (!once)
      t.ok(
        first.ok,
        `${told}: it goes on by itself ${JSON.stringify(first.logs.filter(({ level }) => level === 'error'))}`,
      );
    const last = await world.live({ once: true });
    t.strictSame(
      {
        ok: last.ok,
        totals: committedCosts(world.folder),
        files: await exportedCosts(join(world.folder, 'out')),
        events: backend.log.costs(),
        contradictions: backend.log.contradictions,
        letters: deadLetters(world.folder).length,
        errors: last.logs.filter(({ level }) => level === 'error'),
      },
      {
        ok: true,
        totals: truth.costs,
        files: truth.costs,
        events: truth.costs,
        contradictions: [],
        letters: truth.letters,
        errors: [],
      },
      `${told}: ${failed} failed`,
    );
  }
});
