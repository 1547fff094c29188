/** Random charges and random layouts of them, for property tests. */
import fc from 'fast-check';
import { columnFact } from '../../pipelines/focus/columns.ts';
import { formatTime } from '../../pipelines/focus/times.ts';
import type { BatchOptions, Row } from './batch.ts';

const COLUMNS = [
  'AvailabilityZone',
  'BilledCost',
  'BillingCurrency',
  'ChargeDescription',
  'ChargePeriodStart',
  'ConsumedQuantity',
  'ContractedCost',
  'EffectiveCost',
  'ListCost',
  'RegionId',
  'ResourceId',
  'ServiceName',
  'SubAccountId',
  'Tags',
  'x_Note',
] as const;

/** Amount texts: up to 40 digits, exponents, zeros, trailing zeros. */
export const amountText = fc.oneof(
  fc.constantFrom(
    '0',
    '-0',
    '1',
    '-1.50',
    '0.000000001',
    '1e-7',
    '123456789012345.123456789123456789',
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e12, max: 1e12 }).map(String),
  fc
    .tuple(fc.boolean(), fc.bigInt(0n, 10n ** 40n), fc.integer({ min: -30, max: 20 }))
    .map(([negative, digits, exponent]) => `${negative ? '-' : ''}${digits}e${exponent}`),
  fc
    .tuple(fc.bigInt(-(10n ** 20n), 10n ** 20n), fc.stringMatching(/^\d{1,20}$/))
    .map(([whole, fraction]) => `${whole}.${fraction}`),
);

const text = fc.oneof(
  fc.constantFrom('', 'a', 'plain text', 'with "quotes", commas', 'line\nbreak\r\n', '{"a":"b"}'),
  fc.string({ unit: 'grapheme', maxLength: 300 }),
);

const jsonText = fc
  .dictionary(fc.string({ maxLength: 12 }), fc.string({ maxLength: 40 }), { maxKeys: 4 })
  .map((tags) => JSON.stringify(tags));

const time = fc
  .integer({ min: 0, max: 4_000_000 })
  .map((hours) => formatTime(hours * 3_600_000) as string);

function cell(name: string): fc.Arbitrary<string | undefined> {
  const kind = columnFact(name)?.kind ?? 'text';
  const values = { text, json: jsonText, amount: amountText, time }[kind];
  return fc.option(values, { nil: undefined, freq: 5 });
}

/** Charges that repeat values of a small stock, as bills do. */
export const charges: fc.Arbitrary<Row[]> = fc
  .array(fc.record(Object.fromEntries(COLUMNS.map((name) => [name, cell(name)]))), {
    minLength: 1,
    maxLength: 6,
  })
  .chain((stock) =>
    fc.array(
      fc
        .tuple(...COLUMNS.map(() => fc.nat(stock.length - 1)))
        .map((picks) =>
          Object.fromEntries(COLUMNS.map((name, i) => [name, stock[picks[i] ?? 0]?.[name]])),
        ),
      { minLength: 1, maxLength: 40 },
    ),
  );

/** Which columns share codes, which are transient; and how many rows a batch has. */
export const layout: fc.Arbitrary<BatchOptions & { readonly batchRows: number }> = fc.record({
  batchRows: fc.integer({ min: 1, max: 20 }),
  transient: fc.subarray([...COLUMNS]),
  together: fc
    .shuffledSubarray([...COLUMNS])
    .map((names) => [names.slice(0, 4), names.slice(4, 7)]),
  firstRow: fc.constantFrom(1, 999_999_990, 2 ** 40),
});
