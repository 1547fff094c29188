import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t from 'tap';
import { type DeadLetter, openDeadLetters } from '../../agent/dead-letters.ts';
import { checkChain } from '../../agent/state/audit-chain.ts';
import { lockFolder } from '../../agent/state/lock.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { commitOf, group, seen, stateCases } from '../helpers/state-cases.ts';

stateCases(t, async (t) => {
  const folder = join(t.testdir(), 'state');
  const state = openState(folder);
  let last = state;
  t.teardown(() => last.close());
  return {
    state,
    async again() {
      last = openState(folder);
      return last;
    },
    async tamper(sql) {
      const database = new DatabaseSync(join(folder, 'state.sqlite'));
      t.teardown(() => database.close());
      database.exec(sql);
    },
  };
});

t.test('a state file of schema version 1 is brought up to date', async (t) => {
  const folder = join(t.testdir(), 'state');
  const state = openState(folder);
  state.commit(commitOf({ totals: [group('10')] }));
  state.close();
  const database = new DatabaseSync(join(folder, 'state.sqlite'));
  database.exec("DROP TABLE audit; DROP TABLE read_again; UPDATE meta SET value = '1'");
  database.close();
  rmSync(`${folder}.mark`);
  const upgraded = openState(folder);
  t.strictSame(await seen(upgraded, ['costs']), ['10']);
  upgraded.commit(commitOf({ revision: '2', totals: [group('11')] }));
  upgraded.close();
  const again = openState(folder);
  t.teardown(() => again.close());
  const { entries, broken } = checkChain(again.auditTrail());
  t.equal(broken, undefined);
  t.match(entries, [
    { kind: 'state.upgraded', about: { from: '1', to: '6', deliveries: ['a-1'] } },
    { kind: 'delivery.restated', about: { replaced: { BilledCost: '10' } } },
  ]);
});

for (const [version, lacking] of [
  ['2', 'DROP TABLE kept_charges; DROP TABLE closed_periods;'],
  ['3', 'DROP TABLE closed_periods;'],
  ['4', 'DROP TABLE seals;'],
  ['5', "DELETE FROM seals WHERE name = 'changes';"],
] as const)
  t.test(`a state file of schema version ${version} is brought up to date`, async (t) => {
    const folder = join(t.testdir(), 'state');
    const state = openState(folder);
    state.commit(commitOf({ totals: [group('10')] }));
    state.close();
    const database = new DatabaseSync(join(folder, 'state.sqlite'));
    database.exec(`${lacking} UPDATE meta SET value = '${version}'`);
    database.close();
    rmSync(`${folder}.mark`);
    const upgraded = openState(folder);
    t.teardown(() => upgraded.close());
    t.strictSame(await seen(upgraded, ['costs']), ['10']);
    const of = { pipeline: 'costs', receiver: 'files', scope: 'a' };
    t.equal(upgraded.kept(of), undefined);
    t.match(upgraded.periods(), [{ billingPeriod: '2026-09-01', changedMs: 1_000 }]);
    const { entries, broken } = checkChain(upgraded.auditTrail());
    t.equal(broken, undefined);
    t.match(entries, [
      { kind: 'delivery.committed', about: { costs: { BilledCost: '10' } } },
      { kind: 'state.upgraded', about: { from: version, to: '6', deliveries: [] } },
    ]);
  });

t.test('a state file that cannot be used is named', async (t) => {
  const folder = t.testdir({ damaged: { 'state.sqlite': 'this is no database '.repeat(100) } });
  const damaged = join(folder, 'damaged');
  t.throws(() => openState(damaged), {
    name: 'Misconfigured',
    message: /state\.sqlite cannot be used: .*not a database/,
    hint: /move the file and \S+damaged\.mark away/,
  });
  const newer = join(folder, 'newer');
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
