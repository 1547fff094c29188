/** A state in which bytes have changed, that is cut off or older than it was: an error that names it, or what was committed last; never other totals. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { Random } from '../../agent/generate/random.ts';
import { openState, type SqliteState } from '../../agent/state/sqlite-state.ts';
import { errorName } from '../../pipelines/plugin/errors.ts';
import { plainSummary } from '../helpers/summaries.ts';

t.setTimeout(60 * 60_000);

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 250);
const DELIVERIES = 6;

function commit(state: SqliteState, number: number): void {
  const cost = (group: number) => `${number}.${group}1`;
  state.commit({
    pipeline: 'costs',
    receiver: 'files',
    delivery: {
      scope: `bill-${number % 3}`,
      revision: String(number),
      mode: 'snapshot',
      mapping: 'auto',
      parts: [],
      cursor: `cursor-${number}`,
    },
    id: `delivery-${number}`,
    committedMs: 1_790_000_000_000 + number,
    dataUntilMs: 1_790_000_000_000,
    totals: Array.from({ length: 8 }, (_, group) => ({
      dimensions: [`service-${group}`, 'account'],
      billingPeriod: '2026-09-01',
      day: `2026-09-0${group + 1}`,
      overflow: false,
      charges: group + 1,
      costs: [cost(group), '2.5', '3', '4'],
    })),
    summary: plainSummary({ read: 1, written: 1, rejected: 0, dropped: 0 }),
  });
}

/** All that money depends on, as text. */
function contentOf(state: SqliteState): string {
  const deliveries = state.deliveries();
  const totals = deliveries.map(({ id }) => state.totalsOf(id));
  const text = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify([state.cursor('costs', 'files'), deliveries, totals], text);
}

interface Damaging {
  /** Where the whole state is; its mark is beside it. */
  readonly from: string;
  /** Where it is damaged. */
  readonly to: string;
  /** What may be found. */
  readonly known: readonly string[];
}

/** What is found in a damaged copy: `error`, `known` or what is wrong. */
function found({ from, to, known }: Damaging, damage: (to: string) => void): string {
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
  cpSync(`${from}.mark`, `${to}.mark`);
  damage(to);
  let state: SqliteState | undefined;
  try {
    state = openState(to);
    return known.includes(contentOf(state)) ? 'known' : 'other totals';
  } catch (error) {
    const isSaid = errorName(error) === 'Misconfigured' && String(error).includes('state.sqlite');
    return isSaid || state !== undefined ? 'error' : String(error);
  } finally {
    state?.close();
  }
}

/** Flips bits all over a file, and cuts it off at every page. */
function damageAll(t: Test, name: string, damaging: Damaging): void {
  const bytes = readFileSync(join(damaging.from, name));
  const random = new Random(17);
  const counts: Record<string, number> = { error: 0, known: 0 };
  const wrong: string[] = [];
  const tell = (what: string, changed: Uint8Array): void => {
    const result = found(damaging, (to) => writeFileSync(join(to, name), changed));
    counts[result] = (counts[result] ?? 0) + 1;
    if (result !== 'error' && result !== 'known') wrong.push(`${what}: ${result}`);
  };
  for (let run = 0; run < RUNS; run++) {
    const at = Math.floor((run * bytes.length) / RUNS) + random.int(Math.ceil(bytes.length / RUNS));
    const bit = random.int(8);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ (1 << bit);
    tell(`bit ${bit} of byte ${at}`, changed);
  }
  for (let cut = 512; cut < bytes.length; cut += 2_048)
    tell(`cut at ${cut}`, bytes.subarray(0, cut));
  t.comment(`${name}: ${JSON.stringify(counts)}`);
  t.strictSame(wrong, [], name);
  t.ok((counts.error ?? 0) + (counts.known ?? 0) > RUNS);
}

t.test('the file', async (t) => {
  const folder = t.testdir();
  const from = join(folder, 'whole/state');
  const state = openState(from);
  for (let number = 0; number < DELIVERIES; number++) commit(state, number);
  const known = [contentOf(state)];
  state.close();
  t.strictSame(readdirSync(from), ['state.sqlite']);
  damageAll(t, 'state.sqlite', { from, to: join(folder, 'damaged/state'), known });
});

/** A state as a machine that dies leaves it while somebody reads: all of it is in the log. */
function inTheLog(folder: string, deliveries: number): string {
  openState(join(folder, 'open/state')).close();
  const state = openState(join(folder, 'open/state'));
  const path = join(folder, 'open/state/state.sqlite');
  const reader = new DatabaseSync(path);
  reader.exec('BEGIN; SELECT * FROM seals');
  for (let number = 0; number < deliveries; number++) commit(state, number);
  const content = contentOf(state);
  cpSync(join(folder, 'open'), join(folder, 'whole'), { recursive: true });
  reader.close();
  state.close();
  rmSync(join(folder, 'whole/state/state.sqlite-shm'));
  return content;
}

t.test('its log of what is not yet in the file', async (t) => {
  const folder = t.testdir();
  const known = [inTheLog(folder, DELIVERIES)];
  const whole = { from: join(folder, 'whole/state'), known };
  damageAll(t, 'state.sqlite-wal', { ...whole, to: join(folder, 'damaged/state') });
});

/** Opens what is in a folder; answers its content, or the error. */
function opened(folder: string): string {
  try {
    const state = openState(folder);
    const content = contentOf(state);
    state.close();
    return content;
  } catch (error) {
    return String(error);
  }
}

t.test('its log is gone', async (t) => {
  const folder = t.testdir();
  const content = inTheLog(folder, DELIVERIES);
  const state = join(folder, 'whole/state');
  rmSync(join(state, 'state.sqlite-wal'));
  t.match(
    opened(state),
    /older than what was committed: 0 of 6 changes are in it.*state\.sqlite-wal/,
  );
  t.match(opened(state), /older than what was committed/, 'said again');
  rmSync(join(folder, 'whole/state.mark'));
  t.not(opened(state), content, 'until the operator says that it counts');
});

t.test('its log is gone while nobody reads', async (t) => {
  const folder = t.testdir();
  const state = openState(join(folder, 'open/state'));
  for (let number = 0; number < DELIVERIES; number++) commit(state, number);
  cpSync(join(folder, 'open'), join(folder, 'copy'), { recursive: true });
  const content = contentOf(state);
  state.close();
  rmSync(join(folder, 'copy/state/state.sqlite-wal'));
  t.equal(opened(join(folder, 'copy/state')), content, 'every commit is in the file, too');
});

t.test('an older copy is put in its place', async (t) => {
  const folder = t.testdir();
  const at = (number: number): string => join(folder, `${number}/state`);
  const state = openState(join(folder, 'open/state'));
  for (let number = 0; number < DELIVERIES; number++) {
    commit(state, number);
    cpSync(join(folder, 'open/state'), at(number), { recursive: true });
  }
  state.close();
  const newest = contentOf(openState(join(folder, 'open/state')));
  for (let number = 0; number < DELIVERIES; number++) {
    cpSync(join(folder, 'open/state.mark'), join(folder, `${number}/state.mark`));
    if (number === DELIVERIES - 1) t.equal(opened(at(number)), newest);
    else
      t.match(opened(at(number)), new RegExp(`${number + 1} of ${DELIVERIES} changes are in it`));
  }

  t.comment('one that went another way since');
  rmSync(join(folder, '0/state.mark'));
  const other = openState(at(0));
  for (let number = 10; number < 20; number++) commit(other, number);
  other.close();
  cpSync(join(folder, 'open/state.mark'), join(folder, '0/state.mark'));
  t.match(
    opened(at(0)),
    /not the one that was committed: entry 6 of its audit chain is another one/,
  );
});

t.test('the end of its audit chain is cut off', async (t) => {
  const folder = join(t.testdir(), 'state');
  const state = openState(folder);
  for (let number = 0; number < DELIVERIES; number++) commit(state, number);
  state.close();
  const database = new DatabaseSync(join(folder, 'state.sqlite'));
  database.exec('DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE sequence = 6');
  database.close();
  t.match(opened(folder), /entry 6 of its audit chain is missing/);
});

t.test('its mark is damaged', async (t) => {
  const folder = join(t.testdir(), 'state');
  const state = openState(folder);
  commit(state, 1);
  state.close();
  const mark = `${folder}.mark`;
  const bytes = readFileSync(mark);
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(mark, changed);
    t.match(opened(folder), /state\.mark is damaged/);
    writeFileSync(mark, bytes.subarray(0, at));
    t.match(opened(folder), /state\.mark is damaged/);
  }
});
