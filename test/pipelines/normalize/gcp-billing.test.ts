import { readdirSync } from 'node:fs';
import t from 'tap';
import { ALLOWED_VALUES, type CostColumn } from '../../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../../pipelines/focus/decimal.ts';
import gcpBilling from '../../../pipelines/normalize/mappings/gcp-billing.ts';
import { billingMonth } from '../../../pipelines/normalize/mappings/gcp-months.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { gcpRegionName } from '../../../pipelines/normalize/tables/gcp-regions.ts';
import { gcpServiceKind } from '../../../pipelines/normalize/tables/gcp-services.ts';
import { fromBatch, toBatches } from '../../helpers/batches.ts';
import { brokenInvariants } from '../../helpers/charge-invariants.ts';
import {
  applyMapping,
  type ChargeRow,
  countReasons,
  type SourceRow,
} from '../../helpers/interpret.ts';
import { dataFile, type RowFile, readCsv, readJson } from '../../helpers/read-rows.ts';

/** A usage row of the detailed export, as records. */
const USAGE = {
  billing_account_id: '0177BB-554433',
  service: { id: '6F81-5844', description: 'Compute Engine' },
  sku: { id: '2E27-4F75', description: 'N1 Predefined Instance Core running in Americas' },
  usage_start_time: '2026-04-02 18:00:00 UTC',
  usage_end_time: '2026-04-02 19:00:00.000000 UTC',
  project: { id: 'shop', number: '883019284756', name: 'Web shop', labels: [] as unknown[] },
  labels: [] as unknown[],
  system_labels: [] as unknown[],
  location: {
    location: 'us-central1',
    country: 'US',
    region: 'us-central1',
    zone: 'us-central1-b',
  },
  resource: {
    name: 'web-1',
    global_name: '//compute.googleapis.com/projects/883/zones/us-central1-b/instances/375',
  },
  tags: [] as unknown[],
  price: {
    effective_price: '0.025',
    tier_start_amount: '0',
    pricing_unit_quantity: '1',
    list_price: '0.03',
  },
  export_time: '2026-04-02 23:00:00 UTC',
  cost: '0.10',
  currency: 'USD',
  currency_conversion_rate: '1',
  usage: {
    amount: '14400',
    unit: 'seconds',
    amount_in_pricing_units: '4',
    pricing_unit: 'hour',
  },
  credits: [] as unknown[],
  invoice: { month: '202604' },
  cost_type: 'regular',
  cost_at_list: '0.12',
  transaction_type: 'GOOGLE',
};
type Change = Partial<{ [K in keyof typeof USAGE]: unknown }> & Readonly<Record<string, unknown>>;

t.test('a usage row of the detailed export', async (t) => {
  const charge = one({
    labels: [{ key: 'team', value: 'web' }],
    system_labels: [{ key: 'compute.googleapis.com/machine_spec', value: 'n1-standard-4' }],
    consumption_model: { id: '7754-699E', description: 'Default' },
  });
  t.match(charge, {
    BilledCost: '0.1',
    EffectiveCost: '0.1',
    ListCost: '0.12',
    ContractedCost: '0.1',
    ListUnitPrice: '0.03',
    ContractedUnitPrice: '0.025',
    ConsumedQuantity: '14400',
    ConsumedUnit: 'seconds',
    PricingQuantity: '4',
    PricingUnit: 'hour',
    PricingCategory: 'Standard',
    PricingCurrency: 'USD',
    PricingCurrencyEffectiveCost: '0.1',
    BillingAccountId: '0177BB-554433',
    BillingAccountType: 'Billing Account',
    BillingCurrency: 'USD',
    BillingPeriodStart: '2026-04-01T07:00:00Z',
    BillingPeriodEnd: '2026-05-01T07:00:00Z',
    ChargePeriodStart: '2026-04-02T18:00:00Z',
    ChargePeriodEnd: '2026-04-02T19:00:00Z',
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: 'N1 Predefined Instance Core running in Americas',
    InvoiceIssuerName: 'Google Cloud',
    ProviderName: 'Google Cloud',
    HostProviderName: 'Google Cloud',
    ServiceProviderName: 'Google Cloud',
    PublisherName: 'Google Cloud',
    AvailabilityZone: 'us-central1-b',
    RegionId: 'us-central1',
    RegionName: 'Iowa',
    ResourceId: '//compute.googleapis.com/projects/883/zones/us-central1-b/instances/375',
    ResourceName: 'web-1',
    ResourceType: 'compute.googleapis.com/instances',
    ServiceName: 'Compute Engine',
    ServiceCategory: 'Compute',
    ServiceSubcategory: 'Virtual Machines',
    SkuId: '2E27-4F75',
    SkuMeter: 'N1 Predefined Instance Core',
    SkuPriceId: '0177BB-554433/2E27-4F75/0',
    SubAccountId: 'shop',
    SubAccountName: 'Web shop',
    SubAccountType: 'Project',
    Tags: '{"team":"web","system/compute.googleapis.com/machine_spec":"n1-standard-4"}',
    x_ServiceId: '6F81-5844',
    x_CostType: 'regular',
    x_InvoiceMonth: '202604',
    x_ConsumptionModelId: '7754-699E',
  });
  t.same(JSON.parse(charge.SkuPriceDetails ?? ''), {
    x_TierStartAmount: '0',
    x_PricingUnitQuantity: '1',
    x_ConsumptionModelId: '7754-699E',
    x_MachineSpec: 'n1-standard-4',
  });
  t.notOk(charge.ChargeClass ?? charge.InvoiceId ?? charge.BillingAccountName ?? charge.x_Credits);
});

t.test('the three shapes of the export give the same charge', async (t) => {
  const change = {
    labels: [{ key: 'team', value: 'web' }],
    tags: [{ key: 'tier', value: 'gold', inherited: true, namespace: '8830' }],
    credits: [
      { name: 'Free', amount: '-0.01', full_name: 'Free tier', id: 'F', type: 'FREE_TIER' },
    ],
    subscription: { instance_id: 'sub-1' },
    adjustment_info: { id: 'A', description: null, mode: '', type: null },
  };
  const nested = one(change);
  for (const separator of ['.', '_']) {
    const flat = flattened({ ...USAGE, ...change }, separator);
    const { rows } = applyMapping(gcpBilling, Object.keys(flat), [flat]);
    const [charge = {}] = rows;
    const seen = {
      ...charge,
      x_Project: nested.x_Project,
      x_Credits: nested.x_Credits,
      x_Tags: '',
    };
    t.same(seen, { ...nested, x_Tags: '' }, `flattened with ${separator}`);
    t.ok(gcpBilling.fits(new Set(Object.keys(flat).map(gcpBilling.rename)), []) >= 70);
  }
  const both = {
    ...cells({ ...USAGE, ...change }),
    service_description: 'Else',
    usage_amount: '7',
  };
  const [charge] = applyMapping(gcpBilling, Object.keys(both), [both]).rows;
  t.match(charge, { ServiceName: 'Compute Engine', ConsumedQuantity: '14400' }, 'the record wins');
  const standard = cells({ ...USAGE, resource: undefined, price: undefined, tags: undefined });
  t.match(applyMapping(gcpBilling, Object.keys(standard), [standard]).rows[0], {
    ResourceId: undefined,
    ResourceType: undefined,
    SkuPriceId: '0177BB-554433/2E27-4F75',
    BilledCost: '0.1',
  });
});

t.test('kinds of charges', async (t) => {
  const cud = (type: string, more: object = {}) => [
    { name: 'CUD', amount: -0.04, full_name: 'CUD for a year', id: 'C1', type, ...more },
  ];
  const fee = { sku: { id: 'S', description: 'Commitment v1: Cpu in Americas for 1 Year' } };
  const cases: readonly (readonly [Change, Readonly<Record<string, string | undefined>>])[] = [
    [
      { cost_type: 'tax', cost_at_list: null },
      {
        ChargeCategory: 'Tax',
        ChargeFrequency: 'One-Time',
        PricingCategory: undefined,
        SkuId: undefined,
        SkuMeter: undefined,
        SkuPriceId: undefined,
        PricingQuantity: undefined,
        ConsumedUnit: undefined,
        ListUnitPrice: undefined,
        ListCost: '0.1',
      },
    ],
    [{ cost_type: 'adjustment' }, { ChargeCategory: 'Adjustment', ConsumedQuantity: undefined }],
    [{ cost_type: 'rounding_error' }, { ChargeCategory: 'Adjustment' }],
    [{ cost_type: 'roundoff' }, { ChargeCategory: 'Adjustment' }],
    [{ cost_type: null }, { ChargeCategory: 'Usage' }],
    [
      fee,
      {
        ChargeCategory: 'Purchase',
        ChargeFrequency: 'Recurring',
        PricingCategory: 'Standard',
        ConsumedQuantity: undefined,
        PricingQuantity: '4',
        BilledCost: '0.1',
      },
    ],
    [
      { ...fee, cost: '0' },
      { ChargeCategory: 'Usage', PricingCategory: 'Committed' },
    ],
    [{ ...fee, cost_type: 'tax' }, { ChargeCategory: 'Tax' }],
    [
      { ...fee, subscription: { instance_id: 'sub-1' } },
      {
        CommitmentDiscountId: 'sub-1',
        CommitmentDiscountCategory: 'Usage',
        CommitmentDiscountType: 'COMMITTED_USAGE_DISCOUNT',
        CommitmentDiscountStatus: undefined,
      },
    ],
    [
      {
        sku: { id: 'S', description: 'Commitment - dollar based v1: GCE for 1 year' },
        subscription: { instance_id: 'sub-1' },
      },
      { CommitmentDiscountCategory: 'Spend', ChargeCategory: 'Purchase' },
    ],
    [
      { credits: cud('COMMITTED_USAGE_DISCOUNT') },
      {
        BilledCost: '0.06',
        ContractedCost: '0.1',
        PricingCategory: 'Committed',
        CommitmentDiscountId: 'C1',
        CommitmentDiscountName: 'CUD for a year',
        CommitmentDiscountCategory: 'Usage',
        CommitmentDiscountType: 'COMMITTED_USAGE_DISCOUNT',
        CommitmentDiscountStatus: 'Used',
      },
    ],
    [
      {
        credits: cud('COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE'),
        subscription: { instance_id: 'sub' },
      },
      { CommitmentDiscountId: 'sub', CommitmentDiscountCategory: 'Spend' },
    ],
    [{ credits: cud('FEE_UTILIZATION_OFFSET') }, { CommitmentDiscountCategory: 'Spend' }],
    [{ credits: cud('COMMITTED_USE_DISCOUNT') }, { CommitmentDiscountCategory: 'Usage' }],
    [
      { credits: [{ name: 'Committed Usage Discount: RAM', amount: '-0.05' }] },
      { PricingCategory: 'Committed', CommitmentDiscountId: undefined, BilledCost: '0.05' },
    ],
    [
      { credits: cud('PROMOTION') },
      { PricingCategory: 'Standard', CommitmentDiscountId: undefined, BilledCost: '0.06' },
    ],
    [
      { sku: { id: 'S', description: 'Spot Preemptible E2 Instance Core running in Iowa' } },
      { PricingCategory: 'Dynamic', SkuMeter: 'Spot Preemptible E2 Instance Core' },
    ],
    [{ adjustment_info: { id: null, mode: 'MANUAL' } }, { ChargeClass: 'Correction' }],
    [{ adjustment_info: { id: null, mode: '' } }, { ChargeClass: undefined }],
  ];
  for (const [given, expected] of cases) {
    const charge = one(given);
    const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, charge[name]]));
    t.same(seen, expected, JSON.stringify(given));
    t.same(brokenInvariants([charge]), {}, JSON.stringify(given));
  }
  t.same(countReasons(run([{ cost_type: 'roundoff' }]).repairs), { unknown_cost_type: 1 });
});

t.test('list cost and prices follow the consumption model first', async (t) => {
  const price = { ...USAGE.price, list_price_consumption_model: '0.029' };
  const charge = one({ cost_at_list_consumption_model: '0.116', price });
  t.match(charge, { ListCost: '0.116', ListUnitPrice: '0.029' });
  t.equal(one({ cost_at_list_consumption_model: null }).ListCost, '0.12');
});

t.test('credits as rows of their own', async (t) => {
  const credits = [
    { name: 'CUD', amount: -0.04, id: 'C', type: 'COMMITTED_USAGE_DISCOUNT' },
    { name: 'Promo', amount: '-0.0100', full_name: 'Start-up', id: 'P', type: 'PROMOTION' },
    { name: 'Free', amount: -1e-7, type: 'FREE_TIER' },
  ];
  const { rows, sums, from } = run([{ credits }], { credits: 'rows' });
  t.same(
    rows.map((row) => [row.ChargeCategory, row.BilledCost, row.ContractedCost, row.x_CreditId]),
    [
      ['Usage', '0.06', '0.1', undefined],
      ['Credit', '-0.01', '-0.01', 'P'],
      ['Credit', '-0.0000001', '-0.0000001', undefined],
    ],
  );
  t.same(from, [1, 1, 1]);
  t.match(rows[1], {
    ChargeFrequency: 'One-Time',
    ChargeDescription: 'Start-up',
    EffectiveCost: '-0.01',
    ListCost: '-0.01',
    PricingCurrencyEffectiveCost: '-0.01',
    x_CreditType: 'PROMOTION',
    ServiceName: 'Compute Engine',
    SubAccountId: 'shop',
    ResourceName: 'web-1',
    ConsumedQuantity: undefined,
    PricingQuantity: undefined,
    PricingCategory: undefined,
    CommitmentDiscountId: undefined,
    SkuPriceId: undefined,
    x_Credits: undefined,
  });
  t.same(brokenInvariants(rows), {});
  for (const cost of ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'] as const)
    t.equal(sums[cost].reshaped, '0', cost);
  t.equal(sums.BilledCost.read, run([{ credits }]).sums.BilledCost.read);

  const many = Array.from({ length: 20 }, (_, i) => ({ amount: `-${i + 1}`, type: 'PROMOTION' }));
  const folded = run([{ credits: many }], { credits: 'rows' });
  t.equal(folded.rows.length, 9, 'the eighth row holds all that are left');
  t.equal(folded.rows[8]?.BilledCost, '-182');
  t.equal(folded.sums.BilledCost.exported, '-209.9');
  t.same(countReasons(folded.repairs), { credits_folded: 1 });
});

t.test('credits are summed exactly, and refused when they cannot be read', async (t) => {
  const billed = (credits: unknown) => {
    const { rows, rejects } = run([{ credits }]);
    return rejects[0]?.reason ?? rows[0]?.BilledCost;
  };
  const amounts = (...of: readonly unknown[]) => of.map((amount) => ({ amount, type: 'X' }));
  t.equal(billed('[{"amount": -0.123456789012345678901234}]'), '-0.023456789012345678901234');
  t.equal(billed('[{"amount":-1E-7},{"amount":"-0.0000001"}]'), '0.0999998');
  t.equal(billed("[{'amount': -0.05, 'name': None, 'id': 'it\\'s'}]"), '0.05', 'Python');
  t.equal(billed('{"list":[{"element":{"amount":-0.05}}]}'), '0.05', 'Parquet');
  t.equal(billed(amounts(null, '')), '0.1');
  t.equal(billed('null'), '0.1');
  t.equal(billed(null), '0.1');
  t.equal(billed('{}'), '0.1');
  t.equal(billed(amounts('free')), 'invalid_credits');
  t.equal(billed('[{"amount": -0.05'), 'invalid_credits');
  t.equal(billed('none'), 'invalid_credits');
});

t.test('billing months begin at midnight in Los Angeles', async (t) => {
  const clock = new Intl.DateTimeFormat('en-CA', {
    timeZone: 'America/Los_Angeles',
    dateStyle: 'short',
    timeStyle: 'medium',
    hourCycle: 'h23',
  });
  for (const year of [2008, 2019, 2024, 2026, 2031]) {
    for (let month = 1; month <= 12; month++) {
      const name = `${year}${String(month).padStart(2, '0')}`;
      const local = clock.format(billingMonth(name));
      t.match(local, new RegExp(`^${name.slice(0, 4)}-${name.slice(4)}-01, 00:00:00`), name);
    }
  }
  const period = (month: string | null, more: Change = {}) => {
    const { rows, rejects } = run([{ invoice: { month }, ...more }]);
    return rejects[0]?.reason ?? `${rows[0]?.BillingPeriodStart} ${rows[0]?.BillingPeriodEnd}`;
  };
  t.equal(period('202601'), '2026-01-01T08:00:00Z 2026-02-01T08:00:00Z');
  t.equal(period('202603'), '2026-03-01T08:00:00Z 2026-04-01T07:00:00Z');
  t.equal(period('202607'), '2026-07-01T07:00:00Z 2026-08-01T07:00:00Z');
  t.equal(period('202611'), '2026-11-01T07:00:00Z 2026-12-01T08:00:00Z');
  t.equal(period('2026-12'), '2026-12-01T08:00:00Z 2027-01-01T08:00:00Z');
  t.equal(period('202613'), 'invalid_time');
  const at = (usage_start_time: string) => period(null, { usage_start_time, usage_end_time: null });
  t.equal(at('2026-04-01T06:59:59Z'), '2026-03-01T08:00:00Z 2026-04-01T07:00:00Z');
  t.equal(at('2026-04-01T07:00:00Z'), '2026-04-01T07:00:00Z 2026-05-01T07:00:00Z');
  t.equal(at('2026-01-01T00:00:00Z'), '2025-12-01T08:00:00Z 2026-01-01T08:00:00Z');
  const assumed = run([{ invoice: null, usage_end_time: null }]);
  t.equal(assumed.rows[0]?.ChargePeriodEnd, '2026-04-02T19:00:00Z');
  t.same(countReasons(assumed.repairs), {
    billing_period_from_usage: 1,
    charge_period_end_assumed: 1,
  });
});

t.test('amounts in US dollars', async (t) => {
  const charge = one({ currency: 'AUD', currency_conversion_rate: '1.54' });
  t.match(charge, {
    BillingCurrency: 'AUD',
    PricingCurrency: 'USD',
    PricingCurrencyEffectiveCost: '0.064935064935065',
    PricingCurrencyListUnitPrice: '0.019480519480519',
    PricingCurrencyContractedUnitPrice: '0.016233766233766',
  });
  for (const currency_conversion_rate of [null, '1', '1.0'])
    t.match(one({ currency: 'EUR', currency_conversion_rate }), {
      PricingCurrency: 'EUR',
      PricingCurrencyEffectiveCost: '0.1',
    });
});

t.test('who, what and where', async (t) => {
  const reserved = [
    { key: 'compute.googleapis.com/reservation_project_id', value: 'shop' },
    { key: 'compute.googleapis.com/reservation_name', value: 'r1' },
  ];
  const unused = { key: 'compute.googleapis.com/is_unused_reservation', value: 'true' };
  const named = (global_name: string | null, name: string | null = null) => ({
    resource: { global_name, name },
  });
  const cases: readonly (readonly [Change, Readonly<Record<string, string | undefined>>])[] = [
    [{ project: { id: 'shop' } }, { SubAccountName: 'shop' }],
    [{ project: null }, { SubAccountId: undefined, SubAccountType: undefined }],
    [{ seller_name: 'Acme' }, { InvoiceIssuerName: 'Acme', PublisherName: 'Google Cloud' }],
    [
      { seller_name: 'Acme', transaction_type: 'THIRD_PARTY_RESELLER' },
      { PublisherName: 'Acme', ServiceProviderName: 'Acme', HostProviderName: 'Google Cloud' },
    ],
    [{ transaction_type: null }, { ServiceProviderName: 'Google Cloud' }],
    [
      { location: { location: 'eu', region: null, zone: null } },
      { RegionId: 'eu', RegionName: 'European Union', AvailabilityZone: undefined },
    ],
    [{ location: { region: 'moon-base1' } }, { RegionId: 'moon-base1', RegionName: 'moon-base1' }],
    [{ location: null }, { RegionId: undefined, RegionName: undefined }],
    [
      named('//storage.googleapis.com/my-bucket'),
      { ResourceType: 'storage.googleapis.com/buckets' },
    ],
    [
      named('//storage.googleapis.com/projects/_/buckets/b'),
      { ResourceType: 'storage.googleapis.com/buckets', ResourceName: 'b' },
    ],
    [
      named(null, 'projects/shop/instances/db'),
      { ResourceId: 'projects/shop/instances/db', ResourceType: 'Compute Engine' },
    ],
    [named(null), { ResourceId: undefined, ResourceType: undefined }],
    [
      { system_labels: reserved },
      { CapacityReservationId: 'shop/r1', CapacityReservationStatus: 'Used' },
    ],
    [{ system_labels: [...reserved, unused] }, { CapacityReservationStatus: 'Unused' }],
    [
      { service: { id: 'X', description: 'Cloud Telepathy' } },
      { ServiceName: 'Cloud Telepathy', ServiceSubcategory: 'Other (Other)' },
    ],
    [
      { sku: { id: 'S', description: 'Network Data Transfer In from Americas to EMEA' } },
      { SkuMeter: 'Network Data Transfer In from Americas to EMEA' },
    ],
    [
      { sku: { id: 'S', description: 'Storage PD Capacity in Northern Virginia' } },
      { SkuMeter: 'Storage PD Capacity' },
    ],
  ];
  for (const [given, expected] of cases) {
    const charge = one(given);
    const seen = Object.fromEntries(Object.keys(expected).map((name) => [name, charge[name]]));
    t.same(seen, expected, JSON.stringify(given));
    t.same(brokenInvariants([charge]), {}, JSON.stringify(given));
  }
  const unknown = run([{ service: { id: 'X', description: 'Cloud Telepathy' } }]);
  t.same(countReasons(unknown.repairs), { service_category_unknown: 1 });
  t.equal(gcpRegionName('europe-west3'), 'Frankfurt');
});

t.test('labels and tags', async (t) => {
  const pair = (key: string, value: string | null, more: object = {}) => ({ key, value, ...more });
  const charge = one({
    labels: [pair('team', 'web'), pair('8830/tier', 'silver'), pair('goog-k8s-cluster-name', 'c1')],
    tags: [pair('tier', 'gold', { namespace: '8830', inherited: true }), pair('env', 'prod')],
    project: { id: 'shop', labels: [pair('team', 'platform'), pair('empty', null)] },
    system_labels: [pair('cores', '8')],
  });
  t.same(JSON.parse(charge.Tags ?? ''), {
    team: 'web',
    '8830/tier': 'silver',
    'goog-k8s-cluster-name': 'c1',
    env: 'prod',
    'project/team': 'platform',
    'project/empty': '',
    'system/cores': '8',
  });
  t.match(charge.x_Tags, /"inherited":true/);
  t.equal(one({ labels: "[{'key': 'a', 'value': \"it's\"}]" }).Tags, '{"a":"it\'s"}');
  t.equal(one({ labels: '{"a":"b"}' }).Tags, '{"a":"b"}');
  t.equal(one({}).Tags, undefined);
  t.same(countReasons(run([{ labels: 'a=b' }]).repairs), { tags_unreadable: 1 });
});

t.test('rows without cost, currency or time are rejected with their money counted', async (t) => {
  const { rejects, sums } = run([
    {},
    { cost: '' },
    { cost: 'n/a' },
    { currency: '' },
    { usage_start_time: '' },
    { usage_start_time: 'soon' },
  ]);
  t.same(countReasons(rejects), {
    missing_cost: 1,
    invalid_number: 1,
    missing_currency: 1,
    missing_usage_start_time: 1,
    invalid_time: 1,
  });
  t.match(sums.BilledCost, { read: '0.4', exported: '0.1', rejected: '0.3', reshaped: '0' });
});

const seed = dataFile('open-data/focus-converters/gcp_category_mapping.csv');

t.test(
  'every service of the seed has a category',
  {
    skip: seed === undefined && 'no open data beside the repository',
  },
  async (t) => {
    const services = seed === undefined ? [] : readCsv(seed).rows;
    const kinds = services.map((row) => gcpServiceKind(row.ConsumedService ?? '')?.category);
    t.ok(kinds.length >= 125);
    t.same(
      services.filter((_, i) => !isCategory(kinds[i])),
      [],
    );
  },
);

const samples = dataFile('gcp/');

t.test(
  'every Google file of the sample data',
  {
    skip: samples === undefined && 'no sample data beside the repository',
  },
  async (t) => {
    for (const { name, file } of samples === undefined ? [] : sampleFiles(samples)) {
      const cost = sum(file.rows.map((row) => decimal(row.cost || '0')));
      const credits = sum(file.rows.flatMap((row) => creditAmounts(row.credits)));
      t.same([formatDecimal(cost), formatDecimal(credits)], TOTALS[name] ?? [], name);
      for (const how of formatDecimal(credits) === '0' ? ['inline'] : ['inline', 'rows']) {
        const { charges, counts } = normalized(file, how);
        const total = formatDecimal(sum([cost, credits]));
        const sumsOf = (column: CostColumn) => {
          const sums = counts.measures.get(column);
          return [sums?.read, sums?.exported].map((of) => of && formatDecimal(of.total()));
        };
        t.same(sumsOf('BilledCost'), [total, total], `${name}: cost and credits ${how}`);
        t.same(sumsOf('EffectiveCost'), [total, total], `${name}: cost and credits ${how}`);
        for (const column of ['ListCost', 'ContractedCost'] as const)
          t.equal(sumsOf(column)[0], sumsOf(column)[1], `${name}: ${column} ${how}`);
        if (how === 'inline') t.equal(sumsOf('ContractedCost')[0], formatDecimal(cost), name);
        t.same(brokenInvariants(charges), {}, `${name} ${how}`);
        t.same([...counts.rejected.keys()], [], name);
        const few = { ...file, rows: file.rows.slice(0, 500) };
        const slow = applyMapping(gcpBilling, few.header, few.rows, { credits: how });
        t.same(
          sorted(normalized(few, how).charges),
          sorted(slow.rows),
          `${name} ${how}: row by row`,
        );
      }
    }
  },
);

/** Sums of cost and of credits. */
const TOTALS: Readonly<Record<string, readonly [cost: string, credits: string]>> = {
  'detailed_export_sample_a.csv': ['2096690.8044', '-186873.4465'],
  'gen_nise_2026-09.csv.gz': ['35.13661253999328000696', '0'],
  'test_10_1.export.json': ['310', '-120'],
  'test_10_2.export.json': ['250', '-120'],
  'test_11_2.export.json': ['500', '-160'],
  'test_1_1.export.json': ['310', '-140'],
  'test_2_1.export.json': ['320', '-40'],
  'test_2_2.export.json': ['500', '-70'],
  'test_3_2.export.json': ['300', '-140'],
  'test_4_1.export.json': ['310', '-140'],
  'test_6_1.export.json': ['320', '-40'],
  'test_6_2.export.json': ['300', '-140'],
  'test_6_4.export.json': ['500', '-70'],
  'test_6_5.export.json': ['620', '-280'],
  'test_7_2.export.json': ['250', '-120'],
  'test_7_3_b.export.json': ['170', '-70'],
  'test_7_5_b.export.json': ['240', '-100'],
  'test_7_6_b.export.json': ['340', '-100'],
  'test_9_2.export.json': ['320', '-50'],
  'test_9_3.export.json': ['500', '-160'],
};

function sampleFiles(folder: URL): readonly { readonly name: string; readonly file: RowFile }[] {
  const cases = new URL('cud_cases/', folder);
  return [
    ...readdirSync(folder)
      .filter((name) => /\.csv(\.gz)?$/.test(name))
      .map((name) => ({ name, file: readCsv(new URL(name, folder)) })),
    ...readdirSync(cases)
      .filter((name) => name.endsWith('.export.json'))
      .map((name) => ({ name, file: readJson(new URL(name, cases)) })),
  ];
}

function creditAmounts(cell = '') {
  return [...cell.matchAll(/"amount":\s*"?(-?[\d.]+)/g)].map(([, amount = '0']) => decimal(amount));
}

function isCategory(category: string | undefined): boolean {
  return (ALLOWED_VALUES.ServiceCategory as readonly (string | undefined)[]).includes(category);
}

function run(changes: readonly Change[], settings: Readonly<Record<string, string>> = {}) {
  const rows = changes.map((change) => cells({ ...USAGE, ...change }));
  return applyMapping(gcpBilling, [...new Set(rows.flatMap(Object.keys))], rows, settings);
}

function one(change: Change): ChargeRow {
  const { rows, rejects } = run([change]);
  if (rows[0] === undefined) throw new Error(`rejected: ${JSON.stringify(rejects)}`);
  return rows[0];
}

/** Records and lists as JSON text, as a decoder gives them. */
function cells(row: Readonly<Record<string, unknown>>): SourceRow {
  return Object.fromEntries(
    Object.entries(row).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, cellText(value)]],
    ),
  );
}

/** A column per field; of a list the fields of its one entry. */
function flattened(row: Readonly<Record<string, unknown>>, separator: string): SourceRow {
  const flat = Object.entries(row).flatMap(([name, value]) => {
    if (typeof value !== 'object' || value === null) return [[name, String(value)] as const];
    const record: object = Array.isArray(value) ? (value[0] ?? {}) : value;
    return Object.entries(record).map(
      ([field, cell]) => [`${name}${separator}${field}`, cellText(cell)] as const,
    );
  });
  return Object.fromEntries(flat);
}

function cellText(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function normalized(file: RowFile, credits: string) {
  const normalizer = new Normalizer(gcpBilling, file.header, { settings: { credits } });
  const charges = toBatches(file.header, file.rows).flatMap((batch) =>
    normalizer.normalize(batch).charges.flatMap(({ batch: output }) => fromBatch(output)),
  );
  return {
    charges: charges.map(({ x_Repairs: _, ...charge }) => charge),
    counts: normalizer.counts,
  };
}

function sorted(charges: readonly ChargeRow[]): readonly string[] {
  return charges.map((charge) => JSON.stringify(Object.entries(charge).sort())).sort();
}
