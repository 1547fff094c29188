import type { Attributes, MetricPoint } from './otlp-json.ts';

/** A month and how it stands in the bill and in telemetry. */
interface Month {
  /** `2026-10` */
  readonly name: string;
  readonly start: string;
  readonly end: string;
}

/** A bill in FOCUS, written by hand, and what has to arrive of it. */
export interface SmallBill {
  readonly csv: string;
  /** Attributes of its log records, in the order of the rows, without the id. */
  readonly records: readonly Attributes[];
  /** `timeUnixNano` of the same. */
  readonly times: readonly string[];
  readonly points: readonly Pick<MetricPoint, 'name' | 'attributes' | 'start' | 'value'>[];
}

/** Column of the bill → its attribute, what kind of value it has, and its cells. */
type Column = readonly [name: string, attribute: string, kind: 'text' | 'number', cells: Cells];
type Cells = readonly [string, string, string, string];

/**
 * Two charges of last month that are one series, one of another provider, and one of this month: digits that a double cannot hold, exponents,
 * quotes, line breaks, other alphabets, nulls.
 */
export function smallBill(now: Date): SmallBill {
  const last = monthOf(now, -1);
  const current = monthOf(now, 0);
  const columns = columnsOf(last, current);
  const rows = [0, 1, 2, 3] as const;
  const lines = rows.map((row) => columns.map(([, , , cells]) => quoted(cells[row])).join(','));
  return {
    csv: `${columns.map(([name]) => name).join(',')}\n${lines.join('\n')}\n`,
    records: rows.map((row) => ({ ...attributesOf(columns, row), ...ADDED[row] })),
    times: [`${last.name}-02T10:00:00`, `${last.name}-03`, `${last.name}-03`, current.start].map(
      (time) => `${new Date(time.includes('T') ? `${time.slice(0, 19)}Z` : time).getTime()}000000`,
    ),
    points: [...periodPoints(last, current), ...dailyPoints(last, current)],
  };
}

function monthOf(now: Date, offset: number): Month {
  const first = (shift: number) =>
    new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + offset + shift, 1));
  const [start, end] = [first(0), first(1)].map((date) => `${date.toISOString().slice(0, 19)}Z`);
  return { name: first(0).toISOString().slice(0, 7), start: start ?? '', end: end ?? '' };
}

const HUGE = '100000000000000000';
const ARN = 'arn:aws:ec2:eu-west-1:200000000002:instance/i-0abc';

function columnsOf(last: Month, current: Month): readonly Column[] {
  const [day, third] = [`${last.name}-02`, `${last.name}-03`];
  const text = (name: string, attribute: string, ...cells: Cells): Column => [
    name,
    `focus.${attribute}`,
    'text',
    cells,
  ];
  const number = (name: string, attribute: string, ...cells: Cells): Column => [
    name,
    `focus.${attribute}`,
    'number',
    cells,
  ];
  const service = 'Maschinen für Zürich';
  return [
    number('BilledCost', 'billed_cost', `${HUGE}.01`, `-${HUGE}`, '0.1', '-1e-7'),
    number('EffectiveCost', 'effective_cost', '0.1', '0.2', '1.005', '-1e-7'),
    number('ListCost', 'list_cost', '0.30000000000000000001', '9007199254740993', '0', '-1E-7'),
    number('ContractedCost', 'contracted_cost', '+7', '-0.0', '12345678.123456789', '-.0000001'),
    text('BillingAccountId', 'billing_account_id', 'acct-1', 'acct-1', 'acct-2', 'acct-1'),
    text('BillingAccountName', 'billing_account_name', 'Example, Inc.', 'Example, Inc.', '', ''),
    text('BillingAccountType', 'billing_account_type', 'Org', 'Org', 'Org', 'Org'),
    text('BillingCurrency', 'billing_currency', 'EUR', 'EUR', 'USD', 'EUR'),
    text(
      'BillingPeriodStart',
      'billing_period_start',
      last.start,
      last.start,
      last.start,
      current.start,
    ),
    text('BillingPeriodEnd', 'billing_period_end', last.end, last.end, last.end, current.end),
    text(
      'ChargePeriodStart',
      'charge_period_start',
      `${day}T10:00:00Z`,
      `${third}T00:00:00Z`,
      `${third}T00:00:00Z`,
      current.start,
    ),
    text(
      'ChargePeriodEnd',
      'charge_period_end',
      `${day}T11:00:00Z`,
      last.end,
      last.end,
      current.end,
    ),
    text('ChargeCategory', 'charge_category', 'Usage', 'Usage', 'Usage', 'Credit'),
    text('ChargeClass', 'charge_class', '', 'Correction', '', ''),
    text(
      'ChargeDescription',
      'charge_description',
      'A "quoted" line\nof two, with 🦊',
      '\\backslash\t日本',
      'x',
      'Goodwill',
    ),
    text(
      'ChargeFrequency',
      'charge_frequency',
      'Usage-Based',
      'Usage-Based',
      'Usage-Based',
      'One-Time',
    ),
    text('InvoiceIssuerName', 'invoice_issuer_name', 'Reseller', 'Reseller', 'AWS', 'Reseller'),
    text('ProviderName', 'provider_name', 'Wolke', 'Wolke', 'AWS', 'Wolke'),
    text('PublisherName', 'publisher_name', 'Wolke', 'Wolke', 'AWS', 'Wolke'),
    text('PricingCategory', 'pricing_category', 'Standard', 'Standard', 'Dynamic', 'Other'),
    number('PricingQuantity', 'pricing_quantity', '1.5', '2', '0.000000000000000001', ''),
    text('PricingUnit', 'pricing_unit', 'Hours', 'Hours', 'GB', ''),
    number('ConsumedQuantity', 'consumed_quantity', '5400', '7200', '1e3', ''),
    text('ConsumedUnit', 'consumed_unit', 'Seconds', 'Seconds', 'MB', ''),
    text('ServiceCategory', 'service_category', 'Compute', 'Compute', 'Storage', 'Compute'),
    text(
      'ServiceSubcategory',
      'service_subcategory',
      'Virtual Machines',
      'Virtual Machines',
      'Object Storage',
      'Virtual Machines',
    ),
    text('ServiceName', 'service_name', service, service, 'Amazon S3', service),
    text('RegionId', 'region_id', 'eu-1', 'eu-1', 'eu-west-1', ''),
    text('RegionName', 'region_name', 'Europe 1', 'Europe 1', 'EU (Ireland)', ''),
    text('AvailabilityZone', 'availability_zone', '', '', 'eu-west-1a', ''),
    text('ResourceId', 'resource_id', 'r/1', 'r/2', ARN, ''),
    text('SubAccountId', 'sub_account_id', 'sub-1', 'sub-1', '200000000002', ''),
    text('SubAccountType', 'sub_account_type', 'Project', 'Project', 'Account', ''),
    text(
      'Tags',
      'tags',
      '{"team":"Kasse","a b":"1"}',
      '{"team":"Kasse"}',
      '{"owner":"nobody"}',
      '{}',
    ),
    text('x_CostCenter', 'x_cost_center', '0042', '0042', '', ''),
  ];
}

const WOLKE = {
  'focus.service_provider_name': 'Wolke',
  'focus.host_provider_name': 'Wolke',
  'focus.pricing_currency': 'EUR',
} as const;

/** What stands in no cell of the row: derived columns, the owner, the links. */
const ADDED: readonly [Attributes, Attributes, Attributes, Attributes] = [
  { ...WOLKE, 'focus.pricing_currency_effective_cost': 0.1, 'finops.owner': 'Kasse' },
  { ...WOLKE, 'focus.pricing_currency_effective_cost': 0.2, 'finops.owner': 'Kasse' },
  {
    'focus.service_provider_name': 'AWS',
    'focus.host_provider_name': 'AWS',
    'focus.pricing_currency': 'USD',
    'focus.pricing_currency_effective_cost': 1.005,
    'focus.resource_type': 'instance',
    'focus.x_repairs': 'resource_type_from_resource_id',
    'finops.owner': 'rest',
    'cloud.provider': 'aws',
    'cloud.account.id': '200000000002',
    'cloud.region': 'eu-west-1',
    'cloud.availability_zone': 'eu-west-1a',
    'cloud.resource_id': ARN,
  },
  { ...WOLKE, 'focus.pricing_currency_effective_cost': -1e-7, 'finops.owner': 'rest' },
];

/** The owners by tag `team`, else `rest`. */
export const OWNERS = { tags: ['team'], fallback: 'rest' } as const;

function attributesOf(columns: readonly Column[], row: 0 | 1 | 2 | 3): Attributes {
  const present = columns.filter(([, , , cells]) => cells[row] !== '');
  return Object.fromEntries(
    present.map(([, attribute, kind, cells]) => [
      attribute,
      kind === 'number' ? Number(cells[row]) + 0 : cells[row],
    ]),
  );
}

function quoted(cell: string): string {
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

type Point = SmallBill['points'][number];
const METRICS = ['billed_cost', 'effective_cost', 'list_cost', 'contracted_cost'] as const;
type Values = readonly [billed: number, effective: number, list: number, contracted: number];
/** By series: Wolke last month (the double nearest to the exact sum), AWS last month, Wolke now. */
const WOLKE_LAST: Values = [0.01, 0.3, 9007199254740994, 7];
const AWS_LAST: Values = [0.1, 1.005, 0, 12345678.123456789];
const WOLKE_NOW: Values = [-1e-7, -1e-7, -1e-7, -1e-7];

function periodPoints(last: Month, current: Month): Point[] {
  const wolke = {
    'focus.service_provider_name': 'Wolke',
    'focus.billing_account_id': 'acct-1',
    'focus.service_category': 'Compute',
    'focus.service_name': 'Maschinen für Zürich',
    'focus.billing_currency': 'EUR',
  };
  const usage = {
    ...wolke,
    'focus.sub_account_id': 'sub-1',
    'focus.region_id': 'eu-1',
    'focus.charge_category': 'Usage',
    'finops.owner': 'Kasse',
  };
  const aws = {
    'focus.service_provider_name': 'AWS',
    'focus.billing_account_id': 'acct-2',
    'focus.sub_account_id': '200000000002',
    'focus.service_category': 'Storage',
    'focus.service_name': 'Amazon S3',
    'focus.region_id': 'eu-west-1',
    'focus.charge_category': 'Usage',
    'focus.billing_currency': 'USD',
    'finops.owner': 'rest',
  };
  const credit = { ...wolke, 'focus.charge_category': 'Credit', 'finops.owner': 'rest' };
  const series = (attributes: Attributes, { start }: Month, values: Values): Point[] =>
    METRICS.map((metric, i) => ({
      name: `focus.${metric}`,
      attributes: { ...attributes, 'focus.billing_period_start': start.slice(0, 10) },
      start: nanos(start),
      value: values[i] ?? Number.NaN,
    }));
  return [
    ...series(usage, last, WOLKE_LAST),
    ...series(aws, last, AWS_LAST),
    ...series(credit, current, WOLKE_NOW),
  ];
}

function dailyPoints(last: Month, current: Month): Point[] {
  const wolke = {
    'focus.service_provider_name': 'Wolke',
    'focus.service_name': 'Maschinen für Zürich',
    'focus.billing_currency': 'EUR',
  };
  const aws = {
    'focus.service_provider_name': 'AWS',
    'focus.service_name': 'Amazon S3',
    'focus.billing_currency': 'USD',
    'finops.owner': 'rest',
  };
  const series = (attributes: Attributes, day: string, values: Values): Point[] =>
    METRICS.map((metric, i) => ({
      name: 'finops.daily.cost',
      attributes: {
        ...attributes,
        'focus.charge_date': day,
        'finops.cost.type': metric.replace('_cost', ''),
      },
      start: nanos(`${day}T00:00:00Z`),
      value: values[i] ?? Number.NaN,
    }));
  const kasse = { ...wolke, 'finops.owner': 'Kasse' };
  return [
    ...series(kasse, `${last.name}-02`, [1e17, 0.1, 0.3, 7]),
    ...series(kasse, `${last.name}-03`, [-1e17, 0.2, 9007199254740992, 0]),
    ...series(aws, `${last.name}-03`, AWS_LAST),
    ...series({ ...wolke, 'finops.owner': 'rest' }, `${current.name}-01`, WOLKE_NOW),
  ];
}

function nanos(time: string): string {
  return `${Date.parse(time)}000000`;
}
