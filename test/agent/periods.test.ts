import { createHash } from 'node:crypto';
import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { createPeriods, type PeriodsOf } from '../../agent/periods.ts';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';
import { systemClock } from '../../plugins/kit/clock.ts';
import { type Event, eventsIn } from '../helpers/event-log.ts';
import { plainSummary } from '../helpers/summaries.ts';
import {
  committedCosts,
  filesBelow,
  focusCsv,
  focusRow,
  put,
  readOnce,
  startWorld,
  worldFolder,
} from '../helpers/world.ts';

const EXPORTERS = { 'file/otlp': '{ folder: ./out }' };

/** A bill that was written long ago: the clock of these tests is behind. */
function putBill(folder: string, rows: Parameters<typeof focusCsv>[0]): void {
  const written = Date.parse('2026-09-02') / 1_000 + ++bills;
  utimesSync(put(folder, 'bills/a.csv', focusCsv(rows)), written, written);
}
let bills = 0;

/** The agent reads what is there at that moment, and ends. */
async function readAt(t: Test, folder: string, time: string): Promise<boolean> {
  const clock = { ...systemClock, now: () => Date.parse(time) };
  return (await readOnce(t, folder, { clock })).ok;
}

/** Events about periods, oldest first. */
function told(folder: string): readonly Event[] {
  return Object.entries(filesBelow(join(folder, 'out')))
    .filter(([path]) => path.includes('part-'))
    .flatMap(([, bytes]) => eventsIn(bytes.toString()))
    .filter(({ name }) => name.startsWith('finops.period.'))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function audited(folder: string) {
  const state = openState(join(folder, 'state/state'));
  t.teardown(() => state.close());
  const { entries, broken } = checkChain(state.auditTrail());
  t.equal(broken, undefined, 'the chain holds');
  return entries.filter(({ kind }) => kind.startsWith('period.'));
}

const BILL = [focusRow('0.1'), focusRow('0.2'), focusRow('7').replace(',EUR,', ',USD,')];
const COSTS = (value: string) =>
  Object.fromEntries(COST_COLUMNS.map((column) => [column, value])) as Record<string, string>;

t.test('a period is closed once it has been quiet', async (t) => {
  const folder = worldFolder(t, { exporters: EXPORTERS });
  putBill(folder, BILL);
  await readAt(t, folder, '2026-09-20T00:00:00Z');
  await readAt(t, folder, '2026-10-10T23:59:59Z');
  t.strictSame(told(folder), [], 'ten days after its end');
  t.ok(await readAt(t, folder, '2026-10-11T00:00:00Z'));
  const [closed, ...more] = told(folder);
  t.strictSame(more, []);
  const totals = JSON.parse(String(closed?.attributes['finops.period.totals']));
  t.strictSame(totals, { EUR: COSTS('0.3'), USD: COSTS('7') });
  const hash = createHash('sha256');
  t.match(closed, {
    name: 'finops.period.closed',
    attributes: {
      'finops.pipeline': 'costs',
      'finops.receiver': 'files',
      'focus.billing_period_start': '2026-09-01T00:00:00Z',
      'focus.billing_period_end': '2026-10-01T00:00:00Z',
      'finops.period.revision': 1,
      'finops.period.hash': hash
        .update(String(closed?.attributes['finops.period.totals']))
        .digest('hex'),
    },
  });
  await readAt(t, folder, '2026-10-12T00:00:00Z');
  t.equal(told(folder).length, 1, 'it is told once');
  t.match(audited(folder), [
    { kind: 'period.closed', about: { billingPeriod: '2026-09-01', revision: 1, totals } },
  ]);
});

t.test('a closed period that changes is opened again, and closed again', async (t) => {
  const folder = worldFolder(t, { exporters: EXPORTERS });
  putBill(folder, [1, 2]);
  await readAt(t, folder, '2026-10-01T00:00:00Z');
  await readAt(t, folder, '2026-10-11T00:00:00Z');
  putBill(folder, [2, focusRow(1, { service: 'VM' })]);
  await readAt(t, folder, '2026-10-20T00:00:00Z');
  t.equal(told(folder).length, 1, 'the same totals in another revision change nothing');
  putBill(folder, [2]);
  await readAt(t, folder, '2026-10-21T00:00:00Z');
  const [closed, reopened] = told(folder);
  t.match(reopened, {
    name: 'finops.period.reopened',
    attributes: {
      'finops.period.revision': 1,
      'finops.period.closed_hash': closed?.attributes['finops.period.hash'],
    },
  });
  t.match(reopened?.attributes['finops.period.totals'], '"BilledCost":"2"');
  putBill(folder, [5]);
  await readAt(t, folder, '2026-10-30T00:00:00Z');
  await readAt(t, folder, '2026-11-08T00:00:00Z');
  t.equal(told(folder).length, 2, 'it is not quiet yet');
  await readAt(t, folder, '2026-11-10T00:00:00Z');
  const again = told(folder).filter(({ name }) => name.endsWith('closed'));
  t.strictSame(
    again.map(({ attributes }) => attributes['finops.period.revision']).toSorted(),
    [1, 2],
  );
  t.strictSame(committedCosts(folder), COSTS('5'));
  t.match(
    audited(folder).map(({ kind, about }) => [kind, about.revision]),
    [
      ['period.closed', 1],
      ['period.reopened', 1],
      ['period.closed', 2],
    ],
  );
  t.equal(new Set(told(folder).map(({ uid }) => uid)).size, 3, 'every event has its own id');
});

t.test('a period that loses all its charges is opened again, too', async (t) => {
  const folder = worldFolder(t, { exporters: EXPORTERS });
  putBill(folder, [1]);
  await readAt(t, folder, '2026-10-01T00:00:00Z');
  await readAt(t, folder, '2026-10-11T00:00:00Z');
  putBill(folder, []);
  await readAt(t, folder, '2026-10-12T00:00:00Z');
  t.match(told(folder)[1]?.attributes, { 'finops.period.totals': '{}' });
  await readAt(t, folder, '2026-10-22T00:00:00Z');
  t.equal(told(folder).length, 3);
});

t.test('never, when the setting says so', async (t) => {
  const more = 'periods: { close_after: 0s }';
  const folder = worldFolder(t, { exporters: EXPORTERS, more });
  putBill(folder, [1]);
  await readAt(t, folder, '2026-10-01T00:00:00Z');
  await readAt(t, folder, '2027-10-01T00:00:00Z');
  t.strictSame(told(folder), []);
});

t.test('a running agent looks by itself', async (t) => {
  const folder = worldFolder(t, { exporters: EXPORTERS });
  putBill(folder, [1]);
  await readAt(t, folder, '2026-10-01T00:00:00Z');
  const clock = { ...systemClock, now: () => Date.parse('2026-10-12T00:00:00Z') };
  const { agent, logs } = await startWorld(t, folder, { clock });
  while (!logs.some(({ message }) => message === 'period closed')) await systemClock.sleep(20);
  await agent.stop();
  t.equal(told(folder).length, 1);
});

t.test('what an exporter did not take is told again, as the same event', async (t) => {
  const state = openState(join(t.testdir(), 'state'));
  t.teardown(() => state.close());
  state.commit({
    pipeline: 'costs',
    receiver: 'files',
    id: 'a-1',
    delivery: {
      scope: 'a',
      revision: '1',
      mode: 'snapshot',
      mapping: 'auto',
      parts: [],
      cursor: '',
    },
    committedMs: 0,
    dataUntilMs: 0,
    totals: ['2026-09-01', ''].map((billingPeriod) => ({
      dimensions: TOTAL_DIMENSIONS.map(() => null),
      billingPeriod,
      day: '2026-09-17',
      charges: 1,
      costs: COST_COLUMNS.map(() => '1'),
      overflow: false,
    })),
    summary: plainSummary({ read: 1, written: 1, rejected: 0, dropped: 0 }),
  });
  const sent: string[] = [];
  const warned: string[] = [];
  const quiet = () => undefined;
  const of: PeriodsOf = {
    state,
    clock: { ...systemClock, now: () => Date.parse('2026-11-01') },
    log: { debug: quiet, info: quiet, error: quiet, warn: (message) => warned.push(message) },
    isOurs: () => true,
    closeAfterMs: () => 1,
    pipeline: () => ({
      settings: { resource: {}, scopeVersion: '1' },
      targets: [
        {
          id: 'otlp',
          sink: {
            encoding: { kind: 'otlp-json' },
            async write({ bytes }) {
              sent.push(...eventsIn(Buffer.from(bytes).toString()).map(({ uid }) => uid));
              if (sent.length === 1) throw new Error('the answer was lost');
              return {};
            },
            async close() {},
          },
        },
      ],
    }),
  };
  const periods = createPeriods(of);
  await periods.check();
  t.match(warned, ['period cannot be told to exporters, it is tried again']);
  await Promise.all([periods.check(), periods.check()]);
  t.equal(sent.length, 2, 'charges without a billing period are in none');
  t.equal(sent[0], sent[1]);
  t.equal(warned.length, 1);
});
