/**
 * Oracle Cloud cost report (the proprietary format, `reports/cost-csv`) to FOCUS. Cost, quantity and price include overage, so
 * `cost/myCost` is what is billed. The report knows no commitments and no billing period: the month is derived. Nor does it know list
 * prices: the prices it has stand for them too. Oracle's price list is by part number, which therefore is both SKU and price.
 * Oracle's FOCUS reports are read by the mapping `focus`.
 */
import { formatTime } from '../../focus/times.ts';
import { DATE_ORDER_SETTING } from '../date-order.ts';
import {
  all,
  always,
  amount,
  any,
  derive,
  type Expression,
  first,
  firstAmount,
  is,
  lookup,
  map,
  noAmount,
  not,
  nothing,
  present,
  sign,
  type Test,
  type TextExpression,
  text,
  timeBy,
  when,
  zero,
} from '../expressions.ts';
import {
  defineMapping,
  type MappingInput,
  type MappingTable,
  type RejectRule,
  type RowTemplate,
} from '../mapping.ts';
import { OCI_REGION_NAMES } from '../tables/oci-regions.ts';
import { OCI_SERVICES, ociServiceKey } from '../tables/oci-services.ts';
import { readTime } from '../written-times.ts';
import { CURRENCY_SETTING, currencyMissing, namedCurrency } from './currency.ts';
import { ociResourceType } from './oci-resource.ts';
import { billingMonthOf } from './usage-record.ts';

const PROVIDER = 'Oracle';
const ITS_OWN = ['cost/mycost', 'lineitem/intervalusagestart'] as const;
const REQUIRED = [...ITS_OWN, 'cost/currencycode'] as const;

/** The mapping `oci-cost-report`. */
export default defineMapping({
  name: 'oci-cost-report',
  summary: 'Oracle Cloud Infrastructure cost report, proprietary format, as CSV.',
  settings: { currency: CURRENCY_SETTING, date_order: DATE_ORDER_SETTING },
  standIns: { 'cost/currencycode': { setting: 'currency', example: 'USD' } },
  rename: (header) => {
    const name = header.replace(/^\uFEFF/, '').trim();
    return /^tags\//i.test(name) ? `tags/${name.slice(5)}` : name.toLowerCase();
  },
  fits: (columns) => (ITS_OWN.every((name) => columns.has(name)) ? 100 : 0),
  required: REQUIRED,
  build,
});

function build(input: MappingInput): MappingTable {
  const read = reader(input);
  const periods = periodsOf(read);
  const service = servicesOf(read);
  return {
    templates: [
      {
        columns: {
          ...accountColumns(read),
          ...periods.columns,
          ...chargeColumns(read),
          ...costColumns(read),
          ...service.columns,
          ...resourceColumns(read),
          Tags: tags(input),
          ...customColumns(read),
        },
      },
    ],
    repairs: [
      { code: 'unknown_service_category', where: service.unknown },
      { code: 'charge_period_end_derived', where: periods.endDerived },
      { code: 'billing_currency_missing', where: not(present(read.text('cost/currencycode'))) },
      { code: 'missing_cost', where: not(present(sign(read.amount('cost/mycost')))) },
    ],
    reject: rejectRules(read, periods.missing),
    measures: { BilledCost: { column: 'cost/myCost', amount: read.amount('cost/mycost') } },
    provider: always(PROVIDER),
  };
}

/** The part's columns; null on every row when it lacks one. */
interface Reader {
  /** Currency of the row: the one it states, else the one that the operator named. */
  readonly currency: TextExpression;
  text(name: string): TextExpression;
  amount(name: string): ReturnType<typeof amount>;
}

function reader(input: MappingInput): Reader {
  const stated = input.has('cost/currencycode') ? text('cost/currencycode') : nothing;
  const named = namedCurrency(input.settings.currency);
  return {
    currency: named === undefined ? stated : first(stated, always(named)),
    text: (name) => (input.has(name) ? text(name) : nothing),
    amount: (name) => (input.has(name) ? amount(name) : noAmount),
  };
}

function accountColumns(read: Reader): RowTemplate['columns'] {
  const tenant = read.text('lineitem/tenantid');
  return {
    BillingAccountId: first(read.text('cost/subscriptionid'), tenant),
    BillingAccountType: when(
      present(read.text('cost/subscriptionid')),
      always('Subscription'),
      always('Tenancy'),
    ),
    BillingCurrency: read.currency,
    SubAccountId: tenant,
    SubAccountName: tenant,
    SubAccountType: when(present(tenant), always('Tenancy')),
  };
}

function chargeColumns(read: Reader): RowTemplate['columns'] {
  return {
    ChargeCategory: always('Usage'),
    ChargeClass: when(
      is(map(read.text('lineitem/iscorrection'), lower), 'true'),
      always('Correction'),
    ),
    ChargeDescription: read.text('product/description'),
    ChargeFrequency: always('Usage-Based'),
    PricingCategory: always('Standard'),
  };
}

function costColumns(read: Reader): RowTemplate['columns'] {
  const cost = firstAmount(read.amount('cost/mycost'), zero);
  const quantity = firstAmount(read.amount('usage/billedquantity'), zero);
  const price = read.amount('cost/unitprice');
  const sku = read.text('cost/productsku');
  const unit = first(
    read.text('cost/skuunitdescription'),
    read.text('cost/billingunitreadable'),
    always('Units'),
  );
  return {
    BilledCost: cost,
    EffectiveCost: cost,
    ListCost: cost,
    ContractedCost: cost,
    ContractedUnitPrice: price,
    ListUnitPrice: price,
    PricingQuantity: quantity,
    PricingUnit: unit,
    ConsumedQuantity: quantity,
    ConsumedUnit: unit,
    PricingCurrency: read.currency,
    PricingCurrencyEffectiveCost: cost,
    PricingCurrencyContractedUnitPrice: price,
    PricingCurrencyListUnitPrice: price,
    SkuId: sku,
    SkuPriceId: sku,
    SkuMeter: when(present(sku), read.text('product/description')),
  };
}

function servicesOf(read: Reader): {
  readonly columns: RowTemplate['columns'];
  readonly unknown: Test;
} {
  const service = read.text('product/service');
  const key = map(service, ociServiceKey);
  const category = lookup(OCI_SERVICES.categories, key);
  return {
    columns: {
      ServiceName: first(service, always('Unknown')),
      ServiceCategory: first(category, always('Other')),
      ServiceSubcategory: first(lookup(OCI_SERVICES.subcategories, key), always('Other (Other)')),
      ProviderName: always(PROVIDER),
      PublisherName: always(PROVIDER),
      ServiceProviderName: always(PROVIDER),
      HostProviderName: always(PROVIDER),
      InvoiceIssuerName: always(PROVIDER),
    },
    unknown: not(present(category)),
  };
}

function resourceColumns(read: Reader): RowTemplate['columns'] {
  const region = read.text('product/region');
  const resource = read.text('product/resourceid');
  return {
    AvailabilityZone: read.text('product/availabilitydomain'),
    RegionId: region,
    RegionName: map(region, (id) => OCI_REGION_NAMES[id] ?? id),
    ResourceId: resource,
    ResourceType: derive([resource, map(read.text('product/service'), ociServiceKey)], (id, key) =>
      id === undefined ? undefined : resourceType(id, key),
    ),
  };
}

/** The type in an OCID; objects are charged by bucket, telemetry by a bare name. */
function resourceType(id: string, service: string | undefined): string {
  return ociResourceType(id) ?? (service === OBJECT_STORE ? 'bucket' : 'Resource');
}

const OBJECT_STORE = ociServiceKey('OBJECTSTORE');

/** Source column → custom column; the names are those that Oracle's FOCUS reports use. */
const CUSTOM: Readonly<Record<string, `x_${string}`>> = {
  'lineitem/referenceno': 'x_oci_ReferenceNumber',
  'lineitem/backreferenceno': 'x_oci_BackReferenceNumber',
  'product/compartmentid': 'x_oci_CompartmentId',
  'product/compartmentname': 'x_oci_CompartmentName',
  'cost/overageflag': 'x_oci_OverageFlag',
  'cost/unitpriceoverage': 'x_oci_UnitPriceOverage',
  'usage/billedquantityoverage': 'x_oci_BilledQuantityOverage',
  'cost/mycostoverage': 'x_oci_CostOverage',
  'usage/attributedusage': 'x_oci_AttributedUsage',
  'cost/attributedcost': 'x_oci_AttributedCost',
  'cost/billingunitreadable': 'x_oci_BillingUnit',
};

function customColumns(read: Reader): RowTemplate['columns'] {
  return Object.fromEntries(
    Object.entries(CUSTOM).map(([source, name]): [string, Expression] => [name, read.text(source)]),
  );
}

/** `tags/<namespace>.<key>` columns; orders of magnitude fewer combinations than rows. */
function tags(input: MappingInput): TextExpression {
  const columns = input.columns.filter((name) => name.startsWith('tags/'));
  if (columns.length === 0) return nothing;
  const keys = columns.map((name) => name.slice('tags/'.length));
  return derive(
    columns.map((name) => text(name)),
    (...values: (string | undefined)[]) => {
      const entries = keys.flatMap((key, i) => (values[i] === undefined ? [] : [[key, values[i]]]));
      return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
    },
  );
}

/** The interval of the usage, and the calendar month (UTC) it starts in. */
function periodsOf(read: Reader): {
  readonly columns: RowTemplate['columns'];
  readonly endDerived: Test;
  readonly missing: Test;
} {
  const start = read.text('lineitem/intervalusagestart');
  const end = read.text('lineitem/intervalusageend');
  const derived = all(present(start), not(present(end)));
  const hourLater = map(start, (value) => {
    const ms = readTime(value);
    return Number.isFinite(ms) ? formatTime(ms + 3_600_000) : value;
  });
  return {
    columns: {
      ChargePeriodStart: timeBy(start, readTime),
      ChargePeriodEnd: timeBy(first(end, hourLater), readTime),
      ...billingMonthOf(start, readTime),
    },
    endDerived: derived,
    missing: not(present(start)),
  };
}

function lower(value: string): string {
  return value.toLowerCase();
}

function rejectRules(read: Reader, noPeriod: Test): readonly RejectRule[] {
  const account = any(
    present(read.text('cost/subscriptionid')),
    present(read.text('lineitem/tenantid')),
  );
  const missing = (column: string, where: Test): RejectRule => ({
    reason: 'missing_mandatory',
    column,
    message: `${column} is missing; a charge cannot be without it`,
    where,
  });
  return [
    missing('lineItem/intervalUsageStart', noPeriod),
    {
      ...missing('cost/currencyCode', not(present(read.currency))),
      message: currencyMissing('cost/currencyCode', 'oci-cost-report'),
    },
    missing('cost/subscriptionId', not(account)),
  ];
}
