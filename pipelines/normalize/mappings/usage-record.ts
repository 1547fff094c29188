/** What the records that our own receivers write have in common, and with them the mappings that read those records. */
import { parseTime } from '../../focus/times.ts';
import {
  type AmountExpression,
  always,
  amount,
  not,
  present,
  type TextExpression,
  text,
  timeBy,
  zero,
} from '../expressions.ts';
import type { RejectRule, RowTemplate } from '../mapping.ts';
import { times } from './arithmetic.ts';
import { monthOf } from './usage-months.ts';

/** Rows without the column, or without what it is read as, are refused. */
export function missing(
  column: string,
  message: string,
  of: TextExpression | AmountExpression | string = column,
): RejectRule {
  return { reason: 'missing_mandatory', column, message, where: not(present(of)) };
}

/** Rows without an amount in the column are refused: nothing is free because its price is not known. */
export function unknownPrice(column: string, message: string): RejectRule {
  return { reason: 'unknown_price', column, message, where: not(present(amount(column))) };
}

/** The calendar month (UTC) in which a time lies. */
export function billingMonthOf(
  time: TextExpression | string,
  read: (time: string) => number = parseTime,
): RowTemplate['columns'] {
  return {
    BillingPeriodStart: timeBy(time, (value) => monthOf(read(value), 0)),
    BillingPeriodEnd: timeBy(time, (value) => monthOf(read(value), 1)),
  };
}

/** Estimated usage of an account from `started_at` until the time of the column. */
export function usageUntil(column: string): RowTemplate['columns'] {
  return {
    BillingAccountId: text('account'),
    BillingAccountType: text('account_type'),
    BillingCurrency: text('currency'),
    SubAccountId: text('account'),
    SubAccountType: text('account_type'),
    PricingCurrency: text('currency'),
    ...billingMonthOf('started_at'),
    ChargePeriodStart: timeBy('started_at', parseTime),
    ChargePeriodEnd: timeBy(column, parseTime),
    ChargeCategory: always('Usage'),
    ChargeFrequency: always('Usage-Based'),
    PricingCategory: always('Standard'),
    x_CostSource: always('estimated'),
    x_PriceSource: text('price_source'),
    x_TraceId: text('trace_id'),
    x_SpanId: text('span_id'),
  };
}

/** One company offers, publishes, hosts and invoices. */
export function soldBy(provider: TextExpression): RowTemplate['columns'] {
  return {
    ProviderName: provider,
    PublisherName: provider,
    ServiceProviderName: provider,
    HostProviderName: provider,
    InvoiceIssuerName: provider,
  };
}

/** Exact `price` × `quantity` of a record. */
export const estimatedCost = times(amount('price'), amount('quantity'));

/** Costs at the price of the record: an estimate, never billed. */
export const estimatedCosts: RowTemplate['columns'] = {
  BilledCost: zero,
  EffectiveCost: estimatedCost,
  ContractedCost: estimatedCost,
  ListCost: estimatedCost,
  ListUnitPrice: amount('price'),
  ContractedUnitPrice: amount('price'),
  PricingCurrencyEffectiveCost: estimatedCost,
  PricingCurrencyListUnitPrice: amount('price'),
  PricingCurrencyContractedUnitPrice: amount('price'),
  PricingQuantity: amount('quantity'),
  PricingUnit: text('unit'),
};
