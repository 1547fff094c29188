/** Money as exact decimals, against fractions of whole numbers: nothing is lost, whatever the order, the scale or the way it is written. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import {
  add,
  compare,
  type Decimal,
  decimal,
  divide,
  formatDecimal,
  isZero,
  multiply,
  negate,
  parseDecimal,
  roundDecimal,
  subtract,
  sum,
} from '../../../pipelines/focus/decimal.ts';

const RUNS = Number(process.env.FOCUSD_FAULT_RUNS ?? 300);

const amounts: fc.Arbitrary<Decimal> = fc.record({
  digits: fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
  scale: fc.nat(30),
});

/** In units of 10^-200: every amount here, and every product of two, is a whole number of them. */
const units = ({ digits, scale }: Decimal): bigint => digits * 10n ** BigInt(200 - scale);

function holds<Given extends [unknown, ...unknown[]]>(
  given: { [K in keyof Given]: fc.Arbitrary<Given[K]> },
  check: (...given: Given) => void,
): void {
  fc.assert(fc.property(...given, check), { numRuns: RUNS });
}

t.test('sums and differences', async (t) => {
  holds([amounts, amounts], (a, b) => {
    assert.equal(units(add(a, b)), units(a) + units(b));
    assert.equal(units(subtract(a, b)), units(a) - units(b));
    assert.ok(isZero(add(a, negate(a))));
    assert.equal(
      Math.sign(compare(a, b)),
      Number(units(a) > units(b)) - Number(units(a) < units(b)),
    );
  });
  holds([fc.array(amounts), fc.nat()], (all, at) => {
    const total = sum(all);
    assert.equal(
      units(total),
      all.reduce((known, one) => known + units(one), 0n),
    );
    const cut = all.length === 0 ? 0 : at % all.length;
    const [first, rest] = [all.slice(0, cut), all.slice(cut)];
    assert.equal(formatDecimal(add(sum(rest), sum(first))), formatDecimal(total), 'in any order');
    assert.ok(isZero(sum([...all, ...all.toReversed().map(negate)])), 'what is taken back is gone');
  });
  t.pass('every case');
});

t.test('products and quotients', async (t) => {
  holds([amounts, amounts, fc.nat(30)], (a, b, places) => {
    assert.equal(units(multiply(a, b)), (units(a) * units(b)) / 10n ** 200n);
    const share = divide(a, b, places);
    if (share === undefined) return assert.ok(isZero(b));
    // At most half a unit of the last place off: |a - share * b| * 2 <= |b| * 10^-places.
    const rest = subtract(a, multiply(share, b));
    const most = multiply(b, { digits: 1n, scale: places });
    const size = (value: Decimal): Decimal => (value.digits < 0n ? negate(value) : value);
    assert.ok(compare(multiply(size(rest), decimal('2')), size(most)) <= 0);
  });
  holds([amounts, fc.nat(30)], (a, places) => {
    const rounded = roundDecimal(a, places);
    const off = subtract(a, rounded);
    const half: Decimal = { digits: 5n, scale: places + 1 };
    assert.ok(compare(off, half) <= 0 && compare(negate(half), off) <= 0);
    assert.equal(formatDecimal(roundDecimal(negate(a), places)), formatDecimal(negate(rounded)));
  });
  t.pass('every case');
});

t.test('as text', async (t) => {
  holds([amounts], (a) => {
    const text = formatDecimal(a);
    assert.match(text, /^(0|-?(0|[1-9]\d*)(\.\d*[1-9])?)$/, 'canonical');
    assert.equal(units(decimal(text)), units(a));
    assert.equal(formatDecimal(decimal(text)), text);
  });
  holds([amounts, fc.integer({ min: -30, max: 30 })], (a, exponent) => {
    const written = `${formatDecimal(a)}e${exponent}`;
    const factor =
      exponent < 0 ? { digits: 1n, scale: -exponent } : decimal(`1${'0'.repeat(exponent)}`);
    assert.equal(units(decimal(written)), units(multiply(a, factor)));
  });
  holds([fc.string()], (text) => {
    const value = parseDecimal(text);
    if (value !== undefined) assert.equal(Number(formatDecimal(value)), Number(text) + 0);
  });
  t.pass('every case');
});
