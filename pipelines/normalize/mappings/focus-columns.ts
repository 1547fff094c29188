/** Names of columns in FOCUS files as providers write them, and what they say about the version. */
import { COLUMNS, type FocusColumn } from '../../focus/columns.ts';

/**
 * Other names under which files state a FOCUS column, best first; one is read where the file lacks the column itself.
 * OCI and previews of 1.0 use older names; Azure's 1.0 dataset and AWS's 1.0 table keep later columns under `x_`.
 */
export const ALIASES: Readonly<Partial<Record<FocusColumn, readonly string[]>>> = {
  ChargeCategory: ['ChargeType'],
  ConsumedQuantity: ['UsageQuantity'],
  ConsumedUnit: ['UsageUnit'],
  EffectiveCost: ['AmortizedCost'],
  InvoiceId: ['x_InvoiceId'],
  InvoiceIssuerName: ['InvoiceIssuer'],
  PricingCurrency: ['x_PricingCurrency'],
  ProviderName: ['Provider'],
  PublisherName: ['Publisher'],
  RegionId: ['Region'],
  SkuMeter: ['x_SkuMeterName', 'x_UsageType'],
  SkuPriceDetails: ['x_SkuDetails'],
};

/** Columns outside FOCUS that the mapping reads; matched in any case like the others. */
const CUSTOM = [
  'ChargeSubcategory',
  'oci_BackReferenceNumber',
  'x_Credits',
  'x_CostType',
  'x_Labels',
  'x_ProjectLabels',
  'x_SystemLabels',
  'x_Tags',
  'x_SubscriptionInstanceId',
  'x_ServiceId',
  'x_ConsumptionModelId',
];

/** Names of FOCUS 0.5 for columns that a charge cannot be without. */
const RENAMED: Readonly<Record<string, FocusColumn>> = { billedcurrency: 'BillingCurrency' };

const CANONICAL = new Map([
  ...[...Object.keys(COLUMNS), ...Object.values(ALIASES).flat(), ...CUSTOM].map(
    (name) => [name.toLowerCase(), name] as const,
  ),
  ...Object.entries(RENAMED),
]);

/**
 * The name as FOCUS (or the list of aliases) spells it, for a header in any case, with blanks around it, in the snake case of data
 * warehouses (`billed_cost`) or the words of spreadsheets (`Billed Cost`).
 */
export function canonicalName(header: string): string {
  const name = header.replace(/^\uFEFF/, '').trim();
  const lower = name.toLowerCase();
  const known =
    CANONICAL.get(lower) ?? CANONICAL.get(lower.replace(/(?<=[a-z])[_\s-]+(?=[a-z])/g, ''));
  if (known !== undefined) return known;
  return /^x_/i.test(name) ? `x_${name.slice(2)}` : name;
}

/** A custom column's name: `x_Foo` stays, `oci_Foo` becomes `x_oci_Foo`; blanks become `_`; never one that is taken. */
export function customName(name: string, taken: ReadonlySet<string>): `x_${string}` {
  const plain = name.replace(/\s+/g, '_') || 'Unnamed';
  const wanted: `x_${string}` = plain.startsWith('x_') ? `x_${plain.slice(2)}` : `x_${plain}`;
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}_${number}`)) number++;
  return `${wanted}_${number}`;
}
