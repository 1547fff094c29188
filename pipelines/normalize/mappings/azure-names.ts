/** Who and what an Azure row is about: accounts, publishers, resources, regions, services, SKUs. */
import {
  all,
  always,
  any,
  cases,
  derive,
  first,
  is,
  join,
  lookup,
  map,
  matches,
  not,
  present,
  type Test,
  type TextExpression,
  test,
  text,
  when,
} from '../expressions.ts';
import type { RowTemplate } from '../mapping.ts';
import { azureRegion } from '../tables/azure-regions.ts';
import { azureResourceTypeName } from '../tables/azure-resource-types.ts';
import { azureServiceKind, azureServiceName } from '../tables/azure-services.ts';
import { UNKNOWN_SERVICE } from '../tables/service-kind.ts';
import type { AzureCharge } from './azure-charge.ts';
import { azureResourceName, azureResourceType, azureSubscription } from './azure-resource.ts';
import { additionalField, azureTags, priceDetails } from './azure-tags.ts';

type Columns = RowTemplate['columns'];

/** Billing and sub accounts, and the rule for rows that name no billing account. */
export function azureAccounts(): { readonly columns: Columns; readonly assumed: Test } {
  const customer = all(
    any(
      present('PricingCurrency'),
      present('ExchangeRatePricingToBilling'),
      present('CostInPricingCurrency'),
    ),
    present('BillingProfileId'),
  );
  // Enterprise exports of old have a number as SubscriptionId beside it.
  const subscription = first(
    'SubscriptionGuid',
    'SubscriptionId',
    map('ResourceId', azureSubscription),
  );
  const assumed = not(any(present('BillingAccountId'), present('BillingProfileId')));
  return {
    assumed,
    columns: {
      BillingAccountId: when(
        customer,
        'BillingProfileId',
        first('BillingAccountId', 'BillingProfileId', subscription, always('unknown')),
      ),
      BillingAccountName: when(
        customer,
        'BillingProfileName',
        first('BillingAccountName', 'BillingProfileName'),
      ),
      BillingAccountType: cases(
        [
          [customer, always('Billing Profile')],
          [assumed, always('Subscription')],
        ],
        always('Billing Account'),
      ),
      SubAccountId: subscription,
      SubAccountName: when(present(subscription), first('SubscriptionName', subscription)),
      SubAccountType: when(present(subscription), always('Subscription')),
    },
  };
}

/** Provider, host, publisher and issuer. */
export function azureParties(): Columns {
  const marketplace = matches('PublisherType', /^marketplace$/i);
  const publisher = first(
    'PublisherName',
    when(marketplace, always('Azure Marketplace'), always('Microsoft')),
  );
  return {
    ProviderName: always('Microsoft'),
    HostProviderName: always('Microsoft'),
    ServiceProviderName: when(marketplace, publisher, always('Microsoft')),
    PublisherName: publisher,
    InvoiceIssuerName: first('PartnerName', always('Microsoft')),
  };
}

/** The resource, where it stands, and the reserved capacity it runs in. */
export function azureResources(category: TextExpression, path: TextExpression): Columns {
  const id = map('ResourceId', (value) => value.toLowerCase());
  const has = present('ResourceId');
  const location = first('ResourceLocation', 'Location');
  const group = is(path, RESERVED_CAPACITY);
  const reservation = first(additional('VMCapacityReservationId'), when(group, id));
  return {
    ResourceId: id,
    ResourceName: when(has, first('ResourceName', map('ResourceId', azureResourceName))),
    ResourceType: when(
      has,
      first(map(path, azureResourceTypeName), path, 'ConsumedService', always('Resource')),
    ),
    RegionId: map(location, (value) => azureRegion(value).id),
    RegionName: map(location, (value) => azureRegion(value).name),
    AvailabilityZone: text('AvailabilityZone'),
    CapacityReservationId: reservation,
    CapacityReservationStatus: when(
      all(present(reservation), is(category, 'Usage')),
      when(group, always('Unused'), always('Used')),
    ),
    Tags: map('Tags', azureTags),
    x_ResourceType: path,
    x_ResourceGroupName: text('ResourceGroupName'),
  };
}

const RESERVED_CAPACITY = 'microsoft.compute/capacityreservationgroups/capacityreservations';

/** The service and FOCUS's category of it; `unknown` marks rows filed under Other for want of knowledge. */
export function azureServices(path: TextExpression): {
  readonly columns: Columns;
  readonly unknown: Test;
} {
  const name = derive(
    [text('ConsumedService'), path, first('MeterCategory', 'ServiceName')],
    (consumedService, resourceType, meterCategory) =>
      azureServiceName({ consumedService, resourceType, meterCategory }),
  );
  const kind = (value: string) => azureServiceKind(value) ?? UNKNOWN_SERVICE;
  return {
    unknown: test([name], (value) => azureServiceKind(value ?? '') === undefined),
    columns: {
      ServiceName: name,
      ServiceCategory: map(name, (value) => kind(value).category),
      ServiceSubcategory: map(name, (value) => kind(value).subcategory),
    },
  };
}

/** SKU, meter and price ids. A price is found by part number in the enterprise price sheet, by product and meter in the customer agreement's, by meter among the retail prices. */
export function azureSkus(charge: AzureCharge): Columns {
  const priced = any(charge.priced, charge.refund);
  const sku = when(priced, first('ProductId', 'MeterId'));
  const price = first(
    join('/', sku, 'PartNumber'),
    join('/', when(priced, 'ProductId'), 'MeterId'),
    sku,
  );
  const details = map('AdditionalInfo', priceDetails);
  return {
    SkuId: sku,
    SkuMeter: when(present(sku), 'MeterName'),
    SkuPriceId: price,
    SkuPriceDetails: when(present(price), details),
    x_SkuDetails: when(present(price), always(undefined), details),
    x_SkuMeterId: text('MeterId'),
    x_SkuMeterCategory: text('MeterCategory'),
    x_SkuMeterSubcategory: text('MeterSubCategory'),
    x_SkuRegion: text('MeterRegion'),
    x_SkuPartNumber: text('PartNumber'),
    x_SkuOfferId: text('OfferId'),
    x_SkuOrderId: text('ProductOrderId'),
    x_SkuOrderName: text('ProductOrderName'),
    x_SkuTerm: text('Term'),
    x_SkuTier: text('ServiceTier'),
    x_SkuPlanName: text('PlanName'),
    x_SkuServiceFamily: text('ServiceFamily'),
    x_SkuIsCreditEligible: lookup(
      { true: 'true', false: 'false' },
      map('IsAzureCreditEligible', (value) => value.toLowerCase()),
    ),
  };
}

/** A field of the row's additional information. */
export function additional(key: string): TextExpression {
  return map('AdditionalInfo', (cell) => additionalField(cell, key));
}

/** `microsoft.compute/virtualmachines`, from the resource id or else the column that says so. */
export function azureResourcePath(): TextExpression {
  return first(
    map('ResourceId', azureResourceType),
    map('ResourceType', (type) => (type.includes('/') ? type.toLowerCase() : undefined)),
  );
}
