/** Names of Azure's cost columns. They vary by agreement, version and language; the canonical name is that of the enterprise export. */

/** The canonical name of a header name: case, aliases and translations (`Maßeinheit (UnitOfMeasure)`), blanks and hyphens (`Meter Sub-Category`) aside. Unknown names stay. */
export function azureColumn(header: string): string {
  const name = header.trim();
  const known = CANONICAL.get(keyOf(name));
  if (known !== undefined) return known;
  const bracketed = /\(([\w ]+)\)$/.exec(name)?.[1];
  return CANONICAL.get(keyOf(bracketed ?? '')) ?? name;
}

function keyOf(name: string): string {
  return name.toLowerCase().replace(/[\s-]+/g, '');
}

/** How well renamed columns fit an Azure cost export, 0 to 100. */
export function fitsAzure(columns: ReadonlySet<string>): number {
  if (columns.has('BilledCost') || columns.has('ChargePeriodStart')) return 0;
  if (!columns.has('Date') || azureCostColumn((name) => columns.has(name)) === undefined) return 0;
  const telling = TELLING.filter((name) => columns.has(name)).length;
  return telling < 3 ? 0 : Math.min(90, 40 + telling * 8);
}

/** The column that holds the cost: the first of those the exports have. */
export function azureCostColumn(has: (column: string) => boolean): string | undefined {
  return COSTS.find(has);
}

const COSTS = ['CostInBillingCurrency', 'Cost', 'PreTaxCost'] as const;

const TELLING = [
  'ConsumedService',
  'MeterCategory',
  'MeterId',
  'UnitOfMeasure',
  'SubscriptionId',
  'SubscriptionGuid',
  'ResourceLocation',
  'OfferId',
  'AdditionalInfo',
];

/** Canonical name, then other names of it. */
const NAMES = `
AccountId
AccountName
AccountOwnerId AccountOwnerEmail
AdditionalInfo AdditionalInformation
AvailabilityZone
BenefitId
BenefitName
BillingAccountId
BillingAccountName
BillingCurrency BillingCurrencyCode Currency CurrencyCode
BillingPeriodEndDate BillingPeriodEnd
BillingPeriodStartDate BillingPeriodStart
BillingProfileId
BillingProfileName
ChargeType
ConsumedService
Cost ExtendedCost
CostAllocationRuleName
CostCenter
CostInBillingCurrency
CostInPricingCurrency
Date UsageDate UsageDateTime UsageStart
EffectivePrice ResourceRate
ExchangeRateDate
ExchangeRatePricingToBilling ExchangeRate
Frequency
InvoiceId
InvoiceSectionId
InvoiceSectionName InvoiceSection
IsAzureCreditEligible
Location
MeterCategory
MeterId MeterGuid
MeterName
MeterRegion
MeterSubCategory
OfferId
PartNumber
PartnerName
PaygCostInBillingCurrency
PayGPrice
PlanName
PreTaxCost
PricingCurrency PricingCurrencyCode
PricingModel
ProductId
ProductName Product
ProductOrderId
ProductOrderName
PublisherId
PublisherName
PublisherType
Quantity UsageQuantity ConsumedQuantity
ResellerName
ReservationId
ReservationName
ResourceGroupName ResourceGroup
ResourceId InstanceId
ResourceLocation InstanceLocation
ResourceName InstanceName
ResourceType
ServiceFamily
ServiceName
ServicePeriodEndDate ServicePeriodEnd
ServicePeriodStartDate ServicePeriodStart
ServiceTier
SubscriptionGuid
SubscriptionId
SubscriptionName
Tags Tag
Term
UnitOfMeasure
UnitPrice
`;

const CANONICAL: ReadonlyMap<string, string> = new Map(
  NAMES.trim()
    .split('\n')
    .flatMap((line) => {
      const names = line.split(' ');
      return names.map((name) => [name.toLowerCase(), names[0] as string] as const);
    }),
);
