import {
  type Bill,
  type BillRequest,
  breakCell,
  type CellType,
  isoSeconds,
  monthBounds,
} from './bill.ts';
import { Random, seedFor } from './random.ts';
import { ENVIRONMENTS, GCP_USAGE, TEAMS } from './services.ts';
import { costOf, millionthsText, quantityOf, type RowTruth, unitsText } from './truth.ts';

/** Columns of the detailed usage cost export; records as JSON. */
const COLUMNS: readonly (readonly [string, CellType])[] = [
  ['billing_account_id', 'string'],
  ['service', 'json'],
  ['sku', 'json'],
  ['usage_start_time', 'timestamp'],
  ['usage_end_time', 'timestamp'],
  ['project', 'json'],
  ['labels', 'json'],
  ['system_labels', 'json'],
  ['location', 'json'],
  ['resource', 'json'],
  ['export_time', 'timestamp'],
  ['cost', 'double'],
  ['currency', 'string'],
  ['currency_conversion_rate', 'double'],
  ['usage', 'json'],
  ['credits', 'json'],
  ['invoice', 'json'],
  ['cost_type', 'string'],
  ['transaction_type', 'string'],
  ['seller_name', 'string'],
  ['cost_at_list', 'double'],
  ['price', 'json'],
];

/** A Google Cloud detailed export: usage with committed-use and promotional credits, tax, rounding. */
export function gcpBill(request: BillRequest): Bill {
  const { start, end } = monthBounds(request.month);
  return {
    columns: COLUMNS.map(([name, type]) => ({ name, type })),
    row: (index) => {
      const restated = new Random(seedFor(request.seed, index, request.revision));
      const factor = request.revision > 1 && restated.int(40) === 0 ? 110 : 100;
      const made = makeRow({
        index,
        factor,
        random: new Random(seedFor(request.seed, index)),
        start,
        end,
        month: request.month,
      });
      return { cells: COLUMNS.map(([name]) => made.cells[name] ?? ''), truth: made.truth };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: COLUMNS.findIndex(([name]) => name === 'cost'),
        time: COLUMNS.findIndex(([name]) => name === 'usage_start_time'),
      }),
  };
}

interface Making {
  readonly index: number;
  readonly factor: number;
  readonly random: Random;
  readonly start: string;
  readonly end: string;
  readonly month: string;
}

type Cells = Record<string, string>;

function makeRow(of: Making): { cells: Cells; truth: RowTruth } {
  const { index, random, start, month } = of;
  const account = random.int(10);
  const team = TEAMS[account % TEAMS.length] ?? '';
  const environment = ENVIRONMENTS[account % 3] ?? '';
  const item = random.of(GCP_USAGE);
  const region = random.of(['us-central1', 'europe-west1', 'europe-west4'] as const);
  const hour = Date.parse(start) + (24 + random.int(27 * 24)) * 3_600_000;
  const base: Cells = {
    billing_account_id: '01A2B3-C4D5E6-F7A8B9',
    service: JSON.stringify({ id: item.skuId.slice(0, 4), description: item.service }),
    usage_start_time: isoSeconds(hour),
    usage_end_time: isoSeconds(hour + 3_600_000),
    project: JSON.stringify({
      id: `${team}-${environment}`,
      number: String(900_000 + account),
      name: `${team} ${environment}`,
      labels: [{ key: 'team', value: team }],
    }),
    labels: JSON.stringify(
      random.int(8) === 0
        ? []
        : [
            { key: 'team', value: team },
            { key: 'environment', value: environment },
          ],
    ),
    system_labels: '[]',
    location: JSON.stringify({
      location: region,
      country: region.startsWith('us') ? 'US' : 'BE',
      region,
      zone: `${region}-b`,
    }),
    export_time: isoSeconds(Date.parse(start) + 28 * 86_400_000),
    currency: 'EUR',
    currency_conversion_rate: '0.92',
    invoice: JSON.stringify({ month: month.replace('-', '') }),
    transaction_type: 'GOOGLE',
    seller_name: '',
  };
  if (index === 0)
    return other(base, { kind: 'tax', service: item.service, units: 312_4500000000n });
  if (index === 1)
    return other(base, { kind: 'rounding_error', service: item.service, units: -100_000n });
  const quantity = quantityOf(random.int(90_000), of.factor);
  const units = costOf(item.price, quantity);
  const { credits, credited } = creditsOf(item.service, units, random);
  const net = units + credited;
  const amount = millionthsText(quantity);
  const price = millionthsText(BigInt(item.price));
  const resource = random.int(1_500);
  const cells: Cells = {
    ...base,
    sku: JSON.stringify({ id: item.skuId, description: item.sku }),
    cost: unitsText(units),
    cost_at_list: unitsText(units),
    cost_type: 'regular',
    credits,
    usage: `{"amount":${amount},"unit":"seconds","amount_in_pricing_units":${amount},"pricing_unit":${JSON.stringify(item.unit)}}`,
    price: `{"effective_price":${price},"tier_start_amount":0,"unit":${JSON.stringify(item.unit)},"pricing_unit_quantity":1,"list_price":${price}}`,
    resource: JSON.stringify({
      name: `r-${resource}`,
      global_name: `//${item.resourceType.replace(/\/.*/, '')}/projects/${team}-${environment}/locations/${region}/${item.resourceType.replace(/.*\//, '')}/r-${resource}`,
    }),
  };
  return {
    cells,
    truth: {
      kind: 'regular',
      service: item.service,
      charges: 1,
      billed: net,
      effective: net,
      list: units,
      contracted: units,
    },
  };
}

function creditsOf(
  service: string,
  units: bigint,
  random: Random,
): { credits: string; credited: bigint } {
  const die = random.int(20);
  if (service === 'Compute Engine' && die < 6)
    return credit(
      'COMMITTED_USAGE_DISCOUNT',
      'Committed Usage Discount: CPU',
      -(units * 30n) / 100n,
    );
  if (die === 19) return credit('PROMOTION', 'Spring promotion', -(units * 10n) / 100n);
  return { credits: '[]', credited: 0n };
}

function credit(type: string, name: string, units: bigint): { credits: string; credited: bigint } {
  return {
    credits: `[{"name":${JSON.stringify(name)},"amount":${unitsText(units)},"full_name":${JSON.stringify(name)},"id":${JSON.stringify(type.toLowerCase())},"type":${JSON.stringify(type)}}]`,
    credited: units,
  };
}

function other(
  base: Cells,
  {
    kind,
    service,
    units,
  }: { readonly kind: string; readonly service: string; readonly units: bigint },
): { cells: Cells; truth: RowTruth } {
  const cells = {
    ...base,
    cost: unitsText(units),
    cost_type: kind,
    credits: '[]',
    sku: JSON.stringify({ id: 'TAX0-0000-0001', description: kind }),
  };
  return {
    cells,
    truth: {
      kind,
      service,
      charges: 1,
      billed: units,
      effective: units,
      list: units,
      contracted: units,
    },
  };
}
