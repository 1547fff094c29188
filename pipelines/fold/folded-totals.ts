/** The sums of a fold as plain data: typed arrays and each distinct value once, whatever the number of groups. */
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { type Decimal, decimal } from '../focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../plugin/totals.ts';
import { UNKNOWN } from './dimension.ts';
import { GroupSums, type PlainSums, sumText } from './group-sums.ts';

/** What a tuple consists of: the dimensions, then billing period and charge day. */
export const COLUMNS = [...TOTAL_DIMENSIONS, 'BillingPeriodStart', 'ChargePeriodStart'] as const;
export const PERIOD = COLUMNS.length - 2;
export const DAY = COLUMNS.length - 1;
/** Stands in tuples of overflow groups for what was folded together; no value has this number. */
export const OVERFLOW = UNKNOWN - 1;

/** Groups and their sums, in order of appearance. A thread can hand it over. */
export interface FoldedTotals {
  /** Distinct values of each place of a tuple, by number. */
  readonly values: readonly (readonly (string | null)[])[];
  /** The groups' tuples one after the other: a number for each place. */
  readonly tuples: Uint32Array<ArrayBuffer>;
  /** Charges of each group. */
  readonly charges: Float64Array<ArrayBuffer>;
  /** Of the cost columns, by group. */
  readonly sums: PlainSums;
}

/** One group: plain data. Days are `2026-09-17`; charges without a time count on `1970-01-01`. */
export interface FoldedTotal {
  /** Values in the order of TOTAL_DIMENSIONS. */
  readonly dimensions: readonly (string | null)[];
  readonly billingPeriod: string;
  readonly day: string;
  readonly charges: number;
  /** Canonical decimal texts in the order of COST_COLUMNS. */
  readonly costs: readonly string[];
  /** Groups beyond the budget were folded into this one: all dimensions null but the currency. */
  readonly overflow: boolean;
}

/** What all groups cost together. */
export function costOfAll({ charges, sums }: FoldedTotals): ReadonlyMap<CostColumn, Decimal> {
  const all = new GroupSums(COST_COLUMNS.length);
  all.merge(sums, new Uint32Array(charges.length), 1);
  const costs = new Map(COST_COLUMNS.map((cost, i) => [cost, decimal(all.text(0, i))]));
  all.close();
  return costs;
}

/** The memory that can be moved to another thread. */
export function buffersOf({ tuples, charges, sums }: FoldedTotals): ArrayBuffer[] {
  return [tuples.buffer, charges.buffer, sums.limbs.buffer];
}

/** The groups one by one, sorted by billing period, day and dimensions: null before all values, overflow behind. May be gone through again. */
export function eachTotal(folded: FoldedTotals): Iterable<FoldedTotal> {
  let order: Uint32Array | undefined;
  return {
    *[Symbol.iterator]() {
      order ??= sortedGroups(folded);
      for (const group of order) yield totalOf(folded, group);
    },
  };
}

function totalOf({ values, tuples, charges, sums }: FoldedTotals, group: number): FoldedTotal {
  const start = group * COLUMNS.length;
  const value = (place: number): string | null =>
    values[place]?.[tuples[start + place] as number] ?? null;
  return {
    dimensions: TOTAL_DIMENSIONS.map((_, place) => value(place)),
    billingPeriod: String(value(PERIOD)),
    day: String(value(DAY)),
    charges: charges[group] as number,
    costs: COST_COLUMNS.map((_, i) => sumText(sums, group * COST_COLUMNS.length + i)),
    overflow: tuples[start] === OVERFLOW,
  };
}

function sortedGroups({ values, tuples, charges }: FoldedTotals): Uint32Array {
  const ranks = values.map(ranksOf);
  const places = [PERIOD, DAY, ...TOTAL_DIMENSIONS.keys()];
  const rank = (group: number, place: number): number =>
    ranks[place]?.[tuples[group * COLUMNS.length + place] as number] ?? OVERFLOW;
  return Uint32Array.from(charges, (_, group) => group).sort((a, b) => {
    for (const place of places) {
      const difference = rank(a, place) - rank(b, place);
      if (difference !== 0) return difference;
    }
    return 0;
  });
}

/** Place of each number in the order of the values; null comes first. */
function ranksOf(values: readonly (string | null)[]): Uint32Array {
  const order = [...values.keys()].sort((a, b) => compareTexts(values[a], values[b]));
  const ranks = new Uint32Array(values.length);
  for (const [rank, number] of order.entries()) ranks[number] = rank;
  return ranks;
}

function compareTexts(a: string | null | undefined, b: string | null | undefined): number {
  if (a === b) return 0;
  if (a === null || a === undefined) return -1;
  if (b === null || b === undefined) return 1;
  return a < b ? -1 : 1;
}
