/**
 * Usage of serverless functions to FOCUS: one line per function, minute and meter, or per invocation and meter, as the receivers `aws-lambda`,
 * `gcp-run` and `azure-functions` write them. Costs are estimates: price × quantity at public or configured prices, never billed.
 */
import { parseTime } from '../../focus/times.ts';
import {
  always,
  amount,
  not,
  present,
  type TextExpression,
  text,
  timeBy,
  zero,
} from '../expressions.ts';
import { defineMapping, type RejectRule, type RowTemplate } from '../mapping.ts';
import { times } from './arithmetic.ts';
import { monthOf } from './usage-months.ts';

const REQUIRED = [
  'provider',
  'started_at',
  'ended_at',
  'meter',
  'quantity',
  'price',
  'problem',
] as const;
const cost = times(amount('price'), amount('quantity'));

/** The mapping `serverless`. */
export default defineMapping({
  name: 'serverless',
  summary:
    'Usage of serverless functions, one NDJSON line per minute and meter, with estimated costs.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [{ columns: { ...account, ...charge, ...costs, ...service, ...resource } }],
    reject: [
      {
        reason: 'malformed_report',
        column: 'text',
        message: 'it looks like a report of an invocation, and cannot be read as one',
        where: present('problem'),
      },
      missing('account', 'a charge needs an account'),
      missing('started_at', 'a charge needs a period'),
      {
        ...missing('price', 'no price is known for this SKU in this region: configure one'),
        reason: 'unknown_price',
        where: not(present(amount('price'))),
      },
    ],
    measures: { EffectiveCost: { column: 'price × quantity', amount: cost } },
    provider: text('provider'),
  }),
});

function missing(column: string, message: string): RejectRule {
  return { reason: 'missing_mandatory', column, message, where: not(present(column)) };
}

const account: RowTemplate['columns'] = {
  BillingAccountId: text('account'),
  BillingAccountType: text('account_type'),
  BillingCurrency: text('currency'),
  SubAccountId: text('account'),
  SubAccountType: text('account_type'),
  PricingCurrency: text('currency'),
  BillingPeriodStart: timeBy('started_at', (value) => monthOf(parseTime(value), 0)),
  BillingPeriodEnd: timeBy('started_at', (value) => monthOf(parseTime(value), 1)),
  ChargePeriodStart: timeBy('started_at', parseTime),
  ChargePeriodEnd: timeBy('ended_at', parseTime),
  RegionId: text('region'),
};

const charge: RowTemplate['columns'] = {
  ChargeCategory: always('Usage'),
  ChargeDescription: text('description'),
  ChargeFrequency: always('Usage-Based'),
  PricingCategory: always('Standard'),
  x_CostSource: always('estimated'),
  x_PriceSource: text('price_source'),
  x_TraceId: text('trace_id'),
  x_SpanId: text('span_id'),
};

const costs: RowTemplate['columns'] = {
  BilledCost: zero,
  EffectiveCost: cost,
  ContractedCost: cost,
  ListCost: cost,
  ListUnitPrice: amount('price'),
  ContractedUnitPrice: amount('price'),
  PricingCurrencyEffectiveCost: cost,
  PricingCurrencyListUnitPrice: amount('price'),
  PricingCurrencyContractedUnitPrice: amount('price'),
  PricingQuantity: amount('quantity'),
  PricingUnit: text('unit'),
  ConsumedQuantity: amount('quantity'),
  ConsumedUnit: text('unit'),
  SkuId: text('sku'),
  SkuPriceId: text('sku'),
  SkuMeter: text('meter'),
  SkuPriceDetails: text('sku_details'),
};

const service: RowTemplate['columns'] = {
  ServiceName: text('service'),
  ServiceCategory: always('Compute'),
  ServiceSubcategory: always('Serverless Compute'),
  ...Object.fromEntries(
    [
      'ProviderName',
      'PublisherName',
      'ServiceProviderName',
      'HostProviderName',
      'InvoiceIssuerName',
    ].map((name) => [name, text('provider')] as readonly [string, TextExpression]),
  ),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('resource_id'),
  ResourceName: text('resource_name'),
  ResourceType: text('resource_type'),
  Tags: text('tags'),
};
