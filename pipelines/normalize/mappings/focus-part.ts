import type { ChargeColumn, FocusColumn } from '../../focus/columns.ts';
import {
  type AmountExpression,
  always,
  amount,
  type Expression,
  first,
  map,
  noAmount,
  nothing,
  type TextExpression,
  text,
} from '../expressions.ts';
import type { MappingInput, RepairRule } from '../mapping.ts';
import { namedCurrency } from './currency.ts';
import { ALIASES } from './focus-columns.ts';
import { type ListedColumn, listedValue, providerFamily } from './focus-values.ts';

/** Some columns of the record with the repairs they need. */
export interface Section {
  readonly columns: Readonly<Partial<Record<ChargeColumn, Expression>>>;
  readonly repairs: readonly RepairRule[];
}

/**
 * A part seen by FOCUS column: the column itself, or the alias that stands in for it. Asked twice for the same it answers
 * the same expression, which is then evaluated once.
 */
export interface Part {
  readonly input: MappingInput;
  /** Name of the source column that is read for the FOCUS column. */
  sourceOf(column: FocusColumn): string | undefined;
  /** Whether the part states the column, under whatever name. */
  has(column: FocusColumn): boolean;
  /** The column as text; null on every row when the part lacks it. */
  text(column: FocusColumn): TextExpression;
  /** The column as amounts; null on every row when the part lacks it. */
  amount(column: FocusColumn): AmountExpression;
  /** The listed value that the cell means, null when it means none. */
  listed(column: ListedColumn): TextExpression;
  /** The provider as the part names it, else who published or invoices. */
  readonly provider: TextExpression;
  /** `aws`, `azure`, `google`, `oracle` or null. */
  readonly family: TextExpression;
  /** The currency of rows that state none, where the operator named one. */
  readonly currency: string | undefined;
}

/** The view of an input by FOCUS column. */
export function partOf(input: MappingInput): Part {
  const sourceOf = (column: FocusColumn): string | undefined =>
    [column, ...(ALIASES[column] ?? [])].find((name) => input.has(name));
  const read = remembered((column: FocusColumn): TextExpression => {
    const source = sourceOf(column);
    return source === undefined ? nothing : text(source);
  });
  const provider = providerOf(sourceOf);
  return {
    input,
    sourceOf,
    has: (column) => sourceOf(column) !== undefined,
    text: read,
    amount: remembered((column: FocusColumn) => {
      const source = sourceOf(column);
      return source === undefined ? noAmount : amount(source);
    }),
    listed: remembered((column: ListedColumn) =>
      map(read(column), (value) => listedValue(column, value)),
    ),
    provider,
    family: map(provider, providerFamily),
    currency: namedCurrency(input.settings.currency),
  };
}

/** Columns in which a word for "nothing" would be taken for a name: it would make a commitment, a region, an account of it. */
export const NAMES: readonly FocusColumn[] = [
  'AvailabilityZone',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'CapacityReservationId',
  'CommitmentDiscountId',
  'CommitmentDiscountName',
  'CommitmentDiscountType',
  'CommitmentDiscountUnit',
  'ConsumedUnit',
  'HostProviderName',
  'InvoiceId',
  'InvoiceIssuerName',
  'PricingCurrency',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'RegionId',
  'RegionName',
  'ServiceName',
  'ServiceProviderName',
  'ServiceSubcategory',
  'SubAccountId',
  'SubAccountName',
  'SubAccountType',
];

/** The column that names the provider, then who else is named, so that it is never null. */
function providerOf(sourceOf: (column: FocusColumn) => string | undefined): TextExpression {
  const named = (
    ['ProviderName', 'ServiceProviderName', 'PublisherName', 'InvoiceIssuerName'] as const
  ).flatMap((column) => sourceOf(column) ?? []);
  return first(...named, always('Unknown'));
}

function remembered<C extends string, E>(make: (column: C) => E): (column: C) => E {
  const known = new Map<C, E>();
  return (column) => {
    let expression = known.get(column);
    if (expression === undefined) {
      expression = make(column);
      known.set(column, expression);
    }
    return expression;
  };
}
