/** Chosen amounts, put together from columns of every kind, against looking at each row on its own. */
import fc from 'fast-check';
import t from 'tap';
import { Amounts } from '../../../pipelines/focus/amounts.ts';
import { type AmountColumn, cellText } from '../../../pipelines/focus/batch.ts';
import { joinedAmounts, type Taken } from '../../../pipelines/normalize/joined-amounts.ts';

const ROWS = 24;

/** A number, one that is too long for limbs, what is no number, nothing. */
const cell = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: -999, max: 999 }).map((n) => `${n}.25`) },
  { weight: 1, arbitrary: fc.constantFrom('123456789012345678901234.5', 'n/a', '', '0') },
);

/** Values that last or live for a batch, of one entry or several; the latter begin with null. */
const column = fc
  .record({
    transient: fc.boolean(),
    texts: fc.array(cell, { minLength: 1, maxLength: 9 }),
    picks: fc.array(fc.nat(), { minLength: ROWS, maxLength: ROWS }),
  })
  .map(({ transient, texts, picks }): AmountColumn => {
    const values = new Amounts(1, transient);
    if (texts.length > 1) values.addNull();
    for (const text of texts) add(values, text);
    return { kind: 'amount', codes: Uint32Array.from(picks, (pick) => pick % values.size), values };
  });

const list = fc
  .oneof(
    { weight: 3, arbitrary: fc.uniqueArray(fc.nat(ROWS - 1), { maxLength: 5 }) },
    { weight: 1, arbitrary: fc.uniqueArray(fc.nat(ROWS - 1), { maxLength: ROWS }) },
  )
  .map((rows) => Uint32Array.from(rows));

const others = fc.array(fc.tuple(fc.nat(3), list), { maxLength: 4 });

function add(values: Amounts, text: string): void {
  if (text === '') values.addNull();
  else values.addText(text);
}

function texts(of: AmountColumn): (string | undefined)[] {
  return Array.from({ length: ROWS }, (_, row) => {
    const code = of.codes[row] as number;
    return `${of.values.state[code]} ${of.values.double[code]} ${cellText(of, row)}`;
  });
}

t.test('joined amounts', async (t) => {
  const own = { into: new Amounts(ROWS + 1, true), codes: () => codes };
  const codes = new Uint32Array(ROWS);
  fc.assert(
    fc.property(
      fc.array(column, { minLength: 4, maxLength: 4 }),
      fc.nat(3),
      others,
      (columns, base, more) => {
        const taken: Taken[] = [[base, undefined] as const, ...more].map(([number, rows]) => ({
          column: columns[number] as AmountColumn,
          rows,
        }));
        const before = columns.map(texts);
        const wanted = before[base]?.slice() ?? [];
        for (const [number, rows] of more)
          for (const row of rows) wanted[row] = before[number]?.[row];
        t.strictSame(texts(joinedAmounts(taken, ROWS, own)), wanted);
        t.strictSame(columns.map(texts), before, 'what it was put together from is as it was');
      },
    ),
    { numRuns: 500, seed: 11 },
  );
});
