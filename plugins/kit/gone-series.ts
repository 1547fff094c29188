import { type CostColumn, ZERO } from '../../pipelines/focus/index.ts';
import type { Series } from './series.ts';

/** Adds to the series of now those of before that are no more, at a cost of zero. */
export interface GoneSeries {
  /** `since`: first slot that is sent at all; what lies before it has not become zero, it is only not sent any more. */
  withGone(
    series: readonly Series[],
    now: { readonly ms: number; readonly since: string },
  ): readonly Series[];
}

/**
 * A series whose last charge a restatement has taken, or that is folded from now on, must not keep its last value: backends show it for some
 * minutes more, and the sum over all series would be too high. It is sent as zero for a while, and at least twice.
 */
export function createGoneSeries(): GoneSeries {
  const gone = new Map<string, Gone>();
  let last: readonly Series[] = [];

  function compare(series: readonly Series[], ms: number): void {
    const live = new Set(series.map(keyOf));
    for (const key of live) gone.delete(key);
    for (const old of last) {
      const key = keyOf(old);
      if (!live.has(key)) gone.set(key, { series: { ...old, costs: NOTHING }, ms, sent: 0 });
    }
    last = series;
  }

  return {
    withGone(series, { ms, since }) {
      if (series !== last) compare(series, ms);
      if (gone.size === 0) return series;
      for (const [key, entry] of gone) {
        const isTold = entry.sent >= LEAST_TIMES && ms - entry.ms > KEPT_MS;
        if (isTold || entry.series.slot < since) gone.delete(key);
        else entry.sent += 1;
      }
      return [...series, ...[...gone.values()].map((entry) => entry.series)];
    },
  };
}

interface Gone {
  readonly series: Series;
  /** Since when. */
  readonly ms: number;
  sent: number;
}

/** Prometheus looks back five minutes; a push may fail and be tried again. */
const KEPT_MS = 15 * 60_000;
const LEAST_TIMES = 2;
const NOTHING: Readonly<Record<CostColumn, typeof ZERO>> = {
  BilledCost: ZERO,
  EffectiveCost: ZERO,
  ListCost: ZERO,
  ContractedCost: ZERO,
};

function keyOf({ attributes }: Series): string {
  return JSON.stringify(attributes);
}
