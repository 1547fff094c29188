/** What every state has to do, wherever it is kept. */
import { createHash } from 'node:crypto';
import type { Test } from 'tap';
import { checkChain } from '../../agent/state/audit-chain.ts';
import type { Commit, DeliverySummary, State } from '../../agent/state/state.ts';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { formatDecimal } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';

/** An empty state for one test, which closes it. */
export interface Store {
  readonly state: State;
  /** Opens it anew. */
  again(): Promise<State>;
  /** Does something to its database behind its back. */
  tamper(sql: string): Promise<unknown>;
}

export const SUMMARY: DeliverySummary = {
  rows: { read: 3, written: 2, rejected: 1, dropped: 0 },
  ledger: {},
  repairs: { some_repair: 2 },
  rejected: { invalid_number: 1 },
  dropped: {},
  violations: {},
  parts: [{ path: '/bills/a.csv', bytes: 10, modifiedMs: 20, mapping: 'focus' }],
  ms: 5,
};

/** A total. */
export function group(cost: string, of: Partial<GroupTotal> = {}): GroupTotal {
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

/** A commit of a delivery of the receiver `files`. */
export function commitOf({
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
export async function seen(
  state: State,
  pipelines: readonly string[],
  since?: string,
): Promise<string[]> {
  await state.sharing?.refresh();
  return [...state.view(pipelines).totals(since)]
    .map(({ costs }) => formatDecimal(costs.BilledCost))
    .toSorted();
}

/** Runs every test on empty states. */
export function stateCases(t: Test, open: (t: Test) => Promise<Store>): void {
  t.test('what is committed is there after opening again', async (t) => {
    const store = await open(t);
    const { state } = store;
    const of = {
      pipeline: 'costs',
      receiver: 'files',
      scope: 'a',
      revision: '1',
      mode: 'snapshot',
    } as const;
    t.equal(await state.cursor('costs', 'files'), undefined);
    t.notOk(await state.has(of));
    const digits = '12345678901234567890.000000000000000000000001';
    await state.commit(
      commitOf({
        totals: [group(digits, { overflow: true }), group('-0.5', { day: '2026-09-18' })],
      }),
    );
    await state.close();

    const again = await store.again();
    t.ok(await again.has(of));
    t.notOk(await again.has({ ...of, revision: '2' }));
    t.notOk(await again.has({ ...of, pipeline: 'other' }));
    t.match(await again.newest(of), { revision: '1' });
    t.equal(await again.cursor('costs', 'files'), 'a@1');
    t.match(await again.deliveries(), [
      { scope: 'a', revision: '1', summary: SUMMARY, dataUntilMs: 900 },
    ]);
    t.match(await again.totalsOf('a-1'), [
      { overflow: true, charges: 1, day: '2026-09-17', billingPeriod: '2026-09-01' },
      { overflow: false, day: '2026-09-18' },
    ]);
    t.strictSame(await seen(again, ['costs']), ['-0.5', digits]);
  });

  t.test('a snapshot replaces its scope, an append adds to it', async (t) => {
    const { state } = await open(t);
    await state.commit(commitOf({ totals: [group('10'), group('2', { day: '2026-09-01' })] }));
    await state.commit(commitOf({ scope: 'b', totals: [group('100')] }));
    const before = state.view(['costs']).version;
    const restated = await state.commit(commitOf({ revision: '2', totals: [group('11')] }));
    t.strictSame(
      restated.replaced,
      Object.fromEntries(COST_COLUMNS.map((column) => [column, '12'])),
    );
    t.strictSame(await seen(state, ['costs']), ['100', '11']);
    t.not(state.view(['costs']).version, before, 'exporters can tell');
    t.strictSame(
      (await state.deliveries()).map(({ scope, revision }) => `${scope}${revision}`),
      ['b1', 'a2'],
    );

    await state.commit(
      commitOf({ scope: 'c', mode: 'append', revision: '1', totals: [group('1')] }),
    );
    const added = await state.commit(
      commitOf({ scope: 'c', mode: 'append', revision: '2', totals: [group('2')] }),
    );
    t.equal(added.replaced, undefined);
    t.strictSame(await seen(state, ['costs']), ['1', '100', '11', '2']);
    await state.commit(
      commitOf({ scope: 'c', mode: 'append', revision: '2', totals: [group('3')] }),
    );
    t.strictSame(
      await seen(state, ['costs']),
      ['1', '100', '11', '3'],
      'the same delivery twice counts once',
    );
  });

  t.test('exporters see the totals of their pipelines', async (t) => {
    const { state } = await open(t);
    await state.commit(commitOf({ pipeline: 'one', totals: [group('1')] }));
    await state.commit(
      commitOf({
        pipeline: 'two',
        dataUntilMs: Number.NaN,
        totals: [group('2', { billingPeriod: '2026-08-01' })],
      }),
    );
    t.strictSame(await seen(state, ['one']), ['1']);
    t.strictSame(await seen(state, ['one', 'two']), ['1', '2']);
    t.strictSame(await seen(state, ['one', 'two'], '2026-09-01'), ['1']);
    t.strictSame(await seen(state, []), []);
    t.match(state.view(['two']).sources(), [
      { receiver: 'files', scope: 'a', committedMs: 1_000, dataUntilMs: Number.NaN },
    ]);
    t.equal((await state.deliveries('one')).length, 1);
  });

  t.test('a commit that fails leaves nothing behind', async (t) => {
    const { state } = await open(t);
    await state.commit(commitOf({ totals: [group('10')] }));
    const bad = { ...group('11'), charges: 1.5 };
    await t.rejects(async () =>
      state.commit(commitOf({ revision: '2', totals: [group('11'), bad] })),
    );
    t.strictSame(await seen(state, ['costs']), ['10']);
    t.equal(await state.cursor('costs', 'files'), 'a@1');
    await state.commit(commitOf({ revision: '2', totals: [group('11')] }));
    t.strictSame(await seen(state, ['costs']), ['11'], 'and does not stand in the way');
  });

  t.test('what is kept of a scope: the number of a revision never comes again', async (t) => {
    const { state } = await open(t);
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
    await state.keep(of, { number: 1, begun: kept(1) });
    t.strictSame(await state.kept(of), { number: 1, begun: kept(1) });
    await state.commit({ ...commitOf(), kept: kept(1) });
    t.strictSame(await state.kept(of), { number: 1, present: kept(1) });
    await state.commit(commitOf({ revision: '2' }));
    t.strictSame(await state.kept(of), { number: 1 }, 'no exporter is sent rows any more');
  });

  t.test('the audit chain', async (t) => {
    const store = await open(t);
    const { state } = store;
    await state.audit({ kind: 'agent.started', about: { version: '1', b: 1, a: 2 } }, 0);
    await state.commit(commitOf({ totals: [group('10.50'), group('0.000000000000000001')] }));
    const bad = { ...group('11'), charges: 1.5 };
    await t.rejects(async () => state.commit(commitOf({ revision: '2', totals: [bad] })));
    await state.commit(commitOf({ scope: 'b', totals: [] }));
    const links = [...(await state.auditTrail())];
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
    t.match(links[0]?.entry, /^{"about":{"a":2,.*"b":1,"version":"1"},"kind":/, 'keys in order');
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
    await t.rejects(store.tamper("UPDATE audit SET entry = ''"), /append-only/);
    await t.rejects(store.tamper('DELETE FROM audit'), /append-only/);
  });

  t.test(
    'a delivery that is to be read again is not known until it is committed anew',
    async (t) => {
      const { state } = await open(t);
      const of = {
        pipeline: 'costs',
        receiver: 'files',
        scope: 'a',
        revision: '1',
        mode: 'snapshot',
      } as const;
      await state.commit(commitOf());
      await state.readAgain('a-1');
      t.notOk(await state.has(of));
      t.match(await state.toReadAgain('costs', 'files'), [{ id: 'a-1' }]);
      t.strictSame(await state.toReadAgain('costs', 'other'), []);
      await state.commit(commitOf({ totals: [group('2')] }));
      t.ok(await state.has(of));
      t.strictSame(await state.toReadAgain('costs', 'files'), []);
      t.strictSame(await seen(state, ['costs']), ['2']);
      await state.readAgain('a-1');
      await state.forgetReadAgain('a-1');
      t.ok(await state.has(of));
    },
  );
}
