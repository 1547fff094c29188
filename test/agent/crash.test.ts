/** The machine dies at any step on its disk: the next agent comes to the same totals, files and events. */
import { join } from 'node:path';
import t from 'tap';
import { Random, seedFor } from '../../agent/generate/random.ts';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import {
  type Death,
  MortalWorld,
  revisedBill,
  type SmallTruth,
  startRememberingBackend,
} from '../helpers/mortal-world.ts';
import { committedCosts, deadLetters, exportedCosts, filesBelow } from '../helpers/world.ts';

/** Thousands for a night, a few for every change. */
const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 30);
t.setTimeout(Math.max(60 * 60_000, RUNS * 10_000));
const HOWS: readonly Death[] = ['before', 'half', 'power'];
const REVISIONS = 3;

const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

t.test('whenever the machine dies', async (t) => {
  const backend = await startRememberingBackend(t);
  const world = new MortalWorld({ folder: join(t.testdir(), 'world'), backend, pool });
  world.begin();
  const steps: number[] = [];
  for (let number = 1; number <= REVISIONS; number++) {
    revisedBill(world.folder, number);
    const lived = await world.live({ once: true });
    t.ok(lived.ok);
    steps.push(lived.steps);
  }
  t.comment(`steps of a life: ${steps.join(', ')}`);
  let deaths = 0;
  for (let run = 0; run < RUNS; run++) {
    const random = new Random(seedFor(run, 20_261_130));
    world.begin();
    const told: string[] = [];
    let truth: SmallTruth | undefined;
    for (const [i, most] of steps.entries()) {
      truth = revisedBill(world.folder, i + 1);
      const lives = 1 + random.int(2);
      for (let life = 0; life < lives; life++) {
        const at = life === 0 ? Math.floor((run * most) / RUNS) : random.int(most);
        const how = HOWS[random.int(HOWS.length)] as Death;
        const once = random.int(2) === 0;
        backend.isAway = random.int(3) === 0;
        const { died } = await world.live({ once, death: { at, how } });
        told.push(`${i + 1}: ${at} ${how}${once ? ' once' : ''}${backend.isAway ? ' away' : ''}`);
        if (!died) break;
        deaths++;
      }
    }
    backend.isAway = false;
    const last = await world.live({ once: true });
    const found = whatIsLeft(world.folder);
    t.strictSame(
      {
        ...found,
        ok: last.ok,
        files: await exportedCosts(join(world.folder, 'out')),
        events: backend.log.costs(),
        contradictions: backend.log.contradictions,
        charges: backend.log.named('charge').length - backend.log.named('correction').length,
        errors: last.logs.filter(({ level }) => level === 'error'),
      },
      {
        totals: truth?.costs,
        letters: truth?.letters,
        isChained: true,
        unfinished: [],
        ok: true,
        files: truth?.costs,
        events: truth?.costs,
        contradictions: [],
        charges: truth?.charges,
        errors: [],
      },
      `run ${run}: ${told.join('; ')}`,
    );
  }
  t.comment(`${deaths} deaths`);
  t.ok(deaths > RUNS, 'it died at all');
});

function whatIsLeft(folder: string) {
  const state = openState(join(folder, 'state/state'));
  const chain = checkChain(state.auditTrail());
  state.close();
  return {
    totals: committedCosts(folder),
    letters: deadLetters(folder).length,
    isChained: chain.broken === undefined,
    unfinished: Object.keys({
      ...filesBelow(join(folder, 'state')),
      ...filesBelow(join(folder, 'out')),
    }).filter((path) => /incomplete|\.new$|\.open$|\.old|damaged/.test(path)),
  };
}
