/**
 * Reconciliation files of Microsoft's Partner Center to FOCUS: daily rated usage of Azure (`PartnerId … BillingPreTaxTotal`), and invoices of new
 * commerce (`PartnerId … Subtotal, TaxTotal, Total`), whose taxes become charges of their own.
 * Facts: learn.microsoft.com, partner-center/billing, "Daily rated usage reconciliation file fields" and "License-based reconciliation files"
 * (github MicrosoftDocs/partner-center-pr).
 */
import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  type AmountExpression,
  all,
  always,
  amount,
  any,
  cases,
  chooseAmount,
  deriveTime,
  first,
  firstAmount,
  is,
  join,
  map,
  matches,
  not,
  plus,
  present,
  sign,
  type Test,
  type TextExpression,
  test,
  text,
  timeBy,
  when,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RowTemplate,
} from '../mapping.ts';
import { categoryOfSubcategory, UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import { readTime } from '../written-times.ts';
import { dividedWhere, isOne, times, timesWhere } from './arithmetic.ts';
import { azureColumn } from './azure-header.ts';
import { azureResourcePath, azureResources, azureServices } from './azure-names.ts';
import { currencyCode } from './currency.ts';
import { dayAfter } from './statement.ts';
import { billingMonthOf, missing } from './usage-record.ts';

type Columns = RowTemplate['columns'];

const REQUIRED = ['PartnerId', 'CustomerId', 'BillingCurrency', 'ChargeStartDate'] as const;

/** The mapping `azure-partner`. */
export default defineMapping({
  name: 'azure-partner',
  summary: "Reconciliation files of Microsoft's Partner Center: daily rated usage, invoices.",
  settings: {
    date_order: {
      doc: 'How dates such as 2/9/2026 are read; auto goes by all dates of the file (13/9/2026) and takes the month first, as Partner Center writes it, when they do not tell.',
      values: DATE_ORDER_SETTING.values,
    },
  },
  rename,
  fits: (columns) =>
    REQUIRED.every((name) => columns.has(name)) && costOf((name) => columns.has(name)) !== undefined
      ? 95
      : 0,
  required: REQUIRED,
  dateOrder: 'mdy',
  build,
});

/** Names of the files that differ from those of the exports of cost details, in lower case. */
const NAMES: Readonly<Record<string, string>> = {
  partnerid: 'PartnerId',
  customerid: 'CustomerId',
  chargestartdate: 'ChargeStartDate',
  chargeenddate: 'ChargeEndDate',
  billingpretaxtotal: 'BillingPreTaxTotal',
  pricingpretaxtotal: 'PricingPreTaxTotal',
  subtotal: 'Subtotal',
  taxtotal: 'TaxTotal',
  unit: 'UnitOfMeasure',
  resourceuri: 'ResourceId',
  pctobcexchangerate: 'ExchangeRatePricingToBilling',
  pctobcexchangeratedate: 'ExchangeRateDate',
  invoicenumber: 'InvoiceId',
};

function rename(header: string): string {
  const name = header.trim();
  return NAMES[name.toLowerCase().replace(/[\s_]+/g, '')] ?? azureColumn(name);
}

/** The column of what a row costs before tax. */
function costOf(has: (column: string) => boolean): string | undefined {
  return ['BillingPreTaxTotal', 'Subtotal'].find(has);
}

function build(input: MappingInput): MappingTable {
  const column = costOf(input.has) ?? 'Subtotal';
  const [cost, tax] = [amount(column), amount('TaxTotal')];
  const kind = kindOf(input);
  const path = azureResourcePath();
  const services = servicesOf(path);
  const shared = { ...parties(), ...services.columns, ...periods() };
  return {
    templates: [
      {
        columns: {
          ...shared,
          ...azureResources(kind.category, path),
          ...charge(kind),
          ...costs(cost, kind),
        },
      },
      {
        where: is(sign(tax), '+', '-'),
        columns: { ...shared, ...taxed(tax) },
      },
    ],
    repairs: [{ code: 'service_category_unknown', where: services.unknown }],
    reject: [
      missing(column, 'the row has no cost', cost),
      missing('ChargeStartDate', 'the row has no date', first('ChargeStartDate', 'Date')),
      missing('BillingCurrency', 'the row has no currency'),
    ],
    measures: input.has('TaxTotal')
      ? { BilledCost: { column: `${column} + TaxTotal`, amount: plus(cost, tax) } }
      : { BilledCost: { column, amount: cost } },
    provider: always('Microsoft'),
  };
}

function parties(): Columns {
  const subscription = first('EntitlementId', 'SubscriptionId');
  return {
    ProviderName: always('Microsoft'),
    HostProviderName: always('Microsoft'),
    ServiceProviderName: always('Microsoft'),
    PublisherName: first('PublisherName', always('Microsoft')),
    InvoiceIssuerName: always('Microsoft'),
    BillingAccountId: first('PartnerId', always('unknown')),
    BillingAccountName: text('PartnerName'),
    BillingAccountType: always('Partner'),
    SubAccountId: subscription,
    SubAccountName: first('EntitlementDescription', 'SubscriptionDescription', subscription),
    SubAccountType: when(present(subscription), always('Subscription')),
    BillingCurrency: currencyCode('BillingCurrency'),
    InvoiceId: text('InvoiceId'),
    x_CustomerId: text('CustomerId'),
    x_CustomerName: text('CustomerName'),
  };
}

/** Usage has a day of its own; what is bought runs from its first to its last day. */
function periods(): Columns {
  const day = text('Date');
  const start = first(day, 'ChargeStartDate');
  const billed = first('ChargeStartDate', day);
  return {
    ChargePeriodStart: timeBy(start, (value) => dayOf(readTime(value))),
    ChargePeriodEnd: deriveTime(
      [day, dayAfter(start), dayAfter(text('ChargeEndDate'))],
      (used, next, last) => readTime((used === undefined ? last : undefined) ?? next ?? ''),
    ),
    ...billingMonthOf(billed, readTime),
  };
}

function dayOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / DAY) * DAY : ms;
}

const DAY = 86_400_000;

interface Kind {
  readonly category: TextExpression;
  readonly usage: Test;
  readonly priced: Test;
}

/** A file of daily rated usage has nothing but usage; of an invoice, what has a meter is usage and a credit is named as such. */
function kindOf(input: MappingInput): Kind {
  const metered = input.has('BillingPreTaxTotal')
    ? not(present(always(undefined)))
    : present('MeterDescription');
  const credit = matches('ChargeType', /credit|promotion/i);
  const category = cases(
    [
      [credit, always('Credit')],
      [metered, always('Usage')],
    ],
    always('Purchase'),
  );
  return { category, usage: is(category, 'Usage'), priced: is(category, 'Usage', 'Purchase') };
}

function charge({ category, usage }: Kind): Columns {
  const once = matches('BillingFrequency', /one.?time/i);
  return {
    ChargeCategory: category,
    ChargeFrequency: cases(
      [
        [usage, always('Usage-Based')],
        [all(is(category, 'Purchase'), not(once)), always('Recurring')],
      ],
      always('One-Time'),
    ),
    ChargeDescription: first('SkuName', 'ProductName', 'SubscriptionDescription'),
    PricingCategory: when(is(category, 'Usage', 'Purchase'), always('Standard')),
    SkuId: first('ProductId', 'SkuId'),
    SkuMeter: when(present(first('ProductId', 'SkuId')), first('MeterName', 'MeterDescription')),
    SkuPriceId: join('/', 'ProductId', 'SkuId'),
    x_ChargeType: text('ChargeType'),
    x_OrderId: text('OrderId'),
    x_PartnerCreditPercentage: text('PartnerEarnedCreditPercentage'),
    x_PriceAdjustment: text('PriceAdjustmentDescription'),
    x_SkuMeterId: text('MeterId'),
    x_SkuMeterCategory: text('MeterCategory'),
    x_SkuTerm: text('TermAndBillingCycle'),
  };
}

const rate = text('ExchangeRatePricingToBilling');
const converted = test([rate], (factor) => factor !== undefined && !isOne(factor));

function costs(cost: AmountExpression, kind: Kind): Columns {
  const { priced, usage } = kind;
  const quantity = firstAmount(amount('BillableQuantity'), amount('Quantity'));
  const counted = chooseAmount([[priced, quantity]]);
  const consumed = chooseAmount([[usage, quantity]]);
  const unit = first('UnitOfMeasure', 'UnitType', always('Units'));
  return {
    BilledCost: cost,
    EffectiveCost: cost,
    ContractedCost: cost,
    PricingCurrencyEffectiveCost: firstAmount(
      amount('PricingPreTaxTotal'),
      dividedWhere(converted, [cost, rate], cost),
    ),
    ...prices(cost, kind, quantity),
    PricingQuantity: counted,
    PricingUnit: when(present(counted), unit),
    ConsumedQuantity: consumed,
    ConsumedUnit: when(present(consumed), unit),
    x_BillingExchangeRate: rate,
  };
}

/**
 * Prices of usage stand in the currency of the price list: the unit price before the partner's earned credit, the effective one after it. Of licences,
 * only the effective one is for as much of their term as the row.
 */
function prices(
  cost: AmountExpression,
  { usage, priced }: Kind,
  quantity: AmountExpression,
): Columns {
  const given = (column: string, where: Test) =>
    chooseAmount([[all(where, is(sign(amount(column)), '+', '-')), amount(column)]]);
  const inBilling = (price: AmountExpression) => timesWhere(converted, [price, rate], price);
  const effective = given('EffectiveUnitPrice', priced);
  const list = firstAmount(given('UnitPrice', usage), effective);
  return {
    ListCost: firstAmount(times(inBilling(given('UnitPrice', usage)), quantity), cost),
    ListUnitPrice: inBilling(list),
    ContractedUnitPrice: inBilling(effective),
    PricingCurrencyListUnitPrice: list,
    PricingCurrencyContractedUnitPrice: effective,
    PricingCurrency: currencyCode(first('PricingCurrency', 'BillingCurrency')),
  };
}

/** The tax of a row, as a charge. */
function taxed(tax: AmountExpression): Columns {
  return {
    BilledCost: tax,
    EffectiveCost: tax,
    ContractedCost: tax,
    ListCost: tax,
    PricingCurrency: first('PricingCurrency', 'BillingCurrency'),
    PricingCurrencyEffectiveCost: dividedWhere(converted, [tax, rate], tax),
    ChargeCategory: always('Tax'),
    ChargeFrequency: always('One-Time'),
    ChargeDescription: map(first('SkuName', 'ProductName', always('Tax')), (of) => `Tax: ${of}`),
  };
}

/** What has a meter or a consumed service is an Azure service; licences are their product, which FOCUS has no list for. */
function servicesOf(path: TextExpression): ReturnType<typeof azureServices> {
  const azure = azureServices(path);
  const known = any(present('ConsumedService'), present('MeterCategory'), present(path));
  const product = first('ProductName', 'SkuName', always('Microsoft Online Services'));
  const office =
    /\b(?:365|office|dynamics|teams|power (?:bi|apps|automate)|exchange|visio|project plan)\b/i;
  const subcategory = map(product, (name) =>
    office.test(name) ? 'Productivity and Collaboration' : UNKNOWN_SERVICE.subcategory,
  );
  const { ServiceName, ServiceCategory, ServiceSubcategory } = azure.columns as Record<
    'ServiceName' | 'ServiceCategory' | 'ServiceSubcategory',
    TextExpression
  >;
  return {
    unknown: any(
      all(known, azure.unknown),
      all(not(known), is(subcategory, UNKNOWN_SERVICE.subcategory)),
    ),
    columns: {
      ServiceName: when(known, ServiceName, product),
      ServiceCategory: when(known, ServiceCategory, map(subcategory, categoryOfSubcategory)),
      ServiceSubcategory: when(known, ServiceSubcategory, subcategory),
    },
  };
}
