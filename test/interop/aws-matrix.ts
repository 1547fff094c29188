/** An AWS bill with every line item type, and what its costs are in FOCUS: apart from the product, in SQL. */

/** A row of a CUR 2.0 as texts; what is missing is null. */
export type CurRow = Readonly<Record<string, string>>;

export const CUR_COLUMNS = [
  'bill_bill_type',
  'bill_billing_entity',
  'bill_billing_period_start_date',
  'bill_billing_period_end_date',
  'bill_payer_account_id',
  'identity_line_item_id',
  'line_item_currency_code',
  'line_item_legal_entity',
  'line_item_line_item_description',
  'line_item_line_item_type',
  'line_item_operation',
  'line_item_product_code',
  'line_item_unblended_cost',
  'line_item_net_unblended_cost',
  'line_item_usage_account_id',
  'line_item_usage_amount',
  'line_item_usage_start_date',
  'line_item_usage_end_date',
  'line_item_usage_type',
  'pricing_public_on_demand_cost',
  'pricing_unit',
  'product',
  'product_servicecode',
  'reservation_effective_cost',
  'reservation_net_effective_cost',
  'reservation_reservation_a_r_n',
  'reservation_unused_amortized_upfront_fee_for_billing_period',
  'reservation_net_unused_amortized_upfront_fee_for_billing_period',
  'reservation_unused_recurring_fee',
  'reservation_net_unused_recurring_fee',
  'savings_plan_savings_plan_a_r_n',
  'savings_plan_savings_plan_effective_cost',
  'savings_plan_net_savings_plan_effective_cost',
  'savings_plan_total_commitment_to_date',
  'savings_plan_used_commitment',
  'split_line_item_parent_resource_id',
  'split_line_item_split_cost',
] as const;

const TYPES = [
  'Usage',
  'Usage',
  'Usage',
  'DiscountedUsage',
  'SavingsPlanCoveredUsage',
  'SavingsPlanNegation',
  'SavingsPlanRecurringFee',
  'SavingsPlanUpfrontFee',
  'RIFee',
  'Fee',
  'FlatRateSubscription',
  'Tax',
  'Credit',
  'Refund',
  'EdpDiscount',
  'PrivateRateDiscount',
  'RiVolumeDiscount',
  'BundledDiscount',
  'SomethingNew',
] as const;
const SERVICES = [
  ['AmazonEC2', 'Amazon Elastic Compute Cloud'],
  ['AmazonS3', 'Amazon Simple Storage Service'],
  ['ComputeSavingsPlans', 'Savings Plans for AWS Compute usage'],
  ['AmazonRDS', undefined],
] as const;

/** Rows of every type, with the columns that go with it now and then; the same for the same seed. */
export function curRows(seed: number, count: number): CurRow[] {
  const random = randomFrom(seed);
  return Array.from({ length: count }, (_, i) => curRow(random, i));
}

type Random = (below: number) => number;

function curRow(random: Random, index: number): CurRow {
  const type = pick(random, TYPES);
  const [code, name] = pick(random, SERVICES);
  const hour = new Date(Date.UTC(2026, 9, 1 + random(31), random(24)));
  const negative = /Credit|Refund|Discount$|Negation/.test(type);
  const cost = (negative ? '-' : '') + amount(random);
  return {
    bill_bill_type: random(8) === 0 ? 'Refund' : 'Anniversary',
    bill_billing_entity: 'AWS',
    bill_billing_period_start_date: '2026-10-01T00:00:00Z',
    bill_billing_period_end_date: '2026-11-01T00:00:00Z',
    bill_payer_account_id: '100000000001',
    identity_line_item_id: `item-${index}`,
    line_item_currency_code: 'USD',
    line_item_legal_entity: 'Amazon Web Services EMEA SARL',
    line_item_line_item_description: description(random, type),
    line_item_line_item_type: type,
    line_item_product_code: code,
    line_item_unblended_cost: type === 'DiscountedUsage' ? '0' : cost,
    line_item_usage_account_id: '200000000002',
    line_item_usage_amount: amount(random),
    line_item_usage_start_date: iso(hour),
    line_item_usage_end_date: iso(new Date(hour.getTime() + 3_600_000)),
    line_item_usage_type: 'BoxUsage:m7g.large',
    pricing_unit: 'Hrs',
    product_servicecode: code,
    ...(name !== undefined && { product: JSON.stringify({ servicename: name }) }),
    ...(random(3) > 0 && { pricing_public_on_demand_cost: amount(random) }),
    ...maybe(random, 'line_item_net_unblended_cost', /Discount$/.test(type) ? '0' : cost),
    ...commitmentCells(random, type),
    ...splitCells(random, type),
  };
}

function description(random: Random, type: string): string {
  if (type !== 'Refund' || random(3) > 0) return `${type} of something`;
  return 'Refund for one-time fee for Savings Plan ID: 0b6f3f4e';
}

function commitmentCells(random: Random, type: string): Record<string, string> {
  const reservation = {
    reservation_reservation_a_r_n: 'arn:aws:ec2:eu-west-1:100000000001:reserved-instances/1',
  };
  const plan = {
    savings_plan_savings_plan_a_r_n: 'arn:aws:savingsplans::100000000001:savingsplan/1',
  };
  switch (type) {
    case 'DiscountedUsage':
      return {
        ...reservation,
        reservation_effective_cost: amount(random),
        ...maybe(random, 'reservation_net_effective_cost', amount(random)),
      };
    case 'RIFee':
      return {
        ...reservation,
        reservation_unused_amortized_upfront_fee_for_billing_period: unused(random),
        reservation_unused_recurring_fee: unused(random),
        ...maybe(
          random,
          'reservation_net_unused_amortized_upfront_fee_for_billing_period',
          unused(random),
        ),
        ...maybe(random, 'reservation_net_unused_recurring_fee', unused(random)),
      };
    case 'SavingsPlanCoveredUsage':
      return {
        ...plan,
        savings_plan_savings_plan_effective_cost: amount(random),
        ...maybe(random, 'savings_plan_net_savings_plan_effective_cost', amount(random)),
      };
    case 'SavingsPlanRecurringFee':
      return {
        ...plan,
        savings_plan_total_commitment_to_date: amount(random),
        savings_plan_used_commitment: amount(random),
      };
    case 'SavingsPlanNegation':
    case 'SavingsPlanUpfrontFee':
      return plan;
    case 'Fee':
    case 'Refund':
      return random(2) === 0 ? reservation : {};
    default:
      return {};
  }
}

/** Shares of containers: their cost is in the rows of the instances already. */
function splitCells(random: Random, type: string): Record<string, string> {
  if (type !== 'Usage' || random(4) > 0) return {};
  return {
    split_line_item_parent_resource_id: 'i-0abc',
    split_line_item_split_cost: amount(random),
    line_item_operation: 'EKSPod-EC2',
  };
}

function maybe(random: Random, name: string, value: string): Record<string, string> {
  return random(2) === 0 ? {} : { [name]: random(4) === 0 ? '0.000000000123' : value };
}

function unused(random: Random): string {
  return random(3) === 0 ? '0' : amount(random);
}

/** Up to 12 decimal places, now and then an exponent. */
function amount(random: Random): string {
  if (random(20) === 0) return `${1 + random(9)}.${random(1000)}E-7`;
  const places = random(13);
  const digits = String(random(1_000_000_000)).padStart(places + 1, '0');
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[random(items.length)] as T;
}

function iso(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

/** mulberry32 */
function randomFrom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

/** An amount of a CUR; exponents go through text, so that no digit is lost in a double. */
const AMOUNT = `
  CREATE OR REPLACE MACRO amount(cell) AS
    CASE WHEN cell ILIKE '%e-7' THEN (left(cell, length(cell) - 3)::DECIMAL(38, 20) * 0.0000001::DECIMAL(8, 7))::DECIMAL(38, 20)
         ELSE cell::DECIMAL(38, 20) END;`;

/**
 * BilledCost and EffectiveCost by service and day out of the table cur: the line item types as AWS documents them and as its
 * amortized cost views (Cost and Usage Dashboards Operations Solution) count them.
 */
export const CUR_MATRIX = `${AMOUNT}
  WITH rows AS (
    SELECT
      line_item_line_item_type AS type,
      coalesce(json_extract_string(product, '$.servicename'), product_servicecode, line_item_product_code) AS service,
      strftime(line_item_usage_start_date::TIMESTAMPTZ AT TIME ZONE 'UTC', '%Y-%m-%d') AS day,
      coalesce(amount(line_item_net_unblended_cost), amount(line_item_unblended_cost)) AS u,
      coalesce(amount(savings_plan_net_savings_plan_effective_cost), amount(savings_plan_savings_plan_effective_cost)) AS plan_effective,
      coalesce(amount(reservation_net_effective_cost), amount(reservation_effective_cost)) AS ri_effective,
      coalesce(amount(reservation_net_unused_amortized_upfront_fee_for_billing_period),
               amount(reservation_unused_amortized_upfront_fee_for_billing_period), 0) AS ri_unused_upfront,
      coalesce(amount(reservation_net_unused_recurring_fee), amount(reservation_unused_recurring_fee), 0) AS ri_unused_recurring,
      amount(savings_plan_total_commitment_to_date) - amount(savings_plan_used_commitment) AS plan_unused,
      reservation_reservation_a_r_n IS NOT NULL AS is_ri,
      line_item_line_item_description ILIKE '%refund for one-time fee for savings plan id%' AS is_plan_refund
    FROM cur
    WHERE split_line_item_parent_resource_id IS NULL AND line_item_line_item_type <> 'SavingsPlanNegation'
  )
  SELECT service, day,
    sum(CASE type WHEN 'SavingsPlanCoveredUsage' THEN 0 ELSE u END)::VARCHAR AS billed,
    sum(CASE
      WHEN type = 'SavingsPlanCoveredUsage' THEN plan_effective
      WHEN type = 'DiscountedUsage' THEN ri_effective
      WHEN type = 'SavingsPlanRecurringFee' THEN greatest(0, plan_unused)
      WHEN type = 'RIFee' THEN ri_unused_upfront + ri_unused_recurring
      WHEN type = 'SavingsPlanUpfrontFee' THEN 0
      WHEN type = 'Fee' AND is_ri THEN 0
      WHEN type = 'Refund' AND is_plan_refund THEN 0
      ELSE u END)::VARCHAR AS effective
  FROM rows GROUP BY service, day`;
