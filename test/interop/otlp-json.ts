/** What the collector writes, read for comparison: OTLP JSON as plain values. */

/** Attributes by name; a double is a number, a string a string. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** A log record and what it belongs to. */
export interface LogRecord {
  readonly resource: Attributes;
  readonly scope: string;
  readonly eventName: string;
  readonly time: string;
  readonly observed: string;
  readonly attributes: Attributes;
  /** Every other field that is set. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** A point of a metric and what it belongs to. */
export interface MetricPoint {
  readonly resource: Attributes;
  readonly scope: string;
  readonly name: string;
  readonly unit: string;
  /** `sum`, cumulative and not monotonic; `gauge`; anything else says what it is. */
  readonly kind: string;
  readonly start: string;
  readonly time: string;
  readonly attributes: Attributes;
  readonly value: number;
}

/** The records of export requests, in the order they came. */
export function logRecords(requests: readonly unknown[]): LogRecord[] {
  const records: LogRecord[] = [];
  for (const { resourceLogs = [] } of requests as LogsRequest[])
    for (const { resource, scopeLogs = [] } of resourceLogs)
      for (const { scope, logRecords: found = [] } of scopeLogs)
        for (const record of found) {
          const {
            eventName = '',
            timeUnixNano = '',
            observedTimeUnixNano = '',
            ...others
          } = record;
          const { attributes, body, ...rest } = others;
          records.push({
            resource: plain(resource?.attributes),
            scope: scopeText(scope),
            eventName,
            time: timeUnixNano,
            observed: observedTimeUnixNano,
            attributes: plain(attributes),
            rest: { ...rest, ...body },
          });
        }
  return records;
}

/** The newest point of each series in export requests. */
export function metricPoints(requests: readonly unknown[]): MetricPoint[] {
  const points = new Map<string, MetricPoint>();
  for (const { resourceMetrics = [] } of requests as MetricsRequest[])
    for (const { resource, scopeMetrics = [] } of resourceMetrics)
      for (const { scope, metrics = [] } of scopeMetrics)
        for (const metric of metrics)
          for (const point of (metric.sum ?? metric.gauge)?.dataPoints ?? [])
            points.set(JSON.stringify([resource, metric.name, point.attributes]), {
              resource: plain(resource?.attributes),
              scope: scopeText(scope),
              name: metric.name,
              unit: metric.unit ?? '',
              kind: kindOf(metric),
              start: point.startTimeUnixNano ?? '',
              time: point.timeUnixNano ?? '',
              attributes: plain(point.attributes),
              value: point.asDouble ?? Number(point.asInt),
            });
  return [...points.values()];
}

interface KeyValue {
  readonly key: string;
  readonly value: {
    readonly stringValue?: string;
    readonly doubleValue?: number;
    readonly boolValue?: boolean;
  };
}

interface Belonging {
  readonly attributes?: readonly KeyValue[];
}

interface Scope {
  readonly name?: string;
  readonly version?: string;
}

interface LogsRequest {
  readonly resourceLogs?: readonly {
    readonly resource?: Belonging;
    readonly scopeLogs?: readonly {
      readonly scope?: Scope;
      readonly logRecords?: readonly (Belonging & {
        readonly eventName?: string;
        readonly timeUnixNano?: string;
        readonly observedTimeUnixNano?: string;
        /** The collector writes an empty one for none. */
        readonly body?: object;
      })[];
    }[];
  }[];
}

interface Points {
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints?: readonly (Belonging & {
    readonly startTimeUnixNano?: string;
    readonly timeUnixNano?: string;
    readonly asDouble?: number;
    readonly asInt?: string;
  })[];
}

interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly sum?: Points;
  readonly gauge?: Points;
}

interface MetricsRequest {
  readonly resourceMetrics?: readonly {
    readonly resource?: Belonging;
    readonly scopeMetrics?: readonly {
      readonly scope?: Scope;
      readonly metrics?: readonly Metric[];
    }[];
  }[];
}

/** AGGREGATION_TEMPORALITY_CUMULATIVE. */
const CUMULATIVE = 2;

function kindOf({ sum, gauge }: Metric): string {
  if (gauge !== undefined) return 'gauge';
  if (sum?.aggregationTemporality === CUMULATIVE && sum.isMonotonic !== true) return 'sum';
  return `sum of temporality ${sum?.aggregationTemporality}, monotonic: ${sum?.isMonotonic}`;
}

function plain(attributes: readonly KeyValue[] = []): Attributes {
  const values: Record<string, string | number | boolean> = {};
  for (const { key, value } of attributes) {
    if (key in values) throw new Error(`${key} stands there twice`);
    const { stringValue, doubleValue, boolValue } = value;
    values[key] = stringValue ?? doubleValue ?? boolValue ?? JSON.stringify(value);
  }
  return values;
}

function scopeText({ name = '', version }: Scope = {}): string {
  return version === undefined ? name : `${name} ${version}`;
}
