/** Costs, prices and quantities. What the report states is taken over digit by digit; nothing is divided or multiplied. */
import type { ChargeColumn } from '../../../focus/columns.ts';
import { type Decimal, parseDecimal } from '../../../focus/decimal.ts';
import {
  type AmountExpression,
  all,
  always,
  any,
  chooseAmount,
  deriveAmount,
  type Expression,
  first,
  firstAmount,
  not,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  when,
  zero,
} from '../../expressions.ts';
import type { RepairRule } from '../../mapping.ts';
import type { Columns } from './columns.ts';
import { commitmentQuantity, unusedCommitment } from './commitments.ts';
import type { LineItem } from './line-items.ts';
import { netAmount, planEffective, reservationEffective } from './net.ts';

type ChargeColumns = Readonly<Partial<Record<ChargeColumn, Expression>>>;

/** Everything that is counted. */
export interface Costs {
  readonly columns: ChargeColumns;
  readonly repairs: readonly RepairRule[];
  /** What the invoice says: the sum of it is the bill. */
  readonly invoiced: AmountExpression;
  /** Name of the column that states it. */
  readonly invoicedColumn: string;
  /** Commitment that was paid for and not used: its amount, and the rows where there is some. */
  readonly unused: AmountExpression;
  readonly hasUnused: Test;
}

/** Costs, unit prices, quantities and currencies of a line item. */
export function costsOf(columns: Columns, item: LineItem): Costs {
  const net = columns.those('line_item_net_unblended_cost', 'line_item_unblended_cost');
  const invoiced = netAmount(columns, 'line_item_net_unblended_cost', 'line_item_unblended_cost');
  const amounts = costColumns(columns, item, invoiced);
  const unused = unusedCommitment(columns, item);
  const currency = columns.currency;
  return {
    columns: {
      ...amounts,
      ...quantityColumns(columns, item),
      ...pricingCurrency(columns, currency, amounts),
      BillingCurrency: currency,
    },
    repairs: [
      { code: 'missing_cost', where: not(present(sign(invoiced))) },
      { code: 'missing_effective_cost', where: withoutEffectiveCost(columns, item) },
      { code: 'negative_unused_commitment', where: unused.negative },
      {
        code: 'missing_pricing_unit',
        where: all(item.inCategory('Usage', 'Purchase'), not(present(pricingUnit(columns)))),
      },
    ],
    invoiced,
    invoicedColumn: net[0] ?? 'line_item_unblended_cost',
    unused: unused.amount,
    hasUnused: unused.positive,
  };
}

function costColumns(
  columns: Columns,
  item: LineItem,
  invoiced: AmountExpression,
): Readonly<
  Record<'BilledCost' | 'EffectiveCost' | 'ListCost' | 'ContractedCost', AmountExpression>
> &
  Readonly<Record<'ContractedUnitPrice' | 'ListUnitPrice', AmountExpression>> {
  const covered = item.isKind('covered');
  const discounted = item.isKind('discounted');
  const gross = columns.amount('line_item_unblended_cost');
  const publicCost = columns.amount('pricing_public_on_demand_cost');
  const stated = firstAmount(invoiced, zero);
  const billed = chooseAmount([[covered, zero]], stated);
  const contracted = chooseAmount(
    [
      [covered, firstAmount(gross, zero)],
      [discounted, firstAmount(publicCost, stated)],
    ],
    stated,
  );
  const priced = item.isKind('usage', 'discounted', 'covered');
  return {
    BilledCost: billed,
    EffectiveCost: chooseAmount(
      [
        [covered, firstAmount(planEffective(columns), stated)],
        [discounted, firstAmount(reservationEffective(columns), stated)],
        [
          item.isKind(
            'plan_fee',
            'plan_upfront',
            'reservation_fee',
            'reservation_upfront',
            'refund_plan_upfront',
          ),
          zero,
        ],
      ],
      stated,
    ),
    ListCost: chooseAmount([[priced, firstAmount(publicCost, contracted)]], stated),
    ContractedCost: contracted,
    ...unitPrices(columns, item),
  };
}

/** Prices as the report spells them. They are few, so that they are kept by distinct value; a purchase has none. */
function unitPrices(
  columns: Columns,
  item: LineItem,
): Readonly<Record<'ContractedUnitPrice' | 'ListUnitPrice', AmountExpression>> {
  const list = columns.text('pricing_public_on_demand_rate');
  const gross = columns.text('line_item_unblended_rate');
  const net = columns.text('line_item_net_unblended_rate', 'line_item_unblended_rate');
  return {
    ContractedUnitPrice: deriveAmount(
      [item.kind, net, gross, list],
      (kind, netRate, rate, listed) =>
        priceOf(
          kind === 'usage'
            ? netRate
            : kind === 'covered'
              ? rate
              : kind === 'discounted'
                ? listed
                : undefined,
        ),
    ),
    ListUnitPrice: deriveAmount([item.kind, list], (kind, rate) =>
      kind === 'usage' || kind === 'covered' || kind === 'discounted' ? priceOf(rate) : undefined,
    ),
  };
}

function priceOf(text: string | undefined): Decimal | undefined {
  return text === undefined ? undefined : parseDecimal(text);
}

function withoutEffectiveCost(columns: Columns, item: LineItem): Test {
  return any(
    all(item.isKind('covered'), not(present(sign(planEffective(columns))))),
    all(item.isKind('discounted'), not(present(sign(reservationEffective(columns))))),
  );
}

function quantityColumns(columns: Columns, item: LineItem): ChargeColumns {
  const used = firstAmount(columns.amount('line_item_usage_amount'), zero);
  const reserved = columns.those(
    'reservation_number_of_reservations',
    'reservation_total_reserved_units',
  );
  const reservations = all(
    item.isKind('reservation_fee', 'reservation_upfront'),
    present(columns.text(...reserved)),
  );
  const unit = first(pricingUnit(columns), always('Units'));
  const quantified = item.inCategory('Usage', 'Purchase');
  const consumed = item.inCategory('Usage');
  return {
    PricingQuantity: chooseAmount([
      ...(reserved.length === 0
        ? []
        : [[reservations, firstAmount(...reserved.map((name) => columns.amount(name)))] as const]),
      [quantified, used],
    ]),
    PricingUnit: when(quantified, when(reservations, always('Reservations'), unit)),
    ConsumedQuantity: chooseAmount([[consumed, used]]),
    ConsumedUnit: when(consumed, unit),
    ...commitmentQuantity(columns, item, { used, unit }),
  };
}

function pricingUnit(columns: Columns): TextExpression {
  return columns.text('pricing_unit');
}

function pricingCurrency(
  columns: Columns,
  currency: TextExpression,
  amounts: Readonly<
    Record<'EffectiveCost' | 'ContractedUnitPrice' | 'ListUnitPrice', AmountExpression>
  >,
): ChargeColumns {
  const priced = columns.text('pricing_currency');
  const same = test([priced, currency], (one, other) => one === undefined || one === other);
  const ifSame = (of: AmountExpression): AmountExpression =>
    columns.input.has('pricing_currency') ? chooseAmount([[same, of]]) : of;
  return {
    PricingCurrency: first(priced, currency),
    PricingCurrencyEffectiveCost: ifSame(amounts.EffectiveCost),
    PricingCurrencyContractedUnitPrice: ifSame(amounts.ContractedUnitPrice),
    PricingCurrencyListUnitPrice: ifSame(amounts.ListUnitPrice),
  };
}
