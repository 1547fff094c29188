import { readdirSync } from 'node:fs';
import t from 'tap';
import { ALLOWED_VALUES, SERVICE_SUBCATEGORIES } from '../../../pipelines/focus/columns.ts';
import { add, decimal, formatDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import azureCost from '../../../pipelines/normalize/mappings/azure-cost.ts';
import azureCostFees from '../../../pipelines/normalize/mappings/azure-cost-fees.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { azureRegion } from '../../../pipelines/normalize/tables/azure-regions.ts';
import { azureResourceTypeName } from '../../../pipelines/normalize/tables/azure-resource-types.ts';
import {
  azureServiceKind,
  azureServiceName,
} from '../../../pipelines/normalize/tables/azure-services.ts';
import { azureUnit } from '../../../pipelines/normalize/tables/azure-units.ts';
import { fromBatch, toBatches } from '../../helpers/batches.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import {
  applyMapping,
  type ChargeRow,
  countReasons,
  type SourceRow,
} from '../../helpers/interpret.ts';
import { orderDates } from '../../helpers/normalize-rows.ts';
import { dataFile, type RowFile, readCsv } from '../../helpers/read-rows.ts';

/** A usage row of an enterprise export, changed here and there. */
const USAGE = {
  Date: '9/2/2023',
  BillingPeriodStartDate: '9/1/2023',
  BillingPeriodEndDate: '9/30/2023',
  BillingAccountId: '12345678',
  BillingAccountName: 'Example Ltd.',
  BillingCurrencyCode: 'CAD',
  SubscriptionId: 'e18e1552-0000-4000-8000-000000000001',
  SubscriptionName: 'sub-example',
  ChargeType: 'Usage',
  Frequency: 'UsageBased',
  PricingModel: 'OnDemand',
  CostInBillingCurrency: '1.20',
  Quantity: '24',
  UnitPrice: '0.5',
  PayGPrice: '0.6',
  UnitOfMeasure: '10 Hours',
  MeterId: 'meter-1',
  MeterName: 'D2s v3',
  MeterCategory: 'Virtual Machines',
  PartNumber: 'AAA-1',
  ProductName: 'Virtual Machines Dsv3 Series',
  ConsumedService: 'Microsoft.Compute',
  ResourceLocation: 'EastUS2',
  ResourceId:
    '/subscriptions/e18e1552/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/Web-1',
};

const RESERVATION = '/providers/Microsoft.Capacity/reservationOrders/o/reservations/r';
const SAVINGS_PLAN = '/providers/Microsoft.BillingBenefits/savingsPlanOrders/o/savingsPlans/p';

t.test('a usage row of an enterprise export', async (t) => {
  const charge = one({
    Tags: '"team": "web","env": "prod"',
    AdditionalInfo: '{"VCPUs":2,"VMName":null}',
  });
  t.match(charge, {
    BilledCost: '1.2',
    EffectiveCost: '1.2',
    ListCost: '1.44',
    ContractedCost: '1.2',
    ListUnitPrice: '0.6',
    ContractedUnitPrice: '0.5',
    PricingQuantity: '2.4',
    PricingUnit: 'Hours',
    ConsumedQuantity: '24',
    ConsumedUnit: 'Hours',
    BillingAccountId: '12345678',
    BillingAccountName: 'Example Ltd.',
    BillingAccountType: 'Billing Account',
    BillingCurrency: 'CAD',
    BillingPeriodStart: '2023-09-01T00:00:00Z',
    BillingPeriodEnd: '2023-10-01T00:00:00Z',
    ChargePeriodStart: '2023-09-02T00:00:00Z',
    ChargePeriodEnd: '2023-09-03T00:00:00Z',
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: 'Virtual Machines Dsv3 Series',
    PricingCategory: 'Standard',
    PricingCurrency: 'CAD',
    ProviderName: 'Microsoft',
    HostProviderName: 'Microsoft',
    ServiceProviderName: 'Microsoft',
    PublisherName: 'Microsoft',
    InvoiceIssuerName: 'Microsoft',
    RegionId: 'eastus2',
    RegionName: 'East US 2',
    ResourceId:
      '/subscriptions/e18e1552/resourcegroups/rg/providers/microsoft.compute/virtualmachines/web-1',
    ResourceName: 'Web-1',
    ResourceType: 'Virtual machine',
    x_ResourceType: 'microsoft.compute/virtualmachines',
    ServiceName: 'Virtual Machines',
    ServiceCategory: 'Compute',
    ServiceSubcategory: 'Virtual Machines',
    SkuId: 'meter-1',
    SkuMeter: 'D2s v3',
    SkuPriceId: 'meter-1/AAA-1',
    SkuPriceDetails: '{"x_VCPUs":"2"}',
    SubAccountId: 'e18e1552-0000-4000-8000-000000000001',
    SubAccountName: 'sub-example',
    SubAccountType: 'Subscription',
    Tags: '{"team":"web","env":"prod"}',
    x_SkuMeterId: 'meter-1',
    x_SkuMeterCategory: 'Virtual Machines',
    x_SkuPartNumber: 'AAA-1',
  });
  t.notOk(charge.ChargeClass ?? charge.CommitmentDiscountId ?? charge.InvoiceId);
});

t.test('charge type and pricing model decide where the cost goes', async (t) => {
  type Case = readonly [
    given: SourceRow,
    costs: readonly [billed: string, effective: string],
    is: Readonly<Record<string, string | undefined>>,
  ];
  const cases: readonly Case[] = [
    [{ PricingModel: 'Spot' }, ['1.2', '1.2'], { PricingCategory: 'Dynamic' }],
    [{ PricingModel: 'On Demand' }, ['1.2', '1.2'], { PricingCategory: 'Standard' }],
    [{ PricingModel: '' }, ['1.2', '1.2'], { PricingCategory: 'Standard' }],
    [
      { PricingModel: '', MeterName: 'D2s v3 Spot' },
      ['1.2', '1.2'],
      { PricingCategory: 'Dynamic' },
    ],
    [{ PricingModel: 'Barter' }, ['1.2', '1.2'], { PricingCategory: 'Other' }],
    [
      { PricingModel: 'Reservation', benefitId: RESERVATION, benefitName: 'vm' },
      ['0', '1.2'],
      {
        PricingCategory: 'Committed',
        CommitmentDiscountId: RESERVATION,
        CommitmentDiscountName: 'vm',
        CommitmentDiscountCategory: 'Usage',
        CommitmentDiscountType: 'Reservation',
        CommitmentDiscountStatus: 'Used',
        CommitmentDiscountQuantity: '24',
        CommitmentDiscountUnit: 'Hours',
      },
    ],
    [
      {
        PricingModel: 'Reservation',
        benefitId: RESERVATION,
        AdditionalInfo: '"RINormalizationRatio": 2.5',
      },
      ['0', '1.2'],
      { CommitmentDiscountQuantity: '60', CommitmentDiscountUnit: 'Normalized Hours' },
    ],
    [
      { PricingModel: 'Savings Plan', benefitId: SAVINGS_PLAN.toUpperCase() },
      ['0', '1.2'],
      {
        PricingCategory: 'Committed',
        CommitmentDiscountCategory: 'Spend',
        CommitmentDiscountType: 'Savings Plan',
        CommitmentDiscountStatus: 'Used',
        CommitmentDiscountQuantity: '1.2',
        CommitmentDiscountUnit: 'CAD',
      },
    ],
    [
      { PricingModel: '', ReservationId: '4f18e7c9' },
      ['0', '1.2'],
      {
        PricingCategory: 'Committed',
        CommitmentDiscountId: '4f18e7c9',
        CommitmentDiscountCategory: 'Usage',
        CommitmentDiscountStatus: 'Used',
      },
    ],
    [{ benefitId: 'something-else' }, ['1.2', '1.2'], { CommitmentDiscountId: undefined }],
    [
      { ChargeType: 'UnusedReservation', PricingModel: 'Reservation', benefitId: RESERVATION },
      ['0', '1.2'],
      {
        ChargeCategory: 'Usage',
        CommitmentDiscountStatus: 'Unused',
        ConsumedQuantity: undefined,
        ConsumedUnit: undefined,
        PricingQuantity: '2.4',
      },
    ],
    [
      { ChargeType: 'UnusedSavingsPlan', PricingModel: 'SavingsPlan', benefitId: SAVINGS_PLAN },
      ['0', '1.2'],
      { ChargeCategory: 'Usage', CommitmentDiscountStatus: 'Unused' },
    ],
    [
      {
        ChargeType: 'Purchase',
        PricingModel: 'Reservation',
        Frequency: 'OneTime',
        benefitId: RESERVATION,
      },
      ['1.2', '0'],
      {
        ChargeCategory: 'Purchase',
        ChargeFrequency: 'One-Time',
        PricingCategory: 'Standard',
        CommitmentDiscountStatus: undefined,
        ConsumedQuantity: undefined,
      },
    ],
    [
      { ChargeType: 'Purchase', Frequency: 'Recurring' },
      ['1.2', '1.2'],
      { ChargeCategory: 'Purchase', ChargeFrequency: 'Recurring', ChargeClass: undefined },
    ],
    [{ ChargeType: 'Purchase' }, ['1.2', '1.2'], { ChargeFrequency: 'One-Time' }],
    [
      {
        ChargeType: 'Refund',
        PricingModel: 'SavingsPlan',
        benefitId: SAVINGS_PLAN,
        CostInBillingCurrency: '-3',
      },
      ['-3', '0'],
      {
        ChargeCategory: 'Purchase',
        ChargeClass: 'Correction',
        CommitmentDiscountQuantity: undefined,
        ListCost: '-3',
      },
    ],
    [
      { ChargeType: 'Refund', CostInBillingCurrency: '-3' },
      ['-3', '-3'],
      { ChargeCategory: 'Purchase', ChargeClass: 'Correction' },
    ],
    [
      { ChargeType: 'Tax', Frequency: '' },
      ['1.2', '1.2'],
      {
        ChargeCategory: 'Tax',
        ChargeFrequency: 'One-Time',
        PricingCategory: undefined,
        PricingQuantity: undefined,
        PricingUnit: undefined,
        ListUnitPrice: undefined,
        ListCost: '1.2',
        ContractedCost: '1.2',
        SkuId: undefined,
        SkuMeter: undefined,
        SkuPriceId: undefined,
      },
    ],
    [{ ChargeType: 'Credit' }, ['1.2', '1.2'], { ChargeCategory: 'Credit', ListCost: '1.2' }],
    [{ ChargeType: 'RoundingAdjustment' }, ['1.2', '1.2'], { ChargeCategory: 'Adjustment' }],
    [{ ChargeType: 'Gift' }, ['1.2', '1.2'], { ChargeCategory: 'Adjustment' }],
    [{ ChargeType: '' }, ['1.2', '1.2'], { ChargeCategory: 'Usage' }],
  ];
  for (const [given, [billed, effective], expected] of cases) {
    const charge = one(given);
    const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, charge[name]]));
    t.same([charge.BilledCost, charge.EffectiveCost], [billed, effective], JSON.stringify(given));
    t.same(seen, expected, JSON.stringify(given));
    t.same(brokenInvariants([charge]), {}, JSON.stringify(given));
  }
  t.same(countReasons(run([{ ChargeType: 'Gift' }]).repairs), { unknown_charge_type: 1 });
});

t.test('of the actual dataset only the fees of commitments are kept', async (t) => {
  const rows = [
    {},
    { ChargeType: 'Purchase', CostInBillingCurrency: '7' },
    { ChargeType: 'Purchase', PricingModel: 'Reservation', CostInBillingCurrency: '100.01' },
    { ChargeType: 'Refund', PricingModel: 'Savings Plan', CostInBillingCurrency: '-0.5' },
    { PricingModel: 'Reservation', CostInBillingCurrency: '0' },
    { ChargeType: 'Tax', CostInBillingCurrency: '0.3' },
  ];
  const actual = run(rows, { dataset: 'actual' });
  t.same(countReasons(actual.drops), { in_amortized_dataset: 4 });
  t.same(actual.from, [3, 4]);
  t.same(actual.sums.BilledCost, {
    read: '108.01',
    exported: '99.51',
    dropped: '8.5',
    rejected: '0',
    reshaped: '0',
  });
  for (const dataset of ['auto', 'amortized'])
    t.equal(run(rows, { dataset }).rows.length, rows.length, dataset);
});

t.test('actual and amortized exports make one bill', async (t) => {
  const used = { PricingModel: 'Reservation', ReservationId: 'r-1' };
  const bought = { ...used, ChargeType: 'Purchase' };
  const actual = [
    { CostInBillingCurrency: '1.2' },
    { ...used, CostInBillingCurrency: '0' },
    { ...bought, CostInBillingCurrency: '100.01' },
  ];
  const amortized = [
    { CostInBillingCurrency: '1.2' },
    { ...used, CostInBillingCurrency: '60.01' },
    { ...used, ChargeType: 'UnusedReservation', CostInBillingCurrency: '40' },
  ];
  const totals = (column: 'BilledCost' | 'EffectiveCost', rows: readonly ChargeRow[]) =>
    formatDecimal(sum(rows.map((row) => decimal(String(row[column])))));
  const of = (mapping: typeof azureCost, rows: readonly object[]) => {
    const full = rows.map((row) => ({ ...USAGE, ...row }));
    return applyMapping(mapping, Object.keys(full[1] ?? {}), full).rows;
  };
  const bill = [...of(azureCostFees, actual), ...of(azureCost, amortized)];
  t.equal(totals('BilledCost', bill), '101.21', 'the actual export says so');
  t.equal(totals('EffectiveCost', bill), '101.21', 'the amortized export says so');
  t.equal(bill.length, 4);
  t.notOk('dataset' in (azureCostFees.settings ?? {}));
  t.equal(azureCostFees.fits(new Set(Object.keys(USAGE)), Object.keys(USAGE)), 0);
});

t.test('dates', async (t) => {
  const read = (given: SourceRow, date_order = 'auto') => {
    const { rows, rejects } = run([given], { date_order });
    return (
      rejects[0]?.reason ??
      `${rows[0]?.ChargePeriodStart} ${rows[0]?.BillingPeriodEnd}`.replaceAll('T00:00:00Z', '')
    );
  };
  const period = (start: string, end: string) => ({
    BillingPeriodStartDate: start,
    BillingPeriodEndDate: end,
  });
  const cases: readonly (readonly [SourceRow, string, string?])[] = [
    [{}, '2023-09-02 2023-10-01'],
    [{ Date: '09/02/2023' }, '2023-09-02 2023-10-01'],
    [{ Date: '9/2/2023 12:00:00 AM' }, '2023-09-02 2023-10-01'],
    [{ Date: '2/9/2023', ...period('1/9/2023', '30/9/2023') }, '2023-09-02 2023-10-01'],
    [{ Date: '13/9/2023', ...period('1/9/2023', '30/9/2023') }, '2023-09-13 2023-10-01'],
    [{ Date: '13/9/2023' }, 'invalid_time', 'mdy'],
    [{ Date: '13/9/2023', ...period('', '') }, '2023-09-13 2023-10-01'],
    [{ Date: '13/9/2023', ...period('', '') }, '2023-09-13 2023-10-01', 'dmy'],
    [{ Date: '2/9/2023', ...period('', '') }, '2023-02-09 2023-03-01'],
    [{ Date: '2/9/2023', ...period('', '') }, '2023-09-02 2023-10-01', 'dmy'],
    [{ Date: '13/14/2023' }, 'invalid_time'],
    [{ Date: '2/30/2023' }, 'invalid_time'],
    [{ Date: 'soon' }, 'invalid_time'],
    [{ Date: '' }, 'missing_date'],
    [{ Date: '02.09.2023', ...period('01.09.2023', '30.09.2023') }, '2023-09-02 2023-10-01'],
    [{ Date: '20230902', ...period('20230901', '20230930') }, '2023-09-02 2023-10-01'],
    [
      { Date: '2023-09-02T00:00:00.0000000Z', ...period('2023-09-01', '2023-09-30') },
      '2023-09-02 2023-10-01',
    ],
    [{ Date: '2023-09-02', ...period('2023-09-01', '2023-10-01') }, '2023-09-02 2023-10-01'],
    [{ Date: '2023-12-31', ...period('', '') }, '2023-12-31 2024-01-01'],
  ];
  for (const [given, expected, order] of cases)
    t.equal(read(given, order), expected, `${JSON.stringify(given)} ${order ?? ''}`);
  const assumed = run([{ Date: '2023-12-31', ...period('', '') }]);
  t.equal(assumed.rows[0]?.BillingPeriodStart, '2023-12-01T00:00:00Z');
  t.same(countReasons(assumed.repairs), { billing_period_from_date: 1 });
});

t.test('all dates of an export are read in one order', async (t) => {
  const days = (rows: readonly SourceRow[], date_order = 'auto') => {
    const {
      rows: charges,
      rejects,
      repairs,
    } = run(
      rows.map((row) => ({ BillingPeriodStartDate: '', BillingPeriodEndDate: '', ...row })),
      { date_order },
    );
    const found = charges.map(({ ChargePeriodStart = '' }) => ChargePeriodStart.slice(0, 10));
    return [found.join(' '), rejects.length, countReasons(repairs).date_order_assumed];
  };
  const dayFirst = ['2/9/2023', '12/9/2023', '13/9/2023'].map((day) => ({ Date: day }));
  t.same(days(dayFirst), ['2023-09-02 2023-09-12 2023-09-13', 0, undefined]);
  t.same(days(dayFirst.slice(0, 2)), ['2023-02-09 2023-12-09', 0, 2], 'as Microsoft documents it');
  t.same(days(dayFirst.slice(0, 2), 'dmy'), ['2023-09-02 2023-09-12', 0, undefined]);
  t.same(days(dayFirst, 'mdy'), ['2023-02-09 2023-12-09', 1, undefined]);
  const late = [{ Date: '2/9/2023' }, { Date: '3/9/2023', BillingPeriodEndDate: '30/9/2023' }];
  t.same(days(late), ['2023-09-02 2023-09-03', 0, undefined], 'a later row tells');
});

t.test('quantities in blocks are exact, prices are per block', async (t) => {
  const cases: readonly (readonly [
    unit: string,
    quantity: string,
    pricing: string,
    unit: string,
  ])[] = [
    ['1 Hour', '0.16667', '0.16667', 'Hours'],
    ['10K', '0.0129', '0.00000129', 'Units'],
    ['1M', '5', '0.000005', 'Units'],
    ['1 GB/Month', '2', '2', 'GB/Month'],
    ['10000 Transactions', '1.42949E-05', '0.00000000142949', 'Transactions'],
    ['1024 GB', '1', '0.0009765625', 'GB'],
    ['744 Connections', '744', '1', 'Connections'],
    ['60 Minutes', '1', '0.016666666666666666666667', 'Minutes'],
    ['100 Squirrels', '50', '0.5', 'Squirrels'],
    ['', '3', '3', 'Units'],
  ];
  for (const [UnitOfMeasure, Quantity, pricing, unit] of cases) {
    const charge = one({ UnitOfMeasure, Quantity, CostInBillingCurrency: '1', UnitPrice: '2' });
    t.match(charge, { PricingQuantity: pricing, PricingUnit: unit, ConsumedUnit: unit });
    t.equal(charge.ContractedCost, formatDecimal(times2(pricing)), UnitOfMeasure);
  }
});

t.test('prices that are missing, 0 or in another currency', async (t) => {
  const prices = (given: SourceRow) => {
    const { ListUnitPrice, ListCost, ContractedUnitPrice, ContractedCost } = one(given);
    return [ListUnitPrice, ListCost, ContractedUnitPrice, ContractedCost];
  };
  t.same(prices({ PayGPrice: '' }), ['0.5', '1.2', '0.5', '1.2'], 'the contracted price is listed');
  t.same(prices({ PayGPrice: '0', UnitPrice: '0' }), [undefined, '1.2', undefined, '1.2']);
  t.same(
    prices({ PayGPrice: '0', CostInBillingCurrency: '0' }),
    ['0.5', '1.2', '0.5', '1.2'],
    'a list price of 0 beside a unit price is not given',
  );
  t.same(
    prices({ PayGPrice: '0', UnitPrice: '0', CostInBillingCurrency: '0' }),
    ['0', '0', '0', '0'],
    'free of charge',
  );
  t.same(
    prices({ PayGPrice: '', UnitPrice: '', ResourceRate: '0.05' }),
    ['0.5', '1.2', '0.5', '1.2'],
    'the rate of one unit, ten of which are a block',
  );
  t.same(
    prices({ UnitPrice: '0.05', EffectivePrice: '0.05', PayGPrice: '0.06' }),
    ['0.6', '1.44', '0.5', '1.2'],
    'prices of one unit',
  );
  t.same(
    prices({ UnitPrice: '', EffectivePrice: '0.05', PricingModel: 'Reservation' }),
    ['0.6', '1.44', undefined, '1.2'],
    'the rate of covered usage is no price',
  );
  t.same(prices({ PayGPrice: '', paygCostInBillingCurrency: '9.9' }), [
    undefined,
    '9.9',
    '0.5',
    '1.2',
  ]);
  t.same(prices({ paygCostInBillingCurrency: '9.9' }), ['0.6', '9.9', '0.5', '1.2']);
  t.same(prices({ paygCostInBillingCurrency: '0' }), ['0.6', '1.44', '0.5', '1.2']);
  t.same(prices({ Quantity: '', UnitPrice: '' }), ['0.6', '1.2', undefined, '1.2']);
  t.same(countReasons(run([{ PayGPrice: '', UnitPrice: '' }]).repairs), {
    list_cost_from_contracted_cost: 1,
    contracted_cost_from_cost: 1,
  });
  const converted = one({
    BillingCurrencyCode: 'EUR',
    pricingCurrency: 'USD',
    exchangeRatePricingToBilling: '0.8',
    PricingModel: 'SavingsPlan',
    benefitId: SAVINGS_PLAN,
  });
  t.match(converted, {
    ListUnitPrice: '0.48',
    ContractedUnitPrice: '0.4',
    ListCost: '1.152',
    ContractedCost: '0.96',
    PricingCurrency: 'USD',
    PricingCurrencyListUnitPrice: '0.6',
    PricingCurrencyContractedUnitPrice: '0.5',
    PricingCurrencyEffectiveCost: '1.5',
    CommitmentDiscountQuantity: '1.5',
    CommitmentDiscountUnit: 'USD',
  });
  t.equal(
    one({ exchangeRatePricingToBilling: '0.8', CostInPricingCurrency: '1.4999' })
      .PricingCurrencyEffectiveCost,
    '1.4999',
    'as the export states it',
  );
  t.equal(one({ exchangeRatePricingToBilling: '1.0' }).PricingCurrencyEffectiveCost, '1.2');
});

t.test('headers of other agreements, versions and languages', async (t) => {
  const mca = {
    invoiceId: 'G01',
    billingAccountId: 'a:b_2019-05-31',
    billingProfileId: 'PROFILE',
    billingProfileName: 'Profile',
    billingCurrency: 'EUR',
    pricingCurrency: 'USD',
    exchangeRatePricingToBilling: '1',
    costInBillingCurrency: '2',
    date: '09/02/2023',
    SubscriptionId: 's',
    subscriptionName: 'S',
    ProductId: 'DZH318',
    meterId: 'm',
    PayGPrice: '1',
    quantity: '2',
    unitPrice: '1',
    unitOfMeasure: '1',
    location: 'EU West',
    partnerName: 'Reseller',
    publisherType: 'Marketplace',
    publisherName: 'Vendor',
    isAzureCreditEligible: 'True',
    additionalInfo: '{"a":{"b":1}}',
  };
  const [charge] = applyMapping(azureCost, Object.keys(mca), [mca]).rows;
  t.match(charge, {
    InvoiceId: 'G01',
    BillingAccountId: 'PROFILE',
    BillingAccountName: 'Profile',
    BillingAccountType: 'Billing Profile',
    SkuId: 'DZH318',
    SkuPriceId: 'DZH318/m',
    SkuPriceDetails: '{"x_A":"{\\"b\\":\\"1\\"}"}',
    RegionId: 'westeurope',
    InvoiceIssuerName: 'Reseller',
    ServiceProviderName: 'Vendor',
    PublisherName: 'Vendor',
    HostProviderName: 'Microsoft',
    x_SkuIsCreditEligible: 'true',
  });
  t.equal(azureCost.rename('Maßeinheit (UnitOfMeasure)'), 'UnitOfMeasure');
  t.equal(azureCost.rename(' subscriptionguid '), 'SubscriptionGuid');
  t.equal(azureCost.rename('Meter Sub-Category'), 'MeterSubCategory');
  t.equal(azureCost.rename('Consumed Quantity'), 'Quantity');
  t.equal(azureCost.rename('PreTaxCost'), 'PreTaxCost');
  t.equal(azureCost.rename('Notes (draft)'), 'Notes (draft)');
  for (const cost of ['Cost', 'PreTaxCost', 'costInBillingCurrency']) {
    const { CostInBillingCurrency, ...rest } = USAGE;
    const row = { ...rest, [cost]: CostInBillingCurrency };
    const { sums, rows } = applyMapping(azureCost, Object.keys(row), [row]);
    t.same([rows.length, sums.BilledCost.exported], [1, '1.2'], cost);
  }
  const fits = (...columns: string[]) => azureCost.fits(new Set(columns), columns);
  t.equal(fits('Date', 'Cost', 'Owner'), 0, 'too little to tell');
  t.equal(fits(...Object.keys(USAGE), 'BilledCost'), 0, 'FOCUS');
});

t.test('who, what and where', async (t) => {
  const cases: readonly (readonly [SourceRow, Readonly<Record<string, string | undefined>>])[] = [
    [
      { BillingAccountId: '', BillingAccountName: '' },
      { BillingAccountId: USAGE.SubscriptionId, BillingAccountType: 'Subscription' },
    ],
    [{ SubscriptionId: '' }, { SubAccountId: 'e18e1552', SubAccountName: 'sub-example' }],
    [{ SubscriptionName: '' }, { SubAccountName: USAGE.SubscriptionId }],
    [{ PublisherType: 'Marketplace' }, { ServiceProviderName: 'Azure Marketplace' }],
    [
      { PublisherName: 'Canonical' },
      { ServiceProviderName: 'Microsoft', PublisherName: 'Canonical' },
    ],
    [
      { ResourceId: '' },
      { ResourceId: undefined, ResourceName: undefined, ResourceType: undefined },
    ],
    [
      { ResourceId: '/subscriptions/s/resourceGroups/RG', ConsumedService: '' },
      { ResourceType: 'Resource group', ResourceName: 'RG' },
    ],
    [
      {
        ResourceId: '/x/providers/Microsoft.Sql/servers/s/databases/d',
        ConsumedService: 'Microsoft.Sql',
      },
      {
        x_ResourceType: 'microsoft.sql/servers/databases',
        ResourceName: 'd',
        ServiceName: 'Azure SQL Database',
        ServiceCategory: 'Databases',
      },
    ],
    [
      {
        ResourceId: '/x/providers/A.B/c/1/providers/Microsoft.Web/sites/f',
        ConsumedService: 'functions',
      },
      { x_ResourceType: 'microsoft.web/sites', ServiceName: 'Functions' },
    ],
    [
      { ResourceId: '/x/providers/New.Provider/things/1', ConsumedService: 'New.Provider' },
      {
        ResourceType: 'new.provider/things',
        ServiceName: 'Virtual Machines',
        ServiceCategory: 'Compute',
      },
    ],
    [
      { ResourceId: '', MeterCategory: 'Teleportation' },
      {
        ServiceName: 'Teleportation',
        ServiceCategory: 'Other',
        ServiceSubcategory: 'Other (Other)',
      },
    ],
    [
      { ResourceId: '', MeterCategory: '', ConsumedService: 'Microsoft.Network' },
      { ServiceName: 'Microsoft.Network', ServiceSubcategory: 'Other (Networking)' },
    ],
    [
      { AdditionalInfo: '{"VMCapacityReservationId":"/crg/1"}' },
      { CapacityReservationId: '/crg/1', CapacityReservationStatus: 'Used' },
    ],
    [
      {
        ResourceId:
          '/s/providers/Microsoft.Compute/capacityReservationGroups/g/capacityReservations/c',
      },
      {
        CapacityReservationId:
          '/s/providers/microsoft.compute/capacityreservationgroups/g/capacityreservations/c',
        CapacityReservationStatus: 'Unused',
      },
    ],
    [{ ResourceLocation: 'Atlantis 1' }, { RegionId: 'atlantis1', RegionName: 'Atlantis 1' }],
    [{ ResourceLocation: '' }, { RegionId: undefined, RegionName: undefined }],
    [{ PartNumber: '' }, { SkuPriceId: 'meter-1' }],
    [
      { PartNumber: '', MeterId: '' },
      { SkuPriceId: undefined, SkuPriceDetails: undefined },
    ],
    [{ MeterId: '', AdditionalInfo: '"a": "b"' }, { x_SkuDetails: '{"x_A":"b"}' }],
  ];
  for (const [given, expected] of cases) {
    const charge = one(given);
    const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, charge[name]]));
    t.same(seen, expected, JSON.stringify(given));
    t.same(brokenInvariants([charge]), {}, JSON.stringify(given));
  }
  const unknown = run([{ ResourceId: '', MeterCategory: 'Teleportation' }]);
  t.same(countReasons(unknown.repairs), { service_category_unknown: 1 });
  t.equal(run([{ BillingCurrencyCode: '' }]).rows[0]?.BillingCurrency, 'XXX');
  t.equal(run([{ BillingCurrencyCode: '' }], { currency: 'EUR' }).rows[0]?.BillingCurrency, 'EUR');
});

t.test('tags', async (t) => {
  const cases: readonly (readonly [cell: string, tags: string | undefined, repairs: object])[] = [
    ['{"a":"1"}', '{"a":"1"}', {}],
    ['"a": "1","b": "x, {y}"', '{"a":"1","b":"x, {y}"}', {}],
    ['"a": "1",', '{"a":"1"}', {}],
    [' "a": 1.50, "b": null, "c": true ', '{"a":"1.50","b":"","c":"true"}', {}],
    ['"team": "", " team": "web"', '{"team":"web"}', { tag_keys_merged: 1 }],
    ['""', undefined, {}],
    ['{}', undefined, {}],
    ['', undefined, {}],
    ['a=b', undefined, { tags_unreadable: 1 }],
    ['["a"]', undefined, { tags_unreadable: 1 }],
  ];
  for (const [Tags, tags, repairs] of cases) {
    const result = run([{ Tags }]);
    t.equal(result.rows[0]?.Tags, tags, Tags);
    t.same(countReasons(result.repairs), repairs, Tags);
  }
});

t.test('rows without a readable cost are rejected with their money counted', async (t) => {
  const { rejects, sums } = run([
    {},
    { CostInBillingCurrency: '' },
    { CostInBillingCurrency: 'n/a' },
    { Date: '' },
  ]);
  t.same(countReasons(rejects), { missing_cost: 1, invalid_number: 1, missing_date: 1 });
  t.match(sums.BilledCost, { read: '2.4', exported: '1.2', rejected: '1.2', reshaped: '0' });
});

const FACTS = ['Services', 'PricingUnits', 'Regions', 'ResourceTypes'].map((name) =>
  dataFile(`open-data/${name}.csv`),
);
const noFacts = FACTS.includes(undefined) && 'no open data beside the repository';

t.test(
  'the tables hold FOCUS values, and the facts they were made from',
  {
    skip: noFacts,
  },
  async (t) => {
    const [services = [], units = [], regions = [], types = []] = FACTS.map((file) =>
      file === undefined ? [] : readCsv(file).rows,
    );
    const misplaced = services.filter((row) => {
      const name = azureServiceName({
        consumedService: row.ConsumedService,
        resourceType: row.ResourceType,
        meterCategory: undefined,
      });
      const kind = azureServiceKind(name);
      return (
        !SPELLINGS.has(name) &&
        (name !== row.ServiceName ||
          kind?.category !== row.ServiceCategory ||
          !(
            kind?.subcategory === row.ServiceSubcategory ||
            /Quantum|Migration/.test(kind?.subcategory ?? '')
          ))
      );
    });
    t.same(misplaced, []);
    t.ok(services.length > 390);
    const kinds = services.map(({ ServiceName = '' }) => azureServiceKind(ServiceName));
    t.ok(
      kinds.every(
        (kind) =>
          kind === undefined ||
          (ALLOWED_VALUES.ServiceCategory.includes(kind.category as never) &&
            SERVICE_SUBCATEGORIES[kind.category]?.includes(kind.subcategory)),
      ),
    );
    t.same(
      units.filter(({ UnitOfMeasure = '', PricingBlockSize, DistinctUnits = '' }) => {
        const { block, unit } = azureUnit(UnitOfMeasure);
        return block !== PricingBlockSize || unit.toLowerCase() !== DistinctUnits.toLowerCase();
      }),
      [],
    );
    t.same(
      regions.filter(({ OriginalValue = '', RegionId, RegionName }) => {
        const { id, name } = azureRegion(OriginalValue.toUpperCase());
        return id !== RegionId || name !== RegionName;
      }),
      [],
    );
    t.same(
      types.filter(
        ({ ResourceType = '', SingularDisplayName }) =>
          azureResourceTypeName(ResourceType) !== SingularDisplayName?.trim(),
      ),
      [],
    );
  },
);

/** Names corrected in the table. */
const SPELLINGS = new Set(['Azure VMware Solution', 'Azure Communications Gateway']);

const folder = dataFile('azure/');
const noFiles = folder === undefined && 'no sample data beside the repository';

t.test('every Azure file of the sample data', { skip: noFiles }, async (t) => {
  for (const name of folder === undefined ? [] : readdirSync(folder)) {
    const file = readCsv(new URL(name, folder));
    const result = applyMapping(azureCost, file.header, file.rows);
    const column = file.header.find((header) => COSTS.test(header)) ?? '';
    const total = sum(file.rows.map((row) => decimal(row[column] || '0')));
    t.equal(result.sums.BilledCost.read, formatDecimal(total), `${name}: ${column}`);
    t.equal(result.sums.BilledCost.read, TOTALS[name] ?? '0', `${name}: total`);
    t.equal(result.sums.BilledCost.reshaped, '0', name);
    t.same(brokenInvariants(result.rows), {}, name);
    t.same(countReasons(result.rejects), name === 'opencost_BOM.csv' ? { missing_cost: 1 } : {});
    const renamed = new Set(file.header.map(azureCost.rename));
    t.ok(azureCost.fits(renamed, file.header) >= 70, name);
    t.same(await normalized(file), sorted(result.rows), `${name}: the stage agrees`);
  }
});

const COSTS = /^costinbillingcurrency$|\bPreTaxCost\b/i;
const TOTALS: Readonly<Record<string, string>> = {
  'ea_export_anonymous.csv': '1.26136926505726',
  'opencost_German.csv': '0.075',
  'opencost_PayAsYouGo.csv': '0.075',
  'opencost_Template.csv': '16.393506212224391',
  'opencost_MissingBrackets.csv': '4',
  'gen_nise_2026-09.csv': '35.785696313965349194',
};

t.test('each row is billed or effective at its cost, never at something else', async (t) => {
  const types = ['Usage', 'Purchase', 'Refund', 'UnusedReservation', 'Tax', 'Credit'];
  const models = ['OnDemand', 'Reservation', 'SavingsPlan', ''];
  const rows = types.flatMap((ChargeType) =>
    models.map((PricingModel, i) => ({
      ChargeType,
      PricingModel,
      CostInBillingCurrency: `0.${i + 1}7`,
    })),
  );
  const { rows: charges, sums } = run(rows);
  charges.forEach((charge, i) => {
    const cost = rows[i]?.CostInBillingCurrency ?? '';
    t.ok(charge.BilledCost === cost || charge.EffectiveCost === cost, JSON.stringify(rows[i]));
    t.ok(
      [cost, '0'].includes(charge.BilledCost ?? '') &&
        [cost, '0'].includes(charge.EffectiveCost ?? ''),
    );
  });
  t.equal(
    sums.BilledCost.read,
    formatDecimal(sum(rows.map((row) => decimal(row.CostInBillingCurrency)))),
  );
});

function run(rows: readonly SourceRow[], settings: Readonly<Record<string, string>> = {}) {
  const full = rows.map((row) => ({ ...USAGE, ...row }));
  return applyMapping(azureCost, [...new Set(full.flatMap(Object.keys))], full, settings);
}

function one(row: SourceRow): ChargeRow {
  const { rows, rejects } = run([row]);
  if (rows[0] === undefined) throw new Error(`rejected: ${JSON.stringify(rejects)}`);
  return rows[0];
}

async function normalized(file: RowFile): Promise<readonly string[]> {
  const normalizer = new Normalizer(azureCost, file.header);
  const batches = toBatches(file.header, file.rows);
  await orderDates(normalizer, batches);
  const charges = batches.flatMap((batch) =>
    normalizer.normalize(batch).charges.flatMap(({ batch: output }) => fromBatch(output)),
  );
  return sorted(charges.map(({ x_Repairs: _, ...charge }) => charge));
}

function sorted(charges: readonly ChargeRow[]): readonly string[] {
  return charges.map((charge) => JSON.stringify(Object.entries(charge).sort())).sort();
}

function times2(value: string) {
  return add(decimal(value), decimal(value));
}
