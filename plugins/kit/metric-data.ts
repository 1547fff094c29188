import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { PointMetric } from '../../pipelines/plugin/index.ts';

/** Points in the form of the OpenTelemetry metrics SDK. */
export function scopeMetrics(metrics: readonly PointMetric[]): ScopeMetrics[] {
  if (metrics.length === 0) return [];
  return [{ scope: { name: 'focusd' }, metrics: metrics.map(metricData) }];
}

function metricData({ name, description, unit, kind, points }: PointMetric): MetricData {
  const common = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: points.map(({ attributes, startMs, endMs, value }) => ({
      attributes,
      startTime: hrTime(startMs),
      endTime: hrTime(endMs),
      value,
    })),
  };
  return kind === 'gauge'
    ? { ...common, dataPointType: DataPointType.GAUGE }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: false };
}

function hrTime(ms: number): HrTime {
  const whole = Math.floor(ms);
  return [Math.floor(whole / 1000), (whole % 1000) * 1_000_000];
}
