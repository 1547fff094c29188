import {
  ALLOWED_VALUES,
  COLUMNS,
  columnFact,
  SERVICE_SUBCATEGORIES,
} from '../../pipelines/focus/columns.ts';
import type { ChargeRow } from './interpret.ts';

/** What every mapping's charges must keep; each broken rule with how many charges break it. Empty: all is well. */
export function brokenInvariants(charges: readonly ChargeRow[]): Readonly<Record<string, number>> {
  const broken: Record<string, number> = {};
  for (const charge of charges)
    for (const rule of brokenBy(charge)) broken[rule] = (broken[rule] ?? 0) + 1;
  for (const [name, categories] of categoriesByService(charges))
    if (categories.size > 1) broken[`${name} has several categories`] = categories.size;
  return broken;
}

function brokenBy(charge: ChargeRow): readonly string[] {
  return [
    ...NOT_NULL.filter((column) => charge[column] === undefined).map((name) => `${name} is null`),
    ...Object.entries(ALLOWED_VALUES)
      .filter(([column, values]) => !isAllowed(charge[column], values))
      .map(([column]) => `${column} is ${charge[column]}`),
    ...Object.keys(charge)
      .filter((column) => columnFact(column) === undefined && !column.startsWith('x_'))
      .map((column) => `${column} is no column`),
    ...RULES.filter(([, holds]) => !holds(charge)).map(([rule]) => rule),
  ];
}

const NOT_NULL = Object.entries(COLUMNS)
  .filter(([, fact]) => !fact.nullable)
  .map(([column]) => column);

function isAllowed(value: string | undefined, values: readonly string[]): boolean {
  return value === undefined || values.includes(value);
}

function together(...columns: readonly string[]): (charge: ChargeRow) => boolean {
  return (charge) => new Set(columns.map((column) => charge[column] === undefined)).size === 1;
}

function only(column: string, needs: string): (charge: ChargeRow) => boolean {
  return (charge) => charge[column] === undefined || charge[needs] !== undefined;
}

const RULES: readonly (readonly [string, (charge: ChargeRow) => boolean])[] = [
  [
    'ServiceSubcategory is of ServiceCategory',
    ({ ServiceCategory = '', ServiceSubcategory = '' }) =>
      SERVICE_SUBCATEGORIES[ServiceCategory]?.includes(ServiceSubcategory) === true,
  ],
  ['ConsumedQuantity has a unit', together('ConsumedQuantity', 'ConsumedUnit')],
  ['PricingQuantity has a unit', together('PricingQuantity', 'PricingUnit')],
  [
    'CommitmentDiscountQuantity has a unit',
    together('CommitmentDiscountQuantity', 'CommitmentDiscountUnit'),
  ],
  [
    'a commitment has a category and a type',
    together('CommitmentDiscountId', 'CommitmentDiscountCategory', 'CommitmentDiscountType'),
  ],
  ['CommitmentDiscountName has an id', only('CommitmentDiscountName', 'CommitmentDiscountId')],
  [
    'CommitmentDiscountStatus is of usage under a commitment',
    (charge) =>
      (charge.CommitmentDiscountStatus !== undefined) ===
      (charge.CommitmentDiscountId !== undefined && charge.ChargeCategory === 'Usage'),
  ],
  [
    'only used usage is consumed',
    (charge) =>
      charge.ConsumedQuantity === undefined ||
      (charge.ChargeCategory === 'Usage' && charge.CommitmentDiscountStatus !== 'Unused'),
  ],
  ['a region has a name', together('RegionId', 'RegionName')],
  [
    'a sub account has a name and a type',
    together('SubAccountId', 'SubAccountName', 'SubAccountType'),
  ],
  ['a resource has a type', together('ResourceId', 'ResourceType')],
  ['ResourceName has an id', only('ResourceName', 'ResourceId')],
  ['SkuMeter has a SkuId', only('SkuMeter', 'SkuId')],
  ['SkuPriceDetails has a SkuPriceId', only('SkuPriceDetails', 'SkuPriceId')],
  [
    'CapacityReservationStatus has an id',
    only('CapacityReservationStatus', 'CapacityReservationId'),
  ],
  [
    'a purchase is not usage-based',
    (charge) => charge.ChargeCategory !== 'Purchase' || charge.ChargeFrequency !== 'Usage-Based',
  ],
  [
    'usage and purchases have a pricing category, tax has none',
    (charge) =>
      charge.ChargeCategory === 'Tax'
        ? charge.PricingCategory === undefined && charge.PricingQuantity === undefined
        : !['Usage', 'Purchase'].includes(charge.ChargeCategory ?? '') ||
          charge.ChargeClass === 'Correction' ||
          charge.PricingCategory !== undefined,
  ],
  [
    'tax and credit are effective as billed',
    (charge) =>
      !['Tax', 'Credit'].includes(charge.ChargeCategory ?? '') ||
      charge.EffectiveCost === charge.BilledCost,
  ],
  [
    'periods end after they start',
    (charge) =>
      (charge.ChargePeriodStart ?? '') < (charge.ChargePeriodEnd ?? '') &&
      (charge.BillingPeriodStart ?? '') < (charge.BillingPeriodEnd ?? ''),
  ],
  ['PricingCurrency is known', (charge) => charge.PricingCurrency !== undefined],
  ['Tags is a JSON object of texts', (charge) => isTags(charge.Tags)],
];

function isTags(tags: string | undefined): boolean {
  if (tags === undefined) return true;
  const value: unknown = JSON.parse(tags);
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((tag) => typeof tag === 'string')
  );
}

function categoriesByService(charges: readonly ChargeRow[]): ReadonlyMap<string, Set<string>> {
  const categories = new Map<string, Set<string>>();
  for (const { ServiceName = '', ServiceCategory = '' } of charges) {
    const known = categories.get(ServiceName) ?? new Set();
    categories.set(ServiceName, known.add(ServiceCategory));
  }
  return categories;
}
