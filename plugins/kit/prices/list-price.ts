/** A public price as its seller lists it. */
export interface ListPrice {
  /** As FOCUS names it in `ServiceProviderName`. */
  readonly provider: string;
  /** The seller's own name of what is sold: usage type (AWS), meter (Azure, Google Cloud), billing SKU (GitHub), runner tag (GitLab). */
  readonly sku: string;
  /** Region id; empty when the price is the same everywhere. */
  readonly region: string;
  /** What one of it costs `price`. */
  readonly unit: string;
  /** Usage per month from which the price holds, in `unit`, decimal text; `0` for the first tier. */
  readonly tierStart: string;
  /** Exact decimal text, before any free allowance. */
  readonly price: string;
  /** ISO 4217. */
  readonly currency: 'USD';
  /** First day (UTC, `2026-01-01`) for which the source states it. */
  readonly from: string;
  /** First day on which it no longer holds; absent while it does. */
  readonly to?: string;
  /** Page of the seller that states it. */
  readonly source: string;
}
