import { AWS_COLUMNS, type Cells } from './aws-columns.ts';
import { json, usageCells } from './aws-usage.ts';
import { type Bill, type BillRequest, breakCell, isoSeconds, monthBounds } from './bill.ts';
import { Random, seedFor } from './random.ts';
import { AWS_REGIONS, AWS_USAGE, type Usage } from './services.ts';
import { costOf, millionthsText, quantityOf, type RowTruth, unitsText } from './truth.ts';

const PAYER = '100000000001';
const ACCOUNTS = 24;
/** Resources that run; each belongs to one account and region, as in life. */
const FLEET = 40_000;
/** Hours of a resource that stand one after the other, as they do in exports. */
const RUN = 8;
const INSTANCES = AWS_USAGE.filter(
  ({ resource, instance }) => resource === 'i-' && instance !== undefined,
);

interface Made {
  readonly cells: Cells;
  readonly truth: RowTruth;
}

/** A CUR 2.0 of one payer: usage of 24 accounts, a Savings Plan, a Reserved Instance, tax, credit, refund, support. */
export function awsBill(request: BillRequest): Bill {
  const { start, end } = monthBounds(request.month);
  const base = commonCells(start, end, request);
  return {
    columns: AWS_COLUMNS.map(([name, type]) => ({ name, type })),
    row: (index) => {
      const plan = planOf(request.seed, index);
      const leader = plan === 'SavingsPlanNegation' ? index - 1 : index;
      const random = new Random(seedFor(request.seed, leader));
      const restated = new Random(seedFor(request.seed, leader, request.revision));
      if (request.revision > 1 && index >= FIXED && restated.int(2_000) === 0) return undefined;
      const factor = request.revision > 1 && restated.int(40) === 0 ? 110 : 100;
      const made = makeRow({ index, random, factor, start, base, plan, seed: request.seed });
      return { cells: AWS_COLUMNS.map(([name]) => made.cells[name] ?? ''), truth: made.truth };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: indexOf('line_item_unblended_cost'),
        time: indexOf('line_item_usage_start_date'),
      }),
  };
}

/** What a legacy CUR has of the maps: a column each. */
const FROM_MAPS = [
  { name: 'product/servicename', map: 'product', key: 'servicename' },
  { name: 'resourceTags/user:team', map: 'resource_tags', key: 'user_team' },
] as const;

/** The same bill as legacy CUR: slashed names, columns in place of maps. */
export function awsLegacyBill(request: BillRequest): Bill {
  const bill = awsBill(request);
  const kept = bill.columns.flatMap(({ name, type }, i) =>
    type === 'map' ? [] : [{ i, name: legacyName(name), type }],
  );
  const maps = FROM_MAPS.map(({ map, key }) => ({ i: indexOf(map), key }));
  return {
    columns: [
      ...kept.map(({ name, type }) => ({ name, type })),
      ...FROM_MAPS.map(({ name }) => ({ name, type: 'string' as const })),
    ],
    row: (index) => {
      const made = bill.row(index);
      if (made === undefined) return undefined;
      const cells = [
        ...kept.map(({ i }) => made.cells[i] ?? ''),
        ...maps.map(({ i, key }) => entryOf(made.cells[i] ?? '', key)),
      ];
      return { truth: made.truth, cells };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: kept.findIndex(({ name }) => name === 'lineItem/UnblendedCost'),
        time: kept.findIndex(({ name }) => name === 'lineItem/UsageStartDate'),
      }),
  };
}

/** An entry of a map that is written as JSON; empty when it has none. */
function entryOf(map: string, key: string): string {
  if (map === '') return '';
  const value: unknown = (JSON.parse(map) as Readonly<Record<string, unknown>>)[key];
  return typeof value === 'string' ? value : '';
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
  return AWS_COLUMNS.findIndex(([name]) => name === column);
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
  readonly seed: number;
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
  const { random, factor, start, base, index, plan, seed } = of;
  const run = new Random(seedFor(seed, Math.floor(index / RUN), 3));
  const resource = run.int(FLEET);
  const owner = new Random(seedFor(resource, 5));
  const item = owner.of(plan === undefined ? AWS_USAGE : INSTANCES);
  const region = owner.of(AWS_REGIONS);
  const account = owner.int(ACCOUNTS);
  const hour = Date.parse(start) + (run.int(27 * 24) + (index % RUN)) * 3_600_000;
  const quantity = quantityOf(random.int(item.unit === 'Hrs' ? 1_000 : 200_000), factor);
  const units = costOf(item.price, quantity);
  const kind = plan ?? kindOf(item, random);
  const amount = millionthsText(quantity);
  const rate = millionthsText(BigInt(item.price));
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
