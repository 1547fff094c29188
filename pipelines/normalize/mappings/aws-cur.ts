/**
 * AWS Cost and Usage Report to FOCUS: legacy CUR (CSV and Athena/Parquet names) and CUR 2.0, also mixed in one file.
 * Every line item type gives its rows by `aws-cur/line-items.ts`; unused commitment is a row of its own beside its fee.
 */
import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  always,
  chooseAmount,
  first,
  is,
  not,
  present,
  sign,
  type Test,
  when,
} from '../expressions.ts';
import {
  type DropRule,
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RowTemplate,
} from '../mapping.ts';
import { type Columns, canonicalName, columnsOf } from './aws-cur/columns.ts';
import { commitmentColumns, unusedColumns } from './aws-cur/commitments.ts';
import { costsOf } from './aws-cur/costs.ts';
import { discounts, skuPriceDetails, tags } from './aws-cur/details.ts';
import { chargeColumns, type LineItem, lineItemOf } from './aws-cur/line-items.ts';
import { periodsOf } from './aws-cur/periods.ts';
import { placesOf, resourcesOf } from './aws-cur/resources.ts';
import { servicesOf } from './aws-cur/services.ts';
import { splitAllocation } from './aws-cur/split-allocation.ts';
import { CURRENCY_SETTING, currencyMissing, namedCurrency } from './currency.ts';

const REQUIRED = [
  'line_item_line_item_type',
  'line_item_unblended_cost',
  'line_item_currency_code',
] as const;

/** The mapping `aws-cur`. */
export default defineMapping({
  name: 'aws-cur',
  summary: 'AWS Cost and Usage Report, legacy or 2.0, as CSV or Parquet.',
  settings: {
    split_rows: {
      doc: 'Rows of split cost allocation (ECS, EKS): `off` leaves them out, as their cost is in the row of their instance; `allocate` puts them in its place.',
      values: ['off', 'allocate'],
    },
    split_idle: {
      doc: 'What of an instance no container used: a row of its own (`remainder`), or `shared` by its containers.',
      values: ['remainder', 'shared'],
    },
    currency: CURRENCY_SETTING,
    date_order: DATE_ORDER_SETTING,
  },
  rename: canonicalName,
  fits,
  required: REQUIRED,
  standIns: { line_item_currency_code: { setting: 'currency', example: 'USD' } },
  build,
});

/** Columns that only a Cost and Usage Report names so: as many make it one, be it without what it needs. */
const UNMISTAKABLE = 4;
const ITS_OWN =
  /^(?:bill_|pricing_|identity_(?:line_item_id|time_interval)|line_item_(?:usage_|(?:un)?blended_|product_code|operation|resource_id|legal_entity|line_item_))/;

function fits(columns: ReadonlySet<string>): number {
  if (REQUIRED.every((name) => columns.has(name))) return 100;
  const known = [...columns].filter((name) => ITS_OWN.test(name));
  return known.length >= UNMISTAKABLE ? 30 : 0;
}

function build(input: MappingInput): MappingTable {
  const columns = columnsOf(input);
  const periods = periodsOf(columns);
  const item = lineItemOf(columns, periods.beforeBill);
  const costs = costsOf(columns, item);
  const services = servicesOf(columns);
  const places = placesOf(columns);
  const resources = resourcesOf(columns, item);
  const split = splitAllocation(columns);
  const charge: RowTemplate['columns'] = {
    ...accountColumns(columns),
    ...periods.columns,
    ...chargeColumns(columns, item),
    ...services.columns,
    ...places.columns,
    ...resources.columns,
    ...commitmentColumns(item),
    ...costs.columns,
    ...skuColumns(columns, item),
    ...split.columns,
    ...customColumns(columns),
    InvoiceId: columns.text('bill_invoice_id'),
    Tags: tags(columns),
  };
  return {
    templates: [
      { columns: charge },
      {
        where: costs.hasUnused,
        columns: { ...charge, ...unusedColumns(columns, item, costs.unused) },
      },
    ],
    ...(split.rewrite !== undefined && { rewrite: split.rewrite }),
    drop: [...split.drop, ...dropRules(columns, item)],
    repairs: [
      { code: 'unknown_line_item_type', where: item.isKind('unknown') },
      ...periods.repairs,
      ...services.repairs,
      ...places.repairs,
      ...resources.repairs,
      ...costs.repairs,
      ...(namedCurrency(input.settings.currency) === undefined
        ? []
        : [
            {
              code: 'billing_currency_missing',
              where: not(present(columns.text('line_item_currency_code'))),
            },
          ]),
      {
        code: 'billing_account_from_usage_account',
        where: not(present(columns.text('bill_payer_account_id'))),
      },
      ...split.repairs,
    ],
    reject: rejectRules(columns, periods.missing),
    measures: { BilledCost: { column: costs.invoicedColumn, amount: costs.invoiced } },
    provider: always('AWS'),
  };
}

function accountColumns(columns: Columns): RowTemplate['columns'] {
  const account = columns.text('line_item_usage_account_id');
  return {
    BillingAccountId: first(columns.text('bill_payer_account_id'), account),
    BillingAccountName: columns.text('bill_payer_account_name'),
    BillingAccountType: always('Billing Account'),
    SubAccountId: account,
    SubAccountName: first(columns.text('line_item_usage_account_name'), account),
    SubAccountType: when(present(account), always('Account')),
  };
}

/** A credit or discount may name a SKU, but not its price; a tax names none. */
function skuColumns(columns: Columns, item: LineItem): RowTemplate['columns'] {
  const sku = when(not(item.inCategory('Tax')), columns.text('product_sku'));
  const price = when(
    item.inCategory('Usage', 'Purchase', 'Adjustment'),
    columns.text('pricing_rate_code', 'pricing_rate_id'),
  );
  const usageType = columns.text('line_item_usage_type');
  const hasSku = present(sku);
  return {
    SkuId: sku,
    SkuMeter: when(hasSku, usageType),
    SkuPriceId: price,
    SkuPriceDetails: skuPriceDetails(columns, present(price)),
    x_UsageType: when(hasSku, always(undefined), usageType),
  };
}

function customColumns(columns: Columns): RowTemplate['columns'] {
  return {
    x_Operation: columns.text('line_item_operation'),
    x_ServiceCode: columns.product('servicecode'),
    x_Discounts: discounts(columns),
    x_LineItemId: columns.text('identity_line_item_id'),
    x_IamPrincipal: columns.text('line_item_iam_principal'),
    x_BillingEntity: columns.text('bill_billing_entity'),
    x_LineItemType: columns.text('line_item_line_item_type'),
  };
}

/** Rows that offset others: FOCUS has their money in the rows they offset. */
function dropRules(columns: Columns, item: LineItem): readonly DropRule[] {
  const net = 'line_item_net_unblended_cost';
  const discount = item.isKind('discount');
  return [
    { reason: 'savings_plan_negation', where: item.isKind('negation') },
    ...(columns.input.has(net)
      ? [
          {
            reason: 'discount_within_net_cost',
            where: is(sign(chooseAmount([[discount, columns.amount(net)]])), '0'),
          },
        ]
      : []),
  ];
}

function rejectRules(columns: Columns, noPeriod: Test): readonly RejectRule[] {
  const missing = (...names: readonly string[]): Test => not(present(columns.text(...names)));
  return [
    {
      reason: 'missing_mandatory',
      column: 'line_item_usage_start_date',
      message: 'neither the usage nor the billing period says when; a charge cannot be without it',
      where: noPeriod,
    },
    {
      reason: 'missing_mandatory',
      column: 'line_item_currency_code',
      message: currencyMissing('the currency', 'aws-cur'),
      where: not(present(columns.currency)),
    },
    {
      reason: 'missing_mandatory',
      column: 'bill_payer_account_id',
      message: 'neither payer nor usage account is named; a charge cannot be without one',
      where: missing('bill_payer_account_id', 'line_item_usage_account_id'),
    },
  ];
}
