/** The state has lost commits, to a damaged log or to an older backup: an agent does not go on as if nothing was; what comes of either way out. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { MortalWorld, revisedBill, startRememberingBackend } from '../helpers/mortal-world.ts';
import { committedCosts, deadLetters, exportedCosts } from '../helpers/world.ts';

t.setTimeout(10 * 60_000);

const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

/** A world whose state is that of an older revision than what it exported. */
async function fallenBack(t: Test) {
  const backend = await startRememberingBackend(t);
  const world = new MortalWorld({ folder: join(t.testdir(), 'world'), backend, pool });
  world.begin();
  const state = join(world.folder, 'state/state');
  revisedBill(world.folder, 1);
  t.ok((await world.live({ once: true })).ok);
  cpSync(state, join(world.folder, 'backup'), { recursive: true });
  const truth = revisedBill(world.folder, 2);
  t.ok((await world.live({ once: true })).ok);
  cpSync(state, join(world.folder, 'newest'), { recursive: true });
  const putBack = (copy: string): void => {
    rmSync(state, { recursive: true });
    cpSync(join(world.folder, copy), state, { recursive: true });
  };
  putBack('backup');
  const found = async () => ({
    totals: committedCosts(world.folder),
    files: await exportedCosts(join(world.folder, 'out')),
    events: backend.log.costs(),
    contradictions: backend.log.contradictions,
    letters: deadLetters(world.folder).length,
  });
  const all = { totals: truth.costs, files: truth.costs, events: truth.costs };
  return {
    backend,
    world,
    putBack,
    found,
    all: { ...all, contradictions: [], letters: truth.letters },
  };
}

t.test('it is refused, and the newest copy put back', async (t) => {
  const { backend, world, putBack, found, all } = await fallenBack(t);
  const events = backend.log.named('charge').length;
  await t.rejects(world.live({ once: true }), {
    name: 'Misconfigured',
    path: 'storage.folder',
    message:
      /state\.sqlite cannot be used: it is older than what was committed: \d+ of \d+ changes/,
    hint: /put the newest copy back; or remove .*state\.mark/,
  });
  putBack('newest');
  t.ok((await world.live({ once: true })).ok);
  t.strictSame(await found(), all);
  t.equal(backend.log.named('charge').length, events, 'nothing is sent again');
});

t.test('the operator goes on from what is there', async (t) => {
  const { world, found, all } = await fallenBack(t);
  rmSync(join(world.folder, 'state/state.mark'));
  const { ok, logs } = await world.live({ once: true });
  t.ok(ok);
  const { totals, files, letters } = await found();
  t.strictSame(
    { totals, files, letters },
    { totals: all.totals, files: all.files, letters: all.letters },
  );
  t.match(
    logs.find(({ level }) => level === 'warn'),
    {
      exporters: ['otlp'],
      message: 'scope is sent whole: what vanished since it was last sent is not taken back',
    },
    'exporters that are only sent what changed are the exception, and named',
  );
});
