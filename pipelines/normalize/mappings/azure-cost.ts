import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  always,
  amount,
  type Expression,
  first,
  not,
  present,
  type TextExpression,
  test,
  text,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { azureCharge, azureChargeColumns } from './azure-charge.ts';
import { azureCosts } from './azure-costs.ts';
import { azureDay, azurePeriods } from './azure-dates.ts';
import { azureColumn, azureCostColumn, fitsAzure } from './azure-header.ts';
import {
  additional,
  azureAccounts,
  azureParties,
  azureResourcePath,
  azureResources,
  azureServices,
  azureSkus,
} from './azure-names.ts';
import { hasTwinTags, isUnreadable } from './azure-tags.ts';
import { currencyCode } from './currency.ts';

/** Currencies that Microsoft bills in. */
const CURRENCIES =
  'AED AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PLN RUB SAR SEK SGD THB TRY TWD USD ZAR';

/** Azure Cost Management exports of actual or amortized cost: enterprise, customer agreement and pay-as-you-go. */
export default defineMapping({
  name: 'azure-cost',
  summary: 'Azure Cost Management exports (actual, amortized) of any agreement.',
  settings: {
    dataset: {
      doc: 'Which export the files are. With both, the actual one gives only the fees of reservations and savings plans; all else is in the amortized one.',
      values: ['auto', 'amortized', 'actual'],
    },
    date_order: {
      doc: 'How dates such as 2/9/2026 are read; auto goes by all dates of the file (13/9/2026, the billing period) and takes the month first, as Microsoft documents it, when they do not tell.',
      values: DATE_ORDER_SETTING.values,
    },
    currency: {
      doc: 'Currency of exports that name none; XXX says that it is not known.',
      values: ['XXX', ...CURRENCIES.split(' ')],
    },
  },
  rename: azureColumn,
  fits: fitsAzure,
  required: ['Date'],
  dateOrder: 'mdy',
  build,
});

function build(input: MappingInput): MappingTable {
  const { settings } = input;
  const costColumn = azureCostColumn((name) => input.has(name)) ?? 'CostInBillingCurrency';
  const cost = amount(costColumn);
  const billingCurrency = currency(settings.currency);
  const charge = azureCharge();
  const periods = azurePeriods();
  const costs = azureCosts(charge, { cost, billingCurrency, additionalInfo: additional });
  const accounts = azureAccounts();
  const path = azureResourcePath();
  const services = azureServices(path);
  const kind = azureChargeColumns(charge);
  return {
    templates: [
      {
        columns: given(input, {
          ...kind,
          ...costs.columns,
          ...accounts.columns,
          ...azureParties(),
          ...azureResources(kind.ChargeCategory, path),
          ...services.columns,
          ...azureSkus(charge),
          ...CUSTOM,
          BillingCurrency: billingCurrency,
          BillingPeriodStart: periods.billingStart,
          BillingPeriodEnd: periods.billingEnd,
          ChargePeriodStart: periods.chargeStart,
          ChargePeriodEnd: periods.chargeEnd,
          InvoiceId: text('InvoiceId'),
          x_ServicePeriodStart: azureDay('ServicePeriodStartDate'),
          x_ServicePeriodEnd: azureDay('ServicePeriodEndDate'),
        }),
      },
    ],
    drop:
      settings.dataset === 'actual'
        ? [{ reason: 'in_amortized_dataset', where: not(charge.commitmentFee) }]
        : [],
    repairs: [
      { code: 'billing_account_from_subscription', where: accounts.assumed },
      { code: 'billing_period_from_date', where: periods.assumedBillingPeriod },
      { code: 'currency_assumed', where: not(present('BillingCurrency')) },
      { code: 'list_cost_from_contracted_cost', where: costs.listAssumed },
      { code: 'contracted_cost_from_cost', where: costs.contractedAssumed },
      { code: 'unknown_charge_type', where: charge.unknownType },
      { code: 'service_category_unknown', where: services.unknown },
      { code: 'tag_keys_merged', where: test(['Tags'], (cell) => hasTwinTags(cell ?? '')) },
      { code: 'tags_unreadable', where: unreadable('Tags') },
      { code: 'additional_info_unreadable', where: unreadable('AdditionalInfo') },
    ],
    reject: [
      {
        reason: 'missing_cost',
        column: costColumn,
        message: 'the row has no cost; CostInBillingCurrency, Cost or PreTaxCost is expected',
        where: not(present(text(costColumn))),
      },
      {
        reason: 'missing_date',
        column: 'Date',
        message: 'the row has no date',
        where: not(present('Date')),
      },
    ],
    measures: {
      BilledCost: { column: costColumn, amount: cost },
      EffectiveCost: { column: costColumn, amount: cost },
    },
    provider: always('Microsoft'),
  };
}

function currency(assumed = 'XXX'): TextExpression {
  return first(currencyCode('BillingCurrency'), always(assumed));
}

function unreadable(column: string) {
  return test([column], (cell) => cell !== undefined && isUnreadable(cell));
}

/** The columns without those custom ones that only repeat a source column which the part does not have. */
function given(input: MappingInput, columns: RowTemplate['columns']): RowTemplate['columns'] {
  const sourceOf = (of: Expression): string | undefined => {
    if (of.kind === 'time') return of.inputs[0] && sourceOf(of.inputs[0]);
    return of.kind === 'text' && of.op === 'column' ? of.value : undefined;
  };
  return Object.fromEntries(
    Object.entries(columns).filter(([name, of]) => {
      const source = of !== undefined && name.startsWith('x_') ? sourceOf(of) : undefined;
      return source === undefined || input.has(source);
    }),
  );
}

/** Columns of the native dataset that these exports have under another name. */
const CUSTOM = {
  x_AccountId: text('AccountId'),
  x_AccountName: text('AccountName'),
  x_AccountOwnerId: text('AccountOwnerId'),
  x_BillingExchangeRate: text('ExchangeRatePricingToBilling'),
  x_BillingExchangeRateDate: text('ExchangeRateDate'),
  x_CostAllocationRuleName: text('CostAllocationRuleName'),
  x_CostCenter: text('CostCenter'),
  x_EffectiveUnitPrice: text('EffectivePrice'),
  x_InvoiceSectionId: text('InvoiceSectionId'),
  x_InvoiceSectionName: text('InvoiceSectionName'),
  x_PublisherCategory: text('PublisherType'),
  x_PublisherId: text('PublisherId'),
  x_ResellerName: text('ResellerName'),
  x_ReservationId: text('ReservationId'),
} as const;
