/** Columns that are given common codes say what they said, whatever a bill does next. */
import fc from 'fast-check';
import t from 'tap';
import { type Batch, cellText } from '../../../pipelines/focus/batch.ts';
import { JointColumns } from '../../../pipelines/normalize/joint-columns.ts';
import { NumberChain } from '../../../pipelines/normalize/number-chain.ts';
import { batchesOf, type Row } from '../../helpers/batch.ts';

const ROWS = 2_048;

/** A bill in which the SKU says most; from `loose` on columns have nothing to do with each other. */
function bill(rows: number, { seed = 1, loose = Number.POSITIVE_INFINITY } = {}): Row[] {
  let state = seed;
  const pick = (count: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % count;
  };
  return Array.from({ length: rows }, (_, row) => {
    const sku = pick(40);
    const of = (count: number): number => (row < loose ? sku % count : pick(count));
    return {
      sku: `sku-${sku}`,
      unit: of(5) === 0 ? undefined : `unit-${of(5)}`,
      product: `product-${of(20)}`,
      region: `region-${of(8)}`,
      account: `account-${pick(30)}`,
      accountName: `name-${pick(3)}`,
      currency: 'USD',
      id: `id-${row}`,
    };
  });
}

function cells({ columns, rows }: Batch): (string | undefined)[][] {
  return [...columns.values()].map((column) =>
    Array.from({ length: rows }, (_, row) => cellText(column, row)),
  );
}

function joined(rows: readonly Row[], batchRows: number): Batch[] {
  const joint = new JointColumns();
  return [...batchesOf(rows, { batchRows })].map((batch) => {
    const columns = new Map(
      [...joint.join(batch).columns].map(([name, column]) => [
        name,
        { ...column, codes: column.codes.slice(0, batch.rows) },
      ]),
    );
    t.strictSame(cells({ ...batch, columns }), cells(batch));
    return joint.join(batch);
  });
}

t.test('columns that come together get common codes, others keep theirs', async (t) => {
  const [batch] = joined(bill(ROWS), ROWS);
  const codes = (name: string) => batch?.columns.get(name)?.codes;
  for (const name of ['unit', 'product', 'region']) t.equal(codes(name), codes('sku'), name);
  for (const name of ['account', 'id', 'currency']) t.not(codes(name), codes('sku'), name);
});

t.test('cells stay what they are when columns cease to go together', async () => {
  joined(bill(ROWS * 6, { loose: ROWS * 2 }), ROWS);
});

t.test('too few rows are left alone', async (t) => {
  const [batch] = batchesOf(bill(100), { batchRows: 100 });
  t.equal(new JointColumns().join(batch as Batch), batch);
});

t.test('other dictionaries, and batches without a column, are measured anew', async (t) => {
  const joint = new JointColumns();
  for (const seed of [1, 2, 3, 4, 5, 6, 7]) {
    const rows = bill(ROWS, { seed });
    const [batch] = batchesOf(seed === 3 ? rows.map(({ unit: _, ...row }) => row) : rows, {
      batchRows: ROWS,
    });
    t.strictSame(cells(joint.join(batch as Batch)), cells(batch as Batch));
  }
});

t.test('a chain numbers combinations in order of appearance', async () => {
  const column = fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 1e9 }));
  fc.assert(
    fc.property(
      fc.array(column, { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 3_000 }),
      (columns, batches, most) => {
        const chain = new NumberChain(columns.length);
        const numbers = new Map<string, number>();
        for (const [round, rows] of batches.entries()) {
          // Codes grow from batch to batch, as those of dictionaries do.
          const inputs = columns.map(([size, seed]) => ({
            size: Math.ceil((size * (round + 1)) / batches.length),
            seed,
          }));
          const given = inputs.map(({ size, seed }, i) => ({
            size,
            codes: Uint32Array.from({ length: rows }, (_, row) =>
              Math.floor(((seed + row * (i * 7 + 3) * 2_654_435_761) % 4_294_967_296) % size),
            ),
          }));
          const keys = Array.from({ length: rows }, (_, row) =>
            given.map(({ codes }) => codes[row]).join(' '),
          );
          for (const key of keys) if (!numbers.has(key)) numbers.set(key, numbers.size);
          const fits = chain.number(given, rows, most);
          if (!fits) {
            if (numbers.size <= Math.min(most, 256)) throw new Error('gave up too early');
            return;
          }
          keys.forEach((key, row) => {
            const number = numbers.get(key) as number;
            if (chain.codes[row] !== number) throw new Error(`row ${row} of batch ${round}`);
            const parts = columns.map((_, i) => chain.part(number, i)).join(' ');
            if (parts !== key) throw new Error(`${parts} for ${key}`);
          });
        }
      },
    ),
  );
});
