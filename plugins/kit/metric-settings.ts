import type { ConfigOf, Schema } from '../../pipelines/plugin/index.ts';
import type { PointSettings } from './points.ts';

/** Settings of exporters that send totals as metrics: how much of them. */
export const metricSettings = {
  periods: {
    doc: 'Billing periods that are sent: the current one and those before it.',
    format: 'int',
    default: 2,
    min: 1,
    max: 1200,
  },
  daily_days: {
    doc: 'Charge days sent as finops.daily.cost, counted back from today; 0: none.',
    format: 'int',
    default: 35,
    max: 36600,
  },
  max_series: {
    doc: 'Most series of one metric; the smallest beyond it are summed up in otel.metric.overflow=true.',
    format: 'int',
    default: 2000,
    min: 100,
  },
} as const satisfies Schema;

/** The same, as the points want them. */
export function pointSettings(config: ConfigOf<typeof metricSettings>): PointSettings {
  return { periods: config.periods, dailyDays: config.daily_days, maxSeries: config.max_series };
}
