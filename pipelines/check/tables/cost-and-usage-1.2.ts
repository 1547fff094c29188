/**
 * Rules of the Cost and Usage dataset, versions 1.2 and 1.3 (`@1.2` and `@1.3` mark those of one version).
 * Source: the requirements of the FOCUS specification (Joint Development Foundation Projects, LLC, FOCUS Series,
 * CC BY 4.0) as numbered by its requirement model. Written as `parseRules` reads it.
 */
export const COST_AND_USAGE_1_2 = `
AllocatedMethodDetails
  D-069-C should present if DATA_GENERATOR_SPLIT_COST_ALLOCATION @1.3; C-001-M string @1.3
  C-002-M text @1.3; C-003-M json @1.3
AllocatedMethodId
  D-070-C present if DATA_GENERATOR_SPLIT_COST_ALLOCATION @1.3; C-001-M string @1.3
  C-002-M text @1.3
AllocatedResourceId
  D-071-C present if DATA_GENERATOR_SPLIT_COST_ALLOCATION @1.3; C-001-M string @1.3
  C-002-M text @1.3
AllocatedResourceName
  D-072-C present if DATA_GENERATOR_SPLIT_COST_ALLOCATION @1.3; C-001-M string @1.3
  C-002-M text @1.3; C-004-C null when AllocatedResourceId null @1.3
  C-005-C not null when AllocatedResourceId not null @1.3
AllocatedTags
  D-073-C present if DATA_GENERATOR_SPLIT_COST_ALLOCATION @1.3; C-001-M keyvalue @1.3
AvailabilityZone
  D-003-C recommended present if AVAILABILITY_ZONE; C-001-M string; C-002-M text
BilledCost
  D-006-M present; C-001-M decimal; C-002-M numeric; C-003-M not null
BillingAccountId
  D-024-M present; C-001-M not null; C-002-M string; C-003-M text
BillingAccountName
  D-005-M present; C-001-M string; C-002-M text
BillingAccountType
  D-007-C present if MULTIPLE_BILLING_ACCOUNT_TYPES; C-001-M string; C-002-M text
  C-004-C null when BillingAccountId null; C-005-C not null when BillingAccountId not null
BillingCurrency
  D-035-M present; C-001-M string; C-002-M text; C-003-M currency; C-004-M not null
  C-006-M national
BillingPeriodEnd
  D-010-M present; C-001-M datetime; C-002-M utc; C-003-M not null
BillingPeriodStart
  D-009-M present; C-001-M datetime; C-002-M utc; C-003-M not null
CapacityReservationId
  D-065-C present if CAPACITY_RESERVATION; C-001-M string; C-002-M text
  C-005-C not null when CapacityReservationStatus = Unused
CapacityReservationStatus
  D-020-C present if CAPACITY_RESERVATION; C-001-M string
  C-003-C null when CapacityReservationId null
  C-004-C not null when CapacityReservationId not null and ChargeCategory = Usage; C-006-M listed
ChargeCategory
  D-008-M present; C-001-M string; C-002-M not null; C-003-M listed
ChargeClass
  D-026-M present; C-001-M string; C-005-C = Correction
ChargeDescription
  D-025-M present; C-001-M string; C-002-M text; C-003-O should not null
ChargeFrequency
  D-027-O recommended present; C-001-M string; C-002-M not null; C-003-M listed
  C-004-C != Usage-Based when ChargeCategory = Purchase
ChargePeriodEnd
  D-028-M present; C-001-M datetime; C-002-M utc; C-003-M not null
ChargePeriodStart
  D-037-M present; C-001-M datetime; C-002-M utc; C-003-M not null
CommitmentDiscountCategory
  D-016-C present if COMMITMENT_DISCOUNT; C-001-M string
  C-003-C null when CommitmentDiscountId null; C-004-C not null when CommitmentDiscountId not null
  C-005-M listed
CommitmentDiscountId
  D-013-C present if COMMITMENT_DISCOUNT; C-001-M string; C-002-M text
CommitmentDiscountName
  D-012-C present if COMMITMENT_DISCOUNT; C-001-M string; C-002-M text
  C-004-C null when CommitmentDiscountId null
CommitmentDiscountQuantity
  D-018-C present if COMMITMENT_DISCOUNT; C-001-M decimal; C-002-M numeric
  C-005-C not null when ChargeClass != Correction and ChargeCategory in Usage | Purchase and CommitmentDiscountId not null
  C-007-C null when ChargeCategory not in Usage | Purchase or CommitmentDiscountId null or ChargeClass = Correction
  C-016-C null when SkuPriceId null @1.3
CommitmentDiscountStatus
  D-017-C present if COMMITMENT_DISCOUNT; C-001-M string
  C-003-C null when CommitmentDiscountId null
  C-004-C not null when CommitmentDiscountId not null and ChargeCategory = Usage; C-005-M listed
CommitmentDiscountType
  D-014-C present if COMMITMENT_DISCOUNT; C-001-M string; C-002-M text
  C-004-C null when CommitmentDiscountId null; C-005-C not null when CommitmentDiscountId not null
CommitmentDiscountUnit
  D-015-C present if COMMITMENT_DISCOUNT; C-001-M string; C-002-M text; C-003-M should unit @1.2
  C-003-O should unit @1.3; C-005-C null when CommitmentDiscountQuantity null
  C-006-C not null when CommitmentDiscountQuantity not null
ConsumedQuantity
  D-011-C present if USAGE_MEASUREMENT; C-001-M decimal; C-002-M numeric
  C-004-C null when ChargeCategory != Usage or CommitmentDiscountStatus = Unused
  C-006-C not null when ChargeClass != Correction and ChargeCategory = Usage and CommitmentDiscountStatus != Unused
  C-009-C null when SkuPriceId null @1.3
ConsumedUnit
  D-066-C present if USAGE_MEASUREMENT; C-001-M string; C-002-M text; C-003-O should unit
  C-005-C null when ConsumedQuantity null; C-006-C not null when ConsumedQuantity not null
ContractApplied
  D-074-C present if CONTRACT_COMMITMENTS @1.3; C-001-M json @1.3
ContractedCost
  D-030-M present; C-001-M decimal; C-002-M numeric; C-003-M not null
  C-011-C product ContractedUnitPrice PricingQuantity ContractedCost @1.3
ContractedUnitPrice
  D-034-C present if NEGOTIATED_PRICING; C-002-M decimal; C-003-M numeric
  C-005-C null when ChargeCategory = Tax
  C-006-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-009-C >= 0 @1.2; C-009-M >= 0 @1.3
  C-011-C product ContractedUnitPrice PricingQuantity ContractedCost when ChargeClass != Correction
  C-013-C product ContractedUnitPrice PricingQuantity ContractedCost @1.3
  C-014-C null when SkuPriceId null @1.3; C-015-C not null when SkuPriceId not null @1.3
EffectiveCost
  D-031-M present; C-001-M decimal; C-002-M numeric; C-003-M not null
  C-005-C = 0 when ChargeCategory = Purchase
HostProviderName
  D-075-M present @1.3; C-001-M string @1.3; C-002-M text @1.3
InvoiceId
  D-033-O recommended present; C-001-M string; C-002-M text
InvoiceIssuerName
  D-023-M present; C-001-M string; C-002-M text; C-003-M not null
ListCost
  D-032-M present; C-001-M decimal; C-002-M numeric; C-003-M not null
  C-009-C product ListUnitPrice PricingQuantity ListCost when ChargeClass != Correction
  C-011-C product ListUnitPrice PricingQuantity ListCost @1.3
ListUnitPrice
  D-004-C present if PUBLIC_PRICE_LIST; C-001-M decimal; C-002-M numeric
  C-004-C null when ChargeCategory = Tax
  C-005-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-008-M >= 0
  C-010-C product ListUnitPrice PricingQuantity ListCost when ChargeClass != Correction
  C-012-C null when SkuPriceId null @1.3; C-013-C not null when SkuPriceId not null @1.3
  C-014-C product ListUnitPrice PricingQuantity ListCost @1.3
PricingCategory
  D-022-C present if MULTIPLE_PRICING_CATEGORIES; C-001-M string
  C-003-C null when ChargeCategory = Tax
  C-004-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-007-M listed; C-012-C null when SkuPriceId null @1.3
PricingCurrency
  D-045-C present if PRICING_BILLING_CURRENCY_DIFFERENCES; C-001-M string; C-002-M text
  C-003-M currency; C-004-M not null
PricingCurrencyContractedUnitPrice
  D-047-C present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY
  D-048-C recommended present if PUBLIC_PRICE_LIST + PRICING_BILLING_CURRENCY_DIFFERENCES
  C-001-M decimal; C-002-M numeric; C-011-C null when SkuPriceId null @1.3
  C-012-C not null when SkuPriceId not null @1.3
PricingCurrencyEffectiveCost
  D-051-C present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY
  D-052-C recommended present if PUBLIC_PRICE_LIST + PRICING_BILLING_CURRENCY_DIFFERENCES
  C-001-M decimal; C-002-M numeric; C-003-M not null
PricingCurrencyListUnitPrice
  D-055-C present if PUBLIC_PRICE_LIST + VIRTUAL_CURRENCY
  D-056-C recommended present if PUBLIC_PRICE_LIST + PRICING_BILLING_CURRENCY_DIFFERENCES
  C-001-M decimal; C-002-M numeric; C-004-C null when ChargeCategory = Tax
  C-005-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-008-M >= 0; C-011-C null when SkuPriceId null @1.3
  C-012-C not null when SkuPriceId not null @1.3
PricingQuantity
  D-036-M present; C-001-M decimal; C-002-M numeric; C-004-C null when ChargeCategory = Tax
  C-005-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-011-C null when SkuPriceId null @1.3
PricingUnit
  D-068-M present; C-001-M string; C-002-M text; C-003-O should unit
  C-005-C null when PricingQuantity null; C-006-C not null when PricingQuantity not null
ProviderName
  D-038-M present; C-001-M string; C-002-M text; C-003-M not null
PublisherName
  D-021-M present; C-001-M string; C-002-M text; C-003-M not null
RegionId
  D-063-C present if REGION; C-001-M string; C-002-M text
RegionName
  D-062-C present if REGION; C-001-M string; C-002-M text; C-004-C null when RegionId null
  C-005-C not null when RegionId not null
ResourceId
  D-043-C present if BILLING_BASED_ON_PROVISIONED_RESOURCES; C-001-M string; C-002-M text
ResourceName
  D-044-C present if BILLING_BASED_ON_PROVISIONED_RESOURCES; C-001-M string; C-002-M text
ResourceType
  D-039-C present if BILLING_BASED_ON_PROVISIONED_RESOURCES + RESOURCE_TYPE_ASSIGNMENT
  C-001-M string; C-002-M text; C-004-C null when ResourceId null
  C-005-C not null when ResourceId not null
ServiceCategory
  D-040-M present; C-001-M string; C-002-M not null; C-003-M listed
ServiceName
  D-041-M present; C-001-M string; C-002-M text; C-003-M not null; C-005-C one ServiceCategory
  C-008-C should one ServiceSubcategory
ServiceProviderName
  D-076-M present @1.3; C-001-M string @1.3; C-002-M text @1.3; C-003-M not null @1.3
ServiceSubcategory
  D-042-O recommended present; C-001-M string; C-002-M not null; C-003-M listed
  C-004-M under ServiceCategory
SkuId
  D-060-C present if PUBLIC_PRICE_LIST + UNIT_PRICING; C-001-M string; C-002-M text
  C-004-C null when ChargeCategory = Tax
  C-005-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
SkuMeter
  D-059-C present if PUBLIC_PRICE_LIST + UNIT_PRICING; C-001-M string; C-002-M text
  C-004-C null when SkuId null; C-005-C should not null when SkuId not null
SkuPriceDetails
  D-061-C present if PUBLIC_PRICE_LIST + UNIT_PRICING; C-001-M keyvalue
  C-004-C null when SkuPriceId null
SkuPriceId
  D-058-C present if PUBLIC_PRICE_LIST + UNIT_PRICING; C-001-M string; C-002-M text
  C-004-C null when ChargeCategory = Tax
  C-005-C not null when ChargeCategory in Usage | Purchase and ChargeClass != Correction
  C-008-M one SkuId when SkuPriceId not null
SubAccountId
  D-019-C present if SUB_ACCOUNT; C-001-M string; C-002-M text
SubAccountName
  D-029-C present if SUB_ACCOUNT; C-001-M string; C-002-M text
  C-004-C null when SubAccountId null; C-005-C not null when SubAccountId not null
SubAccountType
  D-067-C present if MULTIPLE_SUB_ACCOUNT_TYPES; C-001-M string; C-002-M text
  C-004-C null when SubAccountId null; C-005-C not null when SubAccountId not null
Tags
  D-064-C present if TAGGING; C-001-M keyvalue
`;
