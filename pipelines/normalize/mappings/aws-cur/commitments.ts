/** Savings Plans and reserved instances: which commitment a charge belongs to, how much of it, and what of it nobody used. */
import type { ChargeColumn } from '../../../focus/columns.ts';
import { type Decimal, parseDecimal, subtract, sum, ZERO } from '../../../focus/decimal.ts';
import {
  type AmountExpression,
  all,
  always,
  chooseAmount,
  derive,
  type Expression,
  first,
  firstAmount,
  is,
  map,
  minus,
  noAmount,
  not,
  nothing,
  plus,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  when,
  zero,
} from '../../expressions.ts';
import type { Columns } from './columns.ts';
import { categoryOf, type LineItem } from './line-items.ts';
import { netAmount, planEffective } from './net.ts';

type ChargeColumns = Readonly<Partial<Record<ChargeColumn, Expression>>>;

/** CommitmentDiscount columns other than the quantity. */
export function commitmentColumns(item: LineItem): ChargeColumns {
  return {
    CommitmentDiscountId: item.commitmentId,
    CommitmentDiscountCategory: map(item.commitment, (commitment) =>
      commitment === 'plan' ? 'Spend' : 'Usage',
    ),
    CommitmentDiscountType: map(item.commitment, (commitment) =>
      commitment === 'plan' ? 'Savings Plan' : 'Reserved Instance',
    ),
    CommitmentDiscountStatus: derive([item.kind, item.commitment], (kind, commitment) =>
      commitment !== undefined && categoryOf(kind) === 'Usage' ? 'Used' : undefined,
    ),
  };
}

/** How much of a commitment: money for Savings Plans, normalised hours (else usage units) for reservations. */
export function commitmentQuantity(
  columns: Columns,
  item: LineItem,
  usage: { readonly used: AmountExpression; readonly unit: TextExpression },
): ChargeColumns {
  const plan = is(item.commitment, 'plan');
  const reservation = all(
    is(item.commitment, 'reservation'),
    item.isKind('discounted', 'usage', 'reservation_fee', 'reservation_upfront'),
  );
  const normalized = chooseAmount([
    [reservation, columns.amount('line_item_normalized_usage_amount')],
  ]);
  const inHours = is(sign(normalized), '+');
  const paid = firstAmount(columns.amount('line_item_unblended_cost'), zero);
  return {
    CommitmentDiscountQuantity: chooseAmount([
      [inHours, normalized],
      [reservation, usage.used],
      [all(plan, item.isKind('covered')), firstAmount(planEffective(columns), zero)],
      [
        all(plan, item.isKind('plan_fee')),
        firstAmount(columns.amount('savings_plan_total_commitment_to_date'), paid),
      ],
      [all(plan, item.isKind('plan_upfront', 'usage')), paid],
    ]),
    CommitmentDiscountUnit: derive(
      [
        inHours,
        reservation,
        all(plan, item.isKind('covered', 'plan_fee', 'plan_upfront', 'usage')),
        usage.unit,
        columns.currency,
      ],
      (hours, reserved, planned, unit, currency) => {
        if (hours !== undefined) return 'Normalized Hours';
        return reserved !== undefined ? unit : planned !== undefined ? currency : undefined;
      },
    ),
  };
}

const PLAN_COMMITMENT = [
  'savings_plan_total_commitment_to_date',
  'savings_plan_used_commitment',
] as const;

const UNUSED_FEES = [
  [
    'reservation_net_unused_amortized_upfront_fee_for_billing_period',
    'reservation_unused_amortized_upfront_fee_for_billing_period',
  ],
  ['reservation_net_unused_recurring_fee', 'reservation_unused_recurring_fee'],
] as const;

/** What was committed and not used, on the rows of the recurring fees. Its sign is looked at as text: those rows are few. */
export function unusedCommitment(
  columns: Columns,
  item: LineItem,
): { readonly amount: AmountExpression; readonly positive: Test; readonly negative: Test } {
  const [committed, used] = PLAN_COMMITMENT;
  const fees = UNUSED_FEES.map(([net, gross]) => netAmount(columns, net, gross));
  const feeTexts = UNUSED_FEES.map((names) => columns.text(...names));
  const signOfUnused = derive(
    [item.kind, columns.text(committed), columns.text(used), ...feeTexts],
    (kind, total, spent, ...fee) => {
      if (kind === 'plan_fee') return signOf(subtract(read(total), read(spent)));
      return kind === 'reservation_fee' ? signOf(sum(fee.map(read))) : undefined;
    },
  );
  return {
    amount: chooseAmount(
      [[item.isKind('plan_fee'), minus(columns.amount(committed), columns.amount(used))]],
      plus(...fees),
    ),
    positive: is(signOfUnused, '+'),
    negative: is(signOfUnused, '-'),
  };
}

function read(text: string | undefined): Decimal {
  return (text === undefined ? undefined : parseDecimal(text)) ?? ZERO;
}

function signOf({ digits }: Decimal): string {
  return digits === 0n ? '0' : digits < 0n ? '-' : '+';
}

/** The columns in which the row of unused commitment differs from the row of its fee. */
export function unusedColumns(
  columns: Columns,
  item: LineItem,
  unused: AmountExpression,
): ChargeColumns {
  const plan = item.isKind('plan_fee');
  const normalized = columns.amount('reservation_unused_normalized_unit_quantity');
  const quantity = columns.amount('reservation_unused_quantity');
  const inHours = is(sign(normalized), '+');
  const currency = columns.currency;
  const unit = first(columns.text('pricing_unit'), always('Units'));
  const same = test(
    [columns.text('pricing_currency'), currency],
    (one, other) => one === undefined || one === other,
  );
  return {
    BilledCost: zero,
    EffectiveCost: unused,
    ListCost: zero,
    ContractedCost: zero,
    ChargeCategory: always('Usage'),
    ChargeFrequency: always('Usage-Based'),
    PricingCategory: always('Committed'),
    PricingQuantity: chooseAmount([[plan, unused]], firstAmount(quantity, zero)),
    PricingUnit: when(plan, currency, unit),
    ListUnitPrice: noAmount,
    ContractedUnitPrice: noAmount,
    PricingCurrencyEffectiveCost: chooseAmount([[same, unused]]),
    PricingCurrencyListUnitPrice: noAmount,
    PricingCurrencyContractedUnitPrice: noAmount,
    ConsumedQuantity: noAmount,
    ConsumedUnit: nothing,
    CommitmentDiscountStatus: when(present(item.commitmentId), always('Unused')),
    CommitmentDiscountQuantity: chooseAmount(
      [
        [not(present(item.commitmentId)), noAmount],
        [plan, unused],
        [inHours, normalized],
      ],
      firstAmount(quantity, zero),
    ),
    CommitmentDiscountUnit: when(
      present(item.commitmentId),
      when(plan, currency, when(inHours, always('Normalized Hours'), unit)),
    ),
  };
}
