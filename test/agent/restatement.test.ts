import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { openDeadLetters } from '../../agent/dead-letters.ts';
import { createLog } from '../../agent/log.ts';
import { type PipelineRun, takeDelivery } from '../../agent/pipeline-run.ts';
import { stageSettings } from '../../agent/stages.ts';
import { openState, type SqliteState } from '../../agent/state/sqlite-state.ts';
import type { State } from '../../agent/state/state.ts';
import { ALONE } from '../../agent/turns.ts';
import { createWorkerPool, type WorkerPool } from '../../pipelines/engine/worker-pool.ts';
import type { Sink } from '../../pipelines/plugin/contract.ts';
import type { Delivery } from '../../pipelines/plugin/delivery.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { EventLog } from '../helpers/event-log.ts';
import {
  type Costs,
  committed,
  committedCosts,
  configuration,
  exportedCosts,
  filesBelow,
  focusCsv,
  focusRow,
  type Logged,
  put,
  readOnce,
  worldFolder,
} from '../helpers/world.ts';

t.setTimeout(10 * 60_000);

/** A bill: rows of amounts, equal ones among them; sometimes in two parts. */
interface Bill {
  readonly rows: readonly { readonly amount: string; readonly service: string }[];
  readonly parts: number;
}

const bills: fc.Arbitrary<Bill> = fc.record({
  rows: fc.array(
    fc.record({
      amount: fc.constantFrom('1', '1', '0.1', '-2.5', '0.000001', '12345.678'),
      service: fc.constantFrom('Blob', 'VM'),
    }),
    { maxLength: 7 },
  ),
  parts: fc.integer({ min: 1, max: 2 }),
});

/** A few bills, which come one after the other and again: A, B, A, …; the agent dies at some moment of its way, or lives when there are fewer. */
const histories = fc.tuple(
  fc.array(bills, { minLength: 1, maxLength: 4 }),
  fc.array(fc.record({ bill: fc.nat(3), dies: fc.nat(26) }), { minLength: 1, maxLength: 6 }),
  fc.nat(3),
);

class Died extends Error {}

/** Counts the moments at which an agent can die, and has it die at one. */
class Moments {
  left = Number.POSITIVE_INFINITY;

  pass(): void {
    if (this.left-- <= 0) throw new Died();
  }
}

/** An exporter that writes down what it gets, before or after the agent dies. */
function recorder(log: EventLog, moments: Moments): Sink {
  return {
    encoding: { kind: 'otlp-json', restatement: 'rows' },
    async begin() {
      moments.pass();
    },
    async write({ bytes }) {
      moments.pass();
      log.take(Buffer.from(bytes).toString());
      moments.pass();
      return {};
    },
    async commit() {
      moments.pass();
    },
    async close() {},
  };
}

/** The state, with a chance to die before and after everything that is written. */
function mortal(state: State, moments: Moments): State {
  const around =
    <Given extends unknown[], Result>(work: (...given: Given) => Result) =>
    (...given: Given): Result => {
      moments.pass();
      const result = work(...given);
      moments.pass();
      return result;
    };
  return new Proxy(state, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      const bound = member.bind(target) as (...given: unknown[]) => unknown;
      return name === 'keep' || name === 'commit' ? around(bound) : bound;
    },
  });
}

interface Taking {
  /** Of the revision. */
  readonly name: string;
  readonly dies?: number;
  readonly mode?: Delivery['mode'];
}

/** One agent's life after the other, on the same folder. */
class Lives {
  readonly log = new EventLog();
  readonly moments = new Moments();
  readonly logged: Logged[] = [];
  readonly #folder: string;
  readonly #pool: WorkerPool;
  #state: SqliteState;

  constructor(folder: string, pool: WorkerPool) {
    this.#folder = folder;
    this.#pool = pool;
    this.#state = openState(join(folder, 'state'));
  }

  /** Takes a bill; when the agent dies, the next one opens what it left. */
  async take(bill: Bill, { name, dies, mode = 'snapshot' }: Taking): Promise<void> {
    this.moments.left = dies ?? Number.POSITIVE_INFINITY;
    try {
      await takeDelivery(this.#run(), { ...this.#delivery(bill, name), mode });
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.#state.close();
      this.#state = openState(join(this.#folder, 'state'));
    }
  }

  costs(): Costs {
    this.#state.close();
    const costs = addedUp(this.#folder);
    this.#state = openState(join(this.#folder, 'state'));
    return costs;
  }

  close(): void {
    this.#state.close();
  }

  #run(): PipelineRun {
    const write = (line: string): void => void this.logged.push(JSON.parse(line) as Logged);
    return {
      id: { pipeline: 'costs', receiver: 'files' },
      pool: this.#pool,
      state: mortal(this.#state, this.moments),
      deadLetters: openDeadLetters(join(this.#folder, 'deadletters'), 1 << 20),
      kept: join(this.#folder, 'kept'),
      linkers: () => [],
      skuListeners: () => [],
      targets: [{ id: 'recorder', sink: recorder(this.log, this.moments) }],
      settings: stageSettings({ version: '0.0.0', normalize: { check: false } }),
      clock: systemClock,
      log: createLog({ level: 'info', encoding: 'json', write }),
      events: {},
      signal: new AbortController().signal,
      turns: ALONE,
    };
  }

  #delivery({ rows, parts }: Bill, name: string): Delivery {
    const share = Math.ceil(rows.length / parts);
    const paths = Array.from({ length: parts }, (_, part) => {
      const own = rows.slice(part * share, (part + 1) * share);
      const text = focusCsv(own.map(({ amount, service }) => focusRow(amount, { service })));
      return put(this.#folder, `bills/${name}-${part}.csv`, text);
    });
    return {
      scope: 'bill',
      revision: name,
      mode: 'snapshot',
      mapping: 'auto',
      cursor: name,
      parts: paths.map((path) => {
        const { size, mtimeMs } = statSync(path);
        return { path, bytes: size, modifiedMs: mtimeMs };
      }),
    };
  }
}

/** What is committed, by the reader of the other tests: it looks for the state two folders down. */
function addedUp(folder: string): Costs {
  const state = openState(join(folder, 'state'));
  state.close();
  return committedCosts(join(folder, '..'));
}

t.test(
  'whatever comes, and whenever the agent dies: all events add up to the totals',
  async (t) => {
    const pool = createWorkerPool({ workers: 1, idleMs: 60_000 });
    t.teardown(() => pool.close());
    const folder = join(t.testdir(), 'state');
    let deaths = 0;
    await fc.assert(
      fc.asyncProperty(histories, async ([known, steps, last]) => {
        rmSync(folder, { recursive: true, force: true });
        const lives = new Lives(folder, pool);
        const named = (bill: number) => {
          const name = `r${bill % known.length}`;
          return { bill: known[bill % known.length] as Bill, name };
        };
        for (const { bill, dies } of steps) {
          const of = named(bill);
          await lives.take(of.bill, { name: of.name, dies });
          if (lives.moments.left < 0) deaths++;
        }
        const of = named(last);
        await lives.take(of.bill, { name: of.name });
        t.strictSame(lives.log.contradictions, [], 'an id always says the same');
        t.strictSame(lives.log.costs(), lives.costs());
        const net = lives.log.named('charge').length - lives.log.named('correction').length;
        t.equal(net, of.bill.rows.length, 'so do the numbers of charges');
        t.notMatch(lives.logged, [{ level: 'error' }]);
        lives.close();
      }),
      { numRuns: 40 },
    );
    t.comment(`${deaths} deaths`);
    t.ok(deaths > 20, 'it died at all');
  },
);

/** A folder with one bill for a file exporter that is sent rows. */
function rowsFolder(t: Test, rows: readonly (number | string)[]): string {
  const exporters = { 'file/otlp': '{ folder: ./out, restatement: rows }' };
  const folder = worldFolder(t, { exporters });
  put(folder, 'bills/a.csv', focusCsv(rows));
  return folder;
}

/** What stands in the exporter's files. */
function written(folder: string, name = 'out'): EventLog {
  const log = new EventLog();
  for (const [path, bytes] of Object.entries(filesBelow(join(folder, name))))
    if (path.includes('part-')) log.take(bytes.toString());
  return log;
}

t.test('three equal charges become two: one correction, and nothing else', async (t) => {
  const folder = rowsFolder(t, [1, 1, 1, 2]);
  t.ok((await readOnce(t, folder)).ok);
  put(folder, 'bills/a.csv', focusCsv([1, 2, 1]));
  const { ok, logs } = await readOnce(t, folder);
  t.ok(ok);
  const committedLog = logs.find(({ message }) => message === 'delivery committed');
  t.match(committedLog, { added: 0, corrected: 1 });
  const log = written(folder);
  const [correction, ...more] = log.named('correction');
  t.strictSame(more, []);
  t.equal(log.named('charge').length, 4);
  const replaced = String(correction?.attributes['focus.record.replaces']);
  t.match(log.events.get(replaced)?.attributes, { 'focus.billed_cost': 1 });
  t.match(correction, {
    name: 'focus.cost_and_usage.correction',
    uid: `${replaced}.c2`,
    attributes: {
      'focus.billed_cost': -1,
      'focus.record.revision': 2,
      'focus.service_name': 'Blob',
      'focus.billing_currency': 'EUR',
      'focus.charge_period_start': '2026-09-02T00:00:00Z',
    },
  });
  t.strictSame(log.costs(), committedCosts(folder));
  const summary = committed(folder)[0]?.summary;
  t.strictSame(summary?.restated, { number: 2, added: 0, corrected: 1 });
  t.strictSame(summary?.exporters?.['file/otlp']?.BilledCost, {
    exported: '0',
    refused: '0',
    uncertain: '0',
    unchanged: '4',
    corrected: '-1',
  });
});

t.test('a charge that comes back is another event than the one that was taken back', async (t) => {
  const folder = rowsFolder(t, [1, 5]);
  await readOnce(t, folder);
  for (const rows of [[1], [1, 5], [], [1, 5]]) {
    put(folder, 'bills/a.csv', focusCsv(rows));
    await readOnce(t, folder);
    t.strictSame(written(folder).costs(), committedCosts(folder));
    t.strictSame(await exportedCosts(join(folder, 'out')), committedCosts(folder), 'no id twice');
  }
  const ends = [...written(folder).events.keys()].map((uid) => uid.replace(/^[^.]*/, ''));
  t.strictSame(ends.toSorted(), ['', '', '.c2', '.c4', '.r3', '.r3.c4', '.r5', '.r5']);
});

t.test('what the exporter was sent before is not known any more', async (t) => {
  for (const [what, damage] of Object.entries({
    damaged: (path: string) => writeFileSync(path, 'x', { flag: 'r+' }),
    gone: (path: string) => rmSync(path),
  })) {
    const folder = rowsFolder(t, [1, 2]);
    await readOnce(t, folder);
    const [kept = ''] = Object.keys(filesBelow(join(folder, 'state/kept')));
    damage(join(folder, 'state/kept', kept));
    put(folder, 'bills/a.csv', focusCsv([2, 3]));
    const { ok, logs } = await readOnce(t, folder);
    t.ok(ok, what);
    const loud = logs.filter(({ level }) => level === 'error' || level === 'warn');
    t.match(
      loud,
      [
        { message: 'kept charges cannot be used', reason: kept },
        { message: /^scope is sent whole/, exporters: ['file/otlp'] },
      ],
      `${what}: said loudly`,
    );
    t.strictSame(written(folder).costs(), committedCosts(folder), 'files are replaced as a whole');
    put(folder, 'bills/a.csv', focusCsv([3]));
    await readOnce(t, folder);
    t.strictSame(written(folder).costs(), committedCosts(folder), 'and it goes on from there');
  }
});

t.test('an exporter that comes later gets everything first, then what changes', async (t) => {
  const folder = rowsFolder(t, [1, 2]);
  await readOnce(t, folder);
  const exporters = {
    'file/otlp': '{ folder: ./out, restatement: rows }',
    'file/new': '{ folder: ./new, restatement: rows }',
    'file/whole': '{ folder: ./whole }',
  };
  put(folder, 'focusd.yaml', configuration({ exporters }));
  for (const rows of [[2, 3], [3], [3, 4]]) {
    put(folder, 'bills/a.csv', focusCsv(rows));
    const { ok, logs } = await readOnce(t, folder);
    t.ok(ok);
    const warned = logs.filter(({ level }) => level === 'warn');
    t.match(warned, rows.length === 2 && rows[0] === 2 ? [{ exporters: ['file/new'] }] : []);
    for (const name of ['out', 'new', 'whole'])
      t.strictSame(await exportedCosts(join(folder, name)), committedCosts(folder), name);
  }
  t.equal(written(folder).named('correction').length, 2);
  t.equal(written(folder, 'new').named('correction').length, 1);
  t.equal(written(folder, 'whole').named('correction').length, 0);
  const uids = (name: string) => [...written(folder, name).events.keys()];
  t.ok(
    uids('new').every((uid) => uids('out').includes(uid)),
    'an event is the same whoever sends it',
  );
});

t.test('switched off, nothing is kept; switched on again, it begins anew', async (t) => {
  const folder = rowsFolder(t, [1, 2]);
  await readOnce(t, folder);
  const without = { 'file/otlp': '{ folder: ./out }' };
  const text = readFileSync(join(folder, 'focusd.yaml'), 'utf8');
  put(folder, 'focusd.yaml', configuration({ exporters: without }));
  put(folder, 'bills/a.csv', focusCsv([2]));
  await readOnce(t, folder);
  t.strictSame(filesBelow(join(folder, 'state/kept')), {});
  t.strictSame(await exportedCosts(join(folder, 'out')), committedCosts(folder));
  put(folder, 'focusd.yaml', text);
  for (const rows of [[2, 7], [7]]) {
    put(folder, 'bills/a.csv', focusCsv(rows));
    await readOnce(t, folder);
    t.strictSame(await exportedCosts(join(folder, 'out')), committedCosts(folder));
  }
  t.match([...written(folder).events.keys()].join(), /\.c3/, 'numbers go on');
});

t.test('bills that add up are never taken back', async (t) => {
  const pool = createWorkerPool({ workers: 1 });
  t.teardown(() => pool.close());
  const folder = join(t.testdir(), 'state');
  const lives = new Lives(folder, pool);
  const rows = [{ amount: '1', service: 'VM' }];
  for (const name of ['r1', 'r2']) await lives.take({ rows, parts: 1 }, { name, mode: 'append' });
  t.strictSame(lives.log.named('correction'), []);
  t.equal(lives.log.named('charge').length, 2);
  t.strictSame(lives.log.costs(), lives.costs());
  t.strictSame(filesBelow(join(folder, 'kept')), {});
  lives.close();
});

t.test('files that hold whole revisions cannot be sent rows', async (t) => {
  const exporters = { 'file/csv': '{ folder: ./out, format: focus-csv, restatement: rows }' };
  const folder = worldFolder(t, { exporters });
  await t.rejects(readOnce(t, folder), {
    name: 'Misconfigured',
    path: 'exporters.file/csv.restatement',
  });
});
