import {
  type Bill,
  type BillRequest,
  breakCell,
  type CellType,
  isoSeconds,
  monthBounds,
} from './bill.ts';
import { Random, seedFor } from './random.ts';
import { AWS_REGIONS, AWS_USAGE, ENVIRONMENTS, TEAMS, type Usage } from './services.ts';
import { type RowTruth, unitsText } from './truth.ts';

/** Columns of the generated CUR 2.0, in the order AWS writes them (alphabetical). */
const COLUMNS: readonly (readonly [string, CellType])[] = [
  ['bill_bill_type', 'string'],
  ['bill_billing_entity', 'string'],
  ['bill_billing_period_end_date', 'timestamp'],
  ['bill_billing_period_start_date', 'timestamp'],
  ['bill_invoice_id', 'string'],
  ['bill_invoicing_entity', 'string'],
  ['bill_payer_account_id', 'string'],
  ['bill_payer_account_name', 'string'],
  ['cost_category', 'map'],
  ['discount', 'map'],
  ['discount_bundled_discount', 'double'],
  ['discount_total_discount', 'double'],
  ['identity_line_item_id', 'string'],
  ['identity_time_interval', 'string'],
  ['line_item_availability_zone', 'string'],
  ['line_item_blended_cost', 'double'],
  ['line_item_blended_rate', 'string'],
  ['line_item_currency_code', 'string'],
  ['line_item_legal_entity', 'string'],
  ['line_item_line_item_description', 'string'],
  ['line_item_line_item_type', 'string'],
  ['line_item_normalization_factor', 'double'],
  ['line_item_normalized_usage_amount', 'double'],
  ['line_item_operation', 'string'],
  ['line_item_product_code', 'string'],
  ['line_item_resource_id', 'string'],
  ['line_item_tax_type', 'string'],
  ['line_item_unblended_cost', 'double'],
  ['line_item_unblended_rate', 'string'],
  ['line_item_usage_account_id', 'string'],
  ['line_item_usage_account_name', 'string'],
  ['line_item_usage_amount', 'double'],
  ['line_item_usage_end_date', 'timestamp'],
  ['line_item_usage_start_date', 'timestamp'],
  ['line_item_usage_type', 'string'],
  ['pricing_currency', 'string'],
  ['pricing_lease_contract_length', 'string'],
  ['pricing_offering_class', 'string'],
  ['pricing_public_on_demand_cost', 'double'],
  ['pricing_public_on_demand_rate', 'string'],
  ['pricing_purchase_option', 'string'],
  ['pricing_rate_code', 'string'],
  ['pricing_rate_id', 'string'],
  ['pricing_term', 'string'],
  ['pricing_unit', 'string'],
  ['product', 'map'],
  ['product_instance_family', 'string'],
  ['product_instance_type', 'string'],
  ['product_location', 'string'],
  ['product_location_type', 'string'],
  ['product_operation', 'string'],
  ['product_product_family', 'string'],
  ['product_region_code', 'string'],
  ['product_servicecode', 'string'],
  ['product_sku', 'string'],
  ['product_usagetype', 'string'],
  ['reservation_effective_cost', 'double'],
  ['reservation_number_of_reservations', 'string'],
  ['reservation_reservation_a_r_n', 'string'],
  ['reservation_unused_amortized_upfront_fee_for_billing_period', 'double'],
  ['reservation_unused_recurring_fee', 'double'],
  ['resource_tags', 'map'],
  ['savings_plan_savings_plan_a_r_n', 'string'],
  ['savings_plan_savings_plan_effective_cost', 'double'],
  ['savings_plan_savings_plan_rate', 'double'],
  ['savings_plan_total_commitment_to_date', 'double'],
  ['savings_plan_used_commitment', 'double'],
];

const PAYER = '100000000001';
const ACCOUNTS = 24;
/** Resources that run; each belongs to one account and region, as in life. */
const FLEET = 40_000;
const INSTANCES = AWS_USAGE.filter(
  ({ resource, instance }) => resource === 'i-' && instance !== undefined,
);

type Cells = Record<string, string>;
interface Made {
  readonly cells: Cells;
  readonly truth: RowTruth;
}

/** A CUR 2.0 of one payer: usage of 24 accounts, a Savings Plan, a Reserved Instance, tax, credit, refund, support. */
export function awsBill(request: BillRequest): Bill {
  const { start, end } = monthBounds(request.month);
  const base = commonCells(start, end, request);
  return {
    columns: COLUMNS.map(([name, type]) => ({ name, type })),
    row: (index) => {
      const plan = planOf(request.seed, index);
      const leader = plan === 'SavingsPlanNegation' ? index - 1 : index;
      const random = new Random(seedFor(request.seed, leader));
      const restated = new Random(seedFor(request.seed, leader, request.revision));
      if (request.revision > 1 && index >= FIXED && restated.int(2_000) === 0) return undefined;
      const factor = request.revision > 1 && restated.int(40) === 0 ? 110 : 100;
      const made = makeRow({ index, random, factor, start, base, plan });
      return { cells: COLUMNS.map(([name]) => made.cells[name] ?? ''), truth: made.truth };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: indexOf('line_item_unblended_cost'),
        time: indexOf('line_item_usage_start_date'),
      }),
  };
}

/** The same bill as legacy CUR: slashed names, maps flattened away. */
export function awsLegacyBill(request: BillRequest): Bill {
  const bill = awsBill(request);
  const kept = bill.columns.flatMap(({ name, type }, i) =>
    type === 'map' ? [] : [{ i, name: legacyName(name), type }],
  );
  const team = indexOf('resource_tags');
  return {
    columns: [
      ...kept.map(({ name, type }) => ({ name, type })),
      { name: 'resourceTags/user:team', type: 'string' },
    ],
    row: (index) => {
      const made = bill.row(index);
      if (made === undefined) return undefined;
      const tag = /"user_team":"([^"]*)"/.exec(made.cells[team] ?? '')?.[1] ?? '';
      return { truth: made.truth, cells: [...kept.map(({ i }) => made.cells[i] ?? ''), tag] };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: kept.findIndex(({ name }) => name === 'lineItem/UnblendedCost'),
        time: kept.findIndex(({ name }) => name === 'lineItem/UsageStartDate'),
      }),
  };
}

/** `line_item_unblended_cost` → `lineItem/UnblendedCost`. */
function legacyName(name: string): string {
  const prefix =
    [
      'bill',
      'discount',
      'identity',
      'line_item',
      'pricing',
      'product',
      'reservation',
      'savings_plan',
    ].find((candidate) => name.startsWith(`${candidate}_`)) ?? '';
  const rest = name.slice(prefix.length + 1);
  const category = prefix.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
  if (prefix === 'product')
    return `product/${rest === 'sku' || rest === 'servicecode' || rest === 'usagetype' ? rest : rest.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())}`;
  return `${category}/${rest.replace(/(?:^|_)(.)/g, (_, letter: string) => letter.toUpperCase())}`;
}

function indexOf(column: string): number {
  return COLUMNS.findIndex(([name]) => name === column);
}

function commonCells(start: string, end: string, request: BillRequest): Cells {
  return {
    bill_bill_type: 'Anniversary',
    bill_billing_entity: 'AWS',
    bill_billing_period_start_date: start,
    bill_billing_period_end_date: end,
    bill_invoice_id: request.revision > 1 ? `EUINV${request.month.replace('-', '')}01` : '',
    bill_invoicing_entity: 'Amazon Web Services EMEA SARL',
    bill_payer_account_id: PAYER,
    bill_payer_account_name: 'Example Group',
    line_item_currency_code: 'USD',
    line_item_legal_entity: 'Amazon Web Services EMEA SARL',
    pricing_currency: 'USD',
  };
}

interface Making {
  readonly index: number;
  readonly random: Random;
  /** Per cent of the quantity; a restatement changes it. */
  readonly factor: number;
  readonly start: string;
  readonly base: Cells;
  /** Set where the row is half of a pair: usage that a Savings Plan covers, and the row that takes its on-demand cost back. */
  readonly plan?: PlanKind | undefined;
}

type PlanKind = 'SavingsPlanCoveredUsage' | 'SavingsPlanNegation';

/** One pair of rows in twenty belongs to the plan. */
function planOf(seed: number, index: number): PlanKind | undefined {
  const leader = index - (index % 2);
  if (leader < FIXED || new Random(seedFor(seed, leader, 77)).int(20) !== 0) return undefined;
  return index === leader ? 'SavingsPlanCoveredUsage' : 'SavingsPlanNegation';
}

/** Rows that every bill has once, before the usage. */
const FIXED = 9;

function makeRow(of: Making): Made {
  switch (of.index) {
    case 0:
      return fee(of, {
        kind: 'SavingsPlanUpfrontFee',
        product: 'ComputeSavingsPlans',
        service: 'Savings Plans for AWS Compute usage',
        units: 12_000_0000000000n,
        effective: 0n,
        plan: true,
      });
    case 1:
      return planRecurringFee(of);
    case 2:
      return reservedFee(of);
    case 3:
      return fee(of, {
        kind: 'Fee',
        product: 'AmazonEC2',
        service: 'Amazon Elastic Compute Cloud',
        units: 3_500_0000000000n,
        effective: 0n,
        reservation: true,
      });
    case 4:
      return fee(of, {
        kind: 'Fee',
        product: 'AWSSupportBusiness',
        service: 'AWS Support (Business)',
        units: 914_2200000000n,
      });
    case 5:
      return fee(of, {
        kind: 'Tax',
        product: 'AmazonEC2',
        service: 'Amazon Elastic Compute Cloud',
        units: 1_234_5678900000n,
      });
    case 6:
      return fee(of, {
        kind: 'Credit',
        product: 'AmazonEC2',
        service: 'Amazon Elastic Compute Cloud',
        units: -250_0000000000n,
      });
    case 7:
      return fee(of, {
        kind: 'Refund',
        product: 'AmazonS3',
        service: 'Amazon Simple Storage Service',
        units: -17_3000000000n,
      });
    case 8:
      return fee(of, {
        kind: 'EdpDiscount',
        product: 'AmazonEC2',
        service: 'Amazon Elastic Compute Cloud',
        units: -42_4200000000n,
      });
    default:
      return usage(of);
  }
}

const PLAN = `arn:aws:savingsplans::${PAYER}:savingsplan/0b6f3f4e-7d1c-4a52-9f1a-5d9a7a3b1c11`;
const RESERVATION = `arn:aws:ec2:eu-west-1:${PAYER}:reserved-instances/3a1f2b77-6a30-4d1d-8ae2-2f0c6a1f9b01`;

interface FeeOf {
  readonly kind: string;
  readonly product: string;
  readonly service: string;
  readonly units: bigint;
  readonly effective?: bigint;
  readonly plan?: boolean;
  readonly reservation?: boolean;
}

function fee(
  { base, start, random }: Making,
  { kind, product, service, units, effective = units, plan, reservation }: FeeOf,
): Made {
  const cost = unitsText(units);
  const cells: Cells = {
    ...base,
    identity_line_item_id: random.hex(52),
    identity_time_interval: `${base.bill_billing_period_start_date}/${base.bill_billing_period_end_date}`,
    line_item_line_item_type: kind,
    line_item_product_code: product,
    product_servicecode: product,
    line_item_unblended_cost: cost,
    line_item_blended_cost: cost,
    line_item_usage_account_id: PAYER,
    line_item_usage_account_name: 'Example Group',
    line_item_usage_start_date: start,
    line_item_usage_end_date: base.bill_billing_period_end_date ?? '',
    line_item_line_item_description: `${kind} for ${service}`,
    line_item_usage_amount: '1',
    product: json({ servicename: service, product_name: service }),
    ...(plan === true ? { savings_plan_savings_plan_a_r_n: PLAN } : {}),
    ...(reservation === true ? { reservation_reservation_a_r_n: RESERVATION } : {}),
    ...(kind === 'Tax' ? { line_item_tax_type: 'VAT' } : {}),
  };
  return {
    cells,
    truth: { kind, service, charges: 1, billed: units, effective, list: units, contracted: units },
  };
}

/** The plan's monthly fee, and what of its commitment nobody used: a second charge. */
function planRecurringFee(of: Making): Made {
  const unused = 120_0000000000n;
  const made = fee(of, {
    kind: 'SavingsPlanRecurringFee',
    product: 'ComputeSavingsPlans',
    service: 'Savings Plans for AWS Compute usage',
    units: 1_440_0000000000n,
    effective: unused,
    plan: true,
  });
  return {
    cells: {
      ...made.cells,
      savings_plan_total_commitment_to_date: '1440',
      savings_plan_used_commitment: '1320',
    },
    truth: { ...made.truth, charges: 2 },
  };
}

/** The reservation's monthly fee, and its unused part: a second charge. */
function reservedFee(of: Making): Made {
  const unused = 36_5000000000n;
  const made = fee(of, {
    kind: 'RIFee',
    product: 'AmazonEC2',
    service: 'Amazon Elastic Compute Cloud',
    units: 365_0000000000n,
    effective: unused,
    reservation: true,
  });
  return {
    cells: {
      ...made.cells,
      reservation_unused_amortized_upfront_fee_for_billing_period: '12.25',
      reservation_unused_recurring_fee: '24.25',
      reservation_number_of_reservations: '10',
    },
    truth: { ...made.truth, charges: 2 },
  };
}

function usage(of: Making): Made {
  const { random, factor, start, base, index, plan } = of;
  const resource = random.int(FLEET);
  const owner = new Random(seedFor(resource, 5));
  const item = owner.of(plan === undefined ? AWS_USAGE : INSTANCES);
  const region = owner.of(AWS_REGIONS);
  const account = owner.int(ACCOUNTS);
  const hour = Date.parse(start) + random.int(28 * 24) * 3_600_000;
  const quantity =
    BigInt(1 + random.int(item.unit === 'Hrs' ? 10_000 : 2_000_000)) * BigInt(factor);
  const units = BigInt(item.price) * quantity;
  const kind = plan ?? kindOf(item, random);
  const amount = unitsText(quantity * 10_000n);
  const rate = unitsText(BigInt(item.price) * 10_000n);
  const cells: Cells = {
    ...base,
    ...usageCells(item, { region, account, resource }),
    identity_line_item_id: new Random(seedFor(index, factor)).hex(52),
    identity_time_interval: `${isoSeconds(hour)}/${isoSeconds(hour + 3_600_000)}`,
    line_item_usage_start_date: isoSeconds(hour),
    line_item_usage_end_date: isoSeconds(hour + 3_600_000),
    line_item_line_item_type: kind,
    line_item_usage_amount: amount,
    line_item_unblended_rate: rate,
    line_item_blended_rate: rate,
    line_item_unblended_cost: unitsText(units),
    line_item_blended_cost: unitsText(units),
    pricing_public_on_demand_cost: unitsText(units),
    pricing_public_on_demand_rate: rate,
  };
  return {
    cells: { ...cells, ...kindCells(kind, units) },
    truth: truthOf(kind, item.service, units),
  };
}

function kindOf(item: Usage, random: Random): string {
  return INSTANCES.includes(item) && random.int(10) === 0 ? 'DiscountedUsage' : 'Usage';
}

/** Discounts of commitments: a plan costs 72 %, a reservation 64 % of the public price. */
function kindCells(kind: string, units: bigint): Cells {
  switch (kind) {
    case 'SavingsPlanCoveredUsage':
      return {
        savings_plan_savings_plan_a_r_n: PLAN,
        savings_plan_savings_plan_effective_cost: unitsText((units * 72n) / 100n),
        savings_plan_savings_plan_rate: '0.72',
        pricing_term: 'OnDemand',
      };
    case 'SavingsPlanNegation':
      return {
        savings_plan_savings_plan_a_r_n: PLAN,
        line_item_unblended_cost: unitsText(-units),
        line_item_blended_cost: unitsText(-units),
        pricing_public_on_demand_cost: '',
      };
    case 'DiscountedUsage':
      return {
        reservation_reservation_a_r_n: RESERVATION,
        reservation_effective_cost: unitsText((units * 64n) / 100n),
        line_item_unblended_cost: '0',
        line_item_blended_cost: '0',
        line_item_unblended_rate: '0',
        line_item_blended_rate: '0',
        pricing_term: 'Reserved',
        pricing_offering_class: 'standard',
        pricing_purchase_option: 'Partial Upfront',
        pricing_lease_contract_length: '1yr',
      };
    default:
      return {};
  }
}

function truthOf(kind: string, service: string, units: bigint): RowTruth {
  switch (kind) {
    case 'SavingsPlanCoveredUsage':
      return {
        kind,
        service,
        charges: 1,
        billed: 0n,
        effective: (units * 72n) / 100n,
        list: units,
        contracted: units,
      };
    case 'SavingsPlanNegation':
      return { kind, service, charges: 0, billed: 0n, effective: 0n, list: 0n, contracted: 0n };
    case 'DiscountedUsage':
      return {
        kind,
        service,
        charges: 1,
        billed: 0n,
        effective: (units * 64n) / 100n,
        list: units,
        contracted: units,
      };
    default:
      return {
        kind,
        service,
        charges: 1,
        billed: units,
        effective: units,
        list: units,
        contracted: units,
      };
  }
}

interface Where {
  readonly region: (typeof AWS_REGIONS)[number];
  readonly account: number;
  readonly resource: number;
}

function usageCells(item: Usage, { region, account, resource }: Where): Cells {
  const zone = `${region.id}${'abc'[resource % 3]}`;
  const sku = skuOf(item, region.id);
  const accountId = String(200_000_000_000 + account * 7_919);
  return {
    line_item_availability_zone: item.instance === undefined ? '' : zone,
    line_item_operation: item.operation,
    line_item_product_code: item.product,
    line_item_usage_type: `${region.prefix}${item.usageType}`,
    line_item_line_item_description: item.description,
    line_item_resource_id: resourceOf(item, resource, { region: region.id, account: accountId }),
    line_item_usage_account_id: accountId,
    line_item_usage_account_name: `${TEAMS[account % TEAMS.length]}-${ENVIRONMENTS[account % 3]}`,
    pricing_rate_code: `${sku}.JRTCKXETXF.6YS6EN2CT7`,
    pricing_rate_id: String(1_000_000 + Number.parseInt(sku.slice(0, 5), 36)),
    pricing_term: 'OnDemand',
    pricing_unit: item.unit,
    product: json({
      servicename: item.service,
      product_name: item.service,
      region: region.id,
      ...(item.instance === undefined
        ? {}
        : {
            instanceType: item.instance,
            operating_system: 'Linux',
            tenancy: 'Shared',
            vcpu: '4',
            memory: '16 GiB',
          }),
    }),
    product_instance_family: item.instance === undefined ? '' : 'General purpose',
    product_instance_type: item.instance ?? '',
    product_location: region.name,
    product_location_type: 'AWS Region',
    product_operation: item.operation,
    product_product_family: item.family,
    product_region_code: region.id,
    product_servicecode: item.product,
    product_sku: sku,
    product_usagetype: `${region.prefix}${item.usageType}`,
    resource_tags:
      resource % 7 === 0
        ? ''
        : json({
            user_team: TEAMS[account % TEAMS.length] ?? '',
            user_environment: ENVIRONMENTS[account % 3] ?? '',
            user_name: `${item.resource}${resource % 200}`,
          }),
    cost_category: json({ business_unit: account % 2 === 0 ? 'Retail' : 'Media' }),
  };
}

function resourceOf(
  item: Usage,
  resource: number,
  { region, account }: { readonly region: string; readonly account: string },
): string {
  const id = ((resource * 2_654_435_761) % 4_294_967_296).toString(16).padStart(8, '0');
  if (item.resource === 'i-' || item.resource === 'vol-') return `${item.resource}0${id}${id}`;
  if (item.product === 'AmazonS3') return `example-${item.resource}${id}`;
  return `arn:aws:${item.product.replace(/^A(mazon|WS)/, '').toLowerCase()}:${region}:${account}:${item.resource.replace(/-$/, '')}/${id}`;
}

const skus = new Map<string, string>();

function skuOf(item: Usage, region: string): string {
  const key = `${item.usageType}/${region}`;
  let sku = skus.get(key);
  if (sku === undefined) {
    const random = new Random(seedFor(7, ...[...key].map((letter) => letter.charCodeAt(0))));
    sku = Array.from({ length: 16 }, () => '23456789ABCDEFGHJKMNPQRSTUVWXYZ'[random.int(31)]).join(
      '',
    );
    skus.set(key, sku);
  }
  return sku;
}

const texts = new Map<string, string>();

/** Maps are the same for many rows: their text is made once. */
function json(value: Readonly<Record<string, string>>): string {
  const key = Object.entries(value).join('\u0000');
  let text = texts.get(key);
  if (text === undefined || texts.size > 50_000) {
    if (texts.size > 50_000) texts.clear();
    text = JSON.stringify(value);
    texts.set(key, text);
  }
  return text;
}
