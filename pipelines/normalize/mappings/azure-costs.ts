/** Costs, prices and quantities of an Azure row. */
import { parseDecimal } from '../../focus/decimal.ts';
import {
  type AmountExpression,
  all,
  always,
  amount,
  any,
  cases,
  chooseAmount,
  deriveAmount,
  first,
  firstAmount,
  is,
  map,
  noAmount,
  not,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  text,
  when,
  zero,
} from '../expressions.ts';
import type { RowTemplate } from '../mapping.ts';
import { azureUnit } from '../tables/azure-units.ts';
import { dividedWhere, isOne, overBlock, times, timesWhere } from './arithmetic.ts';
import type { AzureCharge } from './azure-charge.ts';

/** Cost columns, and where the export did not state enough for them. */
export interface AzureCosts {
  readonly billed: AmountExpression;
  readonly effective: AmountExpression;
  readonly columns: RowTemplate['columns'];
  readonly listAssumed: Test;
  readonly contractedAssumed: Test;
}

/** What the costs of a row are made of. */
export interface AzureCostSource {
  readonly cost: AmountExpression;
  readonly billingCurrency: TextExpression;
  /** A field of the row's additional information. */
  readonly additionalInfo: (key: string) => TextExpression;
}

/** Costs and prices of a row whose cost is `cost`. Prices are per block of the unit of measure, quantities count units. */
export function azureCosts(
  charge: AzureCharge,
  { cost, billingCurrency, additionalInfo }: AzureCostSource,
): AzureCosts {
  const billed = chooseAmount([[charge.amortized, zero]], cost);
  const effective = chooseAmount([[charge.commitmentFee, zero]], cost);
  const block = first(
    map('UnitOfMeasure', (unit) => azureUnit(unit).block),
    always('1'),
  );
  const quantity = amount('Quantity');
  const counted = present(sign(quantity));
  const pricingQuantity = inBlocks(quantity, block);
  const currency = first('PricingCurrency', billingCurrency);
  const unitPrice = ofBlock(price('UnitPrice', { charge, cost, other: 'PayGPrice' }), block);
  const contracted = inCurrencies(firstAmount(unitPrice, ratePerBlock(charge, unitPrice, block)));
  const list = inCurrencies(
    ofBlock(price('PayGPrice', { charge, cost, other: 'UnitPrice' }), block),
  );
  const stated = statedListCost(charge, cost);
  const orContracted = (given: AmountExpression, otherwise: AmountExpression) =>
    firstAmount(given, chooseAmount([[not(present(sign(stated))), otherwise]]));
  const listed = firstAmount(stated, times(list.billing, pricingQuantity));
  const agreed = times(contracted.billing, pricingQuantity);
  const unit = first(
    map('UnitOfMeasure', (measure) => azureUnit(measure).unit),
    always('Units'),
  );
  const consumed = all(is(charge.type, 'usage'), counted);
  const taxed = is(charge.type, 'tax');
  return {
    billed,
    effective,
    listAssumed: all(charge.priced, not(present(sign(listed)))),
    contractedAssumed: all(charge.priced, not(present(sign(agreed)))),
    columns: {
      BilledCost: billed,
      EffectiveCost: effective,
      ListCost: firstAmount(listed, agreed, cost),
      ContractedCost: firstAmount(agreed, cost),
      ListUnitPrice: orContracted(list.billing, contracted.billing),
      ContractedUnitPrice: contracted.billing,
      ConsumedQuantity: chooseAmount([[consumed, quantity]]),
      ConsumedUnit: when(consumed, unit),
      PricingQuantity: chooseAmount([[taxed, noAmount]], pricingQuantity),
      PricingUnit: when(all(counted, not(taxed)), unit),
      PricingCurrency: currency,
      PricingCurrencyListUnitPrice: orContracted(list.pricing, contracted.pricing),
      PricingCurrencyContractedUnitPrice: contracted.pricing,
      PricingCurrencyEffectiveCost: effectiveInPricingCurrency(charge, effective),
      ...commitment(charge, { cost, currency, quantity, unit, counted, additionalInfo }),
      x_PricingBlockSize: when(present('UnitOfMeasure'), block),
      x_PricingUnitDescription: text('UnitOfMeasure'),
    },
  };
}

const rate = amount('ExchangeRatePricingToBilling');
const converted = test(
  ['ExchangeRatePricingToBilling'],
  (factor) => factor !== undefined && !isOne(factor),
);

/** A unit price; null where the row has none, or a 0 that stands for "not given": nothing else on the row is 0. */
function price(
  column: string,
  {
    charge,
    cost,
    other,
  }: { readonly charge: AzureCharge; readonly cost: AmountExpression; readonly other: string },
): AmountExpression {
  const given = amount(column);
  const free = all(is(sign(cost), '0'), not(is(sign(other), '+', '-')));
  return chooseAmount([[all(charge.priced, any(not(is(sign(given), '0')), free)), given]]);
}

/**
 * The price of a block. The effective price is of what `Quantity` counts: a unit price equal to it is so too, and the row's prices
 * have to be raised to a block's.
 */
function ofBlock(price: AmountExpression, block: TextExpression): AmountExpression {
  const perUnit = test(
    [text('UnitPrice'), text('EffectivePrice'), block],
    (unitPrice, effective, size) =>
      size !== '1' && unitPrice !== undefined && unitPrice === effective,
  );
  return timesWhere(perUnit, [price, block], price);
}

/** The price of a block by the rate of one unit, for exports that state only that (pay-as-you-go). The rate of covered usage is another one. */
function ratePerBlock(
  charge: AzureCharge,
  unitPrice: AmountExpression,
  block: TextExpression,
): AmountExpression {
  const unitRate = amount('EffectivePrice');
  const covered = any(charge.amortized, charge.commitmentFee, converted);
  const needed = all(charge.priced, not(covered), not(present(sign(unitPrice))));
  return timesWhere(all(needed, is(sign(unitRate), '+')), [unitRate, block]);
}

/** A price in pricing currency, in both. */
function inCurrencies(pricing: AmountExpression) {
  return { pricing, billing: timesWhere(converted, [pricing, rate], pricing) };
}

/** `paygCostInBillingCurrency`, unless it is a 0 that stands for "not given". */
function statedListCost(charge: AzureCharge, cost: AmountExpression): AmountExpression {
  const given = amount('PaygCostInBillingCurrency');
  const real = any(not(is(sign(given), '0')), is(sign(cost), '0'));
  return chooseAmount([[all(charge.priced, real), given]]);
}

/** quantity / block. */
function inBlocks(quantity: AmountExpression, block: TextExpression): AmountExpression {
  const several = not(is(block, '1'));
  const divided = deriveAmount([chooseAmount([[several, quantity]]), block], (count, size) => {
    const value = parseDecimal(count ?? '');
    return value && overBlock(value, BigInt(size ?? '1'));
  });
  return chooseAmount([[several, divided]], quantity);
}

/** As the export states it, else converted. */
function effectiveInPricingCurrency(charge: AzureCharge, effective: AmountExpression) {
  const stated = chooseAmount([[charge.commitmentFee, zero]], amount('CostInPricingCurrency'));
  return firstAmount(stated, inPricingCurrency(effective));
}

/** Where pricing and billing currency are one (no exchange rate, or 1), the amounts are the same. */
function inPricingCurrency(value: AmountExpression): AmountExpression {
  return dividedWhere(converted, [value, rate], value);
}

/** How much of the commitment the row is: money of a savings plan, normalised hours or units of a reservation. */
function commitment(
  charge: AzureCharge,
  of: {
    readonly cost: AmountExpression;
    readonly currency: TextExpression;
    readonly quantity: AmountExpression;
    readonly unit: TextExpression;
    readonly counted: Test;
    readonly additionalInfo: (key: string) => TextExpression;
  },
) {
  const spend = all(is(charge.commitment, 'Spend'), charge.priced);
  const usage = all(is(charge.commitment, 'Usage'), charge.priced, of.counted);
  const ratio = map(of.additionalInfo('RINormalizationRatio'), (value) =>
    parseDecimal(value) === undefined ? undefined : value,
  );
  const normalized = all(present(ratio), not(is(charge.type, 'purchase')));
  const hours = all(usage, normalized);
  const spent = firstAmount(amount('CostInPricingCurrency'), inPricingCurrency(of.cost));
  return {
    CommitmentDiscountQuantity: chooseAmount([
      [spend, spent],
      [hours, timesWhere(hours, [of.quantity, ratio])],
      [usage, of.quantity],
    ]),
    CommitmentDiscountUnit: cases([
      [spend, of.currency],
      [hours, always('Normalized Hours')],
      [usage, of.unit],
    ]),
  };
}
