/** Amounts that a report states twice: as priced, and net of discounts. */
import { type AmountExpression, firstAmount } from '../../expressions.ts';
import type { Columns } from './columns.ts';

/** The net column (after discounts) where it is present and not null, else the gross one. */
export function netAmount(columns: Columns, net: string, gross: string): AmountExpression {
  return columns.input.has(net)
    ? firstAmount(columns.amount(net), columns.amount(gross))
    : columns.amount(gross);
}

/** Amortised cost of usage that a Savings Plan covers. */
export function planEffective(columns: Columns): AmountExpression {
  return netAmount(
    columns,
    'savings_plan_net_savings_plan_effective_cost',
    'savings_plan_savings_plan_effective_cost',
  );
}

/** Amortised cost of usage that a reservation covers. */
export function reservationEffective(columns: Columns): AmountExpression {
  return netAmount(columns, 'reservation_net_effective_cost', 'reservation_effective_cost');
}
