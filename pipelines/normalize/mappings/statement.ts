/** What the statements of vendors have in common: a row per charge, with its cost, its days and what it is for. Each vendor's table says where these stand. */
import {
  type AmountExpression,
  all,
  always,
  chooseAmount,
  deriveTime,
  first,
  firstAmount,
  is,
  map,
  noAmount,
  not,
  nothing,
  present,
  sign,
  type Test,
  type TextExpression,
  type TimeExpression,
  timeBy,
  when,
} from '../expressions.ts';
import type { RejectRule, RowTemplate } from '../mapping.ts';
import { categoryOfSubcategory } from '../tables/service-kind.ts';
import { readTime } from '../written-times.ts';
import { dividedWhere } from './arithmetic.ts';
import { billingMonthOf, missing, soldBy } from './usage-record.ts';

type Columns = RowTemplate['columns'];

/** Where a vendor's statement says what FOCUS asks for. */
export interface Statement {
  readonly provider: string;
  readonly account: TextExpression;
  readonly accountType: string;
  readonly currency: TextExpression;
  /** What is billed. */
  readonly cost: AmountExpression;
  /** What it would have cost at the vendor's public price; absent: the same. */
  readonly listCost?: AmountExpression;
  readonly start: TextExpression;
  /** Last day, or the moment at which the charge ends; absent: the day of `start`. */
  readonly end?: TimeExpression;
  /** What the bill's month is told by; absent: `start`. */
  readonly billed?: TextExpression;
  /** FOCUS's category of the charge. */
  readonly category: TextExpression;
  readonly quantity?: AmountExpression;
  readonly unit?: TextExpression;
  readonly unitPrice?: AmountExpression;
  /** What is sold; taxes have none. */
  readonly sku: TextExpression;
  readonly service: TextExpression;
  /** FOCUS's subcategory of the service; its category follows. */
  readonly subcategory: TextExpression;
}

/** The columns that each charge of a statement has. */
export function statementColumns(of: Statement): Columns {
  const { cost, currency, category, provider, service, start, subcategory } = of;
  const isUsage = is(category, 'Usage');
  const sku = when(not(is(category, 'Tax')), of.sku);
  return {
    ...soldBy(always(provider)),
    BillingAccountId: of.account,
    BillingAccountType: always(of.accountType),
    BillingCurrency: currency,
    PricingCurrency: currency,
    BilledCost: cost,
    EffectiveCost: cost,
    ContractedCost: cost,
    ListCost: of.listCost ?? cost,
    PricingCurrencyEffectiveCost: cost,
    ...periodsOf(start, of.end, of.billed ?? start),
    ChargeCategory: category,
    ChargeFrequency: when(isUsage, always('Usage-Based'), always('One-Time')),
    PricingCategory: when(is(category, 'Usage', 'Purchase'), always('Standard')),
    ServiceName: service,
    ServiceCategory: map(subcategory, categoryOfSubcategory),
    ServiceSubcategory: subcategory,
    ...quantitiesOf(of, isUsage),
    SkuId: sku,
    SkuMeter: sku,
    SkuPriceId: sku,
  };
}

/** What a row without a cost, a date or a currency is refused for. */
export function refusals(of: {
  readonly cost: AmountExpression;
  readonly costColumn: string;
  readonly start: TextExpression;
  readonly startColumn: string;
}): readonly RejectRule[] {
  return [
    missing(of.costColumn, `${of.costColumn} is missing: the row has no cost`, of.cost),
    missing(of.startColumn, `${of.startColumn} is missing: the row has no date`, of.start),
  ];
}

/** The charge's own period, and the calendar month (UTC) of the bill. */
function periodsOf(
  start: TextExpression,
  end: TimeExpression | undefined,
  billed: TextExpression,
): Columns {
  return {
    ChargePeriodStart: timeBy(start, readTime),
    ChargePeriodEnd: end ?? dayAfter(start),
    ...billingMonthOf(billed, readTime),
  };
}

/** The end of the day that a date names, of the one it has the last second of, too. */
export function dayAfter(day: TextExpression): TimeExpression {
  return timeBy(day, (text) => {
    const ms = readTime(text);
    return Number.isFinite(ms) ? (Math.floor(ms / DAY) + 1) * DAY : ms;
  });
}

/** The time of `end` where there is one, else the end of the day of `start`. */
export function endOr(end: TextExpression, start: TextExpression): TimeExpression {
  return deriveTime([end, dayAfter(start)], (stated, day) => readTime(stated ?? day ?? ''));
}

const DAY = 86_400_000;

/** The cloud that a name says it runs on (`ATLAS_AWS_INSTANCE_M10`, `AZURE_WESTEUROPE`), else the vendor itself. */
export function hostIn(column: string, vendor: string): TextExpression {
  const named = map(column, (name) => {
    const cloud = /(?:^|[._])(AWS|AZURE|GCP)(?:_|$)/i.exec(name)?.[1]?.toUpperCase();
    return cloud === undefined ? undefined : CLOUDS[cloud];
  });
  return first(named, always(vendor));
}

/** The word with a capital at its start. */
export function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** The name of a region as the clouds write it: `US_EAST_1` is `us-east-1`. */
export function regionId(name: string): string {
  return name.trim().toLowerCase().replaceAll('_', '-');
}

const CLOUDS: Readonly<Record<string, string>> = {
  AWS: 'AWS',
  AZURE: 'Microsoft',
  GCP: 'Google Cloud',
};

/**
 * Quantities of usage and of what is bought, and their prices; a quantity without a unit is of units. Where the vendor states no price it is what the
 * row costs by its quantity, to 15 places.
 */
function quantitiesOf(of: Statement, isUsage: Test): Columns {
  const { category, cost, listCost = cost, quantity, unit = nothing, unitPrice = noAmount } = of;
  if (quantity === undefined) return {};
  const priced = is(category, 'Usage', 'Purchase');
  const counted = chooseAmount([[priced, quantity]]);
  const consumed = chooseAmount([[isUsage, quantity]]);
  const perUnit = all(priced, is(sign(quantity), '+', '-'));
  const list = firstAmount(
    chooseAmount([[priced, unitPrice]]),
    dividedWhere(perUnit, [listCost, quantity]),
  );
  const contracted = dividedWhere(perUnit, [cost, quantity], list);
  const unitOf = (amount: AmountExpression) => when(present(amount), first(unit, always('Units')));
  return {
    PricingQuantity: counted,
    PricingUnit: unitOf(counted),
    ConsumedQuantity: consumed,
    ConsumedUnit: unitOf(consumed),
    ListUnitPrice: list,
    ContractedUnitPrice: contracted,
    PricingCurrencyListUnitPrice: list,
    PricingCurrencyContractedUnitPrice: contracted,
  };
}
