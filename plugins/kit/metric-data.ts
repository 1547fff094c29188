import { type HrTime, ValueType } from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Exemplar, PointMetric } from '../../pipelines/plugin/index.ts';

/** Points in the form of the OpenTelemetry metrics SDK. */
export function scopeMetrics(metrics: readonly PointMetric[]): ScopeMetrics[] {
  if (metrics.length === 0) return [];
  return [{ scope: { name: 'focusd' }, metrics: metrics.map(metricData) }];
}

function metricData({ name, description, unit, kind, points }: PointMetric): MetricData {
  const common = {
    descriptor: { name, description, unit, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints: points.map(({ attributes, startMs, endMs, value, exemplars }) => ({
      attributes,
      startTime: hrTime(startMs),
      endTime: hrTime(endMs),
      value,
      ...(exemplars !== undefined && { exemplars }),
    })),
  };
  return kind === 'gauge'
    ? { ...common, dataPointType: DataPointType.GAUGE }
    : { ...common, dataPointType: DataPointType.SUM, isMonotonic: false };
}

/** The exemplars of a point that `scopeMetrics` made: the SDK has no place for them, and hands points on as they are. */
export function exemplarsOf(point: object): readonly Exemplar[] {
  return 'exemplars' in point ? (point.exemplars as readonly Exemplar[]) : [];
}

/** Nanoseconds since 1970. */
export function nanos(ms: number): bigint {
  return BigInt(Math.floor(ms)) * 1_000_000n;
}

function hrTime(ms: number): HrTime {
  const whole = Math.floor(ms);
  return [Math.floor(whole / 1000), (whole % 1000) * 1_000_000];
}
