import { parseTime } from '../../focus/times.ts';
import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  type AmountExpression,
  always,
  derive,
  deriveTime,
  first,
  not,
  plus,
  present,
  text,
  time,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RowTemplate,
} from '../mapping.ts';
import { readTime } from '../written-times.ts';
import { currencyCode } from './currency.ts';
import {
  gcpCharge,
  gcpChargeColumns,
  gcpCosts,
  gcpPrices,
  gcpPricingCurrency,
} from './gcp-charge.ts';
import { type CreditRow, type GcpCredits, gcpCredits } from './gcp-credits.ts';
import { type GcpFields, gcpFields } from './gcp-fields.ts';
import { fitsGcp, gcpColumn } from './gcp-header.ts';
import { billingMonth, monthOfUsage } from './gcp-months.ts';
import { gcpAccounts, gcpResources, gcpServices, gcpSkus } from './gcp-names.ts';
import { gcpTags } from './gcp-tags.ts';

/** Google Cloud's billing export, standard or detailed, as nested, dotted or flattened columns. */
export default defineMapping({
  name: 'gcp-billing',
  summary: 'Google Cloud billing export (standard, detailed) from BigQuery.',
  settings: {
    credits: {
      doc: 'Where credits go: inline, they lower the cost of their row; rows, those that are no benefit of a commitment become charges of category Credit.',
      values: ['inline', 'rows'],
    },
    date_order: DATE_ORDER_SETTING,
  },
  rename: gcpColumn,
  fits: fitsGcp,
  required: ['usage_start_time', 'cost', 'currency'],
  build,
});

function build(input: MappingInput): MappingTable {
  const asRows = input.settings.credits === 'rows';
  const fields = gcpFields(input);
  const credits = gcpCredits(fields);
  const tags = gcpTags(fields);
  const charge = gcpCharge(fields);
  const services = gcpServices(fields);
  const costs = gcpCosts(fields, asRows ? credits.commitmentSum : credits.sum);
  const periods = gcpPeriods(fields);
  const columns: RowTemplate['columns'] = {
    ...gcpAccounts(fields),
    ...gcpResources(fields, tags, charge.category),
    ...services.columns,
    ...gcpSkus(fields, tags, charge.regular),
    ...gcpChargeColumns(charge, fields, credits),
    ...costs,
    ...gcpPrices(charge, fields, costs.EffectiveCost),
    ...periods.columns,
    BillingCurrency: currencyCode('currency'),
    x_CostType: text('cost_type'),
    x_Credits: credits.list,
    x_InvoiceMonth: fields.text('invoice', 'month'),
    ...(input.has('cost_at_effective_price_default') && {
      x_CostAtEffectivePriceDefault: text('cost_at_effective_price_default'),
    }),
    ...(asRows && { x_CreditType: always(undefined), x_CreditId: always(undefined) }),
  };
  return {
    templates: [
      { columns },
      ...(asRows ? credits.rows.map((credit) => creditTemplate(columns, credit)) : []),
    ],
    repairs: [
      { code: 'billing_period_from_usage', where: periods.assumed },
      { code: 'charge_period_end_assumed', where: not(present('usage_end_time')) },
      { code: 'unknown_cost_type', where: charge.unknownType },
      { code: 'service_category_unknown', where: services.unknown },
      { code: 'tags_unreadable', where: tags.unreadable },
      ...(asRows ? [{ code: 'credits_folded', where: credits.folded }] : []),
    ],
    reject: rejects(credits),
    measures: measures(costs, credits, asRows),
    provider: always('Google Cloud'),
  };
}

function gcpPeriods(fields: GcpFields) {
  const start = time('usage_start_time');
  const stated = fields.text('invoice', 'month');
  const month = first(
    stated,
    derive([start], (begin) => (begin === undefined ? undefined : monthOfUsage(parseTime(begin)))),
  );
  return {
    assumed: not(present(stated)),
    columns: {
      ChargePeriodStart: start,
      ChargePeriodEnd: deriveTime([text('usage_end_time'), start], (end, begin) => {
        if (end !== undefined) return readTime(end);
        return begin === undefined ? Number.NaN : parseTime(begin) + HOUR;
      }),
      BillingPeriodStart: deriveTime([month], (value) => billingMonth(value)),
      BillingPeriodEnd: deriveTime([month], (value) => billingMonth(value, 1)),
    },
  };
}

const HOUR = 3_600_000;

/** A credit as a charge of its own: of the row's account, project, resource and service, without its quantities and prices. */
function creditTemplate(columns: RowTemplate['columns'], credit: CreditRow): RowTemplate {
  const kept = Object.entries(columns).filter(([name]) => !OF_THE_USAGE.test(name));
  return {
    where: credit.where,
    columns: {
      ...Object.fromEntries(kept),
      ChargeCategory: always('Credit'),
      ChargeFrequency: always('One-Time'),
      ChargeDescription: first(credit.name, credit.type),
      BilledCost: credit.amount,
      EffectiveCost: credit.amount,
      ListCost: credit.amount,
      ContractedCost: credit.amount,
      ...gcpPricingCurrency({ effective: credit.amount }),
      x_CreditType: credit.type,
      x_CreditId: credit.id,
    },
  };
}

/** Columns that describe the usage which the credit is for. */
const OF_THE_USAGE =
  /^(?:Consumed|Pricing|List|Contracted|Commitment|Capacity|SkuPrice|x_Credits$|x_CostAt)/;

function measures(
  costs: ReturnType<typeof gcpCosts>,
  credits: GcpCredits,
  asRows: boolean,
): MappingTable['measures'] {
  const amount = asRows ? plus(costs.ContractedCost, credits.sum) : costs.BilledCost;
  const invoiced = { column: 'cost + credits', amount };
  const also = asRows ? ' + credits' : '';
  const withCredits = (cost: AmountExpression) => (asRows ? plus(cost, credits.otherSum) : cost);
  return {
    BilledCost: invoiced,
    EffectiveCost: invoiced,
    ListCost: { column: `cost_at_list${also}`, amount: withCredits(costs.ListCost) },
    ContractedCost: { column: `cost${also}`, amount: withCredits(costs.ContractedCost) },
  };
}

function rejects(credits: GcpCredits): readonly RejectRule[] {
  const missing = ['cost', 'currency', 'usage_start_time'].map((column) => ({
    reason: `missing_${column}`,
    column,
    message: `the row has no ${column}`,
    where: not(present(text(column))),
  }));
  return [
    ...missing,
    {
      reason: 'invalid_credits',
      column: 'credits',
      message: 'credits is no list of credits, or an amount in it is no decimal number',
      where: credits.unreadable,
    },
  ];
}
