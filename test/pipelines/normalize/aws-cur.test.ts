import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openSource } from '../../../pipelines/decode/open.ts';
import { runTask } from '../../../pipelines/engine/run-task.ts';
import {
  ALLOWED_VALUES,
  columnFact,
  columnsOf,
  type FocusColumn,
  SERVICE_SUBCATEGORIES,
} from '../../../pipelines/focus/columns.ts';
import {
  add,
  compare,
  decimal,
  formatDecimal,
  parseDecimal,
  ZERO,
} from '../../../pipelines/focus/decimal.ts';
import { shares } from '../../../pipelines/focus/shares.ts';
import { eachTotal } from '../../../pipelines/fold/index.ts';
import { mappingFor } from '../../../pipelines/normalize/detect.ts';
import { tagKey } from '../../../pipelines/normalize/mappings/aws-cur/details.ts';
import { resourceType } from '../../../pipelines/normalize/mappings/aws-cur/resources.ts';
import awsCur from '../../../pipelines/normalize/mappings/aws-cur.ts';
import { Normalizer } from '../../../pipelines/normalize/normalize.ts';
import { AWS_REGION_NAMES } from '../../../pipelines/normalize/tables/aws-regions.ts';
import { AWS_SERVICES } from '../../../pipelines/normalize/tables/aws-services.ts';
import { eachBatch, fromBatch, toBatches } from '../../helpers/batches.ts';
import {
  applyMapping,
  type ChargeRow,
  countReasons,
  type Interpreted,
  interpret,
  mappingInput,
  renameRows,
  type SourceRow,
} from '../../helpers/interpret.ts';
import { chargesOf, normalizeRows, sortedColumns } from '../../helpers/normalize-rows.ts';
import { dataFile, readCsv } from '../../helpers/read-rows.ts';

const PLAN = 'arn:aws:savingsplans::123456789012:savingsplan/0f1e2d3c';
const RESERVATION = 'arn:aws:ec2:us-east-1:123456789012:reserved-instances/abcd-1234';

/** A line item of CUR 2.0; cases change what they are about. */
const LINE: SourceRow = {
  identity_line_item_id: 'line-1',
  identity_time_interval: '2026-09-02T05:00:00Z/2026-09-02T06:00:00Z',
  bill_invoice_id: '1234567',
  bill_invoicing_entity: 'Amazon Web Services, Inc.',
  bill_billing_entity: 'AWS',
  bill_bill_type: 'Anniversary',
  bill_payer_account_id: '123456789012',
  bill_payer_account_name: 'Payer',
  bill_billing_period_start_date: '2026-09-01T00:00:00.000Z',
  bill_billing_period_end_date: '2026-10-01T00:00:00.000Z',
  line_item_usage_account_id: '210987654321',
  line_item_usage_account_name: 'Shop',
  line_item_line_item_type: 'Usage',
  line_item_usage_start_date: '2026-09-02T05:00:00.000Z',
  line_item_usage_end_date: '2026-09-02T06:00:00.000Z',
  line_item_product_code: 'AmazonEC2',
  line_item_usage_type: 'BoxUsage:m5.xlarge',
  line_item_operation: 'RunInstances',
  line_item_availability_zone: 'us-east-1b',
  line_item_resource_id: 'i-0123456789abcdef0',
  line_item_usage_amount: '1.0',
  line_item_normalized_usage_amount: '8.0',
  line_item_currency_code: 'USD',
  line_item_unblended_rate: '0.192',
  line_item_unblended_cost: '0.192',
  line_item_line_item_description: '$0.192 per On Demand Linux m5.xlarge Instance Hour',
  line_item_legal_entity: 'Amazon Web Services, Inc.',
  product: JSON.stringify({
    product_name: 'Amazon Elastic Compute Cloud',
    servicename: 'Amazon Elastic Compute Cloud',
    region: 'us-east-1',
    instance_family: 'General purpose',
    vcpu: '4',
    memory: '16 GiB',
    operating_system: 'Linux',
    network_performance: 'Up to 10 Gigabit',
    storage: 'EBS only',
    tenancy: 'Shared',
  }),
  product_sku: 'ABCD1234EFGH5678',
  product_servicecode: 'AmazonEC2',
  product_region_code: 'us-east-1',
  product_location: 'US East (N. Virginia)',
  product_location_type: 'AWS Region',
  product_instance_type: 'm5.xlarge',
  pricing_rate_code: 'ABCD1234EFGH5678.JRTCKXETXF.6YS6EN2CT7',
  pricing_rate_id: '4711',
  pricing_currency: 'USD',
  pricing_public_on_demand_cost: '0.192',
  pricing_public_on_demand_rate: '0.192',
  pricing_term: 'OnDemand',
  pricing_unit: 'Hrs',
  resource_tags: '{"user_team":"checkout","aws_created_by":"AssumedRole:x","user_name":"web-1"}',
  cost_category: '{"CostCenter":"4000"}',
  discount: '{}',
};

const EXTRA = [
  'line_item_net_unblended_cost',
  'line_item_net_unblended_rate',
  'reservation_reservation_a_r_n',
  'reservation_effective_cost',
  'reservation_net_effective_cost',
  'reservation_number_of_reservations',
  'reservation_unused_amortized_upfront_fee_for_billing_period',
  'reservation_unused_recurring_fee',
  'reservation_unused_quantity',
  'reservation_unused_normalized_unit_quantity',
  'savings_plan_savings_plan_a_r_n',
  'savings_plan_savings_plan_effective_cost',
  'savings_plan_net_savings_plan_effective_cost',
  'savings_plan_total_commitment_to_date',
  'savings_plan_used_commitment',
  'capacity_reservation_capacity_reservation_arn',
  'capacity_reservation_capacity_reservation_status',
  'split_line_item_parent_resource_id',
];

const ALL = [...Object.keys(LINE), ...EXTRA];

/** Runs one line item that differs from LINE; the net columns are in the header only when a case asks for them. */
function run(
  changes: SourceRow,
  header = ALL.filter((name) => !name.includes('_net_')),
): Interpreted {
  return applyMapping(
    awsCur,
    [...new Set([...header, ...Object.keys(changes)])],
    [{ ...LINE, ...changes }],
  );
}

function charge(changes: SourceRow, header?: readonly string[]): ChargeRow {
  return run(changes, header === undefined ? undefined : [...header]).rows[0] ?? {};
}

/** What the charge says in the columns that the expectation names; null where it says nothing. */
function said(row: ChargeRow | undefined, expected: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, row?.[name] ?? null]));
}

t.test('a line item of on-demand usage gives one charge with every column', async (t) => {
  const { rows, drops, repairs, rejects } = run({});
  t.strictSame([drops, repairs, rejects], [[], [], []]);
  t.equal(rows.length, 1);
  const { Tags, SkuPriceDetails, ...row } = rows[0] ?? {};
  t.strictSame(JSON.parse(Tags ?? ''), {
    team: 'checkout',
    name: 'web-1',
    'aws:created_by': 'AssumedRole:x',
    'costCategory/CostCenter': '4000',
  });
  t.strictSame(JSON.parse(SkuPriceDetails ?? ''), {
    CoreCount: 4,
    MemorySize: 16,
    OperatingSystem: 'Linux',
    NetworkMaxThroughput: 10000,
    InstanceType: 'm5.xlarge',
    InstanceSeries: 'm5',
    x_InstanceFamily: 'General purpose',
    x_Storage: 'EBS only',
    x_Tenancy: 'Shared',
    x_PricingTerm: 'OnDemand',
  });
  t.strictSame(row, {
    AvailabilityZone: 'us-east-1b',
    BilledCost: '0.192',
    BillingAccountId: '123456789012',
    BillingAccountName: 'Payer',
    BillingAccountType: 'Billing Account',
    BillingCurrency: 'USD',
    BillingPeriodEnd: '2026-10-01T00:00:00Z',
    BillingPeriodStart: '2026-09-01T00:00:00Z',
    ChargeCategory: 'Usage',
    ChargeDescription: '$0.192 per On Demand Linux m5.xlarge Instance Hour',
    ChargeFrequency: 'Usage-Based',
    ChargePeriodEnd: '2026-09-02T06:00:00Z',
    ChargePeriodStart: '2026-09-02T05:00:00Z',
    ConsumedQuantity: '1',
    ConsumedUnit: 'Hrs',
    ContractedCost: '0.192',
    ContractedUnitPrice: '0.192',
    EffectiveCost: '0.192',
    HostProviderName: 'AWS',
    InvoiceId: '1234567',
    InvoiceIssuerName: 'Amazon Web Services, Inc.',
    ListCost: '0.192',
    ListUnitPrice: '0.192',
    PricingCategory: 'Standard',
    PricingCurrency: 'USD',
    PricingCurrencyContractedUnitPrice: '0.192',
    PricingCurrencyEffectiveCost: '0.192',
    PricingCurrencyListUnitPrice: '0.192',
    PricingQuantity: '1',
    PricingUnit: 'Hrs',
    ProviderName: 'AWS',
    PublisherName: 'Amazon Web Services, Inc.',
    RegionId: 'us-east-1',
    RegionName: 'US East (N. Virginia)',
    ResourceId: 'i-0123456789abcdef0',
    ResourceName: 'web-1',
    ResourceType: 'instance',
    ServiceCategory: 'Compute',
    ServiceName: 'Amazon Elastic Compute Cloud',
    ServiceProviderName: 'AWS',
    ServiceSubcategory: 'Virtual Machines',
    SkuId: 'ABCD1234EFGH5678',
    SkuMeter: 'BoxUsage:m5.xlarge',
    SkuPriceId: 'ABCD1234EFGH5678.JRTCKXETXF.6YS6EN2CT7',
    SubAccountId: '210987654321',
    SubAccountName: 'Shop',
    SubAccountType: 'Account',
    x_BillingEntity: 'AWS',
    x_LineItemId: 'line-1',
    x_LineItemType: 'Usage',
    x_Operation: 'RunInstances',
    x_ServiceCode: 'AmazonEC2',
  });
});

t.test('line item types give the rows of the matrix', async (t) => {
  const nothing = {
    SkuPriceId: null,
    PricingQuantity: null,
    PricingUnit: null,
    ListUnitPrice: null,
  };
  const cases: Readonly<Record<string, readonly [SourceRow, ...Record<string, string | null>[]]>> =
    {
      'spot usage is priced dynamically': [
        { line_item_usage_type: 'SpotUsage:m5.xlarge' },
        { PricingCategory: 'Dynamic', ChargeFrequency: 'Usage-Based', CommitmentDiscountId: null },
      ],
      'usage that a reserved instance covers': [
        {
          line_item_line_item_type: 'DiscountedUsage',
          line_item_unblended_cost: '0',
          line_item_unblended_rate: '0',
          reservation_reservation_a_r_n: RESERVATION,
          reservation_effective_cost: '0.1210',
        },
        {
          ChargeCategory: 'Usage',
          ChargeFrequency: 'Usage-Based',
          PricingCategory: 'Committed',
          BilledCost: '0',
          EffectiveCost: '0.121',
          ContractedCost: '0.192',
          ContractedUnitPrice: '0.192',
          ListCost: '0.192',
          CommitmentDiscountId: RESERVATION,
          CommitmentDiscountCategory: 'Usage',
          CommitmentDiscountType: 'Reserved Instance',
          CommitmentDiscountStatus: 'Used',
          CommitmentDiscountName: null,
          CommitmentDiscountQuantity: '8',
          CommitmentDiscountUnit: 'Normalized Hours',
          ConsumedQuantity: '1',
        },
      ],
      'a reservation without size flexibility counts in usage units': [
        {
          line_item_line_item_type: 'DiscountedUsage',
          line_item_normalized_usage_amount: '0',
          line_item_usage_amount: '0.5',
          reservation_reservation_a_r_n: RESERVATION,
          reservation_effective_cost: '0.06',
        },
        { CommitmentDiscountQuantity: '0.5', CommitmentDiscountUnit: 'Hrs' },
      ],
      'usage that a Savings Plan covers is billed by its fee': [
        {
          line_item_line_item_type: 'SavingsPlanCoveredUsage',
          savings_plan_savings_plan_a_r_n: PLAN,
          savings_plan_savings_plan_effective_cost: '0.1403',
        },
        {
          BilledCost: '0',
          EffectiveCost: '0.1403',
          ContractedCost: '0.192',
          ContractedUnitPrice: '0.192',
          ListCost: '0.192',
          ListUnitPrice: '0.192',
          PricingCategory: 'Committed',
          CommitmentDiscountId: PLAN,
          CommitmentDiscountCategory: 'Spend',
          CommitmentDiscountType: 'Savings Plan',
          CommitmentDiscountStatus: 'Used',
          CommitmentDiscountQuantity: '0.1403',
          CommitmentDiscountUnit: 'USD',
        },
      ],
      'a Savings Plan fee that is used up': [
        {
          line_item_line_item_type: 'SavingsPlanRecurringFee',
          line_item_product_code: 'ComputeSavingsPlans',
          line_item_unblended_cost: '2.5',
          pricing_public_on_demand_cost: '0',
          savings_plan_savings_plan_a_r_n: PLAN,
          savings_plan_total_commitment_to_date: '5.0',
          savings_plan_used_commitment: '5.0',
        },
        {
          ChargeCategory: 'Purchase',
          ChargeFrequency: 'Recurring',
          PricingCategory: 'Standard',
          BilledCost: '2.5',
          EffectiveCost: '0',
          ListCost: '2.5',
          ContractedCost: '2.5',
          CommitmentDiscountStatus: null,
          CommitmentDiscountQuantity: '5',
          CommitmentDiscountUnit: 'USD',
          ConsumedQuantity: null,
          ConsumedUnit: null,
        },
      ],
      'a Savings Plan fee with a rest gives an unused row': [
        {
          line_item_line_item_type: 'SavingsPlanRecurringFee',
          line_item_unblended_cost: '5.0',
          savings_plan_savings_plan_a_r_n: PLAN,
          savings_plan_total_commitment_to_date: '5.0',
          savings_plan_used_commitment: '4.7000000000000000001',
        },
        { BilledCost: '5', EffectiveCost: '0', ChargeCategory: 'Purchase' },
        {
          BilledCost: '0',
          EffectiveCost: '0.2999999999999999999',
          ListCost: '0',
          ContractedCost: '0',
          ChargeCategory: 'Usage',
          ChargeFrequency: 'Usage-Based',
          PricingCategory: 'Committed',
          CommitmentDiscountId: PLAN,
          CommitmentDiscountStatus: 'Unused',
          CommitmentDiscountQuantity: '0.2999999999999999999',
          CommitmentDiscountUnit: 'USD',
          PricingQuantity: '0.2999999999999999999',
          PricingUnit: 'USD',
          ListUnitPrice: null,
          ContractedUnitPrice: null,
          ConsumedQuantity: null,
          ConsumedUnit: null,
        },
      ],
      'a Savings Plan paid upfront': [
        {
          line_item_line_item_type: 'SavingsPlanUpfrontFee',
          line_item_unblended_cost: '8760',
          savings_plan_savings_plan_a_r_n: PLAN,
        },
        {
          ChargeCategory: 'Purchase',
          ChargeFrequency: 'One-Time',
          BilledCost: '8760',
          EffectiveCost: '0',
          CommitmentDiscountQuantity: '8760',
          CommitmentDiscountUnit: 'USD',
        },
      ],
      'the fee of a reservation, partly unused': [
        {
          line_item_line_item_type: 'RIFee',
          line_item_unblended_cost: '50.00',
          line_item_usage_amount: '720',
          line_item_normalized_usage_amount: '5760',
          reservation_reservation_a_r_n: RESERVATION,
          reservation_number_of_reservations: '2',
          reservation_unused_amortized_upfront_fee_for_billing_period: '1.5',
          reservation_unused_recurring_fee: '2.25',
          reservation_unused_quantity: '30',
          reservation_unused_normalized_unit_quantity: '240',
        },
        {
          ChargeCategory: 'Purchase',
          ChargeFrequency: 'Recurring',
          BilledCost: '50',
          EffectiveCost: '0',
          PricingQuantity: '2',
          PricingUnit: 'Reservations',
          CommitmentDiscountStatus: null,
          CommitmentDiscountQuantity: '5760',
          CommitmentDiscountUnit: 'Normalized Hours',
        },
        {
          BilledCost: '0',
          EffectiveCost: '3.75',
          CommitmentDiscountStatus: 'Unused',
          CommitmentDiscountQuantity: '240',
          CommitmentDiscountUnit: 'Normalized Hours',
          ConsumedQuantity: null,
          PricingQuantity: '30',
          PricingUnit: 'Hrs',
        },
      ],
      'the fee of a reservation that is used up': [
        {
          line_item_line_item_type: 'RIFee',
          reservation_reservation_a_r_n: RESERVATION,
          reservation_unused_amortized_upfront_fee_for_billing_period: '0',
          reservation_unused_recurring_fee: '0.0',
        },
        { ChargeCategory: 'Purchase', EffectiveCost: '0' },
      ],
      'the upfront fee of a reservation': [
        {
          line_item_line_item_type: 'Fee',
          line_item_unblended_cost: '1000',
          reservation_reservation_a_r_n: RESERVATION,
        },
        {
          ChargeCategory: 'Purchase',
          ChargeFrequency: 'One-Time',
          BilledCost: '1000',
          EffectiveCost: '0',
        },
      ],
      'a fee for a domain': [
        {
          line_item_line_item_type: 'Fee',
          line_item_product_code: 'AmazonRegistrar',
          line_item_line_item_description: 'Domain registration example.org',
          line_item_unblended_cost: '12',
        },
        {
          ChargeCategory: 'Purchase',
          ChargeFrequency: 'One-Time',
          BilledCost: '12',
          EffectiveCost: '12',
          ListCost: '12',
          PricingCategory: 'Standard',
          ListUnitPrice: null,
        },
      ],
      'a support plan is a fee of every month': [
        { line_item_line_item_type: 'Fee', line_item_product_code: 'AWSSupportBusiness' },
        { ChargeFrequency: 'Recurring', ServiceSubcategory: 'Support' },
      ],
      'a fee that says it is monthly': [
        {
          line_item_line_item_type: 'Fee',
          line_item_line_item_description: 'AWS Marketplace software usage - Monthly subscription',
        },
        { ChargeFrequency: 'Recurring', EffectiveCost: '0.192' },
      ],
      'a flat-rate subscription': [
        {
          line_item_line_item_type: 'FlatRateSubscription',
          line_item_product_code: 'CloudFrontPlans',
        },
        { ChargeCategory: 'Purchase', ChargeFrequency: 'Recurring', ServiceCategory: 'Networking' },
      ],
      tax: [
        {
          line_item_line_item_type: 'Tax',
          line_item_unblended_cost: '19',
          product_sku: '',
          pricing_currency: '',
        },
        {
          ...nothing,
          ChargeCategory: 'Tax',
          ChargeFrequency: 'One-Time',
          PricingCategory: null,
          ConsumedQuantity: null,
          BilledCost: '19',
          EffectiveCost: '19',
          ListCost: '19',
          SkuId: null,
          SkuMeter: null,
          SkuPriceDetails: null,
          ContractedUnitPrice: null,
          PricingCurrency: 'USD',
          PricingCurrencyEffectiveCost: '19',
        },
      ],
      'a credit': [
        { line_item_line_item_type: 'Credit', line_item_unblended_cost: '-7.5' },
        {
          ...nothing,
          ChargeCategory: 'Credit',
          ChargeFrequency: 'One-Time',
          PricingCategory: 'Other',
          BilledCost: '-7.5',
          EffectiveCost: '-7.5',
          ListCost: '-7.5',
          ContractedCost: '-7.5',
          ChargeClass: null,
        },
      ],
      'a refund of usage on a bill of refunds corrects it': [
        {
          line_item_line_item_type: 'Refund',
          bill_bill_type: 'Refund',
          line_item_unblended_cost: '-3',
        },
        {
          ChargeCategory: 'Usage',
          ChargeClass: 'Correction',
          ChargeFrequency: 'One-Time',
          BilledCost: '-3',
          EffectiveCost: '-3',
        },
      ],
      'a refund of usage of an earlier month corrects it': [
        {
          line_item_line_item_type: 'Refund',
          line_item_usage_start_date: '2026-08-01T00:00:00Z',
          line_item_usage_end_date: '2026-09-01T00:00:00Z',
        },
        { ChargeClass: 'Correction', ChargePeriodStart: '2026-08-01T00:00:00Z' },
      ],
      'a refund of usage of this month': [
        { line_item_line_item_type: 'Refund' },
        { ChargeCategory: 'Usage', ChargeClass: null, PricingCategory: 'Standard' },
      ],
      'a refund for a reservation is a purchase': [
        { line_item_line_item_type: 'Refund', reservation_reservation_a_r_n: RESERVATION },
        { ChargeCategory: 'Purchase', CommitmentDiscountStatus: null },
      ],
      'a refund for Savings Plans is a purchase': [
        { line_item_line_item_type: 'Refund', line_item_product_code: 'ComputeSavingsPlans' },
        { ChargeCategory: 'Purchase', EffectiveCost: '0.192' },
      ],
      'the refund of an upfront Savings Plan was never in the effective cost': [
        {
          line_item_line_item_type: 'Refund',
          line_item_unblended_cost: '-500',
          line_item_line_item_description: 'Refund for one-time fee for Savings Plan ID: 0f1e2d3c',
        },
        { ChargeCategory: 'Purchase', BilledCost: '-500', EffectiveCost: '0' },
      ],
      'a discount without net columns is a credit': [
        { line_item_line_item_type: 'EdpDiscount', line_item_unblended_cost: '-1.25' },
        {
          ...nothing,
          ChargeCategory: 'Credit',
          PricingCategory: 'Other',
          BilledCost: '-1.25',
          EffectiveCost: '-1.25',
          ListCost: '-1.25',
        },
      ],
      'an unknown type is kept as an adjustment': [
        { line_item_line_item_type: 'OCBLateFee', line_item_unblended_cost: '4' },
        {
          ChargeCategory: 'Adjustment',
          ChargeFrequency: 'Usage-Based',
          PricingCategory: null,
          BilledCost: '4',
          EffectiveCost: '4',
        },
      ],
    };
  for (const [name, [changes, ...expected]] of Object.entries(cases)) {
    const { rows, rejects } = run(changes);
    t.strictSame(rejects, [], name);
    t.equal(rows.length, expected.length, `${name}: rows`);
    expected.forEach((wanted, i) => {
      t.strictSame(said(rows[i], wanted), wanted, name);
    });
  }
  t.match(countReasons(run({ line_item_line_item_type: 'OCBLateFee' }).repairs), {
    unknown_line_item_type: 1,
  });
  const rows = Object.values(cases).map(([changes]): SourceRow => ({ ...LINE, ...changes }));
  const slow = applyMapping(awsCur, ALL, rows);
  const fast = await normalizeRows(awsCur, ALL, rows);
  t.strictSame(fast.rows, slow.rows.map(sortedColumns), 'all of them the fast way');
});

t.test(
  'discounts within net costs and offsets of Savings Plans are left out, with their money',
  async (t) => {
    const negation = run({
      line_item_line_item_type: 'SavingsPlanNegation',
      line_item_unblended_cost: '-0.192',
    });
    t.strictSame(countReasons(negation.drops), { savings_plan_negation: 1 });
    t.match(negation.sums.BilledCost, { read: '-0.192', dropped: '-0.192', reshaped: '0' });
    const within = run({
      line_item_line_item_type: 'EdpDiscount',
      line_item_unblended_cost: '-1.25',
      line_item_net_unblended_cost: '0',
    });
    t.strictSame(countReasons(within.drops), { discount_within_net_cost: 1 });
    const outside = charge({
      line_item_line_item_type: 'PrivateRateDiscount',
      line_item_unblended_cost: '-1.25',
      line_item_net_unblended_cost: '-0.25',
    });
    t.match(outside, { ChargeCategory: 'Credit', BilledCost: '-0.25', EffectiveCost: '-0.25' });
    const usage = charge({ line_item_net_unblended_cost: '0', line_item_net_unblended_rate: '0' });
    t.match(usage, { BilledCost: '0', ContractedUnitPrice: '0', ListCost: '0.192' });
  },
);

t.test('covered usage and its negation come to nothing', async (t) => {
  const plan = { savings_plan_savings_plan_a_r_n: PLAN };
  const rows = [
    {
      ...plan,
      line_item_line_item_type: 'SavingsPlanCoveredUsage',
      line_item_unblended_cost: '0.3',
    },
    { ...plan, line_item_line_item_type: 'SavingsPlanNegation', line_item_unblended_cost: '-0.3' },
    {
      ...plan,
      line_item_line_item_type: 'SavingsPlanRecurringFee',
      line_item_unblended_cost: '0.25',
      savings_plan_total_commitment_to_date: '0.25',
      savings_plan_used_commitment: '0.2',
    },
  ].map((changes) => ({
    ...LINE,
    savings_plan_savings_plan_effective_cost: '0.2',
    ...changes,
  }));
  const { sums } = applyMapping(awsCur, ALL, rows);
  t.match(sums.BilledCost, { read: '0.25', exported: '0.25', dropped: '-0.3', reshaped: '0.3' });
  t.equal(sums.EffectiveCost.exported, '0.25', 'used and unused make up what was bought');
});

t.test('net columns win over gross ones where they are not null', async (t) => {
  const net = charge({
    line_item_line_item_type: 'DiscountedUsage',
    reservation_reservation_a_r_n: RESERVATION,
    reservation_effective_cost: '0.12',
    reservation_net_effective_cost: '0.11',
  });
  t.equal(net.EffectiveCost, '0.11');
  const unblended = run({
    line_item_net_unblended_cost: '0.18',
    line_item_net_unblended_rate: '0.18',
  });
  t.match(unblended.rows[0], {
    BilledCost: '0.18',
    EffectiveCost: '0.18',
    ContractedUnitPrice: '0.18',
  });
  t.equal(unblended.rows[0]?.ListCost, '0.192');
  t.equal(charge({ line_item_net_unblended_cost: '' }).BilledCost, '0.192', 'null: the gross cost');
  const covered = charge({
    line_item_line_item_type: 'SavingsPlanCoveredUsage',
    savings_plan_savings_plan_effective_cost: '0.14',
    savings_plan_net_savings_plan_effective_cost: '0.13',
  });
  t.equal(covered.EffectiveCost, '0.13');
  t.equal(covered.CommitmentDiscountId, undefined, 'without an ARN there is no commitment');
  t.equal(covered.CommitmentDiscountQuantity, undefined);
});

t.test(
  'costs that are missing are repaired and counted, costs that are no numbers refused',
  async (t) => {
    const missing = run({ line_item_unblended_cost: '' });
    t.match(missing.rows[0], { BilledCost: '0', EffectiveCost: '0' });
    t.strictSame(countReasons(missing.repairs), { missing_cost: 1 });
    const covered = run({ line_item_line_item_type: 'SavingsPlanCoveredUsage' });
    t.match(covered.rows[0], { BilledCost: '0', EffectiveCost: '0.192' });
    t.strictSame(countReasons(covered.repairs), { missing_effective_cost: 1 });
    t.strictSame(run({ line_item_unblended_cost: 'n/a' }).rejects, [
      { row: 1, reason: 'invalid_number', column: 'BilledCost' },
    ]);
    t.equal(charge({ pricing_public_on_demand_cost: '' }).ListCost, '0.192');
    const negative = run({
      line_item_line_item_type: 'SavingsPlanRecurringFee',
      savings_plan_total_commitment_to_date: '1',
      savings_plan_used_commitment: '1.5',
    });
    t.equal(negative.rows.length, 1);
    t.strictSame(countReasons(negative.repairs), { negative_unused_commitment: 1 });
    const unit = run({ pricing_unit: '' });
    t.match(unit.rows[0], { PricingUnit: 'Units', ConsumedUnit: 'Units' });
    t.strictSame(countReasons(unit.repairs), { missing_pricing_unit: 1 });
  },
);

t.test(
  'a report of some columns is a report still, in the currency that the operator names',
  async (t) => {
    const header = [
      'line_item_line_item_type',
      'line_item_unblended_cost',
      'line_item_usage_account_id',
      'line_item_usage_start_date',
    ];
    t.throws(() => mappingFor('auto', header, 'cur.csv'), {
      message:
        /as aws-cur it lacks the column line_item_currency_code \(.*--set aws-cur\.currency=USD\)/,
    });
    const settings = { currency: 'EUR' };
    t.equal(mappingFor('auto', header, 'cur.csv', { settings: { 'aws-cur': settings } }), awsCur);
    const row = Object.fromEntries(header.map((name) => [name, LINE[name]]));
    const { rows, repairs } = applyMapping(awsCur, header, [row], settings);
    t.match(rows, [{ BillingCurrency: 'EUR', PricingCurrency: 'EUR', BilledCost: '0.192' }]);
    t.match(countReasons(repairs), { billing_currency_missing: 1 });
  },
);

t.test('numbers keep every digit of the report', async (t) => {
  const row = charge({
    line_item_unblended_cost: '1.3E-9',
    line_item_usage_amount: '6.71E-8',
    pricing_public_on_demand_rate: '0.0200000000',
    pricing_public_on_demand_cost: '0.00165303109242778123456789',
  });
  t.match(row, {
    BilledCost: '0.0000000013',
    PricingQuantity: '0.0000000671',
    ListUnitPrice: '0.02',
    ListCost: '0.00165303109242778123456789',
  });
});

t.test('periods are half-open and in UTC', async (t) => {
  const period = (changes: SourceRow) => {
    const { rows, repairs } = run(changes);
    const row = rows[0] ?? {};
    return [
      row.ChargePeriodStart,
      row.ChargePeriodEnd,
      row.BillingPeriodStart,
      row.BillingPeriodEnd,
      Object.keys(countReasons(repairs)).join(),
    ];
  };
  const september = ['2026-09-01T00:00:00Z', '2026-10-01T00:00:00Z'];
  t.strictSame(
    period({
      line_item_usage_start_date: '2026-09-01 00:00:00',
      line_item_usage_end_date: '2026-09-30T23:59:59Z',
    }),
    [...september, ...september, ''],
    'the last second of the month belongs to it',
  );
  t.strictSame(period({ line_item_usage_start_date: '', line_item_usage_end_date: '' }), [
    ...september,
    ...september,
    'charge_period_from_billing_period',
  ]);
  t.strictSame(
    period({ line_item_usage_end_date: '2026-09-02T05:00:00.000Z' }),
    [...september, ...september, 'charge_period_from_billing_period'],
    'an empty period is the billing period',
  );
  const ends = (start: string, end: string) =>
    period({ line_item_usage_start_date: start, line_item_usage_end_date: end }).toSpliced(2, 2);
  t.strictSame(ends('2026-09-02T05:00:00Z', ''), [
    '2026-09-02T05:00:00Z',
    '2026-09-02T06:00:00Z',
    'charge_period_end_derived',
  ]);
  for (const end of ['', '2026-09-02'])
    t.strictSame(
      ends('2026-09-02', end),
      ['2026-09-02T00:00:00Z', '2026-09-03T00:00:00Z', 'charge_period_end_derived'],
      'a query by days',
    );
  t.strictSame(
    period({
      bill_billing_period_start_date: '',
      bill_billing_period_end_date: '',
      line_item_usage_start_date: '2026-12-31 23:00:00+00:00',
      line_item_usage_end_date: '2027-01-01 00:00:00+00:00',
    }),
    [
      '2026-12-31T23:00:00Z',
      '2027-01-01T00:00:00Z',
      '2026-12-01T00:00:00Z',
      '2027-01-01T00:00:00Z',
      'billing_period_from_charge_period',
    ],
  );
  const { line_item_usage_start_date: _, line_item_usage_end_date: __, ...row } = LINE;
  const interval = { ...row, identity_time_interval: '2026-09-02T05:00:00Z/2026-09-02T06:00:00Z' };
  t.match(applyMapping(awsCur, Object.keys(interval), [interval]).rows, [
    { ChargePeriodStart: '2026-09-02T05:00:00Z', ChargePeriodEnd: '2026-09-02T06:00:00Z' },
  ]);
  t.strictSame(
    run({ line_item_usage_start_date: '2026-09-02T30:00:00Z' }).rejects.map(({ reason }) => reason),
    ['invalid_time'],
  );
});

t.test('what cannot become a charge is refused, naming the column', async (t) => {
  const refused = (changes: SourceRow) => run(changes).rejects;
  t.strictSame(refused({ line_item_usage_start_date: '', bill_billing_period_start_date: '' }), [
    { row: 1, reason: 'missing_mandatory', column: 'line_item_usage_start_date' },
  ]);
  t.strictSame(refused({ line_item_currency_code: '' }), [
    { row: 1, reason: 'missing_mandatory', column: 'line_item_currency_code' },
  ]);
  t.strictSame(refused({ bill_payer_account_id: '', line_item_usage_account_id: '' }), [
    { row: 1, reason: 'missing_mandatory', column: 'bill_payer_account_id' },
  ]);
  const { rows, repairs } = run({ bill_payer_account_id: '' });
  t.equal(rows[0]?.BillingAccountId, '210987654321');
  t.strictSame(countReasons(repairs), { billing_account_from_usage_account: 1 });
});

t.test('regions come from the region, else the location, else the zone', async (t) => {
  const none = {
    product_region_code: '',
    product: '{}',
    product_location: '',
    product_location_type: '',
  };
  const place = (changes: SourceRow) => {
    const { rows, repairs } = run(changes);
    return [rows[0]?.RegionId, rows[0]?.RegionName, Object.keys(countReasons(repairs)).join()];
  };
  t.strictSame(
    place({ ...none, product: '{"region":"eu-west-1"}' }),
    ['eu-west-1', 'Europe (Ireland)', ''],
    'the name of a region that has none is looked up',
  );
  t.strictSame(
    place({ ...none, product_location: 'EU (Ireland)', product_location_type: 'AWS Region' }),
    ['eu-west-1', 'EU (Ireland)', 'region_from_location'],
  );
  t.strictSame(place(none), ['us-east-1', 'US East (N. Virginia)', 'region_from_az']);
  t.strictSame(place({ ...none, line_item_availability_zone: 'us-west-2-lax-1a' }), [
    'us-west-2',
    'US West (Oregon)',
    'region_from_az',
  ]);
  t.strictSame(place({ ...none, line_item_availability_zone: '' }), [undefined, undefined, '']);
  t.strictSame(
    place({ ...none, product_region_code: '', product: '{"region":"global"}' }),
    [undefined, undefined, ''],
    'global is no region, and the zone is not asked',
  );
  t.strictSame(place({ product_region_code: 'xx-new-9', product_location: '' }).slice(0, 2), [
    'xx-new-9',
    'xx-new-9',
  ]);
});

t.test('services, sellers and issuers', async (t) => {
  t.match(charge({ product: '{}' }), { ServiceName: 'AmazonEC2' });
  t.match(charge({ product: '{}', product_servicecode: '' }), { ServiceName: 'AmazonEC2' });
  t.match(charge({ line_item_product_code: 'AmazonBedrock' }), {
    ServiceCategory: 'AI and Machine Learning',
    ServiceSubcategory: 'Generative AI',
  });
  const unknown = run({ line_item_product_code: 'AmazonNewThing', product_servicecode: '' });
  t.match(unknown.rows[0], { ServiceCategory: 'Other', ServiceSubcategory: 'Other (Other)' });
  t.strictSame(countReasons(unknown.repairs), { unknown_service_category: 1 });
  const marketplace = charge({
    bill_billing_entity: 'AWS Marketplace',
    line_item_legal_entity: 'Example Security Inc.',
    line_item_product_code: '8gz7r4z1example',
    product: '{"product_name":"Example Firewall","servicename":"AWS Marketplace"}',
  });
  t.match(marketplace, {
    ServiceName: 'Example Firewall',
    ServiceProviderName: 'Example Security Inc.',
    PublisherName: 'Example Security Inc.',
    ProviderName: 'AWS',
    HostProviderName: 'AWS',
  });
  const anonymous = run({ bill_invoicing_entity: '', line_item_legal_entity: '' });
  t.match(anonymous.rows[0], { InvoiceIssuerName: 'Amazon Web Services', PublisherName: 'AWS' });
  t.strictSame(countReasons(anonymous.repairs), {
    invoice_issuer_default: 1,
    publisher_default: 1,
  });
});

t.test('currencies: prices in another currency are not converted', async (t) => {
  const row = charge({ line_item_currency_code: 'EUR' });
  t.match(row, { BillingCurrency: 'EUR', PricingCurrency: 'USD' });
  t.notOk('PricingCurrencyEffectiveCost' in row || 'PricingCurrencyListUnitPrice' in row);
});

t.test('SKUs', async (t) => {
  t.match(charge({ pricing_rate_code: '' }), { SkuPriceId: '4711' });
  const bare = charge({ product_sku: '', pricing_rate_code: '', pricing_rate_id: '' });
  t.match(bare, { x_UsageType: 'BoxUsage:m5.xlarge' });
  t.notOk('SkuMeter' in bare || 'SkuPriceDetails' in bare || 'SkuPriceId' in bare);
  const tax = charge({ line_item_line_item_type: 'Tax' });
  t.notOk('SkuId' in tax || 'SkuMeter' in tax || 'SkuPriceId' in tax, 'a tax has none');
  const local = charge({
    product:
      '{"storage":"2 x 900 NVMe SSD","memory":"15.25 GiB","max_iopsvolume":"40 - 200","storage_media":"SSD-backed","gpu":"8"}',
    product_instance_type: 'db.r5d.4xlarge',
  });
  t.strictSame(JSON.parse(local.SkuPriceDetails ?? ''), {
    DiskSpace: 1800,
    MemorySize: 15.25,
    DiskType: 'SSD',
    GpuCount: 8,
    InstanceType: 'db.r5d.4xlarge',
    InstanceSeries: 'r5d',
    x_MaxIopsvolume: '40 - 200',
    x_PricingTerm: 'OnDemand',
  });
});

t.test('resources', async (t) => {
  const types: Readonly<Record<string, string | undefined>> = {
    'i-0123456789abcdef0': 'instance',
    'vol-0123456789abcdef0': 'volume',
    'arn:aws:ec2:us-east-1:123456789012:natgateway/nat-0123': 'natgateway',
    'arn:aws:rds:us-east-1:123456789012:db:orders': 'db',
    'arn:aws:lambda:us-east-1:123456789012:function:pay': 'function',
    'arn:aws:s3:::bucket-of-ours': 'bucket',
    'arn:aws:sns:us-east-1:123456789012:alerts': 'topic',
    'arn:aws:sqs:us-east-1:123456789012:jobs': 'queue',
    'arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/web/50dc': 'loadbalancer',
    'arn:aws:apigateway:us-east-1::/restapis/a1b2': 'restapis',
    'arn:aws:logs:us-east-1:1:log-group:/aws/lambda/pay': 'log-group',
    'bucket-of-ours': undefined,
    'i-have-a-name': undefined,
  };
  for (const [id, type] of Object.entries(types)) t.equal(resourceType(id), type, id);
  const none = charge({ line_item_resource_id: '' });
  t.notOk('ResourceId' in none || 'ResourceName' in none || 'ResourceType' in none);
});

t.test('capacity reservations promise capacity, not a discount', async (t) => {
  const arn = 'arn:aws:ec2:us-east-1:123456789012:capacity-reservation/cr-0123456789abcdef0';
  const status = (value: string, usageType = 'BoxUsage:m5.xlarge') =>
    charge({
      capacity_reservation_capacity_reservation_arn: arn,
      capacity_reservation_capacity_reservation_status: value,
      line_item_usage_type: usageType,
    });
  t.match(status('used'), { CapacityReservationId: arn, CapacityReservationStatus: 'Used' });
  t.equal(status('reserved-used').CapacityReservationStatus, 'Used');
  t.equal(status('unused').CapacityReservationStatus, 'Unused');
  const other = run({
    capacity_reservation_capacity_reservation_arn: arn,
    capacity_reservation_capacity_reservation_status: 'pending',
  });
  t.notOk('CapacityReservationStatus' in (other.rows[0] ?? {}));
  t.strictSame(countReasons(other.repairs), { unknown_capacity_reservation_status: 1 });
  const older = charge({
    reservation_reservation_a_r_n: arn,
    line_item_usage_type: 'UnusedBox:m5.xlarge',
  });
  t.match(older, { CapacityReservationId: arn, CapacityReservationStatus: 'Unused' });
  t.notOk('CommitmentDiscountId' in older || 'CommitmentDiscountStatus' in older);
});

t.test('headers of all generations get one name', async (t) => {
  const names: Readonly<Record<string, string>> = {
    'lineItem/UnblendedCost': 'line_item_unblended_cost',
    'reservation/ReservationARN': 'reservation_reservation_a_r_n',
    'savingsPlan/SavingsPlanARN': 'savings_plan_savings_plan_a_r_n',
    'savingsPlan/SavingsPlanArn': 'savings_plan_savings_plan_arn',
    'savingsPlan/NetSavingsPlanEffectiveCost': 'savings_plan_net_savings_plan_effective_cost',
    'pricing/publicOnDemandRate': 'pricing_public_on_demand_rate',
    'product/ProductName': 'product_product_name',
    'product/instanceType': 'product_instance_type',
    'splitLineItem/ParentResourceId': 'split_line_item_parent_resource_id',
    'resourceTags/user:Team': 'resource_tags/user:Team',
    'costCategory/Charge type': 'cost_category/Charge type',
    '\uFEFFidentity/LineItemId ': 'identity_line_item_id',
    LINE_ITEM_UNBLENDED_COST: 'line_item_unblended_cost',
    resource_tags_user_team: 'resource_tags_user_team',
    product: 'product',
  };
  for (const [header, name] of Object.entries(names)) t.equal(awsCur.rename(header), name, header);
  for (const [key, name] of Object.entries({
    'user:Team': 'Team',
    user_team: 'team',
    'aws:createdBy': 'aws:createdBy',
    aws_created_by: 'aws:created_by',
    Team: 'Team',
  }))
    t.equal(tagKey(key), name, key);
  const columns = new Set(ALL);
  t.ok(awsCur.fits(columns, ALL) > awsCur.fits(new Set(['BilledCost']), ['BilledCost']));
});

t.test('what AWS wrote before and beside these reports is no bill of theirs', async (t) => {
  const monthly = ['InvoiceID', 'PayerAccountId', 'LinkedAccountId', 'RecordType', 'TotalCost'];
  t.throws(() => mappingFor('auto', monthly, 'aws-billing-csv.csv'), {
    message: /This is the monthly report or the cost allocation report of old: read a Data Export/,
  });
  const manifest = ['assemblyId', 'account', 'columns', 'billingPeriod', 'bucket', 'reportKeys'];
  t.throws(() => mappingFor('auto', manifest, 'x-Manifest.json'), {
    message: /the manifest of a Cost and Usage Report, which names its files: read those/,
  });
});

t.test('a service is named by its name, else by its product, else by its code', async (t) => {
  const header = [
    'line_item_line_item_type',
    'line_item_unblended_cost',
    'line_item_currency_code',
    'line_item_usage_start_date',
    'line_item_usage_end_date',
    'bill_payer_account_id',
    'line_item_product_code',
    'product_servicename',
    'product_product_name',
  ];
  const named = (product: string, service = ''): string | undefined =>
    applyMapping(awsCur, header, [
      {
        line_item_line_item_type: 'Usage',
        line_item_unblended_cost: '1',
        line_item_currency_code: 'USD',
        line_item_usage_start_date: '2026-09-02T05:00:00Z',
        line_item_usage_end_date: '2026-09-02T06:00:00Z',
        bill_payer_account_id: '1',
        line_item_product_code: 'AmazonEC2',
        product_servicename: service,
        product_product_name: product,
      },
    ]).rows[0]?.ServiceName;
  t.equal(named('Amazon Elastic Compute Cloud', 'AWS Data Transfer'), 'AWS Data Transfer');
  t.equal(named('Amazon Elastic Compute Cloud'), 'Amazon Elastic Compute Cloud');
  t.equal(named(''), 'AmazonEC2');
});

t.test('flattened and legacy maps are put together again', async (t) => {
  const legacy = applyMapping(
    awsCur,
    [
      'lineItem/LineItemType',
      'lineItem/UnblendedCost',
      'lineItem/CurrencyCode',
      'lineItem/UsageStartDate',
      'lineItem/UsageEndDate',
      'lineItem/ResourceId',
      'bill/PayerAccountId',
      'pricing/RateCode',
      'product/ProductName',
      'product/servicename',
      'product/vcpu',
      'product/instanceFamily',
      'discount/TotalDiscount',
      'resourceTags/user:Team',
      'resourceTags/user:Name',
      'resourceTags/aws:createdBy',
      'costCategory/Charge type',
    ],
    [
      {
        'lineItem/LineItemType': 'Usage',
        'lineItem/UnblendedCost': '1',
        'lineItem/CurrencyCode': 'USD',
        'lineItem/UsageStartDate': '2026-09-02T05:00:00Z',
        'lineItem/UsageEndDate': '2026-09-02T06:00:00Z',
        'lineItem/ResourceId': 'i-0123456789abcdef0',
        'bill/PayerAccountId': '1',
        'pricing/RateCode': 'A.B.C',
        'product/ProductName': 'Amazon Elastic Compute Cloud',
        'product/servicename': 'Amazon Elastic Compute Cloud',
        'product/vcpu': '2',
        'product/instanceFamily': 'Memory optimized',
        'discount/TotalDiscount': '-0.5',
        'resourceTags/user:Team': 'search "core"',
        'resourceTags/user:Name': 'es-1',
        'resourceTags/aws:createdBy': 'me',
        'costCategory/Charge type': 'run',
      },
    ],
  ).rows[0];
  t.match(legacy, { ServiceName: 'Amazon Elastic Compute Cloud', ResourceName: 'es-1' });
  t.strictSame(JSON.parse(legacy?.Tags ?? ''), {
    Team: 'search "core"',
    Name: 'es-1',
    'aws:createdBy': 'me',
    'costCategory/Charge type': 'run',
  });
  t.strictSame(JSON.parse(legacy?.SkuPriceDetails ?? ''), {
    CoreCount: 2,
    x_InstanceFamily: 'Memory optimized',
  });
  t.strictSame(JSON.parse(legacy?.x_Discounts ?? ''), { total_discount: '-0.5' });
  const both = charge({
    resource_tags: '{"user_team":"a","user_owner":"b"}',
    resource_tags_user_team: 'c',
    cost_category_cost_center: '9',
    tags: '{"user_project":"p"}',
    discount: '{"edp":-0.25}',
    cost_category: '',
  });
  t.strictSame(JSON.parse(both.Tags ?? ''), {
    team: 'c',
    owner: 'b',
    project: 'p',
    'costCategory/cost_center': '9',
  });
  t.strictSame(JSON.parse(both.x_Discounts ?? ''), { edp: '-0.25' });
  const list = charge({ resource_tags: '[{"key":"user_team","value":"x"}]', cost_category: '' });
  t.strictSame(JSON.parse(list.Tags ?? ''), { team: 'x' });
});

t.test('maps as query engines and scripts print them', async (t) => {
  const expected = { team: 'checkout', 'aws:created_by': 'me' };
  for (const cell of [
    '{user_team=checkout, aws_created_by=me}',
    "{'user_team': 'checkout', 'aws_created_by': 'me', 'user_x': None}",
    '[["user_team","checkout"],["aws_created_by","me"]]',
    "[('user_team', 'checkout'), ('aws_created_by', 'me')]",
  ])
    t.strictSame(
      JSON.parse(charge({ resource_tags: cell, cost_category: '' }).Tags ?? ''),
      expected,
      cell,
    );
  t.equal(
    charge({ resource_tags: 'map[user_team:checkout]', cost_category: '' }).Tags,
    '{"x_raw":"map[user_team:checkout]"}',
    'what is no map is not lost',
  );
  t.notOk('Tags' in charge({ resource_tags: '[]', cost_category: 'null' }));
  const product = '{servicename=Amazon Elastic Compute Cloud, region=eu-west-1, note=a, b}';
  t.match(
    charge({ product, product_servicecode: '', product_region_code: '', product_location: '' }),
    { ServiceName: 'Amazon Elastic Compute Cloud', RegionId: 'eu-west-1' },
  );
});

t.test('the combined tags of CUR 2.0 stand for those they repeat', async (t) => {
  const { Tags = '' } = charge({
    tags: '{"resourceTags/user:Team":"checkout","costCategory/CostCenter":"4000","accountTag/owner":"me"}',
  });
  t.strictSame(JSON.parse(Tags), {
    Team: 'checkout',
    'costCategory/CostCenter': '4000',
    'accountTag/owner': 'me',
  });
});

t.test('line item types in the words of other tools', async (t) => {
  t.match(charge({ line_item_line_item_type: 'Savings Plan Covered Usage' }), {
    BilledCost: '0',
    PricingCategory: 'Committed',
  });
  t.strictSame(countReasons(run({ line_item_line_item_type: 'savings_plan_negation' }).drops), {
    savings_plan_negation: 1,
  });
  t.match(charge({ line_item_line_item_type: 'Enterprise Discount Program Discount' }), {
    ChargeCategory: 'Credit',
  });
});

t.test('what FOCUS wants beside an id is there for old reports too', async (t) => {
  t.match(charge({ line_item_usage_account_name: '' }), {
    SubAccountName: LINE.line_item_usage_account_id,
  });
  t.match(charge({ line_item_resource_id: 'my-bucket', line_item_product_code: 'AmazonS3' }), {
    ResourceType: 'bucket',
  });
  t.match(charge({ line_item_resource_id: 'Z1D633PJN98FT9' }), { ResourceType: 'Resource' });
  t.match(
    charge({
      line_item_product_code: 'AmazonS3',
      product_servicecode: 'AWSDataTransfer',
      product_servicename: 'AWS Data Transfer',
    }),
    { ServiceName: 'AWS Data Transfer', ServiceCategory: 'Networking' },
    'a service has one category, whatever product it is sold with',
  );
});

t.test('the tables hold only what the specification allows', async (t) => {
  for (const [code, category] of Object.entries(AWS_SERVICES.categories)) {
    const subcategory = AWS_SERVICES.subcategories[code] ?? '';
    if (SERVICE_SUBCATEGORIES[category]?.includes(subcategory) !== true)
      t.fail(`${code}: ${category} / ${subcategory}`);
  }
  t.ok(Object.keys(AWS_SERVICES.categories).length > 200);
  t.ok(Object.keys(AWS_REGION_NAMES).every((code) => /^[a-z]{2,4}(-[a-z]+)+-\d$/.test(code)));
});

t.test('shares add up to the last decimal', async (t) => {
  const texts = (total: string, ...weights: readonly string[]) =>
    shares(decimal(total), weights.map(decimal)).map(formatDecimal);
  t.strictSame(texts('1', '1', '1', '1'), ['0.333333333334', '0.333333333333', '0.333333333333']);
  t.strictSame(texts('-0.02', '1', '2'), ['-0.006666666667', '-0.013333333333']);
  t.strictSame(texts('0.192', '0.1', '0.05', '0.042'), ['0.1', '0.05', '0.042']);
  t.strictSame(texts('5', '0', '0'), ['0', '5']);
  t.strictSame(texts('0', '1', '2'), ['0', '0']);
  for (const total of ['0.1234567890123456789', '17', '-3.3']) {
    const parts = shares(decimal(total), ['0.07', '0.11', '0.0000000001'].map(decimal));
    t.equal(compare(parts.reduce(add, ZERO), decimal(total)), 0, total);
  }
});

const POD = 'arn:aws:eks:us-east-1:210987654321:pod/shop/checkout/pay-7f9c-x2/3a1b';
const SPLIT = {
  ...LINE,
  line_item_unblended_cost: '0',
  line_item_product_code: 'AmazonEKS',
  line_item_operation: 'EKSPod-EC2',
  line_item_usage_type: 'USE1-EKS-EC2-vCPU-Hours',
  pricing_public_on_demand_cost: '0',
  resource_tags: '{"aws_eks_cluster_name":"shop","aws_eks_namespace":"checkout","user_team":"x"}',
  split_line_item_parent_resource_id: 'i-0123456789abcdef0',
} as const;

/** An instance's hour, two rows of a pod on it and one of another; then a pod whose instance is not there. */
const SPLIT_ROWS: readonly SourceRow[] = [
  {
    ...SPLIT,
    line_item_resource_id: POD,
    split_line_item_split_cost: '0.05',
    split_line_item_unused_cost: '0.02',
    split_line_item_public_on_demand_split_cost: '0.06',
    split_line_item_public_on_demand_unused_cost: '0.01',
    split_line_item_split_usage: '1.5',
    split_line_item_reserved_usage: '1',
    split_line_item_actual_usage: '1.5',
  },
  {
    ...SPLIT,
    line_item_resource_id: POD,
    line_item_usage_type: 'USE1-EKS-EC2-GB-Hours',
    split_line_item_split_cost: '0.0310000001',
    split_line_item_unused_cost: '0.01',
    split_line_item_public_on_demand_split_cost: '0.04',
    split_line_item_public_on_demand_unused_cost: '0.01',
    split_line_item_split_usage: '4',
  },
  {
    ...LINE,
    line_item_line_item_type: 'Tax',
    line_item_resource_id: '',
    line_item_unblended_cost: '2',
  },
  LINE,
  { ...LINE, line_item_usage_type: 'DataTransfer-Out-Bytes', line_item_unblended_cost: '0.01' },
  {
    ...SPLIT,
    line_item_resource_id: POD.replace('pay-7f9c-x2/3a1b', 'ui-0/77'),
    split_line_item_split_cost: '0.04',
    split_line_item_unused_cost: '0.0409999999',
    split_line_item_public_on_demand_split_cost: '0.05',
    split_line_item_public_on_demand_unused_cost: '0.022',
  },
  {
    ...SPLIT,
    line_item_resource_id: POD,
    split_line_item_parent_resource_id: 'i-0ffffffffffffffff',
    split_line_item_split_cost: '0.3',
  },
];

const SPLIT_HEADER = [
  ...ALL.filter((name) => !name.includes('_net_')),
  ...[
    'split_cost',
    'unused_cost',
    'public_on_demand_split_cost',
    'public_on_demand_unused_cost',
    'split_usage',
    'reserved_usage',
    'actual_usage',
  ].map((name) => `split_line_item_${name}`),
];

/** Runs rows through the rewriting and then the table. */
async function allocate(
  rows: readonly SourceRow[],
  settings: Readonly<Record<string, string>> = {},
  header: readonly string[] = SPLIT_HEADER,
) {
  const { input } = renameRows(awsCur, header, [], { split_rows: 'allocate', ...settings });
  const table = awsCur.build(input);
  const batches = toBatches(header, rows, 3);
  const rewritten: SourceRow[] = [];
  const numbers: number[] = [];
  let passes = 0;
  const read = () => {
    passes++;
    return eachBatch(batches);
  };
  for await (const batch of table.rewrite?.(read) ?? []) {
    rewritten.push(...fromBatch(batch));
    numbers.push(...batch.rowNumbers.subarray(0, batch.rows));
  }
  const canonical = rewritten.map((row) =>
    Object.fromEntries(Object.entries(row).map(([name, cell]) => [awsCur.rename(name), cell])),
  );
  return { ...interpret(table, canonical), numbers, passes };
}

function summed(rows: readonly ChargeRow[], column: string): string {
  return formatDecimal(
    rows.reduce((total, row) => add(total, parseDecimal(row[column] ?? '') ?? ZERO), ZERO),
  );
}

t.test('split rows are left out unless they are to be allocated', async (t) => {
  const off = applyMapping(awsCur, SPLIT_HEADER, SPLIT_ROWS);
  t.strictSame(countReasons(off.drops), { split_cost_allocation: 4 });
  t.equal(off.rows.length, 3);
  t.equal(off.sums.BilledCost.exported, '2.202');
  t.equal(awsCur.build(mappingInput(SPLIT_HEADER)).rewrite, undefined);
});

t.test('split rows take the place of their instance and come to its cost', async (t) => {
  const { rows, repairs, drops, sums, numbers, passes } = await allocate(SPLIT_ROWS);
  t.strictSame(drops, []);
  t.equal(passes, 3, 'the orphan needs a third pass');
  t.equal(new Set(numbers).size, numbers.length, 'every row has a number of its own');
  t.equal(sums.BilledCost.exported, '2.202', 'the bill stays what it is');
  const allocated = rows.filter((row) => row.AllocatedMethodId !== undefined);
  t.equal(allocated.length, 4);
  for (const column of ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'])
    t.equal(summed(allocated, column), '0.192', column);
  for (const column of ['PricingQuantity', 'ConsumedQuantity'])
    t.equal(summed(allocated, column), '1', column);
  t.strictSame(
    allocated.map((row) => [row.EffectiveCost, row.ListCost, row.AllocatedResourceName]),
    [
      ['0.05', '0.06', 'pay-7f9c-x2'],
      ['0.0310000001', '0.04', 'pay-7f9c-x2'],
      ['0.04', '0.05', 'ui-0'],
      ['0.0709999999', '0.042', undefined],
    ],
  );
  for (const row of allocated) {
    t.match(row, {
      AllocatedMethodId: 'aws-split-cost-allocation',
      ResourceId: 'i-0123456789abcdef0',
      SkuId: 'ABCD1234EFGH5678',
      ListUnitPrice: '0.192',
      ServiceName: 'Amazon Elastic Compute Cloud',
    });
    t.match(JSON.parse(row.Tags ?? ''), { team: 'checkout' }, 'tags of the instance');
  }
  const details = allocated.map((row) => JSON.parse(row.AllocatedMethodDetails ?? '').Elements[0]);
  t.strictSame(
    formatDecimal(
      details.reduce((sum, { AllocatedRatio }) => add(sum, decimal(String(AllocatedRatio))), ZERO),
    ),
    '1',
  );
  t.match(details[0], {
    UsageUnit: 'vCPU Hours',
    UsageQuantity: 1.5,
    x_ReservedUsage: 1,
    x_ActualUsage: 1.5,
  });
  t.match(details[1], { UsageUnit: 'GB Hours', UsageQuantity: 4 });
  t.strictSame(Object.keys(details[3]), ['AllocatedRatio']);
  t.strictSame(JSON.parse(allocated[0]?.AllocatedTags ?? ''), {
    'aws:eks_cluster_name': 'shop',
    'aws:eks_namespace': 'checkout',
  });
  t.equal(allocated[0]?.AllocatedResourceId, POD);
  t.strictSame(countReasons(repairs), { split_row_unallocated: 1 }, 'kept without its instance');
  const fast = await normalizeRows(awsCur, SPLIT_HEADER, SPLIT_ROWS, { split_rows: 'allocate' });
  const byNumber = rows
    .map((row, i) => ({ row, number: numbers[i] ?? 0 }))
    .sort((a, b) => a.number - b.number);
  t.strictSame(
    fast.rows,
    byNumber.map(({ row }) => sortedColumns(row)),
    'the fast way',
  );
});

t.test('what nobody used can be shared by those who used the rest', async (t) => {
  const { rows } = await allocate(SPLIT_ROWS.slice(0, 6), { split_idle: 'shared' });
  const allocated = rows.filter((row) => row.AllocatedMethodId !== undefined);
  t.strictSame(
    allocated.map((row) => row.EffectiveCost),
    ['0.07', '0.0410000001', '0.0809999999'],
    'no row is left for the instance',
  );
  t.equal(summed(allocated, 'ListCost'), '0.192');
});

t.test(
  'an hour of an instance in two rows is divided in proportion, whatever paid for it',
  async (t) => {
    const instance = [
      { ...LINE, line_item_unblended_cost: '0.1', line_item_usage_amount: '0.5' },
      {
        ...LINE,
        line_item_line_item_type: 'SavingsPlanCoveredUsage',
        line_item_usage_amount: '0.5',
        line_item_unblended_cost: '0.1',
        savings_plan_savings_plan_a_r_n: PLAN,
        savings_plan_savings_plan_effective_cost: '0.092',
      },
    ];
    const split = SPLIT_ROWS.filter((_, i) => [0, 1, 5].includes(i));
    const { rows, numbers, sums } = await allocate([...instance, ...split]);
    t.equal(rows.length, 8);
    t.equal(new Set(numbers).size, 8);
    t.equal(summed(rows, 'EffectiveCost'), '0.192');
    t.equal(summed(rows, 'BilledCost'), '0.1');
    t.equal(sums.BilledCost.reshaped, '0.1', 'the covered half is billed by its plan');
    const pod = rows.filter((row) => row.AllocatedResourceName === 'ui-0');
    t.equal(
      summed(pod, 'EffectiveCost'),
      '0.04',
      'the parts of a pod come to what the report says',
    );
    t.strictSame(
      pod.map((row) => row.CommitmentDiscountStatus),
      [undefined, 'Used'],
    );
  },
);

t.test('a part without split rows passes through the rewriting untouched', async (t) => {
  const { rows, numbers } = await allocate([LINE, LINE, LINE, LINE]);
  t.equal(rows.length, 4);
  t.strictSame(numbers, [1, 2, 3, 4]);
  t.notOk(rows.some((row) => 'AllocatedMethodId' in row));
});

t.test('a file with split rows is read several times and comes to the same bill', async (t) => {
  const quoted = (cell = '') => `"${cell.replaceAll('"', '""')}"`;
  const line = (cells: readonly (string | undefined)[]) => cells.map(quoted).join(',');
  const lines = SPLIT_ROWS.map((row) => line(SPLIT_HEADER.map((name) => row[name])));
  const hours = Array.from({ length: 1000 }, (_, hour) =>
    lines.map((text) => text.replaceAll('2026-09-02T05:00:00Z/', `2026-09-02T05:00:00Z/${hour}-`)),
  );
  const text = `${[line(SPLIT_HEADER), ...hours.flat(), 'broken'].join('\n')}\n`;
  const folder = t.testdir({ 'bill.csv': text });
  const task = {
    path: `${folder}/bill.csv`,
    part: 0,
    mapping: 'auto',
    attribute: { tags: [], accounts: {}, fallback: 'unallocated' },
    encodings: [],
    header: false,
    scopeVersion: '0',
    customColumns: [],
    uidPrefix: '',
    observedMs: 0,
    resource: {},
    maxGroups: 100,
    check: false,
    forwarded: {
      id: 'd',
      receiver: 'files',
      scope: 's',
      revision: '1',
      mode: 'snapshot',
      attempt: 1,
    } as const,
  };
  const rejected: unknown[] = [];
  const port = {
    post: (message: { readonly type: string }) => {
      if (message.type === 'rejected') rejected.push(message);
    },
    credit: async () => undefined,
    traces: async () => [],
    close: () => undefined,
  };
  const run = async (split: string) =>
    runTask({ ...task, mappingSettings: { 'aws-cur': { split_rows: split } } }, port);
  const off = await run('off');
  const allocated = await run('allocate');
  t.equal(rejected.length, 2, 'what is broken is refused once each time');
  t.equal(off.rows.written, 1000 * 3);
  t.equal(allocated.rows.written, 1000 * 7);
  for (const result of [off, allocated]) {
    t.equal(result.mapping, 'aws-cur');
    t.match(result.ledger.BilledCost, { read: '2202', exported: '2202' });
    const effective = [...eachTotal(result.totals)]
      .map(({ costs }) => decimal(costs[1] ?? '0'))
      .reduce(add, ZERO);
    t.equal(formatDecimal(effective), '2202');
  }
  t.equal(allocated.repairs.split_row_unallocated, 1000);
});

const FILES = {
  'aws/cur1_anonymous_2023-11_a.csv': '1.1726760378',
  'aws/cur_snake_fivetran_seed.csv': '0',
  'aws/cur1_koku_test_cur.csv': '0.0827499841274349353',
  'aws/cur1_gen_nise_2026-09_100k.csv.gz': '469170.83445676197342986963883',
};

/** Rows looked at one by one; of the volume file only its first ones. */
const LOOKED_AT = 2_000;

for (const [name, total] of Object.entries(FILES)) {
  const url = dataFile(name);
  const skip = url === undefined ? `${name} is not there` : false;
  t.test(`${name} keeps its money and the rules of FOCUS`, { skip }, async (t) => {
    if (url === undefined) return;
    const { header, rows } = readCsv(url, LOOKED_AT);
    const result = applyMapping(awsCur, header, rows);
    const { read, exported, dropped, rejected, reshaped } = result.sums.BilledCost;
    const sum = [exported, dropped, rejected, reshaped].map(decimal).reduce(add, ZERO);
    t.equal(formatDecimal(sum), read, 'read = exported + dropped + rejected + reshaped');
    if (rows.length < LOOKED_AT) t.equal(read, total, 'the total of the file');
    t.equal(summed(result.rows, 'EffectiveCost'), amortised(rows), 'amortised total');
    t.equal(result.from.length + result.rejects.length + result.drops.length, rows.length);
    t.strictSame([...new Set(result.rows.flatMap(violationsOf))], []);
  });
}

t.test('the fast way gives what the slow way gives, and the total of the whole file', async (t) => {
  for (const [name, total] of Object.entries(FILES)) {
    const url = dataFile(name);
    // The rows of koku's file lack a field: they are refused when it is decoded.
    if (url === undefined || name.includes('koku')) continue;
    const { header, rows } = readCsv(url, LOOKED_AT);
    const slow = applyMapping(awsCur, header, rows);
    const source = await openSource({ path: fileURLToPath(url) });
    const normalizer = new Normalizer(awsCur, source.columns, { settings: { split_rows: 'off' } });
    const fast = await chargesOf(normalizer, source.batches(), LOOKED_AT);
    await source.close();
    const read = normalizer.counts.measures.get('BilledCost')?.read.total() ?? ZERO;
    t.equal(formatDecimal(read), total, `${name}: total`);
    t.strictSame(fast.slice(0, slow.rows.length), slow.rows.map(sortedColumns), name);
  }
});

/** The amortised total by the formula of AWS's own cost views, over legacy rows as they stand. */
function amortised(rows: readonly SourceRow[]): string {
  const cell = (row: SourceRow, name: string) => parseDecimal(row[name] ?? '') ?? ZERO;
  return formatDecimal(
    rows.reduce(
      (total, row) =>
        add(
          total,
          row['lineItem/LineItemType'] === 'SavingsPlanCoveredUsage'
            ? cell(row, 'savingsPlan/SavingsPlanEffectiveCost')
            : cell(row, 'lineItem/UnblendedCost'),
        ),
      ZERO,
    ),
  );
}

/** What the specification forbids in a row. */
function violationsOf(row: ChargeRow): readonly string[] {
  const found: string[] = [];
  for (const [column, values] of Object.entries(ALLOWED_VALUES)) {
    const value = row[column];
    if (value !== undefined && !(values as readonly string[]).includes(value))
      found.push(`${column} is ${value}`);
  }
  if (
    SERVICE_SUBCATEGORIES[row.ServiceCategory ?? '']?.includes(row.ServiceSubcategory ?? '') !==
    true
  )
    found.push(`${row.ServiceCategory} / ${row.ServiceSubcategory}`);
  for (const column of columnsOf('1.2') as readonly FocusColumn[])
    if (columnFact(column)?.nullable === false && row[column] === undefined)
      found.push(`${column} is null`);
  const status = row.CommitmentDiscountStatus;
  const committed = row.CommitmentDiscountId !== undefined && row.ChargeCategory === 'Usage';
  if ((status !== undefined) !== committed) found.push('CommitmentDiscountStatus');
  if (status === 'Unused' && row.ConsumedQuantity !== undefined) found.push('ConsumedQuantity');
  if ((row.PricingQuantity === undefined) !== (row.PricingUnit === undefined))
    found.push('PricingUnit');
  if ((row.ConsumedQuantity === undefined) !== (row.ConsumedUnit === undefined))
    found.push('ConsumedUnit');
  if (row.SkuId === undefined && row.SkuMeter !== undefined) found.push('SkuMeter');
  if (row.SkuPriceId === undefined && row.SkuPriceDetails !== undefined)
    found.push('SkuPriceDetails');
  if ((row.RegionId === undefined) !== (row.RegionName === undefined)) found.push('RegionName');
  return found;
}
