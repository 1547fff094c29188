import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { type DeadLetter, openDeadLetters } from '../../agent/dead-letters.ts';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { lockFolder } from '../../agent/state/lock.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import type { Commit, DeliverySummary } from '../../agent/state/state.ts';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { formatDecimal } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';

const SUMMARY: DeliverySummary = {
  rows: { read: 3, written: 2, rejected: 1, dropped: 0 },
  ledger: {},
  repairs: { some_repair: 2 },
  rejected: { invalid_number: 1 },
  dropped: {},
  violations: {},
  parts: [{ path: '/bills/a.csv', bytes: 10, modifiedMs: 20, mapping: 'focus' }],
  ms: 5,
};

function group(cost: string, of: Partial<GroupTotal> = {}): GroupTotal {
  return {
    dimensions: TOTAL_DIMENSIONS.map((name) => (name === 'BillingCurrency' ? 'EUR' : null)),
    billingPeriod: '2026-09-01',
    day: '2026-09-17',
    charges: 1,
    costs: COST_COLUMNS.map(() => cost),
    overflow: false,
    ...of,
  };
}

interface Given {
  readonly scope?: string;
  readonly revision?: string;
  readonly mode?: 'snapshot' | 'append';
  readonly pipeline?: string;
  readonly cursor?: string;
  readonly totals?: readonly GroupTotal[];
  readonly dataUntilMs?: number;
}

function commitOf({
  scope = 'a',
  revision = '1',
  mode = 'snapshot',
  ...given
}: Given = {}): Commit {
  return {
    pipeline: given.pipeline ?? 'costs',
    receiver: 'files',
    id: `${given.pipeline ?? ''}${scope}-${revision}`,
    delivery: {
      scope,
      revision,
      mode,
      mapping: 'auto',
      parts: [],
      cursor: given.cursor ?? `${scope}@${revision}`,
    },
    committedMs: 1_000,
    dataUntilMs: given.dataUntilMs ?? 900,
    totals: given.totals ?? [group('1.5')],
    summary: SUMMARY,
  };
}

/** Sum of BilledCost as an exporter of these pipelines sees it. */
function seen(
  state: ReturnType<typeof openState>,
  pipelines: readonly string[],
  since?: string,
): string[] {
  return [...state.view(pipelines).totals(since)]
    .map(({ costs }) => formatDecimal(costs.BilledCost))
    .toSorted();
}

t.test('what is committed is there after opening again', async (t) => {
  const folder = t.testdir();
  const state = openState(folder);
  const of = {
    pipeline: 'costs',
    receiver: 'files',
    scope: 'a',
    revision: '1',
    mode: 'snapshot',
  } as const;
  t.equal(state.cursor('costs', 'files'), undefined);
  t.notOk(state.has(of));
  const digits = '12345678901234567890.000000000000000000000001';
  state.commit(
    commitOf({ totals: [group(digits, { overflow: true }), group('-0.5', { day: '2026-09-18' })] }),
  );
  state.close();

  const again = openState(folder);
  t.teardown(() => again.close());
  t.ok(again.has(of));
  t.notOk(again.has({ ...of, revision: '2' }));
  t.notOk(again.has({ ...of, pipeline: 'other' }));
  t.equal(again.revision(of), '1');
  t.equal(again.cursor('costs', 'files'), 'a@1');
  t.match(again.deliveries(), [{ scope: 'a', revision: '1', summary: SUMMARY, dataUntilMs: 900 }]);
  t.match(again.totalsOf('a-1'), [
    { overflow: true, charges: 1, day: '2026-09-17', billingPeriod: '2026-09-01' },
    { overflow: false, day: '2026-09-18' },
  ]);
  t.strictSame(seen(again, ['costs']), ['-0.5', digits]);
});

t.test('a snapshot replaces its scope, an append adds to it', async (t) => {
  const state = openState(t.testdir());
  t.teardown(() => state.close());
  state.commit(commitOf({ totals: [group('10'), group('2', { day: '2026-09-01' })] }));
  state.commit(commitOf({ scope: 'b', totals: [group('100')] }));
  const before = state.view(['costs']).version;
  const restated = state.commit(commitOf({ revision: '2', totals: [group('11')] }));
  t.strictSame(restated.replaced, Object.fromEntries(COST_COLUMNS.map((column) => [column, '12'])));
  t.strictSame(seen(state, ['costs']), ['100', '11']);
  t.not(state.view(['costs']).version, before, 'exporters can tell');
  t.strictSame(
    state.deliveries().map(({ scope, revision }) => `${scope}${revision}`),
    ['b1', 'a2'],
  );

  state.commit(commitOf({ scope: 'c', mode: 'append', revision: '1', totals: [group('1')] }));
  const added = state.commit(
    commitOf({ scope: 'c', mode: 'append', revision: '2', totals: [group('2')] }),
  );
  t.equal(added.replaced, undefined);
  t.strictSame(seen(state, ['costs']), ['1', '100', '11', '2']);
  state.commit(commitOf({ scope: 'c', mode: 'append', revision: '2', totals: [group('3')] }));
  t.strictSame(
    seen(state, ['costs']),
    ['1', '100', '11', '3'],
    'the same delivery twice counts once',
  );
});

t.test('exporters see the totals of their pipelines', async (t) => {
  const state = openState(t.testdir());
  t.teardown(() => state.close());
  state.commit(commitOf({ pipeline: 'one', totals: [group('1')] }));
  state.commit(
    commitOf({
      pipeline: 'two',
      dataUntilMs: Number.NaN,
      totals: [group('2', { billingPeriod: '2026-08-01' })],
    }),
  );
  t.strictSame(seen(state, ['one']), ['1']);
  t.strictSame(seen(state, ['one', 'two']), ['1', '2']);
  t.strictSame(seen(state, ['one', 'two'], '2026-09-01'), ['1']);
  t.strictSame(seen(state, []), []);
  t.match(state.view(['two']).sources(), [
    { receiver: 'files', scope: 'a', committedMs: 1_000, dataUntilMs: Number.NaN },
  ]);
  t.equal(state.deliveries('one').length, 1);
});

t.test('a commit that fails leaves nothing behind', async (t) => {
  const state = openState(t.testdir());
  t.teardown(() => state.close());
  state.commit(commitOf({ totals: [group('10')] }));
  const bad = { ...group('11'), charges: 1.5 };
  t.throws(() => state.commit(commitOf({ revision: '2', totals: [group('11'), bad] })));
  t.strictSame(seen(state, ['costs']), ['10']);
  t.equal(state.cursor('costs', 'files'), 'a@1');
  state.commit(commitOf({ revision: '2', totals: [group('11')] }));
  t.strictSame(seen(state, ['costs']), ['11'], 'and does not stand in the way');
});

t.test('a state file of schema version 1 is brought up to date', async (t) => {
  const folder = t.testdir();
  const state = openState(folder);
  state.commit(commitOf({ totals: [group('10')] }));
  state.close();
  const database = new DatabaseSync(join(folder, 'state.sqlite'));
  database.exec("DROP TABLE audit; DROP TABLE read_again; UPDATE meta SET value = '1'");
  database.close();
  const upgraded = openState(folder);
  t.strictSame(seen(upgraded, ['costs']), ['10']);
  upgraded.commit(commitOf({ revision: '2', totals: [group('11')] }));
  upgraded.close();
  const again = openState(folder);
  t.teardown(() => again.close());
  const { entries, broken } = checkChain(again.auditTrail());
  t.equal(broken, undefined);
  t.match(entries, [
    { kind: 'state.upgraded', about: { from: '1', to: '4', deliveries: ['a-1'] } },
    { kind: 'delivery.restated', about: { replaced: { BilledCost: '10' } } },
  ]);
});

for (const [version, lacking] of [
  ['2', 'DROP TABLE kept_charges; DROP TABLE closed_periods;'],
  ['3', 'DROP TABLE closed_periods;'],
] as const)
  t.test(`a state file of schema version ${version} is brought up to date`, async (t) => {
    const folder = t.testdir();
    const state = openState(folder);
    state.commit(commitOf({ totals: [group('10')] }));
    state.close();
    const database = new DatabaseSync(join(folder, 'state.sqlite'));
    database.exec(`${lacking} UPDATE meta SET value = '${version}'`);
    database.close();
    const upgraded = openState(folder);
    t.teardown(() => upgraded.close());
    t.strictSame(seen(upgraded, ['costs']), ['10']);
    const of = { pipeline: 'costs', receiver: 'files', scope: 'a' };
    t.equal(upgraded.kept(of), undefined);
    t.match(upgraded.periods(), [{ billingPeriod: '2026-09-01', changedMs: 1_000 }]);
    const { entries, broken } = checkChain(upgraded.auditTrail());
    t.equal(broken, undefined);
    t.match(entries, [
      { kind: 'delivery.committed', about: { costs: { BilledCost: '10' } } },
      { kind: 'state.upgraded', about: { from: version, to: '4', deliveries: [] } },
    ]);
  });

t.test('what is kept of a scope: the number of a revision never comes again', async (t) => {
  const state = openState(t.testdir());
  t.teardown(() => state.close());
  const of = { pipeline: 'costs', receiver: 'files', scope: 'a' };
  const kept = (number: number) => ({
    number,
    revision: String(number),
    delivery: `a-${number}`,
    observedMs: 1,
    exporters: ['otlp'],
    whole: [],
    files: [{ name: '0001.kept', bytes: 1, rows: 1, added: 1 }],
  });
  state.keep(of, { number: 1, begun: kept(1) });
  t.strictSame(state.kept(of), { number: 1, begun: kept(1) });
  state.commit({ ...commitOf(), kept: kept(1) });
  t.strictSame(state.kept(of), { number: 1, present: kept(1) });
  state.commit(commitOf({ revision: '2' }));
  t.strictSame(state.kept(of), { number: 1 }, 'no exporter is sent rows any more');
});

t.test('the audit chain', async (t) => {
  const folder = t.testdir();
  const state = openState(folder);
  t.teardown(() => state.close());
  state.audit({ kind: 'agent.started', about: { version: '1', b: 1, a: 2 } }, 0);
  state.commit(commitOf({ totals: [group('10.50'), group('0.000000000000000001')] }));
  const bad = { ...group('11'), charges: 1.5 };
  t.throws(() => state.commit(commitOf({ revision: '2', totals: [bad] })));
  state.commit(commitOf({ scope: 'b', totals: [] }));
  const links = [...state.auditTrail()];
  const whole = checkChain(links);
  t.equal(whole.broken, undefined);
  t.match(whole, {
    head: links.at(-1)?.hash,
    entries: [
      { sequence: 1, time: '1970-01-01T00:00:00.000Z', previous: '0'.repeat(64) },
      { kind: 'delivery.committed', about: { costs: { BilledCost: '10.500000000000000001' } } },
      { about: { scope: 'b', costs: { BilledCost: '0' } } },
    ],
  });
  t.match(links[0]?.entry, /^{"about":{"a":2,"b":1,"version":"1"},"kind":/, 'keys in order');
  const [first, second, third] = links;
  if (first === undefined || second === undefined || third === undefined) return;
  t.match(checkChain([first, third]).broken, { sequence: 2, reason: /missing, 3 comes next/ });
  const forged = { ...second, entry: second.entry.replace('10.5', '99.5') };
  t.match(checkChain([first, forged, third]).broken, { sequence: 2, reason: /was hashed/ });
  const hash = createHash('sha256').update(forged.entry).digest('hex');
  t.match(checkChain([first, { ...forged, hash }, third]), {
    broken: { sequence: 3, reason: /does not follow/ },
    entries: { length: 2 },
  });
  const database = new DatabaseSync(join(folder, 'state.sqlite'));
  t.teardown(() => database.close());
  t.throws(() => database.exec("UPDATE audit SET entry = ''"), /append-only/);
  t.throws(() => database.exec('DELETE FROM audit'), /append-only/);
});

t.test('a delivery that is to be read again is not known until it is committed anew', async (t) => {
  const state = openState(t.testdir());
  t.teardown(() => state.close());
  const of = {
    pipeline: 'costs',
    receiver: 'files',
    scope: 'a',
    revision: '1',
    mode: 'snapshot',
  } as const;
  state.commit(commitOf());
  state.readAgain('a-1');
  t.notOk(state.has(of));
  t.match(state.toReadAgain('costs', 'files'), [{ id: 'a-1' }]);
  t.strictSame(state.toReadAgain('costs', 'other'), []);
  state.commit(commitOf({ totals: [group('2')] }));
  t.ok(state.has(of));
  t.strictSame(state.toReadAgain('costs', 'files'), []);
  t.strictSame(seen(state, ['costs']), ['2']);
  state.readAgain('a-1');
  state.forgetReadAgain('a-1');
  t.ok(state.has(of));
});

t.test('a state file that cannot be used is named', async (t) => {
  const damaged = t.testdir({ 'state.sqlite': 'this is no database '.repeat(100) });
  t.throws(() => openState(damaged), {
    name: 'Misconfigured',
    message: /state\.sqlite cannot be used: .*not a database/,
    hint: /move the file away/,
  });
  const newer = t.testdir({});
  openState(newer).close();
  const database = new DatabaseSync(join(newer, 'state.sqlite'));
  database.exec("UPDATE meta SET value = '99'");
  database.close();
  t.throws(() => openState(newer), { name: 'Misconfigured', message: /schema version 99/ });
});

t.test('two agents do not share a storage folder', async (t) => {
  const folder = t.testdir();
  const unlock = lockFolder(folder);
  t.throws(() => lockFolder(folder), { name: 'Misconfigured', message: /another focusd is using/ });
  unlock();
  lockFolder(folder)();
  writeFileSync(join(folder, 'agent.lock'), 'no database');
  t.throws(() => lockFolder(folder), { name: 'Misconfigured', message: /agent\.lock/ });
});

const LETTER: DeadLetter = {
  time: '2026-09-17T12:00:00Z',
  pipeline: 'costs',
  receiver: 'files',
  scope: 'a',
  revision: '1',
  kind: 'row',
  reason: 'invalid_number',
  message: 'no',
  row: 1,
};

t.test('dead letters', async (t) => {
  const folder = t.testdir({ 'cut-off.ndjson.new': '{"' });
  const letters = openDeadLetters(folder, 10_000);
  t.strictSame(readdirSync(folder), [], 'what a killed agent left is gone');
  const of = { pipeline: 'costs', receiver: 'files', scope: 'a', id: 'one' };
  const rows = (): string[] =>
    readdirSync(folder)
      .flatMap((name) => readFileSync(join(folder, name), 'utf8').trim().split('\n'))
      .map((line) => `${JSON.parse(line).scope}${JSON.parse(line).row}`)
      .toSorted();

  const file = await letters.open(of);
  file.write(LETTER);
  t.strictSame(rows(), [], 'nothing is visible before the commit');
  file.restart();
  file.write({ ...LETTER, row: 2 });
  t.equal(file.count, 1);
  await file.commit();
  t.strictSame(rows(), ['a2']);
  t.equal(
    statSync(join(folder, readdirSync(folder)[0] ?? '')).mode & 0o077,
    0,
    'rows are nobody else’s business',
  );

  const given = await letters.open(of);
  given.write({ ...LETTER, row: 3 });
  await given.abort();
  t.strictSame(rows(), ['a2'], 'an attempt that was given up changes nothing');

  for (const [scope, id] of [
    ['a', 'two'],
    ['b', 'three'],
  ] as const) {
    const next = await letters.open({ ...of, scope, id });
    next.write({ ...LETTER, scope, row: 9 });
    await next.commit();
  }
  t.strictSame(rows(), ['a2', 'a9', 'b9']);
  await letters.replaced({ ...of, id: 'two' });
  t.strictSame(rows(), ['a9', 'b9'], 'a newer revision is committed');

  const clean = await letters.open({ ...of, id: 'two' });
  await clean.commit();
  t.strictSame(rows(), ['b9'], 'read again without a fault');
});
