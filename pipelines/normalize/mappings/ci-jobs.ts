/**
 * Jobs of CI services to FOCUS, one record per finished job, as the receivers `github-actions` and `gitlab-ci` write them. Costs
 * are estimates: price × quantity at public or configured prices, never billed. A job whose runner has no known price is refused.
 */
import { parseTime } from '../../focus/times.ts';
import {
  always,
  amount,
  first,
  map,
  not,
  present,
  type TextExpression,
  test,
  text,
  timeBy,
  zero,
} from '../expressions.ts';
import { defineMapping, type RejectRule, type RowTemplate } from '../mapping.ts';
import { times } from './arithmetic.ts';
import { monthOf } from './usage-months.ts';

const REQUIRED = ['ci_provider', 'ci_job', 'started_at', 'completed_at', 'quantity'] as const;
const cost = times(amount('price'), amount('quantity'));

/** The mapping `ci-jobs`. */
export default defineMapping({
  name: 'ci-jobs',
  summary: 'Finished CI jobs, one NDJSON record each, with estimated costs.',
  rename: (header) => header.trim(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build: () => ({
    templates: [{ columns: { ...account, ...charge, ...costs, ...service, ...resource } }],
    reject: [
      missing('started_at', 'a job that has not started and ended has no charge period'),
      missing('completed_at', 'a job that has not started and ended has no charge period'),
      missing('account', 'a charge needs an account'),
      missing('currency', 'a charge needs a currency'),
      {
        reason: 'negative_duration',
        column: 'completed_at',
        message: 'the job ends before it starts: a clock was wrong',
        where: test(['started_at', 'completed_at'], isBackwards),
      },
      {
        ...missing('price', 'no price is known for the runner of this job: configure one'),
        reason: 'unknown_price',
        where: not(present(amount('price'))),
      },
    ],
    measures: { EffectiveCost: { column: 'price × quantity', amount: cost } },
    provider: text('ci_provider'),
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
  ChargePeriodEnd: timeBy('completed_at', parseTime),
};

const charge: RowTemplate['columns'] = {
  ChargeCategory: always('Usage'),
  ChargeDescription: text('ci_job'),
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
  ConsumedQuantity: amount('seconds'),
  ConsumedUnit: always('Seconds'),
  SkuId: first('sku', 'runner'),
  SkuPriceId: first('sku', 'runner'),
  SkuMeter: text('runner'),
};

const service: RowTemplate['columns'] = {
  ServiceName: text('ci_service'),
  ServiceCategory: always('Developer Tools'),
  ServiceSubcategory: always('Continuous Integration and Deployment'),
  ...Object.fromEntries(
    [
      'ProviderName',
      'PublisherName',
      'ServiceProviderName',
      'HostProviderName',
      'InvoiceIssuerName',
    ].map((name) => [name, text('ci_provider')] as readonly [string, TextExpression]),
  ),
};

const resource: RowTemplate['columns'] = {
  ResourceId: text('ci_resource'),
  ResourceName: text('ci_job'),
  ResourceType: map('ci_resource', () => 'CI job'),
  Tags: text('tags'),
};

function isBackwards(start: string | undefined, end: string | undefined): boolean {
  return start !== undefined && end !== undefined && parseTime(end) < parseTime(start);
}
