import type { CostColumn } from '../focus/columns.ts';
import type { Decimal } from '../focus/decimal.ts';
import type { PointMetric } from './points.ts';

/** The dimensions by which totals are kept, in order. Names are FOCUS columns, `owner`, or `x_CostSource`, which keeps estimates apart from bills. */
export const TOTAL_DIMENSIONS = [
  'ServiceProviderName',
  'BillingAccountId',
  'SubAccountId',
  'ServiceCategory',
  'ServiceName',
  'RegionId',
  'ChargeCategory',
  'BillingCurrency',
  'owner',
  'x_CostSource',
] as const;

/** One of them. */
export type TotalDimension = (typeof TOTAL_DIMENSIONS)[number];

/** Sums of the charges with equal dimensions, billing period and charge day. */
export interface Total {
  /** Values in the order of TOTAL_DIMENSIONS; null where the charges have none. */
  readonly dimensions: readonly (string | null)[];
  /** First day of the billing period, `2026-09-01`. */
  readonly billingPeriod: string;
  /** Charge day in UTC, `2026-09-17`. */
  readonly day: string;
  readonly charges: number;
  readonly costs: Readonly<Record<CostColumn, Decimal>>;
  /** True: series beyond the cardinality budget of the worker were folded into this one (dimensions null but the currency). */
  readonly overflow: boolean;
}

/** The committed totals, as exporters see them. */
export interface TotalsView {
  /** Changes with every commit. */
  readonly version: number;
  /** All totals of the billing periods that start on or after `since` (`2026-08-01`); all without. */
  totals(since?: string): Iterable<Total>;
  /** When each source's newest delivery was committed, and the newest charge period end in it; milliseconds. */
  sources(): readonly {
    readonly receiver: string;
    readonly scope: string;
    readonly committedMs: number;
    readonly dataUntilMs: number;
  }[];
  /** True while another agent that shares the state exports the totals: this one sends no metrics of them. */
  readonly elsewhere?: boolean;
  /** Metrics of extensions, beside what the totals come to. */
  points?(nowMs: number): readonly PointMetric[];
}
