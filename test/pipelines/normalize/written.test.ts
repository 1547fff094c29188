/** Numbers and times as people, spreadsheets and data warehouses write them. */
import fc from 'fast-check';
import t from 'tap';
import {
  type Decimal,
  decimal,
  formatDecimal,
  parseDecimal,
  sum,
  ZERO,
} from '../../../pipelines/focus/decimal.ts';
import { formatTime } from '../../../pipelines/focus/times.ts';
import { saysNothing } from '../../../pipelines/normalize/null-words.ts';
import { writtenNumber } from '../../../pipelines/normalize/written-numbers.ts';
import {
  type DateOrder,
  orderOfPeriod,
  readTime,
} from '../../../pipelines/normalize/written-times.ts';

const NUMBERS: Readonly<Record<string, string>> = {
  '$10,100.00 ': '10100',
  '$1,234': '1234',
  'USD 1,234.56': '1234.56',
  'US$1,234.56': '1234.56',
  '1.234,56 €': '1234.56',
  '€1.234,56': '1234.56',
  '1 234,56': '1234.56',
  '1\u00A0234,56 EUR': '1234.56',
  "1'234.50": '1234.5',
  '1\u2019234.50 CHF': '1234.5',
  '12,5': '12.5',
  '0,123': '0.123',
  '1234,567': '1234.567',
  '1,234,567': '1234567',
  '1.234.567': '1234567',
  '1.234.567,8': '1234567.8',
  '1,23,456.78': '123456.78',
  '₹1,23,456': '123456',
  '(12.00)': '-12',
  '($1,234.50)': '-1234.5',
  '5.25-': '-5.25',
  '-$5.00': '-5',
  '$-5.00': '-5',
  '\u22125': '-5',
  '1,5E-7': '0.00000015',
  '£0.05': '0.05',
  '100,00 kr': '100',
  '¥1234': '1234',
};

/** What is no number, or can mean two. */
const NO_NUMBERS = [
  '1,234',
  '12,345',
  '1,234 €',
  '1,2,3',
  '1.2.3',
  '1,23.456',
  '1,2345.6',
  '12.34.56,7',
  '#REF!',
  'n/a',
  '',
  '-',
  '5-5',
  '--5',
  '-5-',
  '(-5)',
  '$',
  'EUR',
  '1 2',
  '0x10',
  '5 apples',
  '9'.repeat(200),
];

t.test('numbers', async (t) => {
  const read = (text: string): string | undefined => {
    const value = writtenNumber(text);
    return value && formatDecimal(value);
  };
  for (const [text, value] of Object.entries(NUMBERS)) t.equal(read(text), value, text);
  for (const text of NO_NUMBERS) t.equal(read(text), undefined, text);
});

t.test('every amount comes back from how locales write it', async (t) => {
  const amount = fc.record({
    whole: fc.bigInt({ min: 0n, max: 999_999_999_999n }),
    cents: fc.integer({ min: 0, max: 99 }),
    negative: fc.boolean(),
  });
  const groups = (digits: string, by: string): string => digits.replace(/\B(?=(?:\d{3})+$)/g, by);
  fc.assert(
    fc.property(amount, fc.constantFrom(',.', '.,', ' ,', '\u202F,', "'."), (of, style) => {
      const cents = String(of.cents).padStart(2, '0');
      const [by = '', point = ''] = style;
      const text = `${of.negative ? '-' : ''}${groups(String(of.whole), by)}${point}${cents}`;
      const digits = of.whole * 100n + BigInt(of.cents);
      const expected: Decimal = { digits: of.negative ? -digits : digits, scale: 2 };
      t.equal(
        formatDecimal(writtenNumber(text) ?? { digits: -1n, scale: 9 }),
        formatDecimal(expected),
      );
    }),
    { numRuns: 300 },
  );
});

t.test('numbers of absurd size', async (t) => {
  for (const text of ['1e300', '-1e400', `1${'0'.repeat(300)}`, '1e-401'])
    t.equal(parseDecimal(text), undefined, text);
  const largest = parseDecimal('9e299');
  t.ok(largest, 'what a double can hold is a number');
  const total = formatDecimal(sum(Array.from({ length: 20 }, () => largest ?? ZERO)));
  t.equal(total.length, 302);
  t.equal(formatDecimal(decimal(total)), total, 'their sum may be longer than they');
});

const TIMES: readonly (readonly [text: string, time: string, order?: DateOrder])[] = [
  ['2026-09-01T00:00:00Z', '2026-09-01T00:00:00Z'],
  ['2026/09/01', '2026-09-01T00:00:00Z'],
  ['2026/9/1 7:05', '2026-09-01T07:05:00Z'],
  ['2026-09-01 7:05:00', '2026-09-01T07:05:00Z'],
  ['2026-09-01 02:00:00 +0000 UTC', '2026-09-01T02:00:00Z'],
  ['2026-09-01 02:00:00+02', '2026-09-01T00:00:00Z'],
  ['2026-09-01 00:00:00 GMT', '2026-09-01T00:00:00Z'],
  ['2026-09-01T00:00:00.000000000+02:00', '2026-08-31T22:00:00Z'],
  ['20260901000000', '2026-09-01T00:00:00Z'],
  ['1788220800', '2026-09-01T00:00:00Z'],
  ['1788220800.5', '2026-09-01T00:00:00.500Z'],
  ['1788220800000', '2026-09-01T00:00:00Z'],
  ['1788220800000000', '2026-09-01T00:00:00Z'],
  ['1788220800000000000', '2026-09-01T00:00:00Z'],
  ['1.7882208E9', '2026-09-01T00:00:00Z'],
  ['9/1/26', '2026-09-01T00:00:00Z', 'mdy'],
  ['9/1/2026 13:05', '2026-09-01T13:05:00Z', 'mdy'],
  ['9/1/2026 1:05:30 PM', '2026-09-01T13:05:30Z', 'mdy'],
  ['9/1/2026 12:00 AM', '2026-09-01T00:00:00Z', 'mdy'],
  ['01/09/2026', '2026-09-01T00:00:00Z', 'dmy'],
  ['01.09.2026', '2026-09-01T00:00:00Z'],
  ['9/13/2026', '2026-09-13T00:00:00Z'],
  ['13/9/2026', '2026-09-13T00:00:00Z'],
  ['1/1/2026', '2026-01-01T00:00:00Z'],
  ['01-Sep-2026', '2026-09-01T00:00:00Z'],
  ['1-Sep-26 13:05', '2026-09-01T13:05:00Z'],
  ['1 September 2026', '2026-09-01T00:00:00Z'],
  ['Sep 1, 2026', '2026-09-01T00:00:00Z'],
  ['Sept. 30, 2026, 1:05 PM', '2026-09-30T13:05:00Z'],
  ['29-Feb-2028', '2028-02-29T00:00:00Z'],
  ['2026-08-31T24:00:00Z', '2026-09-01T00:00:00Z'],
  ['2026-08-31 24:00', '2026-09-01T00:00:00Z'],
];

t.test('times', async (t) => {
  for (const [text, time, order] of TIMES) t.equal(formatTime(readTime(text, order)), time, text);
  for (const text of [
    '9/1/26',
    '13/13/26',
    '2026-09-31',
    'soon',
    '12345',
    '2/30/2026',
    '29-Feb-2027',
    '1-Foo-2026',
    '2026-08-31T24:00:01Z',
  ])
    t.equal(readTime(text), Number.POSITIVE_INFINITY, text);
  for (const text of ['N/A', 'NaT', 'None', ' ']) t.ok(Number.isNaN(readTime(text)), text);
});

t.test('the bounds of a billing period tell how its dates are written', async (t) => {
  const orders = ['9/1/26', '1/9/26', '01.09.2026', '1/1/26', '9/2/26', '2026-09-01', 'x'];
  t.strictSame(orders.map(orderOfPeriod), [
    'mdy',
    'dmy',
    'dmy',
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

t.test('words for nothing', async (t) => {
  for (const word of ['', ' ', 'N/A', 'n/a', 'NA', 'None', 'NaN', 'null', '<NA>', '-', '—', '\\N'])
    t.ok(saysNothing(word), word);
  for (const word of ['0', 'No', 'north', 'Nil Corp', 'nan-1']) t.notOk(saysNothing(word), word);
});
