/** A state file in which bytes have changed, or that is cut off: an error that names it, or what was committed; never other totals. */
import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  /** Where the whole state is. */
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
  const from = join(folder, 'whole');
  const state = openState(from);
  for (let number = 0; number < DELIVERIES; number++) commit(state, number);
  const known = [contentOf(state)];
  state.close();
  t.strictSame(readdirSync(from), ['state.sqlite']);
  damageAll(t, 'state.sqlite', { from, to: join(folder, 'damaged'), known });
});

t.test('its log of what is not yet in the file', async (t) => {
  const folder = t.testdir();
  const from = join(folder, 'whole');
  const state = openState(join(folder, 'open'));
  const known = [contentOf(state)];
  for (let number = 0; number < DELIVERIES; number++) {
    commit(state, number);
    known.push(contentOf(state));
  }
  // As a machine that dies now leaves it.
  cpSync(join(folder, 'open'), from, { recursive: true });
  state.close();
  rmSync(join(from, 'state.sqlite-shm'));
  damageAll(t, 'state.sqlite-wal', { from, to: join(folder, 'damaged'), known });
});
