import type { FocusColumn } from '../../focus/columns.ts';
import {
  type AmountExpression,
  all,
  always,
  alwaysAmount,
  any,
  chooseAmount,
  type Expression,
  first,
  firstAmount,
  is,
  map,
  not,
  present,
  sign,
  type Test,
  test,
  when,
  zero,
} from '../expressions.ts';
import type { RepairRule } from '../mapping.ts';
import type { Part, Section } from './focus-part.ts';

/** Null; amounts are looked at by their sign, which is cheap where every row has its own. The same test for the same expression. */
export function missing(of: Expression): Test {
  let known = missingTests.get(of);
  if (known === undefined) {
    known = not(present(of.kind === 'amount' ? sign(of) : of));
    missingTests.set(of, known);
  }
  return known;
}

const missingTests = new WeakMap<Expression, Test>();

/** Null, and not just unreadable: only a null takes the sign of what stands in for it. Cheap where every row has its own amount. */
export function isNullAmount(of: AmountExpression): Test {
  const signs = ['1', '-1'].map((value) => sign(firstAmount(of, alwaysAmount(value))));
  return test(signs, (...found) => found[0] !== found[1]);
}

/** The four costs, the currencies and what is stated in them. */
export function costs(part: Part): Section {
  const billed = part.amount('BilledCost');
  const unstated = oracleEffectiveCost(part);
  const contracted = firstAmount(part.amount('ContractedCost'), billed);
  const effective = effectiveCost(part, unstated);
  const list = part.has('ContractedCost')
    ? firstAmount(part.amount('ListCost'), part.amount('ContractedCost'), billed)
    : firstAmount(part.amount('ListCost'), billed);
  const repairs: RepairRule[] = (['EffectiveCost', 'ContractedCost', 'ListCost'] as const).map(
    (column) => ({ code: MISSING[column], where: missing(part.amount(column)) }),
  );
  if (unstated !== undefined) repairs.push({ code: 'effective_cost_zero', where: unstated });
  const currencies = currencySection(part, effective);
  return {
    columns: {
      BilledCost: billed,
      ContractedCost: contracted,
      EffectiveCost: effective,
      ListCost: list,
      ...(unstated !== undefined && { x_EffectiveCostRepaired: when(unstated, always('true')) }),
      ...currencies.columns,
    },
    repairs: [...repairs, ...currencies.repairs],
  };
}

const MISSING = {
  EffectiveCost: 'effective_cost_missing',
  ContractedCost: 'contracted_cost_missing',
  ListCost: 'list_cost_missing',
} as const;

/** OCI leaves EffectiveCost at 0 on usage that is billed; what was billed is what it effectively cost. */
function oracleEffectiveCost(part: Part): Test | undefined {
  if (!part.has('EffectiveCost')) return undefined;
  const category = part.listed('ChargeCategory');
  return all(
    is(part.family, 'oracle'),
    is(sign(part.amount('EffectiveCost')), '0'),
    is(sign(part.amount('BilledCost')), '+', '-'),
    any(
      is(category, 'Usage'),
      all(is(category, 'Adjustment'), present(sign(part.amount('ConsumedQuantity')))),
    ),
  );
}

/** As stated; where it is null, what was billed, and nothing for the purchase of a commitment (its use carries it). */
function effectiveCost(part: Part, unstated: Test | undefined): AmountExpression {
  const stated = part.amount('EffectiveCost');
  const billed = part.amount('BilledCost');
  const purchase = all(
    missing(stated),
    is(part.text('ChargeCategory'), 'Purchase'),
    present(part.text('CommitmentDiscountId')),
  );
  const otherwise = firstAmount(stated, billed);
  if (!part.has('EffectiveCost') && !part.has('CommitmentDiscountId')) return billed;
  return unstated === undefined
    ? chooseAmount([[purchase, zero]], otherwise)
    : chooseAmount(
        [
          [unstated, billed],
          [purchase, zero],
        ],
        otherwise,
      );
}

function currencySection(part: Part, effective: AmountExpression): Section {
  const code = map(part.text('BillingCurrency'), currencyCode);
  const billing = part.currency === undefined ? code : first(code, always(part.currency));
  const stated = map(part.text('PricingCurrency'), currencyCode);
  const pricing = part.has('PricingCurrency') ? first(stated, billing) : billing;
  const sameCurrency = part.has('PricingCurrency')
    ? test([pricing, billing], (one, other) => one === other)
    : undefined;
  const inPricing = (column: FocusColumn, same: AmountExpression): AmountExpression => {
    if (part.has(column)) return part.amount(column);
    return sameCurrency === undefined ? same : chooseAmount([[sameCurrency, same]]);
  };
  return {
    columns: {
      BillingCurrency: billing,
      PricingCurrency: pricing,
      PricingCurrencyContractedUnitPrice: inPricing(
        'PricingCurrencyContractedUnitPrice',
        part.amount('ContractedUnitPrice'),
      ),
      PricingCurrencyEffectiveCost: inPricing('PricingCurrencyEffectiveCost', effective),
      PricingCurrencyListUnitPrice: inPricing(
        'PricingCurrencyListUnitPrice',
        part.amount('ListUnitPrice'),
      ),
    },
    repairs: [
      ...(part.currency === undefined
        ? []
        : [{ code: 'billing_currency_missing', where: missing(code) }]),
      {
        code: 'currency_case',
        where: test([part.text('BillingCurrency'), part.text('PricingCurrency')], (...texts) =>
          texts.some((text) => text !== undefined && text !== currencyCode(text)),
        ),
      },
    ],
  };
}

/** Three letters in upper case; other names (virtual currencies) as they stand. */
function currencyCode(value: string): string {
  const name = value.trim();
  return /^[a-z]{3}$/i.test(name) ? name.toUpperCase() : name;
}
