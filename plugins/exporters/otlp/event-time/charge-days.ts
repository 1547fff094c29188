import { COST_COLUMNS, type CostColumn, formatDecimal } from '../../../../pipelines/focus/index.ts';
import type { TotalsView } from '../../../../pipelines/plugin/index.ts';
import { COST_TYPES, DAILY_DIMENSIONS } from '../../../kit/points.ts';
import { type Grouping, seriesOf } from '../../../kit/series.ts';

/** What one series has come to on a charge day. */
export interface DayCost {
  /** Equal for points of one series. */
  readonly series: string;
  readonly column: CostColumn;
  readonly attributes: Readonly<Record<string, string | boolean>>;
  /** Exact. */
  readonly cost: string;
}

/** Costs by charge day (`2026-09-17`), by series. */
export type DayCosts = ReadonlyMap<string, ReadonlyMap<string, DayCost>>;

export interface ChargeDayOptions {
  readonly nowMs: number;
  /** Charge days, counted back from today. */
  readonly days: number;
  /** Oldest point that the backend takes, milliseconds; absent: any. */
  readonly maxAgeMs?: number;
  readonly maxSeries: number;
  /** Series that were shown before. */
  readonly shown: ReadonlySet<string>;
}

const DAY_MS = 86_400_000;

/**
 * Time of the points of a charge day when they are sent now: within the day, the later the later they are sent, as a backend keeps the first value
 * that it has for a time, and the last of a day is to be what is known by now. Undefined for days that lie ahead.
 */
export function pointTime(day: string, nowMs: number): number | undefined {
  const start = Date.parse(`${day}T00:00:00Z`);
  const age = nowMs - start;
  const time = start + Math.floor((DAY_MS * age) / (age + DAY_MS));
  return age > 0 && time > start ? time : undefined;
}

/** First and last charge day of which points may be sent now; undefined: none. */
export function sendableDays({
  nowMs,
  days,
  maxAgeMs = Number.POSITIVE_INFINITY,
}: Pick<ChargeDayOptions, 'nowMs' | 'days' | 'maxAgeMs'>):
  | {
      readonly first: string;
      readonly last: string;
    }
  | undefined {
  const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
  let first: string | undefined;
  for (let back = 0; back < days; back += 1) {
    const day = isoDay(today - back * DAY_MS);
    const time = pointTime(day, nowMs) ?? nowMs;
    if (nowMs - time > maxAgeMs) break;
    first = day;
  }
  return first === undefined ? undefined : { first, last: isoDay(today) };
}

/** The committed totals by charge day and series, within the budget of series. */
export function chargeDays(
  view: TotalsView,
  options: ChargeDayOptions,
): { readonly days: DayCosts; readonly shown: ReadonlySet<string> } {
  const range = sendableDays(options);
  if (range === undefined) return { days: new Map(), shown: options.shown };
  const { first, last } = range;
  const totals = Iterator.from(view.totals(isoDay(Date.parse(first) - LONGEST_PERIOD_MS)));
  const { series, shown } = seriesOf(
    totals.filter(({ day }) => day >= first && day <= last),
    GROUPING,
    { maxPoints: options.maxSeries, shown: options.shown },
  );
  const days = new Map<string, Map<string, DayCost>>();
  for (const { slot, attributes, costs } of series) {
    const day = days.get(slot) ?? new Map<string, DayCost>();
    days.set(slot, day);
    for (const column of COST_COLUMNS) {
      const named = { ...attributes, 'finops.cost.type': COST_TYPES[column] };
      const name = JSON.stringify(named);
      const cost = formatDecimal(costs[column]);
      day.set(name, { series: name, column, attributes: named, cost });
    }
  }
  return { days, shown };
}

const LONGEST_PERIOD_MS = 32 * DAY_MS;
const GROUPING: Grouping = {
  dimensions: DAILY_DIMENSIONS,
  slot: (total) => total.day,
  together: true,
  points: COST_COLUMNS.length,
};
function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
