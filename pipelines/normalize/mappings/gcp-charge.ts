/** What kind of charge a row of Google's billing export is, what it costs, and which commitment it belongs to. */
import {
  type AmountExpression,
  all,
  always,
  amount,
  any,
  cases,
  chooseAmount,
  derive,
  first,
  firstAmount,
  is,
  lookup,
  map,
  matches,
  not,
  plus,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  text,
  when,
} from '../expressions.ts';
import type { RowTemplate } from '../mapping.ts';
import { dividedWhere, isOne } from './arithmetic.ts';
import type { GcpCredits } from './gcp-credits.ts';
import type { GcpFields } from './gcp-fields.ts';

type Columns = RowTemplate['columns'];

/** What the row costs before credits. */
const cost = amount('cost');

/** The kind of a row. */
export interface GcpCharge {
  readonly category: TextExpression;
  readonly regular: Test;
  /** The fee of a commitment. */
  readonly fee: Test;
  readonly unknownType: Test;
}

/** Reads the kind of a row. Rows without a cost type are of exports older than that column: regular. */
export function gcpCharge(fields: GcpFields): GcpCharge {
  const type = first(
    map('cost_type', (value) => value.trim().toLowerCase()),
    always('regular'),
  );
  const regular = is(type, 'regular');
  const fee = all(regular, commitmentSku(fields), is(sign(cost), '+', '-'));
  return {
    regular,
    fee,
    category: when(fee, always('Purchase'), lookup(CATEGORIES, type, always('Adjustment'))),
    unknownType: test([type], (value) => !Object.hasOwn(CATEGORIES, value ?? '')),
  };
}

const CATEGORIES: Readonly<Record<string, string>> = {
  regular: 'Usage',
  tax: 'Tax',
  adjustment: 'Adjustment',
  rounding_error: 'Adjustment',
};

function commitmentSku(fields: GcpFields): Test {
  return matches(fields.text('sku', 'description'), /^commitment/i);
}

/** Columns about the kind of charge and its commitment. */
export function gcpChargeColumns(
  charge: GcpCharge,
  fields: GcpFields,
  { commitment }: GcpCredits,
): Columns {
  const sku = fields.text('sku', 'description');
  const corrected = ['id', 'description', 'type', 'mode'].map((name) =>
    present(fields.text('adjustment_info', name)),
  );
  const subscription = fields.text('subscription', 'instance_id');
  const id = first(subscription, commitment.id);
  const usage = is(charge.category, 'Usage');
  const discount = derive([id, commitment.type, sku], (known, type, description) =>
    known === undefined ? undefined : (type ?? discountType(description)),
  );
  return {
    ChargeCategory: charge.category,
    ChargeClass: when(any(...corrected), always('Correction')),
    ChargeFrequency: cases(
      [
        [charge.fee, always('Recurring')],
        [charge.regular, always('Usage-Based')],
      ],
      always('One-Time'),
    ),
    CommitmentDiscountId: id,
    CommitmentDiscountName: when(present(id), commitment.name),
    CommitmentDiscountType: discount,
    CommitmentDiscountCategory: map(discount, (type) =>
      type === 'COMMITTED_USAGE_DISCOUNT' ? 'Usage' : 'Spend',
    ),
    CommitmentDiscountStatus: when(all(present(id), usage), always('Used')),
    PricingCategory: cases([
      [not(charge.regular), always(undefined)],
      [charge.fee, always('Standard')],
      [any(commitmentSku(fields), present(commitment.type)), always('Committed')],
      [matches(sku, /\b(?:spot|preemptible)\b/i), always('Dynamic')],
      [charge.regular, always('Standard')],
    ]),
    x_SubscriptionInstanceId: subscription,
  };
}

/** A subscription without a credit on the row: its SKU tells (`Commitment - dollar based v1: …`, `Commitment v1: Cpu in …`). */
export function discountType(sku: string | undefined): string {
  return sku !== undefined && /^commitment v\d/i.test(sku)
    ? 'COMMITTED_USAGE_DISCOUNT'
    : 'COMMITTED_USAGE_DISCOUNT_DOLLAR_BASE';
}

/** The four costs of a row; `credits` are those that stay with it. */
export function gcpCosts(fields: GcpFields, credits: AmountExpression) {
  const billed = plus(cost, credits);
  const listed = ['cost_at_list_consumption_model', 'cost_at_list'].filter(fields.input.has);
  return {
    BilledCost: billed,
    EffectiveCost: billed,
    ListCost: firstAmount(...listed, cost),
    ContractedCost: cost,
  };
}

/** Prices and quantities, only of regular rows, and the amounts in the pricing currency. */
export function gcpPrices(
  charge: GcpCharge,
  fields: GcpFields,
  effective: AmountExpression,
): Columns {
  const only = (where: Test, of: AmountExpression) => chooseAmount([[where, of]]);
  const used = all(charge.regular, is(charge.category, 'Usage'));
  const consumed = only(used, fields.amount('usage', 'amount'));
  const quantity = only(charge.regular, fields.amount('usage', 'amount_in_pricing_units'));
  const list = only(
    charge.regular,
    firstAmount(
      fields.amount('price', 'list_price_consumption_model'),
      fields.amount('price', 'list_price'),
    ),
  );
  const contracted = only(charge.regular, fields.amount('price', 'effective_price'));
  return {
    ListUnitPrice: list,
    ContractedUnitPrice: contracted,
    ConsumedQuantity: consumed,
    ConsumedUnit: unitOf(consumed, fields.text('usage', 'unit')),
    PricingQuantity: quantity,
    PricingUnit: unitOf(quantity, fields.text('usage', 'pricing_unit')),
    ...gcpPricingCurrency({ effective, list, contracted }),
  };
}

/** Google prices in US dollars where it names a rate; without one, or with rate 1, both currencies are the same. */
export function gcpPricingCurrency(of: {
  readonly effective: AmountExpression;
  readonly list?: AmountExpression;
  readonly contracted?: AmountExpression;
}): Columns {
  const converted = test(
    ['currency_conversion_rate'],
    (rate) => rate !== undefined && !isOne(rate),
  );
  const inDollars = (value: AmountExpression): AmountExpression =>
    dividedWhere(converted, [value, amount('currency_conversion_rate')], value);
  return {
    PricingCurrency: when(converted, always('USD'), 'currency'),
    PricingCurrencyEffectiveCost: inDollars(of.effective),
    ...(of.list && { PricingCurrencyListUnitPrice: inDollars(of.list) }),
    ...(of.contracted && { PricingCurrencyContractedUnitPrice: inDollars(of.contracted) }),
    x_CurrencyConversionRate: text('currency_conversion_rate'),
  };
}

function unitOf(quantity: AmountExpression, unit: TextExpression): TextExpression {
  return when(present(sign(quantity)), first(unit, always('Units')));
}
