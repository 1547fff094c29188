import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import {
  ALLOWED_VALUES,
  columnFact,
  columnsOf,
  SERVICE_SUBCATEGORIES,
} from '../../../pipelines/focus/columns.ts';
import { add, decimal, formatDecimal, ZERO } from '../../../pipelines/focus/decimal.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import focus from '../../../pipelines/normalize/mappings/focus.ts';
import oci from '../../../pipelines/normalize/mappings/oci-cost-report.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { OCI_SERVICES } from '../../../pipelines/normalize/tables/oci-services.ts';
import { toBatches } from '../../helpers/batches.ts';
import { applyMapping, countReasons, type SourceRow } from '../../helpers/interpret.ts';
import { chargesOf, normalizeRows, sortedColumns } from '../../helpers/normalize-rows.ts';
import { dataFile, readCsv } from '../../helpers/read-rows.ts';

/** A row of a cost report; cases change what they are about. */
const ROW: SourceRow = {
  'lineItem/referenceNo': '7108a1f8',
  'lineItem/tenantId': 'ocid1.tenancy.oc1..aaaa',
  'lineItem/intervalUsageStart': '2026-09-30T23:00Z',
  'lineItem/intervalUsageEnd': '2026-10-01T00:00:00Z',
  'product/service': 'BLOCK_STORAGE',
  'product/compartmentId': 'ocid1.compartment.oc1..bbbb',
  'product/compartmentName': 'shop',
  'product/region': 'us-sanjose-1',
  'product/availabilityDomain': 'sj-1',
  'product/resourceId': 'ocid1.bootvolume.oc1.us-sanjose-1.cccc',
  'usage/billedQuantity': '0.062602299880000000',
  'cost/subscriptionId': 'ocid1.organizationssubscription.oc1.dddd',
  'cost/productSku': 'B91961',
  'product/Description': 'Block Volume - Storage',
  'cost/unitPrice': '0.021591980000000000',
  'cost/myCost': '4.81298076439E-7',
  'cost/myCostOverage': '0.1',
  'cost/currencyCode': 'USD',
  'cost/billingUnitReadable': '1 GiB MONTHS STORAGE_SIZE',
  'cost/skuUnitDescription': 'GB Months',
  'cost/overageFlag': 'true',
  'lineItem/isCorrection': 'false',
  'lineItem/backreferenceNo': '17035',
  'tags/Oracle-Tags.CreatedBy': 'default/me',
  'tags/DevRel\\team.Name': 'core "one"',
  'tags/Empty.Key': '',
};

const run = (changes: SourceRow = {}) =>
  applyMapping(oci, Object.keys(ROW), [{ ...ROW, ...changes }]);

t.test('a row of a cost report gives one charge with every column', async (t) => {
  const { rows, repairs, rejects, drops } = run();
  t.strictSame([repairs, rejects, drops], [[], [], []]);
  const { Tags, ...row } = rows[0] ?? {};
  t.strictSame(JSON.parse(Tags ?? ''), {
    'Oracle-Tags.CreatedBy': 'default/me',
    'DevRel\\team.Name': 'core "one"',
  });
  const cost = '0.000000481298076439';
  t.strictSame(sortedColumns(row), {
    AvailabilityZone: 'sj-1',
    BilledCost: cost,
    BillingAccountId: 'ocid1.organizationssubscription.oc1.dddd',
    BillingAccountType: 'Subscription',
    BillingCurrency: 'USD',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    ChargeCategory: 'Usage',
    ChargeDescription: 'Block Volume - Storage',
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: '2026-10-01T00:00:00Z',
    ChargePeriodStart: '2026-09-30T23:00:00Z',
    ConsumedQuantity: '0.06260229988',
    ConsumedUnit: 'GB Months',
    ContractedCost: cost,
    ContractedUnitPrice: '0.02159198',
    EffectiveCost: cost,
    HostProviderName: 'Oracle',
    InvoiceIssuerName: 'Oracle',
    ListCost: cost,
    ListUnitPrice: '0.02159198',
    PricingCategory: 'Standard',
    PricingCurrency: 'USD',
    PricingCurrencyContractedUnitPrice: '0.02159198',
    PricingCurrencyEffectiveCost: cost,
    PricingCurrencyListUnitPrice: '0.02159198',
    PricingQuantity: '0.06260229988',
    PricingUnit: 'GB Months',
    ProviderName: 'Oracle',
    PublisherName: 'Oracle',
    RegionId: 'us-sanjose-1',
    RegionName: 'US West (San Jose)',
    ResourceId: 'ocid1.bootvolume.oc1.us-sanjose-1.cccc',
    ResourceType: 'bootvolume',
    ServiceCategory: 'Storage',
    ServiceName: 'BLOCK_STORAGE',
    ServiceProviderName: 'Oracle',
    ServiceSubcategory: 'Block Storage',
    SkuId: 'B91961',
    SkuMeter: 'Block Volume - Storage',
    SkuPriceId: 'B91961',
    SubAccountId: 'ocid1.tenancy.oc1..aaaa',
    SubAccountName: 'ocid1.tenancy.oc1..aaaa',
    SubAccountType: 'Tenancy',
    x_oci_BackReferenceNumber: '17035',
    x_oci_BillingUnit: '1 GiB MONTHS STORAGE_SIZE',
    x_oci_CompartmentId: 'ocid1.compartment.oc1..bbbb',
    x_oci_CompartmentName: 'shop',
    x_oci_CostOverage: '0.1',
    x_oci_OverageFlag: 'true',
    x_oci_ReferenceNumber: '7108a1f8',
  });
});

t.test('corrections, repairs and refusals', async (t) => {
  t.equal(run({ 'lineItem/isCorrection': 'TRUE' }).rows[0]?.ChargeClass, 'Correction');
  const noEnd = run({ 'lineItem/intervalUsageEnd': '' });
  t.equal(noEnd.rows[0]?.ChargePeriodEnd, '2026-10-01T00:00:00Z');
  t.strictSame(countReasons(noEnd.repairs), { charge_period_end_derived: 1 });
  const unknown = run({ 'product/service': 'TIME_MACHINE', 'cost/myCost': '' });
  t.match(unknown.rows[0], {
    BilledCost: '0',
    ServiceName: 'TIME_MACHINE',
    ServiceCategory: 'Other',
    ServiceSubcategory: 'Other (Other)',
  });
  t.strictSame(countReasons(unknown.repairs), { unknown_service_category: 1, missing_cost: 1 });
  t.match(run({ 'product/service': 'Object Storage' }).rows[0], {
    ServiceSubcategory: 'Object Storage',
  });
  t.match(run({ 'cost/subscriptionId': '' }).rows[0], {
    BillingAccountId: 'ocid1.tenancy.oc1..aaaa',
    BillingAccountType: 'Tenancy',
  });
  const refused: Readonly<Record<string, SourceRow>> = {
    missing_mandatory: { 'lineItem/intervalUsageStart': '' },
    invalid_time: { 'lineItem/intervalUsageStart': '2026-09-31T00:00Z' },
    invalid_number: { 'cost/myCost': 'free' },
  };
  for (const [reason, changes] of Object.entries(refused))
    t.strictSame(countReasons(run(changes).rejects), { [reason]: 1 });
  t.equal(countReasons(run({ 'cost/currencyCode': '' }).rejects).missing_mandatory, 1);
});

t.test('every service has a category and subcategory of the specification', async (t) => {
  for (const [key, category] of Object.entries(OCI_SERVICES.categories)) {
    const subcategory = OCI_SERVICES.subcategories[key] ?? '';
    if (SERVICE_SUBCATEGORIES[category]?.includes(subcategory) !== true)
      t.fail(`${key}: ${category} / ${subcategory}`);
  }
  t.ok(Object.keys(OCI_SERVICES.categories).length > 80);
});

t.test('cost reports are told from other bills by their header', async (t) => {
  const names = (header: readonly string[]) => new Set(header.map((name) => oci.rename(name)));
  const header = Object.keys(ROW);
  t.equal(oci.fits(names(header), header), 100);
  const legacy = ['lineItem/UnblendedCost', 'lineItem/LineItemType', 'lineItem/CurrencyCode'];
  t.equal(oci.fits(names(legacy), legacy), 0);
  const usage = [
    ...header.filter((name) => !name.startsWith('cost/')),
    'usage/consumedQuantity',
    'usage/consumedQuantityUnits',
  ];
  t.throws(() => mappingFor('auto', usage, 'usage.csv'), {
    message: /its columns fit no known bill .* Oracle's usage report, quantities without costs/,
  });
});

t.test('the operator names the currency of rows that name none', async (t) => {
  const free = { ...ROW, 'cost/currencyCode': '', 'cost/myCost': '0' };
  const { rows, repairs, rejects } = applyMapping(oci, Object.keys(ROW), [free, ROW], {
    currency: 'GBP',
  });
  t.strictSame(rejects, []);
  t.strictSame(
    rows.map((row) => [row.BillingCurrency, row.PricingCurrency]),
    [
      ['GBP', 'GBP'],
      ['USD', 'USD'],
    ],
  );
  t.strictSame(countReasons(repairs), { billing_currency_missing: 1 });
  const [batch] = toBatches(Object.keys(ROW), [free], 1);
  t.match(batch && new Normalizer(oci, Object.keys(ROW)).normalize(batch).rejected, [
    { message: /cost\/currencyCode is missing; .* the setting oci-cost-report\.currency says it/ },
  ]);
});

const FILE = 'oci/cost_report_2023-11-13_a.csv';
const url = dataFile(FILE);
t.test(
  `${FILE} keeps its money and the rules of FOCUS`,
  { skip: url === undefined && `${FILE} is not there` },
  async (t) => {
    if (url === undefined) return;
    const { header, rows } = readCsv(url);
    const { sums, rows: charges, rejects, repairs } = applyMapping(oci, header, rows);
    t.equal(charges.length, 340);
    t.strictSame([rejects, repairs], [[], []]);
    for (const column of ['BilledCost', 'EffectiveCost'] as const)
      t.match(sums[column], { read: '1.455295521258049564', exported: '1.455295521258049564' });
    for (const charge of charges) {
      for (const [column, values] of Object.entries(ALLOWED_VALUES))
        if (charge[column] !== undefined && !(values as readonly string[]).includes(charge[column]))
          t.fail(`${column} is ${charge[column]}`);
      for (const column of columnsOf('1.2'))
        if (columnFact(column)?.nullable === false && charge[column] === undefined)
          t.fail(`${column} is null`);
    }
    const source = await openSource({ path: fileURLToPath(url) });
    const normalizer = new Normalizer(oci, source.columns);
    const fast = await chargesOf(normalizer, source.batches());
    await source.close();
    t.strictSame(fast, charges.map(sortedColumns), 'the fast way');
  },
);

/** A row of Oracle's FOCUS report: old names, a blank behind one header, no RegionId. */
const FOCUS_ROW: SourceRow = {
  BilledCost: '0.24',
  EffectiveCost: '0',
  ListCost: '0.24',
  ContractedCost: '',
  'PricingCurrencyEffectiveCost ': '',
  BillingAccountId: '20209880',
  BillingAccountName: '',
  BillingCurrency: 'USD',
  BillingPeriodStart: '2026-09-01T00:00Z',
  BillingPeriodEnd: '2026-10-01T00:00Z',
  ChargePeriodStart: '2026-09-21T17:00Z',
  ChargePeriodEnd: '2026-09-21T18:00Z',
  ChargeCategory: 'Usage',
  ChargeDescription: 'Standard - E5',
  ChargeFrequency: 'Usage-based',
  InvoiceIssuer: '',
  Provider: 'Oracle',
  Publisher: 'Oracle',
  Region: 'us-phoenix-1',
  ResourceId: 'ocid1.instance.oc1.phx.aaaa',
  ResourceType: 'instance',
  ServiceCategory: 'Compute',
  ServiceSubCategory: 'Virtual Machines',
  ServiceName: 'COMPUTE',
  SkuId: 'B97384',
  PricingQuantity: '8',
  PricingUnit: 'OCPU Hours',
  UsageQuantity: '8',
  UsageUnit: 'OCPU Hours',
  SubAccountId: 'ocid1.tenancy.oc1..aaaa',
  oci_ReferenceNumber: 'r1',
  oci_BackReferenceNumber: '',
  oci_CompartmentId: 'ocid1.compartment.oc1..bbbb',
  oci_CompartmentName: 'shop',
  oci_OverageFlag: 'N',
  oci_CostOverage: '',
};

t.test("Oracle's FOCUS report is read by the mapping focus", async (t) => {
  const header = Object.keys(FOCUS_ROW);
  const rows = [
    FOCUS_ROW,
    {
      ...FOCUS_ROW,
      oci_ReferenceNumber: 'r2',
      oci_BackReferenceNumber: 'r1',
      EffectiveCost: '0.2',
    },
  ];
  const { rows: charges, sums } = applyMapping(focus, header, rows);
  t.match(charges[0], {
    EffectiveCost: '0.24',
    ContractedCost: '0.24',
    ChargeFrequency: 'Usage-Based',
    ProviderName: 'Oracle',
    ServiceProviderName: 'Oracle',
    PublisherName: 'Oracle',
    RegionId: 'us-phoenix-1',
    RegionName: 'US West (Phoenix)',
    ServiceSubcategory: 'Virtual Machines',
    ConsumedQuantity: '8',
    ConsumedUnit: 'OCPU Hours',
    ChargePeriodStart: '2026-09-21T17:00:00Z',
    x_EffectiveCostRepaired: 'true',
    x_oci_CompartmentId: 'ocid1.compartment.oc1..bbbb',
    x_oci_ReferenceNumber: 'r1',
  });
  t.match(charges[1], { EffectiveCost: '0.2', ChargeClass: 'Correction' });
  t.equal(charges[1]?.x_EffectiveCostRepaired, undefined);
  t.equal(sums.BilledCost.exported, formatDecimal(add(decimal('0.48'), ZERO)));
  const fast = await normalizeRows(focus, header, rows);
  t.strictSame(fast.rows, charges.map(sortedColumns));
});
