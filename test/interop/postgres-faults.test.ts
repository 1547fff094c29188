/** The state is on a real PostgreSQL server, and everything between the agent and it fails: totals, files and events are those of an undisturbed life. */
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Random, seedFor } from '../../agent/generate/random.ts';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import type { EventLog } from '../helpers/event-log.ts';
import {
  type Life,
  type Lived,
  MortalWorld,
  ownAmounts,
  revisedBill,
  type SmallTruth,
  startRememberingBackend,
} from '../helpers/mortal-world.ts';
import { deadLetters, exportedCosts } from '../helpers/world.ts';
import { type Fate, type Request, startPostgresProxy } from './postgres-proxy.ts';
import { postgres, startPostgres } from './programs/postgres.ts';

t.setTimeout(60 * 60_000);

/** Hundreds for a night, a few for every change. */
const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 24);
const REVISIONS = 2;

const program = await postgres();
const skip = 'skip' in program ? program.skip : false;
const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
t.teardown(() => pool.close());

t.test('PostgreSQL at its worst', { skip }, async (t) => {
  const server = await startPostgres();
  t.teardown(() => server.stop());
  const backend = await startRememberingBackend(t);
  const direct = await server.url();
  const proxy = await startPostgresProxy(t, Number(new URL(direct).port));

  /** A world with a state of its own on the server. */
  async function newWorld(t: Test) {
    const url = await server.url();
    const storage = `{ folder: ./state, state: "${proxy.through(url)}", lease: 2s }`;
    const folder = join(t.testdir(), 'world');
    const world = new MortalWorld({ folder, backend, pool, storage });
    world.begin();
    return { world, database: new URL(url).pathname.slice(1) };
  }
  type World = Awaited<ReturnType<typeof newWorld>>;

  /** A life that may not even begin. */
  async function live({ world }: World, life: Life): Promise<Lived | undefined> {
    return await world.live(life).catch((error: Error) => {
      if (error.name !== 'Unavailable') throw error;
      return undefined;
    });
  }

  /** An undisturbed life; afterwards everything is as it should be. */
  async function check(t: Test, of: World, truth: SmallTruth, what: string): Promise<void> {
    proxy.fate = () => 'pass';
    proxy.mend();
    const { world, database } = of;
    const last = await world.live({ once: true });
    const costs = ['billed', 'effective', 'list', 'contracted'];
    const row = await server.psql(
      `SELECT ${costs.map((cost) => `trim_scale(sum(${cost}))`).join(', ')} FROM focusd.totals JOIN focusd.deliveries ON id = delivery`,
      database,
    );
    const totals = Object.fromEntries(row.split('|').map((cost, i) => [COST_COLUMNS[i], cost]));
    t.strictSame(
      {
        ok: last.ok,
        totals,
        stray: await server.psql(
          'SELECT count(*) FROM focusd.totals WHERE delivery NOT IN (SELECT id FROM focusd.deliveries)',
          database,
        ),
        deliveries: await server.psql('SELECT count(*) FROM focusd.deliveries', database),
        files: await exportedCosts(join(world.folder, 'out')),
        events: costsOfRevision(backend.log, REVISIONS),
        contradictions: backend.log.contradictions,
        isChained: (await chainOf(database)).broken === undefined,
        letters: deadLetters(world.folder).length,
        errors: last.logs.filter(({ level }) => level === 'error'),
      },
      {
        ok: true,
        totals: truth.costs,
        stray: '0',
        deliveries: '1',
        files: truth.costs,
        events: truth.costs.BilledCost,
        contradictions: [],
        isChained: true,
        letters: truth.letters,
        errors: [],
      },
      what,
    );
  }

  async function chainOf(database: string): Promise<ReturnType<typeof checkChain>> {
    const rows = await server.psql(
      'SELECT json_build_array(sequence, entry, hash)::text FROM focusd.audit ORDER BY sequence',
      database,
    );
    const links = rows.split('\n').map((row) => JSON.parse(row) as [number, string, string]);
    return checkChain(links.map(([sequence, entry, hash]) => ({ sequence, entry, hash })));
  }

  /** Requests of a life that restates a bill, after one that began it. */
  async function requestsOf(t: Test): Promise<number> {
    const of = await newWorld(t);
    revisedBill(of.world.folder, 1);
    t.ok((await of.world.live({ once: true })).ok);
    const before = proxy.requests;
    const truth = revisedBill(of.world.folder, REVISIONS);
    t.ok((await of.world.live({ once: true })).ok);
    const requests = proxy.requests - before;
    await check(t, of, truth, 'undisturbed');
    return requests;
  }

  const most = await requestsOf(t);
  t.comment(`${most} requests of a life`);

  /** Something happens at a request of a life that restates a bill, and the next life finds what is left. */
  async function at(
    t: Test,
    when: (request: Request) => boolean,
    deed: (of: World, die: () => void) => Fate | Promise<Fate>,
  ): Promise<{
    readonly of: World;
    readonly truth: SmallTruth;
    readonly lived: Lived | undefined;
    readonly sql: string;
  }> {
    const of = await newWorld(t);
    revisedBill(of.world.folder, 1);
    t.ok((await of.world.live({ once: true })).ok);
    const truth = revisedBill(of.world.folder, REVISIONS);
    let met = '';
    let die = (): void => {};
    const from = proxy.requests;
    proxy.fate = ({ number, ...request }) => {
      if (met !== '' || !when({ ...request, number: number - from })) return 'pass';
      met = request.sql;
      return deed(of, () => die());
    };
    const lived = await live(of, {
      once: true,
      ending: (end) => {
        die = end;
      },
    });
    return { of, truth, lived, sql: met.replaceAll(/\s+/g, ' ').slice(0, 60) };
  }

  t.test('a request or its answer is lost, or an error', async (t) => {
    const fates: readonly Fate[] = [
      'lost',
      'unanswered',
      { error: '53100' },
      { error: '57P01' },
      { error: '40001' },
    ];
    for (let run = 0; run < RUNS; run++) {
      const fate = fates[run % fates.length] ?? 'lost';
      const number = Math.floor((run * most) / RUNS);
      const { of, truth, lived, sql } = await at(t, nth(number), () => fate);
      const told = `run ${run}: ${JSON.stringify(fate)} at ${number}: ${sql}`;
      if (lived !== undefined) t.ok(lived.ok, `${told}: it goes on by itself`);
      await check(t, of, truth, told);
    }
  });

  t.test('the agent dies at a request', async (t) => {
    for (let run = 0; run < RUNS; run++) {
      const random = new Random(seedFor(run, 43));
      const number = Math.floor((run * most) / RUNS);
      const fate = random.int(2) === 0 ? 'lost' : 'unanswered';
      const deed = (_: World, die: () => void): Fate => {
        die();
        proxy.cut();
        return fate;
      };
      const { of, truth, sql } = await at(t, nth(number), deed);
      await check(t, of, truth, `run ${run}: ${fate} at ${number}: ${sql}`);
    }
  });

  t.test('the COMMIT of a delivery', async (t) => {
    let restarted: Promise<void> | undefined;
    const killedAfter = (): Fate => {
      restarted = undefined;
      proxy.fate = async (): Promise<Fate> => {
        restarted ??= server.restart();
        await restarted;
        return 'pass';
      };
      return 'unanswered';
    };
    const killedBefore = async (): Promise<Fate> => {
      restarted = server.restart();
      await restarted;
      return 'lost';
    };
    const deeds: Readonly<Record<string, (of: World) => Fate | Promise<Fate>>> = {
      lost: () => 'lost',
      unanswered: () => 'unanswered',
      'disk full': () => ({ error: '53100' }),
      'shutting down': () => ({ error: '57P01' }),
      'server killed before it': killedBefore,
      'server killed after it': killedAfter,
      'another agent wants it': async ({ database }): Promise<Fate> => {
        const free = await server.psql(
          "SELECT 1 FROM focusd.leases WHERE name LIKE '[%' FOR UPDATE SKIP LOCKED",
          database,
        );
        t.equal(free, '', 'no other agent gets the lease before it is through');
        return 'pass';
      },
    };
    for (const [what, deed] of Object.entries(deeds)) {
      const { of, truth, lived, sql } = await at(t, commitsDelivery, deed);
      t.equal(sql, 'COMMIT');
      // A server that dies again while it is tried again is too much for `--once`.
      if (!what.startsWith('server')) t.ok(lived?.ok, `${what}: it goes on by itself`);
      await restarted;
      await check(t, of, truth, what);
    }
  });

  t.test('the lease is another agent’s when the commit begins', async (t) => {
    const deed = async ({ database }: World): Promise<Fate> => {
      await server.psql(
        "UPDATE focusd.leases SET holder = 'another', token = nextval('focusd.lease_tokens'), expires = now() + interval '2 s' WHERE name LIKE '[%'",
        database,
      );
      return 'pass';
    };
    const { of, truth, lived } = await at(
      t,
      ({ sql }) =>
        /^SELECT 1 FROM focusd.leases WHERE name = \$1 AND token = \$2 FOR UPDATE/.test(sql),
      deed,
    );
    t.ok(lived?.ok);
    t.match(
      lived?.logs.find(({ reason }) => /another agent took over/.test(String(reason))),
      { message: 'component is tried again' },
    );
    await check(t, of, truth, 'nothing was written before it had the lease again');
  });
});

/** What the events of the last revision cost: without those that only older ones had. */
function costsOfRevision({ events }: EventLog, revision: number): string {
  const older = new Set<number>();
  for (let number = 1; number < revision; number++)
    for (const amount of ownAmounts(number)) older.add(Number(amount));
  const amounts = [...events.values()]
    .map(({ attributes }) => Number(attributes['focus.billed_cost']))
    .filter((amount) => !older.has(amount));
  return formatDecimal(sum(amounts.map((amount) => decimal(String(amount)))));
}

function nth(number: number): (request: Request) => boolean {
  return (request) => request.number === number;
}

function commitsDelivery({ sql, transaction }: Request): boolean {
  return (
    sql === 'COMMIT' && transaction.some((one) => one.startsWith('INSERT INTO focusd.deliveries'))
  );
}
