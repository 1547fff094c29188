/**
 * Daily usage of Snowflake in currency to FOCUS: the view `SNOWFLAKE.ORGANIZATION_USAGE.USAGE_IN_CURRENCY_DAILY` (docs.snowflake.com), at the prices of
 * the contract.
 */
import {
  always,
  amount,
  cases,
  first,
  is,
  map,
  matches,
  present,
  type TextExpression,
  text,
  when,
} from '../expressions.ts';
import { defineMapping, type MappingTable, type RowTemplate } from '../mapping.ts';
import { currencyCode } from './currency.ts';
import { hostIn, refusals, regionId, statementColumns } from './statement.ts';

const PROVIDER = 'Snowflake';
const REQUIRED = ['usage_date', 'usage_type', 'usage_in_currency', 'currency'] as const;

/** The mapping `snowflake-usage`. */
export default defineMapping({
  name: 'snowflake-usage',
  summary: 'Daily usage of Snowflake in currency (USAGE_IN_CURRENCY_DAILY).',
  rename: (header) => header.trim().toLowerCase(),
  fits: (columns) => (REQUIRED.every((name) => columns.has(name)) ? 90 : 0),
  required: REQUIRED,
  build,
});

function build(): MappingTable {
  const [cost, start] = [amount('usage_in_currency'), text('usage_date')];
  const locator = first('account_locator', 'account_name');
  const rating = first(type('rating_type'), type('usage_type'));
  const columns: RowTemplate['columns'] = {
    ...statementColumns({
      provider: PROVIDER,
      account: first('contract_number', 'organization_name', always('unknown')),
      accountType: 'Contract',
      currency: currencyCode('currency'),
      cost,
      start,
      category: categoryOf(),
      quantity: amount('usage'),
      // As USAGE_IN_CURRENCY_DAILY documents USAGE.
      unit: cases([
        [is(rating, 'compute'), always('Credits')],
        [is(rating, 'storage', 'data transfer'), always('TB')],
      ]),
      sku: text('usage_type'),
      service: always(PROVIDER),
      subcategory: always('Data Warehouses'),
    }),
    BillingAccountName: text('organization_name'),
    HostProviderName: hostIn('region', PROVIDER),
    SubAccountId: locator,
    SubAccountName: first('account_name', locator),
    SubAccountType: when(present(locator), always('Account')),
    RegionId: map('region', regionId),
    RegionName: text('region'),
    ChargeDescription: text('usage_type'),
    x_BalanceSource: text('balance_source'),
    x_BillingType: text('billing_type'),
    x_ServiceLevel: text('service_level'),
  };
  return {
    templates: [{ columns }],
    reject: refusals({ cost, costColumn: 'usage_in_currency', start, startColumn: 'usage_date' }),
    measures: { BilledCost: { column: 'usage_in_currency', amount: cost } },
    provider: always(PROVIDER),
  };
}

function type(column: string): TextExpression {
  return map(column, (value) => value.trim().toLowerCase());
}

/** Adjustments correct earlier usage; rebates and credits lower the bill. */
function categoryOf(): TextExpression {
  return cases(
    [
      [matches('is_adjustment', /^true$/i), always('Adjustment')],
      [matches('billing_type', /rebate|credit/i), always('Credit')],
      [matches('billing_type', /support|fee/i), always('Purchase')],
    ],
    always('Usage'),
  );
}
