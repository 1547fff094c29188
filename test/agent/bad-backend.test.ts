/** A backend at its worst, and one that is away for days: every charge arrives or is a dead letter, and none counts twice. */
import { createHash } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import type { Agent } from '../../agent/agent.ts';
import { Random, seedFor } from '../../agent/generate/random.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { type Event, EventLog } from '../helpers/event-log.ts';
import { hurriedClock } from '../helpers/mortal-world.ts';
import { movedClock, until } from '../helpers/moved-clock.ts';
import { eventsOf } from '../helpers/otlp-events.ts';
import { encodePartialSuccess } from '../helpers/otlp-metrics-proto.ts';
import { startHttpServer } from '../helpers/otlp-servers.ts';
import {
  addCosts,
  bill,
  committedCosts,
  configuration,
  deadLetters,
  focusCsv,
  put,
  startWorld,
} from '../helpers/world.ts';

t.setTimeout(60 * 60_000);

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 12);
const DAY_MS = 86_400_000;

const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

/** What may happen to a request; `isTaken`: the backend has it all the same. */
const MOODS: Readonly<
  Record<string, { readonly isTaken: boolean; answer(response: ServerResponse): void }>
> = {
  up: { isTaken: true, answer: (response) => response.end() },
  slow: { isTaken: true, answer: (response) => void setTimeout(() => response.end(), 20) },
  busy: {
    isTaken: false,
    answer: (response) => response.writeHead(429, { 'retry-after': '7' }).end('slow down'),
  },
  away: { isTaken: false, answer: (response) => response.writeHead(503).end() },
  closed: { isTaken: false, answer: (response) => response.destroy() },
  lost: { isTaken: true, answer: (response) => response.destroy() },
  cut: {
    isTaken: true,
    answer: (response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('x', () => response.destroy());
    },
  },
  silent: { isTaken: true, answer: () => {} },
  garbled: { isTaken: true, answer: (response) => response.end(Buffer.from([0xff, 0xff, 0xff])) },
  locked: { isTaken: false, answer: (response) => response.writeHead(401).end() },
};
const NAMES = Object.keys(MOODS);

/** What becomes of a batch in the end is its own: some the backend refuses, wholly or in part. */
function fateOf(events: readonly Event[], seed: number): 'taken' | 'refused' | 'part' {
  const hash = createHash('sha256').update(`${seed} ${events[0]?.uid}`).digest();
  return (['refused', 'part', 'taken', 'taken', 'taken'] as const)[(hash[0] ?? 0) % 5] ?? 'taken';
}

interface Bad {
  readonly url: string;
  readonly log: EventLog;
  mood: (count: number) => string;
  fate: (events: readonly Event[]) => ReturnType<typeof fateOf>;
  /** Events that came in requests that the backend took, again and again. */
  taken: number;
}

async function startBad(t: Test): Promise<Bad> {
  const server = await startHttpServer((count, response, { body }) => {
    const mood = MOODS[bad.mood(count)];
    const events = eventsOf(body);
    const fate = bad.fate(events);
    if (fate !== 'taken' && mood?.isTaken) {
      const taken = fate === 'part' ? events.slice(0, -2) : [];
      for (const event of taken) bad.log.add(event);
      if (fate === 'refused') response.writeHead(400).end('no');
      else response.end(Buffer.from(encodePartialSuccess(2, 'too long')));
      return;
    }
    if (mood?.isTaken) bad.taken += events.length;
    if (mood?.isTaken) for (const event of events) bad.log.add(event);
    mood?.answer(response);
  });
  t.teardown(() => server.close());
  const bad: Bad = {
    url: server.url,
    log: new EventLog(),
    mood: () => 'up',
    fate: () => 'taken',
    taken: 0,
  };
  return bad;
}

function settings(url: string, more = ''): string {
  return configuration({
    exporters: {
      otlp: `{ endpoint: "${url}", protocol: http/protobuf, timeout: 300ms, logs: { restatement: rows, max_batch_bytes: 64KiB }, metrics: { enabled: false }, retry: { initial_interval: 1ms, max_interval: 1ms, max_elapsed_time: 3ms } }`,
    },
    more,
  });
}

function waiting(agent: Agent): number {
  return agent.inspect().queues.find(({ name }) => name === 'deliveries for otlp')?.length ?? 0;
}

t.test('whatever it answers', async (t) => {
  for (let run = 0; run < RUNS; run++) {
    const random = new Random(seedFor(run, 99));
    const bad = await startBad(t);
    const folder = t.testdir({ bills: {}, 'focusd.yaml': settings(bad.url) });
    const truth = await bill(folder, { provider: 'focus', rows: 150, seed: run + 1 });
    bad.fate = (events) => fateOf(events, run);
    const share = random.int(3);
    bad.mood = () => (random.int(3) < share ? 'up' : (NAMES[random.int(NAMES.length)] ?? 'up'));
    let committed = false;
    const { agent, logs } = await startWorld(t, folder, {
      clock: hurriedClock(),
      pool,
      events: {
        committed: () => {
          committed = true;
        },
      },
    });
    await until(() => committed);
    if (random.int(2) === 0) bad.mood = () => 'up';
    await until(() => waiting(agent) === 0);
    await agent.stop();
    const letters = deadLetters(folder);
    const whole = letters.flatMap(({ costs }) => costs ?? []);
    const rows = letters.reduce((sum, letter) => sum + (letter.rows ?? 0), 0);
    t.strictSame(bad.log.contradictions, []);
    t.strictSame(committedCosts(folder), truth.costs);
    t.equal(bad.log.events.size + rows, truth.charges, `run ${run}: ${rows} refused`);
    const isKnown = letters.every(({ costs }) => costs !== undefined);
    if (isKnown)
      t.strictSame(addCosts([bad.log.costs(), ...whole]), truth.costs, `run ${run}: all money`);
    t.strictSame(
      logs.filter(({ message }) => /failed|do not close/.test(message)),
      [],
    );
  }
});

t.test('away for three days', async (t) => {
  const bad = await startBad(t);
  bad.mood = () => 'closed';
  const folder = t.testdir({ bills: {}, 'focusd.yaml': settings(bad.url) });
  const moved = movedClock(Date.UTC(2026, 8, 20));
  let done = 0;
  const events = { committed: () => void done++ };
  const { agent, logs } = await startWorld(t, folder, { clock: moved.clock, pool, events });
  for (const day of [1, 2, 3]) {
    put(folder, 'bills/month.csv', focusCsv([1, 2, ...Array<number>(day).fill(4)]));
    put(folder, `bills/day-${day}.csv`, focusCsv([day]));
    await until(() => {
      // Attempts, and files that settle, are waited for by the clock.
      void moved.move(25, 0);
      return done === day * 2;
    });
    await moved.move(DAY_MS, 0);
  }
  t.equal(waiting(agent), 6, 'every delivery waits');
  t.equal(bad.log.events.size, 0);
  bad.mood = () => 'up';
  await until(() => {
    void moved.move(1_000, 0);
    return waiting(agent) === 0;
  });
  t.equal(bad.taken, bad.log.events.size, 'each event once');
  const costs = Object.fromEntries(COST_COLUMNS.map((column) => [column, '21']));
  t.strictSame(bad.log.costs(), costs);
  t.strictSame(committedCosts(folder), costs);
  await agent.stop();
  t.match(
    logs.filter(({ level }) => level === 'warn' || level === 'error'),
    [{ message: 'charges wait for an exporter' }],
    'said once',
  );
});
