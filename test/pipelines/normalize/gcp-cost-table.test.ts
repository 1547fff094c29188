import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import { formatDecimal } from '../../../pipelines/focus/decimal.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import { chargesOf } from '../../helpers/normalize-rows.ts';

const TITLES = `Invoice number,5001,
Invoice date,2026-09-30,
Billing account ID,0A0A0A-0B0B0B-0C0C0C,
Currency,EUR,
Total amount due,€24.29,
`;

const HEADER =
  'Billing account name,Billing account ID,Project name,Project ID,Service description,Service ID,SKU description,SKU ID,Credit type,Cost type,Usage start date,Usage end date,Usage amount,Usage unit,Unrounded Cost (€),Cost (€)';

const ROWS = [
  'Example,0A0A0A-0B0B0B-0C0C0C,Shop,shop-1,Compute Engine,6F81,E2 Core,AAA1,,Usage,2026-08-31,2026-09-30,"6,282.708",hour,1000.0051,1000.01',
  'Example,0A0A0A-0B0B0B-0C0C0C,Shop,shop-1,Compute Engine,6F81,E2 Core,AAA1,Promotion,Usage,2026-09-01,2026-09-30,"6,282.708",hour,-980,-980.00',
  'Example,0A0A0A-0B0B0B-0C0C0C,Shop,shop-1,,,,,,Tax,2026-09-01,2026-09-30,,,4.28,4.28',
];

const LAST = [',,,,,,,,,Rounding error,,,,,-0.0051,0.00', ',,,,,,,,,Total,,,,,24.28,24.29'];

const folder = t.testdir();
let files = 0;

async function read(text: string, currency = 'stated') {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, text);
  const source = await openSource({ path });
  const mapping = mappingFor('auto', source.columns, path);
  t.equal(mapping.name, 'gcp-cost-table');
  const { titles } = source;
  const normalizer = new Normalizer(mapping, source.columns, { settings: { currency }, titles });
  const charges = await chargesOf(normalizer, source.batches());
  await source.close();
  return { charges, counts: normalizer.counts };
}

t.test('a downloaded cost table is an invoice', async (t) => {
  const { charges, counts } = await read(`${TITLES}${[HEADER, ...ROWS, ...LAST].join('\n')}\n`);
  t.same(Object.fromEntries(counts.dropped), { total_row: 1 });
  t.equal(counts.rejected.size, 0);
  const billed = counts.measures.get('BilledCost');
  t.equal(billed && formatDecimal(billed.exported.total()), '24.28', 'the total counts once');
  t.match(charges, [
    {
      BilledCost: '1000.0051',
      BillingCurrency: 'EUR',
      BillingPeriodStart: '2026-09-01T00:00:00Z',
      BillingPeriodEnd: '2026-10-01T00:00:00Z',
      ChargeCategory: 'Usage',
      ChargePeriodStart: '2026-08-31T00:00:00Z',
      ChargePeriodEnd: '2026-10-01T00:00:00Z',
      ConsumedQuantity: '6282.708',
      InvoiceId: '5001',
      ServiceCategory: 'Compute',
      SubAccountId: 'shop-1',
    },
    { BilledCost: '-980', ChargeCategory: 'Credit', ConsumedQuantity: undefined },
    { BilledCost: '4.28', ChargeCategory: 'Tax', ServiceName: 'Tax' },
    {
      BilledCost: '-0.0051',
      BillingAccountId: '0A0A0A-0B0B0B-0C0C0C',
      ChargeCategory: 'Adjustment',
      ChargePeriodStart: '2026-09-01T00:00:00Z',
      ChargePeriodEnd: '2026-10-01T00:00:00Z',
    },
  ]);
  t.same(brokenInvariants(charges), {});
});

t.test('a table with few of its columns', async (t) => {
  const { charges, counts } = await read(
    [
      'Project name,SKU description,Credit type,Cost type,Usage start date,Usage end date,Usage amount,Usage unit,Unrounded Cost ($)',
      'Shop,E2 Core,,Usage,2026-09-01,2026-09-30,"6,282.708",hour,10.0051',
      'Shop,E2 Core,Free tier,Usage,2026-09-01,2026-09-30,"6,282.708",hour,-10',
      ',,,Total,,,,,0.0051',
    ].join('\n'),
    'USD',
  );
  t.same(Object.fromEntries(counts.dropped), { total_row: 1 });
  t.match(charges, [
    { BilledCost: '10.0051', BillingAccountId: 'unknown', SubAccountId: 'Shop' },
    { BilledCost: '-10', ChargeCategory: 'Credit' },
  ]);
  t.same(brokenInvariants(charges), {});
});

t.test('a table without the lines above it', async (t) => {
  const text = [HEADER, ...ROWS, ...LAST].join('\n');
  const unnamed = await read(text);
  t.same(
    [unnamed.charges.length, Object.fromEntries(unnamed.counts.rejected)],
    [0, { missing_mandatory: 4 }],
  );
  const named = await read(text, 'EUR');
  t.equal(named.charges.length, 3);
  t.same(Object.fromEntries(named.counts.rejected), { missing_mandatory: 1 });
  t.same(Object.fromEntries(named.counts.dropped), { total_row: 1 });
});
