/** Numbers and times as people, spreadsheets and data warehouses write them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
import type { DatesFound } from '../../../pipelines/normalize/date-order.ts';
import focus from '../../../pipelines/normalize/mappings/focus.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { saysNothing } from '../../../pipelines/normalize/null-words.ts';
import {
  type DecimalMark,
  markShown,
  withMark,
  writtenNumber,
} from '../../../pipelines/normalize/written-numbers.ts';
import {
  type DateOrder,
  orderOfPeriod,
  orderShown,
  readTime,
} from '../../../pipelines/normalize/written-times.ts';
import { eachBatch, fromBatch, toBatches } from '../../helpers/batches.ts';
import { aheadBatches, chargesOf } from '../../helpers/normalize-rows.ts';

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
  ['9/13/2026', '2026-09-13T00:00:00Z', 'mdy'],
  ['13/9/2026', '2026-09-13T00:00:00Z', 'dmy'],
  ['13-09-2026', '2026-09-13T00:00:00Z', 'dmy'],
  ['9/1/2026 0:00 UTC', '2026-09-01T00:00:00Z', 'mdy'],
  ['2026-9-1', '2026-09-01T00:00:00Z'],
  ['2026.09.01 00:00', '2026-09-01T00:00:00Z'],
  ['2026-09-01 12:00:00 AM', '2026-09-01T00:00:00Z'],
  ['2026-09-01 1:05 pm', '2026-09-01T13:05:00Z'],
  ['Tue, 01 Sep 2026 13:05:00 GMT', '2026-09-01T13:05:00Z'],
  ['1/Sep/2026', '2026-09-01T00:00:00Z'],
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
    '13/9/26',
    '13/13/26',
    '2026-13-1',
    '2026-09-01 13:00 XM',
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

t.test('what a date shows of the order of day and month', async (t) => {
  const dates = ['9/1/26', '13/9/26', '9/13/26', '13-09-2026', '30/2/26', '1/1/26', '01.09.2026'];
  t.strictSame(dates.map(orderShown), [
    'either',
    'dmy',
    'mdy',
    'dmy',
    undefined,
    undefined,
    undefined,
  ]);
  const bounds = ['9/1/26', '1/9/26', '01.09.2026', '1/1/26', '9/2/26', '2026-09-01', 'x'];
  t.strictSame(bounds.map(orderOfPeriod), [
    'mdy',
    'dmy',
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

const HEADER = ['BillingPeriodStart', 'ChargePeriodStart', 'BilledCost', 'BillingCurrency'];

/** The days of charges whose start and billing period are these, and what became of the dates as a whole. */
async function daysOf(
  dates: readonly (readonly [start: string, period: string])[],
  options: { readonly batchRows?: number; readonly settings?: Record<string, string> } = {},
) {
  const rows = dates.map(([ChargePeriodStart, BillingPeriodStart]) => ({
    BillingPeriodStart,
    ChargePeriodStart,
    BilledCost: '1',
    BillingCurrency: 'EUR',
  }));
  const batches = toBatches(HEADER, rows, options.batchRows ?? 2);
  const normalizer = new Normalizer(focus, HEADER, { settings: options.settings ?? {} });
  let found: DatesFound | undefined;
  const days: (string | undefined)[] = [];
  for (const batch of batches) {
    if (normalizer.dates.awaited(batch)) found = await normalizer.dates.read(eachBatch(batches));
    for (const { batch: charges } of normalizer.normalize(batch).charges)
      days.push(...fromBatch(charges).map((row) => row.ChargePeriodStart?.slice(0, 10)));
  }
  return { days, found, rejected: Object.fromEntries(normalizer.counts.rejected) };
}

t.test('a part is read in the order that all its dates tell', async (t) => {
  const ambiguous = ['1/9/2026', '2/9/2026', '3/9/2026'].map((day) => [day, ''] as const);
  const september = ['2026-09-01', '2026-09-02', '2026-09-03'];
  const last = await daysOf([...ambiguous, ['13/9/2026', '']]);
  t.same(last.days, [...september, '2026-09-13'], 'the last date counts for the first');
  const period = await daysOf([...ambiguous, ['', '1/9/2026']]);
  t.same(period.days, september);
  t.same(period.rejected, { missing_mandatory: 1 });
  const certain = await daysOf([...ambiguous, ['9/13/2026', '1/9/2026']]);
  t.same(certain.days[0], '2026-01-09', 'what can be read one way only weighs more');
  const iso = await daysOf([
    ['2026-09-01', '2026-09-01'],
    ['1-Sep-26', ''],
    ['01.09.2026', ''],
  ]);
  t.same([iso.days, iso.found], [['2026-09-01', '2026-09-01', '2026-09-01'], undefined]);
  const alike = await daysOf([
    ['1/1/2026', ''],
    ['2/2/2026', ''],
  ]);
  t.same(alike.days, ['2026-01-01', '2026-02-02'], 'both orders say the same');
});

t.test('dates that do not tell, or tell two things', async (t) => {
  const open = await daysOf([
    ['2026-09-01', ''],
    ['9/1/2026', ''],
    ['9/2/2026', ''],
  ]);
  t.match(open.found, {
    row: 2,
    column: 'ChargePeriodStart',
    fault:
      /ChargePeriodStart is "9\/1\/2026": day and month can be read either way.*--set focus\.date_order=dmy/,
  });
  const two = await daysOf([
    ['9/1/2026', ''],
    ['13/9/2026', ''],
    ['9/14/2026', ''],
  ]);
  t.match(two.found, {
    row: 2,
    fault: /contradict each other: .* is "13\/9\/2026" in row 2 and .* is "9\/14\/2026" in row 3/,
  });
  const said = await daysOf(
    [
      ['9/1/2026', ''],
      ['13/9/2026', ''],
    ],
    { settings: { date_order: 'mdy' } },
  );
  t.same([said.days, said.found], [['2026-09-01'], undefined], 'the operator says it');
  t.same(said.rejected, { invalid_time: 1 });
});

t.test('a few dates that contradict all others are refused alone', async (t) => {
  const days = (month: number, last: number, from = 1) =>
    Array.from({ length: last - from + 1 }, (_, i) => [`${month}/${i + from}/2026`, ''] as const);
  const september = [...days(9, 30), ...days(9, 30)];
  const one = await daysOf([...september, ['14/9/2026', ''], ['3/9/2026', ''], ['9/4/2026', '']]);
  t.equal(one.found !== undefined && 'order' in one.found && one.found.order, 'mdy');
  t.equal(one.days.length, 61);
  t.ok(one.days.every((day) => day?.startsWith('2026-09')));
  t.equal(one.days.at(-1), '2026-09-04');
  t.same(
    one.rejected,
    { invalid_time: 2 },
    'nor is 3/9 read as the ninth of March: all others are of September',
  );
  const european = september.map(([day]) => {
    const [month, date, year] = day.split('/');
    return [`${date}/${month}/${year}`, ''] as const;
  });
  const swapped = await daysOf([...european, ['9/14/2026', '']]);
  t.match(swapped.found, { order: 'dmy' });
  const many = await daysOf([...days(9, 30), ['14/9/2026', '']]);
  t.match(many.found, { fault: /contradict each other/ }, 'one in thirty-one is too many');
});

t.test('one certain date does not scatter all others over the year', async (t) => {
  const european = Array.from({ length: 60 }, (_, i) => [`${(i % 12) + 1}/9/2026`, ''] as const);
  const typo = await daysOf([...european, ['9/13/2026', '']]);
  t.match(typo.found, {
    row: 61,
    fault: /is "9\/13\/2026" in row 61 and .* is "1\/9\/2026" in row 1/,
  });
  const half = Array.from({ length: 60 }, (_, i) => [`9/${(i % 12) + 1}/2026`, ''] as const);
  const begun = await daysOf([...half, ['9/13/2026', '']]);
  t.match([begun.found, begun.days.at(-1)], [{ order: 'mdy' }, '2026-09-13']);
});

t.test('however a part is cut into batches, its dates are the same', async (t) => {
  const day = fc.integer({ min: 1, max: 28 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(day, { minLength: 1, maxLength: 12 }),
      fc.constantFrom('mdy', 'dmy'),
      fc.integer({ min: 1, max: 5 }),
      async (days, order, batchRows) => {
        const written = (day: number) => (order === 'mdy' ? `9/${day}/2026` : `${day}/9/2026`);
        const dates = days.map((one) => [written(one), ''] as const);
        const found = await daysOf([...dates, [written(28), '']], { batchRows });
        t.same(
          found.days,
          [...days, 28].map((one) => `2026-09-${String(one).padStart(2, '0')}`),
        );
      },
    ),
    { numRuns: 60 },
  );
});

t.test('which mark a number shows', async (t) => {
  const shown: Readonly<Record<string, readonly string[]>> = {
    ',': [
      '12,5',
      '0,123',
      '1234,567',
      '1.234,5',
      '1.234.567',
      '-1,5 €',
      '(2,50)',
      '1,5E-7',
      '1 234,5',
    ],
    '.': [
      '12.5',
      '0.123',
      '1234.567',
      '1,234.5',
      '1,234,567',
      '$1,234',
      '1.5E-7',
      '.5',
      "1'000.25",
    ],
    either: ['1,234', '1.234', '-12.345', '(123,456)', '1,234 €'],
    none: ['5', '1E3', 'N/A', '', '1 234', '#REF!', '1.2.3', '1,2,3'],
  };
  for (const [mark, texts] of Object.entries(shown))
    for (const text of texts) t.equal(markShown(text) ?? 'none', mark, text);
  const read = (text: string, mark: DecimalMark) =>
    formatDecimal(writtenNumber(withMark(text, mark)) ?? ZERO);
  t.same(
    ['1,234', '1.234', '-1.234 €', '(1,234)'].map((text) => [read(text, ','), read(text, '.')]),
    [
      ['1.234', '1234'],
      ['1234', '1.234'],
      ['-1234', '-1.234'],
      ['-1.234', '-1234'],
    ],
  );
});

const COSTS = ['BilledCost', 'ListCost', 'BillingCurrency', 'ChargePeriodStart'];

/** What the billed and list costs of these rows come to. */
async function costsOf(rows: readonly (readonly [billed: string, list: string])[], batchRows = 2) {
  const cells = rows.map(([BilledCost, ListCost]) => ({
    BilledCost,
    ListCost,
    BillingCurrency: 'EUR',
    ChargePeriodStart: '2026-09-01',
  }));
  const path = join(t.testdir(), 'numbers.csv');
  const lines = [COSTS, ...cells.map((row) => Object.values(row))].map((row) => row.join(';'));
  writeFileSync(path, `${lines.join('\n')}\n`);
  const normalizer = new Normalizer(focus, COSTS);
  const charges = await chargesOf(
    normalizer,
    aheadBatches(normalizer, eachBatch(toBatches(COSTS, cells, batchRows)), path),
  );
  const { rejected, repairs } = normalizer.counts;
  return {
    billed: charges.map(({ BilledCost }) => BilledCost),
    list: charges.map(({ ListCost }) => ListCost),
    rejected: Object.fromEntries(rejected),
    written: repairs.get('number_format'),
  };
}

t.test('all numbers of a column are read by one mark', async (t) => {
  const german = await costsOf([
    ['1.234', '1.000'],
    ['12,50', '7'],
    ['1,234', '2'],
  ]);
  t.same(german.billed, ['1234', '12.5', '1.234']);
  t.same(german.list, ['1000', '7', '2'], 'a column that does not tell goes by the others');
  t.equal(german.written, 3);
  const english = await costsOf([
    ['1,234', '1,000'],
    ['12.50', '1.234'],
  ]);
  t.same(
    [english.billed, english.list],
    [
      ['1234', '12.5'],
      ['1000', '1.234'],
    ],
  );
  const plain = await costsOf([
    ['1.234', '1.234'],
    ['5', '1'],
  ]);
  t.same([plain.billed, plain.written], [['1.234', '5'], undefined]);
  const untold = await costsOf([
    ['1,234', '1'],
    ['1.234', '1'],
  ]);
  t.same([untold.billed, untold.rejected], [['1.234'], { invalid_number: 1 }]);
  const apart = await costsOf([
    ['1.234', '1.25'],
    ['12,5', '1.234'],
  ]);
  t.same(
    [apart.billed, apart.list],
    [
      ['1234', '12.5'],
      ['1.25', '1.234'],
    ],
    'each by its own',
  );
});

t.test('a number that only others explain may come up late', async (t) => {
  const english = await costsOf([
    ['12.50', '1'],
    ['3', '1'],
    ['7', '1'],
    ['1,234', '2'],
    ['5', '1'],
    ['9', '1,000'],
  ]);
  t.same(english.billed, ['12.5', '3', '7', '1234', '5', '9']);
  t.same([english.list.at(-1), english.rejected, english.written], ['1000', {}, 2]);
  const german = await costsOf([
    ['12', '1'],
    ['3', '1'],
    ['1,5', '1'],
    ['1.234', '2'],
  ]);
  t.same(
    german.billed,
    ['12', '3', '1.5', '1234'],
    'points that come with the commas are of thousands',
  );
  const untold = await costsOf([
    ['12', '1'],
    ['3', '1'],
    ['1,234', '1'],
  ]);
  t.same([untold.billed, untold.rejected], [['12', '3'], { invalid_number: 1 }]);
});

t.test('numbers of a column that are written in two ways', async (t) => {
  await t.rejects(
    costsOf([
      ['12,5', '1'],
      ['1.234', '1'],
      ['0.5', '1'],
    ]),
    {
      name: 'BadPart',
      row: 2,
      column: 'BilledCost',
      message:
        /BilledCost is "1\.234" in row 2, which can be two numbers: "12,5" in row 1 has a decimal comma and "0\.5" in row 3 a decimal point/,
    },
  );
  await t.rejects(
    costsOf([
      ['1.234', '1'],
      ['5', '1'],
      ['12,5', '1'],
    ]),
    {
      name: 'BadPart',
      row: 1,
      message:
        /BilledCost is "1\.234" in row 1, .* "12,5" in row 3 has a decimal comma; write them alike/,
    },
    'also when that shows late',
  );
  const harmless = await costsOf([
    ['12,5', '1'],
    ['0.5', '1'],
  ]);
  t.same(harmless.billed, ['12.5', '0.5'], 'nothing in it can mean two');
});

t.test('a few cells that are written otherwise decide nothing', async (t) => {
  const many = Array.from({ length: 120 }, (_, i) => [`${i}.5`, '1'] as const);
  const typo = await costsOf([...many, ['12,5', '1'], ['1.234', '1']], 50);
  t.same(typo.billed.slice(-2), ['12.5', '1.234'], 'the bill is read');
  const plain = await costsOf([
    ['12000', '1'],
    ['0.5', '1'],
    ['12,500', '1'],
  ]);
  t.same([plain.billed, plain.rejected], [['12000', '0.5'], { invalid_number: 1 }]);
  const grouped = await costsOf(
    [
      ['12', '1'],
      ['0.5', '1'],
      ['12,500', '1'],
    ],
    5,
  );
  t.same(grouped.billed, ['12', '0.5', '12500']);
});

t.test('words for nothing', async (t) => {
  for (const word of ['', ' ', 'N/A', 'n/a', 'NA', 'None', 'NaN', 'null', '<NA>', '-', '—', '\\N'])
    t.ok(saysNothing(word), word);
  for (const word of ['0', 'No', 'north', 'Nil Corp', 'nan-1']) t.notOk(saysNothing(word), word);
});
