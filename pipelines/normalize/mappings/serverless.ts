/**
 * Usage of serverless functions to FOCUS: one line per function, minute and meter, or per invocation and meter, as the receivers `aws-lambda`,
 * `gcp-run` and `azure-functions` write them. Costs are estimates: price × quantity at public or configured prices, never billed.
 */
import { parseTime } from '../../focus/times.ts';
import { always, amount, present, text, timeBy } from '../expressions.ts';
import { defineMapping, type RowTemplate } from '../mapping.ts';
import {
  billingMonthOf,
  estimatedCost,
  estimatedCosts,
  missing,
  soldBy,
  unknownPrice,
} from './usage-record.ts';

const REQUIRED = [
  'provider',
  'started_at',
  'ended_at',
  'meter',
  'quantity',
  'price',
  'problem',
] as const;

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
      unknownPrice('price', 'no price is known for this SKU in this region: configure one'),
    ],
    measures: { EffectiveCost: { column: 'price × quantity', amount: estimatedCost } },
    provider: text('provider'),
  }),
});

const account: RowTemplate['columns'] = {
  BillingAccountId: text('account'),
  BillingAccountType: text('account_type'),
  BillingCurrency: text('currency'),
  SubAccountId: text('account'),
  SubAccountType: text('account_type'),
  PricingCurrency: text('currency'),
  ...billingMonthOf('started_at'),
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
  ...estimatedCosts,
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
  ...soldBy(text('provider')),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('resource_id'),
  ResourceName: text('resource_name'),
  ResourceType: text('resource_type'),
  Tags: text('tags'),
};
