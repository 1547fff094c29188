/**
 * Rules of the datasets beside Cost and Usage: Contract Commitment (1.3 and 1.4), Billing Period and Invoice Detail (1.4).
 * Source: the requirements of the FOCUS specification (Joint Development Foundation Projects, LLC, FOCUS Series,
 * CC BY 4.0). Written as `parseRules` reads it.
 */

/** Contract Commitment, 1.3. */
export const CONTRACT_COMMITMENT_1_3 = `
BillingCurrency
  C-001-M string; C-002-M text; C-003-M currency
  C-004-C not null when ContractCommitmentCategory = Spend; C-006-M national; D-003-M present
ContractCommitmentCategory
  C-001-M string; C-002-M not null; C-003-M listed; D-006-M present
ContractCommitmentCost
  C-001-M decimal; C-002-M numeric; C-004-C not null when ContractCommitmentCategory = Spend
  D-004-M present
ContractCommitmentDescription
  C-001-M string; C-002-M text; C-003-O should not null; D-007-M present
ContractCommitmentId
  C-001-M string; C-002-M text; C-003-M not null; C-007-M one ContractId; C-009-M unique
  D-005-M present
ContractCommitmentPeriodEnd
  C-001-M datetime; C-002-M utc; C-003-M not null; D-008-M present
ContractCommitmentPeriodStart
  C-001-M datetime; C-002-M utc; C-003-M not null; D-009-M present
ContractCommitmentQuantity
  C-001-M decimal; C-002-M numeric; C-004-C not null when ContractCommitmentCategory = Usage
  D-010-M present
ContractCommitmentType
  C-001-M string; C-002-M text; C-003-M not null; D-011-M present
ContractCommitmentUnit
  C-001-M string; C-002-M text; C-003-O should unit
  C-005-C null when ContractCommitmentQuantity null
  C-006-C not null when ContractCommitmentQuantity not null; D-012-M present
ContractId
  C-001-M string; C-002-M text; C-003-M not null; D-013-M present
ContractPeriodEnd
  C-001-M datetime; C-002-M utc; C-003-M not null; D-014-M present
ContractPeriodStart
  C-001-M datetime; C-002-M utc; C-003-M not null; D-015-M present
`;

/** ContractCommitment, 1.4. */
export const CONTRACT_COMMITMENT_1_4 = `
BillingCurrency
  presence present; 1 string; 2 text; 3 currency; 4 not null when ContractCommitmentCategory = Spend
ContractCommitmentApplicability
  presence present; 1 object; 2 text; 3 json; 4 applicability; 5 not null
ContractCommitmentBenefitCategory
  presence present; 1 string; 2 not null; 3 listed
ContractCommitmentCategory
  presence present; 1 string; 2 not null; 3 listed
ContractCommitmentCost
  presence present; 1 decimal; 2 numeric; 4 not null when ContractCommitmentCategory = Spend
ContractCommitmentCreated
  presence present; 1 datetime; 2 utc; 3 not null
ContractCommitmentDescription
  presence present; 1 string; 2 text; 3 should not null
ContractCommitmentDiscountPercentage
  presence present
  1 decimal; 2 numeric; 4 not null when ContractCommitmentBenefitCategory = Discount
  5 null when ContractCommitmentBenefitCategory = Availability
ContractCommitmentDurationType
  presence present; 1 string; 2 text; 3 not null
ContractCommitmentFulfillmentInterval
  presence present
  1 string; 2 not null; 3 listed; 4 != Full Period when ContractCommitmentModel = Continuous
ContractCommitmentId
  presence present; 1 string; 2 text; 3 not null; 6 one ContractId
ContractCommitmentLastUpdated
  presence present; 1 datetime; 2 utc; 3 not null; 5 from ContractCommitmentCreated
ContractCommitmentLifecycleStatus
  presence present; 1 string; 2 not null; 3 listed
ContractCommitmentModel
  presence present; 1 string; 2 not null; 3 listed
  4 = Discontinuous when ContractCommitmentFulfillmentInterval = Full Period
ContractCommitmentOfferCategory
  presence present; 1 string; 2 not null; 3 listed
ContractCommitmentPaymentInterval
  presence present
  1 string; 2 not null; 3 listed; 4 = One-Time when ContractCommitmentPaymentModel = All Upfront
ContractCommitmentPaymentModel
  presence present; 1 string; 2 not null; 3 listed
ContractCommitmentPaymentUpfrontPercentage
  presence present if PARTIAL_UPFRONT_PAYMENT
  1 decimal; 2 numeric; 3 not null; 5 = 1 when ContractCommitmentPaymentModel = All Upfront
  6 = 0 when ContractCommitmentPaymentModel = No Upfront
ContractCommitmentPeriodEnd
  presence present; 1 datetime; 2 utc; 3 not null
ContractCommitmentPeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
ContractCommitmentQuantity
  presence present; 1 decimal; 2 numeric; 4 not null when ContractCommitmentCategory = Usage
ContractCommitmentType
  presence present; 1 string; 2 text; 3 not null
ContractCommitmentUnit
  presence present; 1 string; 2 text; 3 should unit; 5 null when ContractCommitmentQuantity null
  6 not null when ContractCommitmentQuantity not null
ContractId
  presence present; 1 string; 2 text; 3 not null
ContractPeriodEnd
  presence present; 1 datetime; 2 utc; 3 not null
ContractPeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
InvoiceIssuerName
  presence present; 1 string; 2 text; 3 not null
PricingCurrency
  presence present if PRICING_BILLING_CURRENCY_DIFFERENCES; 1 string; 2 text; 3 currency; 4 not null
PricingCurrencyContractCommitmentCost
  presence present if PRICING_BILLING_CURRENCY_DIFFERENCES; 1 decimal; 2 numeric
ServiceProviderName
  presence present; 1 string; 2 text; 3 not null
`;

/** BillingPeriod, 1.4. */
export const BILLING_PERIOD_1_4 = `
BillingPeriodCreated
  presence present; 1 datetime; 2 utc; 3 not null
BillingPeriodEnd
  presence present; 1 datetime; 2 utc; 3 not null
BillingPeriodLastUpdated
  presence present; 1 datetime; 2 utc; 3 not null; 5 from BillingPeriodCreated
BillingPeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
BillingPeriodStatus
  presence present; 1 string; 2 not null; 3 listed
InvoiceIssuerName
  presence present; 1 string; 2 text; 3 not null
`;

/** InvoiceDetail, 1.4. */
export const INVOICE_DETAIL_1_4 = `
BilledCost
  presence present; 1 decimal; 2 numeric; 3 not null
BillingAccountId
  presence present; 1 string; 2 text; 3 not null
BillingCurrency
  presence present; 1 string; 2 text; 3 currency; 4 not null
BillingPeriodEnd
  presence present; 1 datetime; 2 utc; 3 not null
BillingPeriodStart
  presence present; 1 datetime; 2 utc; 3 not null
ChargeCategory
  presence present; 1 string; 2 not null; 3 listed
InvoiceDetailCreated
  presence present; 1 datetime; 2 utc; 3 not null
InvoiceDetailDescription
  presence present; 1 string; 2 text; 3 should not null
InvoiceDetailGrain
  presence present; 1 object; 2 text; 3 keyvalue
InvoiceDetailId
  presence present; 1 string; 2 text; 3 not null
InvoiceDetailLastUpdated
  presence present; 1 datetime; 2 utc; 3 not null; 5 from InvoiceDetailCreated
InvoiceId
  presence present; 1 string; 2 text; 3 not null
InvoiceIssueDate
  presence present; 1 datetime; 2 utc
InvoiceIssueStatus
  presence present; 1 string; 2 text; 3 not null; 4 listed
InvoiceIssuerName
  presence present; 1 string; 2 text; 3 not null
PaymentCurrency
  presence present if PAYMENT_CURRENCY_DIFFERENCES; 1 string; 2 text; 3 not null
PaymentCurrencyBilledCost
  presence present if PAYMENT_CURRENCY_DIFFERENCES; 1 decimal; 2 numeric; 3 not null
PaymentCurrencyInvoiceDetailId
  presence present if PAYMENT_CURRENCY_DIFFERENCES; 1 string; 2 text; 3 not null
PaymentDueDate
  presence present; 1 datetime; 2 utc
PaymentTerms
  presence present; 1 string; 2 text; 3 not null
PurchaseOrderNumber
  presence present if PURCHASE_ORDER; 1 string; 2 text
ReferenceInvoiceId
  presence present; 1 string; 2 text; 3 not null
`;
