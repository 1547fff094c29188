import {
  attributeName,
  COST_COLUMNS,
  type CostColumn,
  toNumber,
} from '../../pipelines/focus/index.ts';
import {
  type PointMetric,
  TOTAL_DIMENSIONS,
  type TotalsView,
} from '../../pipelines/plugin/index.ts';
import { type Completeness, createDaysSeen } from './completeness.ts';
import { createGoneSeries } from './gone-series.ts';
import { type Budgeted, type Grouping, type Series, seriesOf } from './series.ts';

export interface PointSettings {
  /** Billing periods that are sent: the current one and those before it. */
  readonly periods: number;
  /** Charge days that are sent as daily costs, counted back from today; 0: none. */
  readonly dailyDays: number;
  /** Most points of one metric. */
  readonly maxSeries: number;
}

/** What the totals look like as metrics at a point in time. */
export interface CostMetrics {
  at(nowMs: number): readonly PointMetric[];
}

/**
 * The committed totals as points: what each billing period has come to by now, what each of the last days has come
 * to, how old each source's data is and how complete each account's. Over the budget the smallest series are folded into
 * `otel.metric.overflow`; a series once shown stays shown while there is room, and is zero when it is no more.
 */
export function createCostMetrics(totals: TotalsView, settings: PointSettings): CostMetrics {
  let last: (Folded & { readonly key: string }) | undefined;
  const gone = { period: createGoneSeries(), daily: createGoneSeries() };
  return {
    at(nowMs) {
      if (totals.elsewhere === true) return [];
      const since = sinceWhen(nowMs, settings);
      const key = `${totals.version} ${since.period} ${since.day}`;
      if (last?.key !== key) last = { key, ...budgeted(totals, { since, settings, last }) };
      const period = gone.period.withGone(last.period.series, { ms: nowMs, since: since.period });
      const daily = gone.daily.withGone(last.daily.series, { ms: nowMs, since: since.day });
      return [
        ...periodMetrics(period, nowMs),
        dailyMetric(daily, nowMs),
        ageMetric(totals, { nowMs, maxSeries: settings.maxSeries }),
        completenessMetric(last.completeness.slice(0, settings.maxSeries), nowMs),
        ...(totals.points?.(nowMs) ?? []),
      ].filter(({ points }) => points.length > 0);
    },
  };
}

/** By what the costs of a charge day are told apart. */
export const DAILY_DIMENSIONS = [
  'ServiceProviderName',
  'ServiceName',
  'BillingCurrency',
  'owner',
  'x_CostSource',
] as const;

/** Values of `finops.cost.type`. */
export const COST_TYPES: Readonly<Record<CostColumn, string>> = {
  BilledCost: 'billed',
  EffectiveCost: 'effective',
  ListCost: 'list',
  ContractedCost: 'contracted',
};

/** The first day of the oldest billing period sent: those that started within the last `periods` months. */
export function firstPeriodStart(nowMs: number, periods: number): string {
  const now = new Date(nowMs);
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth() - periods];
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return isoDay(Date.UTC(year, month, Math.min(now.getUTCDate(), lastDay) + 1));
}

const DAY_MS = 86_400_000;
const LONGEST_PERIOD_MS = 32 * DAY_MS;
const PERIOD: Grouping = {
  dimensions: TOTAL_DIMENSIONS,
  slotAttribute: 'focus.billing_period_start',
  slot: (total) => total.billingPeriod,
  together: false,
  points: 1,
};
const DAILY: Grouping = {
  dimensions: DAILY_DIMENSIONS,
  slotAttribute: 'focus.charge_date',
  slot: (total) => total.day,
  together: true,
  points: COST_COLUMNS.length,
};
const DESCRIPTIONS: Readonly<Record<CostColumn, string>> = {
  BilledCost: 'Billed cost of the billing period to date.',
  EffectiveCost: 'Effective (amortized) cost of the billing period to date.',
  ListCost: 'Cost at list prices of the billing period to date.',
  ContractedCost: 'Cost at contracted prices of the billing period to date.',
};
const NONE: ReadonlySet<string> = new Set();

interface Since {
  readonly period: string;
  readonly day: string;
}

function sinceWhen(nowMs: number, { periods, dailyDays }: PointSettings): Since {
  return {
    period: firstPeriodStart(nowMs, periods),
    day: isoDay(nowMs - (dailyDays - 1) * DAY_MS),
  };
}

/** The totals of one version, ready to be shown. */
interface Folded {
  readonly period: Budgeted;
  readonly daily: Budgeted;
  readonly completeness: readonly Completeness[];
}

function budgeted(
  view: TotalsView,
  options: {
    readonly since: Since;
    readonly settings: PointSettings;
    readonly last: Folded | undefined;
  },
): Folded {
  const { since, settings, last } = options;
  const maxPoints = settings.maxSeries;
  const seen = createDaysSeen();
  const period = seen.seeing(view.totals(since.period));
  const day = settings.dailyDays > 0 ? view.totals(periodOf(since.day)) : [];
  return {
    period: seriesOf(period, PERIOD, { maxPoints, shown: last?.period.shown ?? NONE }),
    daily: seriesOf(
      Iterator.from(day).filter((total) => total.day >= since.day),
      DAILY,
      { maxPoints, shown: last?.daily.shown ?? NONE },
    ),
    completeness: seen.completeness(),
  };
}

function periodMetrics(series: readonly Series[], endMs: number): PointMetric[] {
  return COST_COLUMNS.map((column) => ({
    name: attributeName(column),
    description: DESCRIPTIONS[column],
    unit: '{currency}',
    kind: 'sum',
    points: series.map(({ slot, attributes, costs }) => ({
      attributes,
      startMs: startOf(slot, endMs),
      endMs,
      value: toNumber(costs[column]),
    })),
  }));
}

function dailyMetric(series: readonly Series[], endMs: number): PointMetric {
  return {
    name: 'finops.daily.cost',
    description: 'Cost of one charge day, as known by now.',
    unit: '{currency}',
    kind: 'sum',
    points: series.flatMap(({ slot, attributes, costs }) =>
      COST_COLUMNS.map((column) => ({
        attributes: { ...attributes, 'finops.cost.type': COST_TYPES[column] },
        startMs: startOf(slot, endMs),
        endMs,
        value: toNumber(costs[column]),
      })),
    ),
  };
}

/** Not money, so nothing is folded: over the limit only the freshest sources are shown. */
function ageMetric(
  totals: TotalsView,
  { nowMs, maxSeries }: { readonly nowMs: number; readonly maxSeries: number },
): PointMetric {
  const known = totals.sources().filter(({ dataUntilMs }) => Number.isFinite(dataUntilMs));
  const freshest = [...known].sort((a, b) => b.dataUntilMs - a.dataUntilMs).slice(0, maxSeries);
  return {
    name: 'finops.data.age',
    description: 'Time since the end of the newest charge of a source.',
    unit: 's',
    kind: 'gauge',
    points: freshest.map(({ receiver, scope, dataUntilMs }) => ({
      attributes: { 'finops.receiver': receiver, 'finops.scope': scope },
      startMs: nowMs,
      endMs: nowMs,
      value: Math.max(0, (nowMs - dataUntilMs) / 1000),
    })),
  };
}

function completenessMetric(accounts: readonly Completeness[], nowMs: number): PointMetric {
  return {
    name: 'finops.data.completeness',
    description:
      'Days with charges out of the days from the first to the last with charges, by account and billing period.',
    unit: '1',
    kind: 'gauge',
    points: accounts.map(({ attributes, value }) => ({
      attributes,
      startMs: nowMs,
      endMs: nowMs,
      value,
    })),
  };
}

/** A point must not start after it ends, even when its period lies ahead or cannot be read. */
function startOf(day: string, endMs: number): number {
  const start = Date.parse(`${day}T00:00:00Z`);
  return Number.isNaN(start) ? endMs : Math.min(start, endMs);
}

/** Start of the oldest billing period that can hold the charge day. */
function periodOf(day: string): string {
  return isoDay(Date.parse(`${day}T00:00:00Z`) - LONGEST_PERIOD_MS);
}

function isoDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
