import {
  type ColumnKind,
  columnFact,
  columnsOf,
  type OutputVersion,
} from '../../pipelines/focus/columns.ts';
import {
  type Bill,
  type BillRequest,
  breakCell,
  type CellType,
  isoSeconds,
  monthBounds,
} from './bill.ts';
import { Random, seedFor } from './random.ts';
import { AZURE_USAGE, ENVIRONMENTS, type PlainUsage, TEAMS } from './services.ts';
import { costOf, millionthsText, quantityOf, type RowTruth, unitsText } from './truth.ts';

/** How a provider fills a native FOCUS file. */
interface Flavour {
  readonly version: OutputVersion;
  readonly provider: string;
  readonly account: string;
  readonly regions: readonly (readonly [id: string, name: string])[];
  readonly currency: string;
  readonly usage: readonly PlainUsage[];
}

const AZURE: Flavour = {
  version: '1.2',
  provider: 'Microsoft',
  account: '/providers/Microsoft.Billing/billingAccounts/8611537',
  regions: [
    ['westeurope', 'West Europe'],
    ['northeurope', 'North Europe'],
    ['eastus', 'East US'],
  ],
  currency: 'EUR',
  usage: AZURE_USAGE,
};

const GENERIC: Flavour = {
  version: '1.3',
  provider: 'Example Cloud',
  account: 'acct-4711',
  regions: [
    ['eu-1', 'Europe 1'],
    ['us-1', 'America 1'],
  ],
  currency: 'USD',
  usage: AZURE_USAGE,
};

const TYPES: Readonly<Record<ColumnKind, CellType>> = {
  text: 'string',
  amount: 'double',
  time: 'timestamp',
  json: 'json',
};

/** An Azure Cost Management export in FOCUS 1.2: usage, a reservation used and unused, a purchase, a refund, tax. */
export function azureFocusBill(request: BillRequest): Bill {
  return focusBill(request, AZURE);
}

/** A FOCUS 1.3 file of a provider that does not exist. */
export function genericFocusBill(request: BillRequest): Bill {
  return focusBill(request, GENERIC);
}

function focusBill(request: BillRequest, flavour: Flavour): Bill {
  const names = columnsOf(flavour.version);
  const bounds = monthBounds(request.month);
  return {
    columns: names.map((name) => ({ name, type: TYPES[columnFact(name)?.kind ?? 'text'] })),
    row: (index) => {
      const restated = new Random(seedFor(request.seed, index, request.revision));
      if (request.revision > 1 && index > 3 && restated.int(2_000) === 0) return undefined;
      const factor = request.revision > 1 && restated.int(40) === 0 ? 110 : 100;
      const made = makeRow({
        index,
        factor,
        random: new Random(seedFor(request.seed, index)),
        flavour,
        ...bounds,
      });
      return { cells: names.map((name) => made.cells[name] ?? ''), truth: made.truth };
    },
    breakRow: (cells, random) =>
      breakCell(cells, random, {
        cost: names.indexOf('BilledCost'),
        time: names.indexOf('ChargePeriodStart'),
      }),
  };
}

interface Making {
  readonly index: number;
  readonly factor: number;
  readonly random: Random;
  readonly flavour: Flavour;
  readonly start: string;
  readonly end: string;
  readonly days: number;
}

type Cells = Record<string, string>;

function makeRow(of: Making): { cells: Cells; truth: RowTruth } {
  switch (of.index) {
    case 0:
      return oneTime(of, { category: 'Tax', service: 'Virtual Machines', units: 842_1900000000n });
    case 1:
      return oneTime(of, {
        category: 'Credit',
        service: 'Virtual Machines',
        units: -100_0000000000n,
      });
    case 2:
      return oneTime(of, {
        category: 'Purchase',
        service: 'Virtual Machines',
        units: 2_400_0000000000n,
        effective: 0n,
      });
    default:
      return usage(of);
  }
}

function common({ flavour, start, end }: Making): Cells {
  return {
    BillingAccountId: flavour.account,
    BillingAccountName: 'Example Group',
    BillingAccountType: 'Billing Account',
    BillingCurrency: flavour.currency,
    BillingPeriodStart: start,
    BillingPeriodEnd: end,
    InvoiceIssuerName: flavour.provider,
    ProviderName: flavour.provider,
    PublisherName: flavour.provider,
    ServiceProviderName: flavour.provider,
    HostProviderName: flavour.provider,
    PricingCurrency: flavour.currency,
  };
}

interface OneTime {
  readonly category: 'Tax' | 'Credit' | 'Purchase';
  readonly service: string;
  readonly units: bigint;
  readonly effective?: bigint;
}

function oneTime(
  of: Making,
  { category, service, units, effective = units }: OneTime,
): { cells: Cells; truth: RowTruth } {
  const item = of.flavour.usage.find((candidate) => candidate.service === service) as PlainUsage;
  const cost = unitsText(units);
  const purchase = category === 'Purchase';
  const cells: Cells = {
    ...common(of),
    ChargeCategory: category,
    ChargeFrequency: 'One-Time',
    ChargeDescription: `${category} for ${service}`,
    ChargePeriodStart: of.start,
    ChargePeriodEnd: of.end,
    BilledCost: cost,
    EffectiveCost: unitsText(effective),
    ListCost: cost,
    ContractedCost: cost,
    ServiceCategory: item.category,
    ServiceSubcategory: item.subcategory,
    ServiceName: service,
    ...(purchase
      ? {
          PricingCategory: 'Standard',
          PricingQuantity: '1',
          PricingUnit: 'Reservations',
          SkuId: item.skuId,
          SkuPriceId: `${item.skuId}/reservation`,
          ListUnitPrice: cost,
          ContractedUnitPrice: cost,
          SkuMeter: 'Reservation',
          ...reservation('Purchase', '1'),
          PricingCurrencyEffectiveCost: unitsText(effective),
          PricingCurrencyListUnitPrice: cost,
          PricingCurrencyContractedUnitPrice: cost,
        }
      : {}),
  };
  if (!purchase) cells.PricingCurrencyEffectiveCost = unitsText(effective);
  return {
    cells,
    truth: {
      kind: category,
      service,
      charges: 1,
      billed: units,
      effective,
      list: units,
      contracted: units,
    },
  };
}

function reservation(status: 'Used' | 'Unused' | 'Purchase', quantity: string): Cells {
  return {
    CommitmentDiscountId: '/providers/microsoft.capacity/reservationorders/0d3f/reservations/77aa',
    CommitmentDiscountName: 'vm-reservation',
    CommitmentDiscountCategory: 'Usage',
    CommitmentDiscountType: 'Reservation',
    CommitmentDiscountQuantity: quantity,
    CommitmentDiscountUnit: 'Hours',
    ...(status === 'Purchase' ? {} : { CommitmentDiscountStatus: status }),
  };
}

function usage(of: Making): { cells: Cells; truth: RowTruth } {
  const { random, factor, flavour, start, days } = of;
  const item = random.of(flavour.usage);
  const [region, regionName] = random.of(flavour.regions);
  const account = random.int(12);
  const day = Date.parse(start) + random.int(days) * 86_400_000;
  const quantity = quantityOf(random.int(24_000), factor);
  const units = costOf(item.price, quantity);
  const covered = item.service === 'Virtual Machines' && random.int(5) === 0;
  const effective = covered ? (units * 60n) / 100n : units;
  const billed = covered ? 0n : units;
  const amount = millionthsText(quantity);
  const price = millionthsText(BigInt(item.price));
  const resource = random.int(2_000);
  const team = TEAMS[account % TEAMS.length] ?? '';
  const group = `rg-${team}-${ENVIRONMENTS[account % 3]}`;
  const cells: Cells = {
    ...common(of),
    ChargeCategory: 'Usage',
    ChargeFrequency: 'Usage-Based',
    ChargeDescription: item.sku,
    ChargePeriodStart: isoSeconds(day),
    ChargePeriodEnd: isoSeconds(day + 86_400_000),
    BilledCost: unitsText(billed),
    EffectiveCost: unitsText(effective),
    ListCost: unitsText(units),
    ContractedCost: unitsText(units),
    ListUnitPrice: price,
    ContractedUnitPrice: price,
    ConsumedQuantity: amount,
    ConsumedUnit: item.unit,
    PricingQuantity: amount,
    PricingUnit: item.unit,
    PricingCategory: covered ? 'Committed' : 'Standard',
    PricingCurrencyEffectiveCost: unitsText(effective),
    PricingCurrencyListUnitPrice: price,
    PricingCurrencyContractedUnitPrice: price,
    RegionId: region,
    RegionName: regionName,
    ResourceId: `/subscriptions/5b3c-${account}/resourcegroups/${group}/providers/x/y/${item.skuId.toLowerCase()}-${resource}`,
    ResourceName: `${item.skuId.toLowerCase()}-${resource}`,
    ResourceType: item.resourceType,
    ServiceCategory: item.category,
    ServiceSubcategory: item.subcategory,
    ServiceName: item.service,
    SkuId: item.skuId,
    SkuMeter: item.sku,
    SkuPriceId: `${item.skuId}_P1`,
    SkuPriceDetails: JSON.stringify({ x_Tier: 'Standard' }),
    SubAccountId: `/subscriptions/5b3c-${account}`,
    SubAccountName: `${team}-${ENVIRONMENTS[account % 3]}`,
    SubAccountType: 'Subscription',
    Tags:
      resource % 9 === 0 ? '{}' : JSON.stringify({ team, environment: ENVIRONMENTS[account % 3] }),
    ...(covered ? reservation('Used', amount) : {}),
  };
  return {
    cells,
    truth: {
      kind: covered ? 'Usage (reservation)' : 'Usage',
      service: item.service,
      charges: 1,
      billed,
      effective,
      list: units,
      contracted: units,
    },
  };
}
