import type { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import t from 'tap';
import type { PriceList, PriceRow } from '../../../plugins/extensions/catalog/lists/price-list.ts';
import { openCatalog } from '../../../plugins/extensions/catalog/store/open.ts';
import { takeList } from '../../../plugins/extensions/catalog/store/take-list.ts';
import { changesOf, type Stated, stepsOf } from '../../../plugins/extensions/catalog/timeline.ts';

const KEY = {
  provider: 'Acme',
  sku: 'vm',
  priceId: 'vm',
  region: 'eu',
  unit: 'Hours',
  per: '1',
  currency: 'EUR',
  name: '',
};

/** Statements of one reading about one tier; `listed`: without gaps and without end. */
const stated = (listed: boolean): fc.Arbitrary<readonly Stated[]> =>
  fc.array(
    fc.record(
      {
        from: fc.integer({ min: 0, max: 30 }),
        price: fc.constantFrom('1', '2', '3'),
        ...(listed ? {} : { to: fc.integer({ min: 31, max: 60 }) }),
      },
      { requiredKeys: ['from', 'price'] },
    ),
    { minLength: listed ? 1 : 0, maxLength: 4 },
  );

/** What some readings of a list say of two tiers. */
const readings = (listed: boolean) =>
  fc.array(fc.record({ '0': stated(listed), '500': stated(listed) }), {
    minLength: 1,
    maxLength: 5,
  });

interface Row {
  readonly id: number;
  readonly series: number;
  readonly valid_from: number;
  readonly valid_to: number | null;
  readonly price: string;
}

const history = (database: DatabaseSync) =>
  database.prepare('SELECT * FROM prices ORDER BY series, id').all() as unknown as readonly Row[];

async function take(
  database: DatabaseSync,
  tiers: Readonly<Record<string, readonly Stated[]>>,
  nowMs: number,
): Promise<void> {
  const rows = Object.entries(tiers).flatMap(([tierStart, statements]) =>
    statements.map((one): PriceRow => ({ ...KEY, tierStart, ...one })),
  );
  async function* piece(): AsyncGenerator<readonly PriceRow[]> {
    yield rows;
  }
  const list: PriceList = { rows: piece() };
  await takeList(database, { id: 'list', list, nowMs, maxLoss: 100, pause: async () => {} });
}

/** The problems of a history: rows of a series that overlap, that begin after a gap, that follow an open one. */
function problems(rows: readonly Row[]): readonly string[] {
  return rows.flatMap((row, i) => {
    const next = rows[i + 1];
    if (row.valid_to !== null && row.valid_to < row.valid_from) return ['ends before it begins'];
    if (next?.series !== row.series) return [];
    if (row.valid_to === null) return ['something follows an open row'];
    return next.valid_from < row.valid_to ? ['overlap'] : [];
  });
}

t.test(
  'the rows of a price never overlap, and no row is ever changed but for its end',
  async (t) => {
    const database = openCatalog(t.testdir());
    t.teardown(() => database.close());
    await fc.assert(
      fc.asyncProperty(readings(false), async (lists) => {
        database.exec('DELETE FROM prices; DELETE FROM series; DELETE FROM changes;');
        let before: readonly Row[] = [];
        for (const [i, tiers] of lists.entries()) {
          await take(database, tiers, 100 + i);
          const rows = history(database);
          const byId = new Map(rows.map((row) => [row.id, row]));
          const found = [...problems(rows)];
          for (const { id, valid_from, valid_to, price } of before) {
            const now = byId.get(id);
            if (now?.price !== price || now.valid_from !== valid_from) found.push('overwritten');
            if (valid_to !== null && now?.valid_to !== valid_to) found.push('end moved');
          }
          await take(database, tiers, 200 + i);
          if (JSON.stringify(history(database)) !== JSON.stringify(rows)) found.push('read twice');
          if (found.length > 0) return false;
          before = rows;
        }
        return true;
      }),
      { numRuns: 60 },
    );
  },
);

t.test('while a SKU is listed its history has no gap, and says what the list says', async (t) => {
  const database = openCatalog(t.testdir());
  t.teardown(() => database.close());
  await fc.assert(
    fc.asyncProperty(readings(true), async (lists) => {
      database.exec('DELETE FROM prices; DELETE FROM series; DELETE FROM changes;');
      for (const [i, tiers] of lists.entries()) {
        await take(database, tiers, 100 + i);
        const rows = history(database).filter(
          ({ valid_from, valid_to }) => valid_from !== valid_to,
        );
        for (const [at, row] of rows.entries()) {
          const next = rows[at + 1];
          if (next?.series === row.series && next.valid_from !== row.valid_to) return false;
        }
        const open = rows.filter(({ valid_to }) => valid_to === null);
        const last = Object.values(tiers).map((statements) => stepsOf(statements).at(-1)?.price);
        if (open.map(({ price }) => price).join() !== last.join()) return false;
      }
      return true;
    }),
    { numRuns: 60 },
  );
});

t.test('each price that moves is written down once', async (t) => {
  const database = openCatalog(t.testdir());
  t.teardown(() => database.close());
  const told = () => database.prepare('SELECT old, new, valid_from FROM changes').all();
  await take(database, { '0': [{ from: 1, price: '1' }] }, 10);
  t.same(told(), []);
  await take(
    database,
    {
      '0': [
        { from: 1, price: '1' },
        { from: 5, price: '2' },
      ],
    },
    11,
  );
  await take(database, { '0': [{ from: 5, price: '2' }] }, 12);
  t.same(told(), [{ old: '1', new: '2', valid_from: 5 }]);
});

t.test('a list that fails half way leaves nothing behind', async (t) => {
  const folder = t.testdir();
  const database = openCatalog(folder);
  t.teardown(() => database.close());
  await take(database, { '0': [{ from: 1, price: '1' }] }, 10);
  async function* cut(): AsyncGenerator<readonly PriceRow[]> {
    yield [{ ...KEY, tierStart: '0', price: '9', from: 2 }];
    throw new Error('cut');
  }
  const taking = { id: 'list', nowMs: 11, maxLoss: 100, pause: async () => {} };
  await t.rejects(takeList(database, { ...taking, list: { rows: cut() } }), /cut/);
  const broken = async () => Promise.reject(new Error('stopped'));
  const many = Array.from({ length: 1000 }, (_, i) => ({
    ...KEY,
    sku: `vm-${i}`,
    tierStart: '0',
    price: '9',
    from: 2,
  }));
  async function* whole(): AsyncGenerator<readonly PriceRow[]> {
    yield many;
  }
  const stopped = { ...taking, list: { rows: whole() }, pause: broken };
  await t.rejects(takeList(database, stopped), /stopped/);
  t.match(history(database), [{ price: '1', valid_from: 1, valid_to: null }]);
  t.equal(history(database).length, 1);
});

t.test('steps: the end of a statement counts when nothing follows at once', (t) => {
  t.strictSame(
    stepsOf([
      { from: 5, price: 'b' },
      { from: 1, to: 3, price: 'a' },
      { from: 5, price: 'c' },
    ]),
    [
      { at: 1, price: 'a' },
      { at: 3, price: undefined },
      { at: 5, price: 'c' },
    ],
  );
  t.end();
});

t.test('what was known is not touched: an earlier step counts from then on', (t) => {
  const known = { since: 10, price: 'a' };
  t.strictSame(changesOf(known, [{ at: 4, price: 'b' }]), [{ at: 10, price: 'b', before: 'a' }]);
  const steps = [
    { at: 4, price: 'x' },
    { at: 10, price: 'a' },
    { at: 20, price: 'b' },
  ];
  t.strictSame(changesOf(known, steps), [{ at: 20, price: 'b', before: 'a' }]);
  t.end();
});
