import {
  add,
  attributeName,
  type Decimal,
  decimal,
  divide,
  toNumber,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import type { Point, PointMetric } from '../../../pipelines/plugin/index.ts';
import { withinBudget } from '../../kit/budget.ts';
import { confidenceOf } from './confidence.ts';
import { attributesOfService } from './identity.ts';
import { dearest, type LinkedSpan, type LinkStore, type LinkTotal } from './link-store.ts';

type Attributes = Readonly<Record<string, string | boolean>>;

/** A sum by attributes, of one charge day. */
interface Series {
  readonly day: string;
  readonly attributes: Attributes;
  readonly currency: string | null;
  value: Decimal;
  /** Some of those that it is of. */
  readonly spans?: readonly LinkedSpan[];
}

/** What was linked, as metrics. */
export interface LinkPoints {
  at(pipelines: readonly string[], nowMs: number): readonly PointMetric[];
}

/**
 * The linked costs as points by charge day. Over `maxSeries` the smallest of a metric are summed up in `otel.metric.overflow=true`; a
 * series that a restatement has taken is sent as zero, for as long as its day is shown.
 */
export function createLinkPoints(
  store: LinkStore,
  {
    maxSeries,
    days,
    exemplars,
  }: { readonly maxSeries: number; readonly days: number; readonly exemplars: number },
): LinkPoints {
  const shown = new Map<string, Map<string, Series>>();
  let cached: { readonly key: string; readonly made: Made } | undefined;
  return {
    at(pipelines, nowMs) {
      const since = firstDay(nowMs, days);
      const name = JSON.stringify(pipelines);
      const key = `${store.version} ${since} ${name}`;
      if (cached?.key !== key) cached = { key, made: make(store, { pipelines, since, exemplars }) };
      const { linked, unlinked, requests, perRequest } = cached.made;
      const metrics = [
        { ...LINKED, series: budgeted(linked, maxSeries) },
        { ...UNLINKED, series: budgeted(unlinked, maxSeries) },
        { ...REQUESTS, series: largest(requests, maxSeries) },
        { ...PER_REQUEST, series: largest(perRequest, maxSeries) },
      ];
      return metrics
        .map(({ series, ...metric }) => ({
          ...metric,
          points: withGone(series, {
            since,
            isSum: metric.kind === 'sum',
            shown: shownBy(shown, `${name} ${metric.name}`),
          }).map((one) => pointOf(one, nowMs)),
        }))
        .filter(({ points }) => points.length > 0);
    },
  };
}

type Described = Pick<PointMetric, 'name' | 'description' | 'unit' | 'kind'>;

const LINKED: Described = {
  name: 'finops.cost.linked',
  description: 'Effective cost of one charge day that was linked to services or traces.',
  unit: '{currency}',
  kind: 'sum',
};
const UNLINKED: Described = {
  name: 'finops.cost.unlinked',
  description: 'Effective cost of one charge day that was not linked, by reason.',
  unit: '{currency}',
  kind: 'sum',
};
const REQUESTS: Described = {
  name: 'finops.cost.requests',
  description: 'Requests of a service in the hours of a charge day whose cost was linked to it.',
  unit: '{request}',
  kind: 'sum',
};
const PER_REQUEST: Described = {
  name: 'finops.cost.per_request',
  description:
    'Linked cost of a service on a charge day by request: finops.cost.linked / finops.cost.requests.',
  unit: '{currency}',
  kind: 'gauge',
};
const DAY = 'focus.charge_date';

interface Made {
  readonly linked: readonly Series[];
  readonly unlinked: readonly Series[];
  readonly requests: readonly Series[];
  readonly perRequest: readonly Series[];
}

function make(
  store: LinkStore,
  {
    pipelines,
    since,
    exemplars,
  }: { readonly pipelines: readonly string[]; readonly since: string; readonly exemplars: number },
): Made {
  const totals = store.totals(pipelines).filter(({ day }) => day >= since);
  const linked = totals.filter(({ reason }) => reason === null);
  const services = linked.filter(({ service }) => service !== null);
  const paid = summed(services, (total) => ({ ...serviceOf(total), ...money(total) }));
  const requests = new Map(
    store.requests().map(({ service, day, requests: value }) => {
      const attributes = { ...attributesOfService(service), [DAY]: day };
      return [
        JSON.stringify(attributes),
        { day, attributes, currency: null, value: decimal(String(value)) },
      ] as const;
    }),
  );
  const requestsOf = ({ attributes }: Series): Series | undefined => {
    const {
      'focus.billing_currency': _currency,
      'focus.x_cost_source': _source,
      ...rest
    } = attributes;
    return requests.get(JSON.stringify(rest));
  };
  return {
    linked: summed(linked, (total) => ({
      ...serviceOf(total),
      'finops.link.method': total.method,
      'finops.link.confidence': confidenceOf(total.method, total.foundBy ?? undefined),
      'finops.link.part': total.part,
      ...money(total),
    })).map((series) => ({ ...series, spans: dearest(series.spans ?? [], exemplars) })),
    unlinked: summed(
      totals.filter(({ reason }) => reason !== null),
      (total) => ({ 'finops.link.reason': total.reason ?? '', ...money(total) }),
    ),
    requests: [...new Set(paid.flatMap((series) => requestsOf(series) ?? []))],
    perRequest: paid.flatMap((series) => {
      const by = requestsOf(series);
      const value = by && divide(series.value, by.value);
      return value === undefined ? [] : [{ ...series, value, spans: [] }];
    }),
  };
}

function serviceOf({ service }: LinkTotal): Attributes {
  return service === null ? {} : attributesOfService(service);
}

function money({ day, currency, costSource }: LinkTotal): Attributes {
  return {
    ...(currency !== null && { [attributeName('BillingCurrency')]: currency }),
    ...(costSource !== null && { [attributeName('x_CostSource')]: costSource }),
    [DAY]: day,
  };
}

/** Exact sums by attributes. */
function summed(
  totals: readonly LinkTotal[],
  attributesOf: (total: LinkTotal) => Attributes,
): readonly Series[] {
  const sums = new Map<
    string,
    {
      readonly total: LinkTotal;
      readonly attributes: Attributes;
      readonly spans: LinkedSpan[];
      sum: Decimal;
    }
  >();
  for (const total of totals) {
    const attributes = attributesOf(total);
    const key = JSON.stringify(attributes);
    const sum = sums.get(key) ?? { total, attributes, spans: [], sum: ZERO };
    sums.set(key, sum);
    sum.sum = add(sum.sum, decimal(total.amount));
    sum.spans.push(...total.spans);
  }
  return [...sums.values()].map(({ total: { day, currency }, attributes, sum, spans }) => ({
    day,
    currency,
    attributes,
    value: sum,
    spans,
  }));
}

/** Those of most weight; the rest summed up by day and currency. */
function budgeted(series: readonly Series[], maxSeries: number): readonly Series[] {
  const kept = new Set(largest(series, maxSeries));
  const folded = new Map<string, Series>();
  for (const one of series) {
    if (kept.has(one)) continue;
    const { day, currency, value } = one;
    const known = folded.get(`${day} ${currency}`);
    if (known !== undefined) known.value = add(known.value, value);
    else folded.set(`${day} ${currency}`, { day, currency, value, attributes: overflow(one) });
  }
  return [...kept, ...folded.values()];
}

function overflow({ day, currency }: Series): Attributes {
  return {
    ...(currency !== null && { [attributeName('BillingCurrency')]: currency }),
    'otel.metric.overflow': true,
    [DAY]: day,
  };
}

function largest(series: readonly Series[], maxSeries: number): readonly Series[] {
  if (series.length <= maxSeries) return series;
  const chosen = withinBudget(
    series.map(({ attributes, value }) => ({
      key: JSON.stringify(attributes),
      weight: Math.abs(toNumber(value)),
      points: 1,
    })),
    { limit: maxSeries, reserved: 0, shown: new Set() },
  );
  return series.filter(({ attributes }) => chosen.has(JSON.stringify(attributes)));
}

function shownBy(shown: Map<string, Map<string, Series>>, key: string): Map<string, Series> {
  const known = shown.get(key) ?? new Map<string, Series>();
  shown.set(key, known);
  return known;
}

/** Adds those that were shown before and are no more, at zero; a gauge just ends. */
function withGone(
  series: readonly Series[],
  of: { readonly since: string; readonly isSum: boolean; readonly shown: Map<string, Series> },
): readonly Series[] {
  if (!of.isSum) return series;
  const now = new Map(series.map((one) => [JSON.stringify(one.attributes), one] as const));
  for (const [key, one] of of.shown) {
    if (one.day < of.since) of.shown.delete(key);
    else if (!now.has(key)) now.set(key, { ...one, value: ZERO, spans: [] });
  }
  for (const [key, one] of now) of.shown.set(key, one);
  return [...now.values()];
}

/** First of the charge days that are shown. */
export function firstDay(nowMs: number, days: number): string {
  return new Date(nowMs - (days - 1) * DAY_MS).toISOString().slice(0, 10);
}

const DAY_MS = 86_400_000;

function pointOf({ day, attributes, value, spans = [] }: Series, nowMs: number): Point {
  const startMs = Math.min(Date.parse(`${day}T00:00:00Z`), nowMs);
  const exemplars = spans
    .map(({ traceId, spanId, timeMs, cost }) => ({ traceId, spanId, timeMs, value: cost }))
    .sort((a, b) => a.timeMs - b.timeMs);
  return {
    ...{ attributes, startMs, endMs: nowMs, value: toNumber(value) },
    ...(exemplars.length > 0 && { exemplars }),
  };
}
