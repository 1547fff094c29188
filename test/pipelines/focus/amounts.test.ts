/** Amounts as they are read from bytes, against the decimals that their texts are. */
import fc from 'fast-check';
import t from 'tap';
import { AMOUNT, Amounts } from '../../../pipelines/focus/amounts.ts';
import { type Decimal, formatDecimal, parseDecimal } from '../../../pipelines/focus/decimal.ts';

const digits = (max: number) =>
  fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: max }).map((all) => all.join(''));

/** Numbers of all lengths, doubles as programs print them, what is nearly a number. */
const text = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('', '-', '+'),
      digits(18),
      digits(8),
      digits(24),
      fc.constantFrom('', '00'),
    )
    .map(
      ([sign, whole, zeros, rest, end]) =>
        `${sign}${whole}.${'0'.repeat(zeros.length)}${rest}${end}`,
    ),
  fc.double({ min: -1e6, max: 1e6, noNaN: true }).map(String),
  fc
    .tuple(fc.double({ noNaN: true }), fc.integer({ min: 15, max: 30 }))
    .map(([n, places]) => n.toFixed(places)),
  fc
    .tuple(digits(22), fc.constantFrom('.', '-', ' ', 'x', 'e3', ''), digits(22))
    .map((all) => all.join('')),
);

t.test('numbers in bytes', async (t) => {
  fc.assert(
    fc.property(text, digits(3), digits(3), (of, before, after) => {
      const bytes = Buffer.from(before + of + after);
      const amounts = new Amounts(1);
      amounts.addBytes(bytes, before.length, bytes.length - after.length);
      const wanted = parseDecimal(of);
      if (JSON.stringify(seen(amounts)) !== JSON.stringify(meant(wanted)))
        throw new Error(`${of}: ${JSON.stringify(seen(amounts))}`);
    }),
    { numRuns: 5_000, seed: 3 },
  );
  t.pass('5,000 texts');
});

t.test('more places than limbs have', async (t) => {
  const amounts = new Amounts(1);
  for (const of of [
    '0.0022760111572945664',
    '-12.00000000000000000001',
    '-0.',
    '1.5000000000000000000',
  ])
    amounts.addBytes(Buffer.from(of), 0, of.length);
  t.same([...amounts.state.subarray(0, 4)], [AMOUNT.big, AMOUNT.big, AMOUNT.limbs, AMOUNT.limbs]);
  t.same(
    [0, 1, 2, 3].map((code) => [amounts.text(code), amounts.double[code]]),
    [
      ['0.0022760111572945664', 0.0022760111572945664],
      ['-12.00000000000000000001', -12],
      ['0', 0],
      ['1.5', 1.5],
    ],
  );
});

function seen(amounts: Amounts): readonly unknown[] {
  return [amounts.invalid, amounts.text(0), amounts.double[0]];
}

function meant(value: Decimal | undefined): readonly unknown[] {
  if (value === undefined) return [1, undefined, 0];
  return [0, formatDecimal(value), Number(formatDecimal(value))];
}
