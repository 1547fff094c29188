import t, { type Test } from 'tap';
import { createFlusher } from '../../agent/flusher.ts';
import { createLog } from '../../agent/log.ts';
import { Health, supervise } from '../../agent/supervise.ts';
import { Unavailable } from '../../pipelines/plugin/errors.ts';
import { turnedClock } from '../helpers/plugin-world.ts';

function world(onSleep?: (count: number) => void) {
  const clock = turnedClock(onSleep);
  const health = new Health(clock);
  const lines: Record<string, unknown>[] = [];
  const log = createLog({
    level: 'debug',
    encoding: 'json',
    write: (line) => lines.push(JSON.parse(line)),
  });
  const stop = new AbortController();
  const retried: number[] = [];
  const component = {
    id: 'files',
    kind: 'receiver',
    clock,
    log,
    health,
    signal: stop.signal,
    retried: () => retried.push(clock.now()),
  } as const;
  return { clock, health, lines, stop, component, retried };
}

/** Throws the errors one after the other, then ends well. */
function failing(errors: readonly unknown[], progress: readonly number[] = []) {
  let run = 0;
  return async (progressed: () => void): Promise<void> => {
    const error = errors[run];
    if (progress.includes(run)) progressed();
    run++;
    if (error !== undefined) throw error;
  };
}

t.test('what is unavailable is tried again, with growing pauses', async (t) => {
  const { clock, component, health, lines, retried } = world();
  const down = new Unavailable('down');
  const ended = await supervise(component, failing(Array.from({ length: 9 }, () => down)));
  t.strictSame(ended, { ok: true });
  t.strictSame(
    clock.slept,
    [1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000),
  );
  t.equal(retried.length, 9);
  t.match(health.list(), [{ id: 'files', status: 'stopped' }]);
  t.match(lines[0], { level: 'warn', component: 'files', reason: 'down', pauseMs: 1_000 });
});

t.test('progress makes the pauses short again', async (t) => {
  const { clock, component } = world();
  const down = new Unavailable('down');
  await supervise(component, failing([down, down, down, down], [2]));
  t.strictSame(clock.slept, [1_000, 2_000, 1_000, 2_000]);
});

t.test('the other side may ask for a longer pause', async (t) => {
  const { clock, component } = world();
  await supervise(component, failing([new Unavailable('later', { retryAfter: 7_000 })]));
  t.strictSame(clock.slept, [7_000]);
});

t.test('an error that crossed from elsewhere counts by its name', async (t) => {
  const { clock, component } = world();
  await supervise(component, failing([Object.assign(new Error('x'), { name: 'Unavailable' })]));
  t.equal(clock.slept.length, 1);
});

t.test('anything else is not tried again', async (t) => {
  const { clock, component, health, lines } = world();
  const bug = new TypeError('a bug');
  t.strictSame(await supervise(component, failing([bug])), { ok: false, error: bug });
  t.strictSame(clock.slept, []);
  t.match(health.list(), [{ status: 'failed', reason: 'a bug' }]);
  t.match(lines, [
    { level: 'error', message: 'component failed', reason: 'a bug', stack: /TypeError/ },
  ]);
});

t.test('a limit of attempts', async (t) => {
  const { clock, component } = world();
  const down = new Unavailable('down');
  const ended = await supervise({ ...component, attempts: 3 }, failing(Array(9).fill(down)));
  t.strictSame(ended, { ok: false, error: down });
  t.equal(clock.slept.length, 2);
});

t.test('it ends when it is told to', async (t: Test) => {
  const { component, health, stop } = world(() => stop.abort());
  let runs = 0;
  const ended = await supervise(component, async () => {
    runs++;
    throw new Unavailable('down');
  });
  t.strictSame(ended, { ok: true });
  t.equal(runs, 1, 'in a pause');
  t.match(health.list(), [{ status: 'stopped' }]);
  const own = world();
  const run = supervise(own.component, async () => {
    own.stop.abort();
    throw new Error('cut off');
  });
  t.strictSame(await run, { ok: true }, 'in the middle');
});

t.test('what does not go well is shown until it does', (t) => {
  const health = new Health(turnedClock(), (text) => text.replace('secret', '***'));
  const about = { id: 'a', kind: 'receiver' } as const;
  health.trouble('receiver', 'a', 'one secret');
  health.set({ ...about, status: 'running' });
  t.match(health.list(), [{ status: 'running', reason: 'one ***' }]);
  health.set({ ...about, status: 'retrying', reason: 'down' });
  t.match(health.list(), [{ status: 'retrying', reason: 'down' }], 'the graver reason');
  health.set({ ...about, status: 'running' });
  t.match(health.list(), [{ status: 'running', reason: 'one ***' }]);
  health.trouble('receiver', 'a', undefined);
  t.equal(health.list()[0]?.reason, undefined);
  t.end();
});

t.test('health says since when', async (t) => {
  const clock = turnedClock();
  const health = new Health(clock);
  const about = { id: 'a', kind: 'exporter' } as const;
  health.set({ ...about, status: 'running' });
  const [first] = health.list();
  clock.set(clock.now() + 1_000);
  health.set({ ...about, status: 'running' });
  t.strictSame(health.list(), [first]);
  health.set({ ...about, status: 'retrying', reason: 'down' });
  t.strictSame(health.list(), [
    { ...about, status: 'retrying', reason: 'down', since: clock.now() },
  ]);
  health.set({ ...about, status: 'running' });
  t.notOk('reason' in (health.list()[0] ?? {}), 'the reason goes with the trouble');
  health.delete('exporter', 'a');
  t.strictSame(health.list(), []);
});

t.test('totals are sent once for many changes, and never twice at a time', async (t) => {
  const gates: (() => void)[] = [];
  let flushes = 0;
  const flusher = createFlusher(() => {
    flushes++;
    return new Promise((resolve) => gates.push(resolve));
  }, turnedClock());
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
  };
  flusher.changed();
  flusher.changed();
  await turn();
  t.equal(flushes, 1);
  flusher.changed();
  flusher.changed();
  await turn();
  t.equal(flushes, 1, 'the first is still under way');
  gates[0]?.();
  await turn();
  t.equal(flushes, 2);
  const stopped = flusher.stop();
  flusher.changed();
  gates[1]?.();
  await stopped;
  await turn();
  t.equal(flushes, 2, 'stopped');
});
