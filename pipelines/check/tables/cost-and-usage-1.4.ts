/**
 * Rules of the Cost and Usage dataset, version 1.4; `presence` and `schema` are numbers of ours.
 * Source: the requirements of the FOCUS specification (Joint Development Foundation Projects, LLC, FOCUS Series,
 * CC BY 4.0). Written as `parseRules` reads it.
 */
export const COST_AND_USAGE_1_4 = `
AllocatedMethodDetails
  presence recommended present; 1 object; 2 text; 3 json
AllocatedMethodId
  presence present if DATA_GENERATOR_SPLIT_COST_ALLOCATION; 1 string; 2 text
AllocatedResourceId
  presence present if DATA_GENERATOR_SPLIT_COST_ALLOCATION; 1 string; 2 text
AllocatedResourceName
  presence present if DATA_GENERATOR_SPLIT_COST_ALLOCATION
  1 string; 2 text; 4 null when AllocatedResourceId null
  5 not null when AllocatedResourceId not null
AllocatedTags
  presence present if DATA_GENERATOR_SPLIT_COST_ALLOCATION; 1 object; 2 text; 3 keyvalue
AvailabilityZone
  presence recommended present; 1 string; 2 text
BilledCost
  presence present; 1 decimal; 2 numeric; 3 not null
BillingAccountId
  presence present; 1 string; 2 text; 3 not null
BillingAccountName
  presence present; 1 string; 2 text
BillingAccountType
  presence present if MULTIPLE_BILLING_ACCOUNT_TYPES
  1 string; 2 text; 4 null when BillingAccountId null; 5 not null when BillingAccountId not null
BillingCurrency
  presence present; 1 string; 2 text; 3 currency; 4 not null
BillingPeriodEnd
  presence present
  1 datetime; 2 utc; 3 not null; =CostAndUsage.BillingPeriod.order after BillingPeriodStart
BillingPeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
CapacityReservationId
  presence present if CAPACITY_RESERVATION; 1 string; 2 text
CapacityReservationStatus
  presence present if CAPACITY_RESERVATION; 1 string; 3 null when CapacityReservationId null
  4 not null when CapacityReservationId not null and ChargeCategory = Usage; 6 listed
  =CostAndUsage.CapacityReservation.a listed
ChargeCategory
  presence present; 1 string; 2 not null; 3 listed
ChargeClass
  presence present; 1 string; 5 = Correction
ChargeDescription
  presence present; 1 string; 2 text; 3 should not null
ChargeFrequency
  presence recommended present
  1 string; 2 not null; 3 listed; 4 != Usage-Based when ChargeCategory = Purchase
ChargePeriodEnd
  presence present
  1 datetime; 2 utc; 3 not null; =CostAndUsage.ChargePeriod.order after ChargePeriodStart
ChargePeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
CommitmentDiscountCategory
  presence present if COMMITMENT_DISCOUNT
  1 string; 3 null when CommitmentDiscountId null; 4 not null when CommitmentDiscountId not null
  5 listed
CommitmentDiscountId
  presence present if COMMITMENT_DISCOUNT; 1 string; 2 text
CommitmentDiscountName
  presence present if COMMITMENT_DISCOUNT; 1 string; 2 text; 4 null when CommitmentDiscountId null
CommitmentDiscountQuantity
  presence present if COMMITMENT_DISCOUNT; 1 decimal; 2 numeric; 4 null when SkuPriceId null
  6 not null when ChargeCategory in Usage | Purchase and CommitmentDiscountId not null and ChargeClass != Correction
  8a null when CommitmentDiscountId null; 8b null when ChargeCategory not in Usage | Purchase
CommitmentDiscountStatus
  presence present if COMMITMENT_DISCOUNT; 1 string; 3 null when CommitmentDiscountId null
  4 not null when CommitmentDiscountId not null and ChargeCategory = Usage; 5 listed
CommitmentDiscountType
  presence present if COMMITMENT_DISCOUNT; 1 string; 2 text; 4 null when CommitmentDiscountId null
  5 not null when CommitmentDiscountId not null
CommitmentDiscountUnit
  presence present if COMMITMENT_DISCOUNT
  1 string; 2 text; 3 should unit; 5 null when CommitmentDiscountQuantity null
  6 not null when CommitmentDiscountQuantity not null
CommitmentProgramEligibilityDetails
  presence present if COMMITMENT_PROGRAM_ELIGIBILITY; 1 object; 2 text; 3 json
ConsumedQuantity
  presence present if USAGE_MEASUREMENT; 1 decimal; 2 numeric; 4 null when SkuPriceId null
  7 not null when ChargeCategory = Usage and CommitmentDiscountStatus != Unused and ChargeClass != Correction
  5a null when ChargeCategory != Usage
  5b null when ChargeCategory = Usage and CommitmentDiscountStatus = Unused
ConsumedUnit
  presence present if USAGE_MEASUREMENT
  1 string; 2 text; 3 should unit; 5 null when ConsumedQuantity null
  6 not null when ConsumedQuantity not null
ContractApplied
  presence present if CONTRACT_COMMITMENTS; 1 object; 2 text; 3 json
ContractedCost
  presence present
  1 decimal; 2 numeric; 3 not null; 8 product ContractedUnitPrice PricingQuantity ContractedCost
ContractedUnitPrice
  presence present if NEGOTIATED_PRICING
  1 decimal; 2 numeric; 4 null when SkuPriceId null; 5 null when ChargeCategory = Tax
  6 not null when SkuPriceId not null
  7 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction; 10 >= 0
EffectiveCost
  presence present
  1 decimal; 2 numeric; 3 not null; 8 same BilledCost when ChargeCategory in Tax | Credit
  commit = 0 when ChargeCategory = Purchase and CommitmentDiscountId not null
HostProviderName
  presence present; 1 string; 2 text
InvoiceDetailId
  presence present if INVOICE_DETAIL_DATASET; 1 string; 2 text
InvoiceId
  presence present if PAYABLE_INVOICES; 1 string; 2 text
InvoiceIssuerName
  presence present; 1 string; 2 text; 3 not null
ListCost
  presence present
  1 decimal; 2 numeric; 3 not null; 8 product ListUnitPrice PricingQuantity ListCost
ListUnitPrice
  presence present if PUBLIC_PRICE_LIST
  1 decimal; 2 numeric; 4 null when SkuPriceId null; 5 null when ChargeCategory = Tax
  6 not null when SkuPriceId not null
  7 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction; 10 >= 0
PricingCategory
  presence present if MULTIPLE_PRICING_CATEGORIES
  1 string; 3 null when SkuPriceId null; 4 null when ChargeCategory = Tax
  5 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction; 8 listed
PricingCurrency
  presence present if PRICING_BILLING_CURRENCY_DIFFERENCES; 1 string; 2 text; 3 currency; 4 not null
PricingCurrencyContractedUnitPrice
  presence present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY
  1 decimal; 2 numeric; 4 null when SkuPriceId null; 5 null when ChargeCategory = Tax
  6 not null when SkuPriceId not null
  7 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction; 10 >= 0
PricingCurrencyEffectiveCost
  presence present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY; 1 decimal; 2 numeric; 3 not null
PricingCurrencyListUnitPrice
  presence present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY
  1 decimal; 2 numeric; 4 null when SkuPriceId null; 5 null when ChargeCategory = Tax
  6 not null when SkuPriceId not null
  7 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction; 10 >= 0
PricingQuantity
  presence present
  1 decimal; 2 numeric; 4 null when SkuPriceId null; 5 null when ChargeCategory = Tax
  6 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
PricingUnit
  presence present; 1 string; 2 text; 3 should unit; 5 null when PricingQuantity null
  6 not null when PricingQuantity not null
RegionId
  presence present if REGION; 1 string; 2 text
RegionName
  presence present if REGION
  1 string; 2 text; 4 null when RegionId null; 5 not null when RegionId not null
ResourceId
  presence present if BILLING_BASED_ON_PROVISIONED_RESOURCES; 1 string; 2 text
ResourceName
  presence present if BILLING_BASED_ON_PROVISIONED_RESOURCES
  1 string; 2 text; a null when ResourceId null
ResourceType
  presence present if BILLING_BASED_ON_PROVISIONED_RESOURCES + RESOURCE_TYPE_ASSIGNMENT
  1 string; 2 text; 4 null when ResourceId null; 5 not null when ResourceId not null
ServiceCategory
  presence present; 1 string; 2 not null; 3 listed
ServiceName
  presence present; 1 string; 2 text; 3 not null
ServiceProviderName
  presence present; 1 string; 2 text; 3 not null
ServiceSubcategory
  presence recommended present; 1 string; 2 not null; 3 listed; 4 one ServiceCategory
SkuId
  presence present if PUBLIC_PRICE_LIST + UNIT_PRICING
  1 string; 2 text; 4 null when ChargeCategory = Tax
  5 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
SkuMeter
  presence present if PUBLIC_PRICE_LIST + UNIT_PRICING
  1 string; 2 text; 4 null when SkuId null; 5 should not null when SkuId not null
SkuPriceDetails
  presence present if PUBLIC_PRICE_LIST + UNIT_PRICING
  1 object; 2 text; 3 keyvalue; 6 null when SkuPriceId null
SkuPriceId
  presence present if PUBLIC_PRICE_LIST + UNIT_PRICING
  1 string; 2 text; 4 null when ChargeCategory = Tax
  5 not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  8 one SkuId when SkuPriceId not null
SubAccountId
  presence present if SUB_ACCOUNT; 1 string; 2 text
SubAccountName
  presence present if SUB_ACCOUNT
  1 string; 2 text; 4 null when SubAccountId null; 5 not null when SubAccountId not null
SubAccountType
  presence present if MULTIPLE_SUB_ACCOUNT_TYPES
  1 string; 2 text; 4 null when SubAccountId null; 5 not null when SubAccountId not null
Tags
  presence present if TAGGING; 1 object; 2 text; 3 keyvalue
`;
