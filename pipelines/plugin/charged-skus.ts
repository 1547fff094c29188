/** What a delivery charges, by SKU and price: for those who compare bills with price lists. */

/** A SKU as a bill charges it. */
export interface ChargedSku {
  /** `ServiceProviderName`. */
  readonly provider: string;
  /** `SkuId`. */
  readonly sku: string;
  /** `SkuPriceId`. */
  readonly priceId: string | null;
  /** `SkuMeter`: what the seller calls it. */
  readonly meter: string | null;
  /** `RegionId`. */
  readonly region: string | null;
  /** `PricingUnit`. */
  readonly unit: string | null;
  /** Of the list price: `PricingCurrency` where the bill has it, else `BillingCurrency`. */
  readonly currency: string | null;
  /** `PricingCurrencyListUnitPrice` or `ListUnitPrice`, canonical decimal text. */
  readonly listPrice: string | null;
  /** Start of the newest of its charges, milliseconds; NaN when none has a time. */
  readonly newestMs: number;
  /** How many charges. */
  readonly charges: number;
}

/** The SKUs of one delivery. Charges without a SKU are not among them. */
export interface ChargedSkus {
  readonly skus: readonly ChargedSku[];
  /** Charges for which there was no room. */
  readonly omitted: number;
}
