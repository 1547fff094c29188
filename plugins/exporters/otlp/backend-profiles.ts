/**
 * What backends take of OTLP, so far as their documentation says it. A limit that is not found there is not in the table: nothing is guessed. Defaults
 * of self-hosted backends; an operator who changed them says so by the exporter's own settings.
 */

/** What is known of one backend. */
export interface BackendProfile {
  /** `sum`: cumulative, goes up and down. `gauge`: the same numbers where a cumulative sum is refused or misread. */
  readonly totals: 'sum' | 'gauge';
  readonly takes: { readonly logs: boolean; readonly metrics: boolean };
  /** Oldest log record that is taken, milliseconds; older charges carry the time at which they were read. */
  readonly maxAgeMs?: number;
  /** Oldest metric point that is taken, milliseconds; 0: none of the past. */
  readonly maxPointAgeMs?: number;
  /** Largest request of log records, uncompressed bytes. */
  readonly maxRequestBytes?: number;
  /** Longest attribute value of a log record that is kept and can be searched, characters. */
  readonly maxValueLength?: number;
  /** Absent: both. */
  readonly protocol?: 'http/protobuf';
  /** Pages that state the facts above. */
  readonly sources: readonly string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BOTH = { logs: true, metrics: true } as const;
const ONLY_LOGS = { logs: true, metrics: false } as const;
const ONLY_METRICS = { logs: false, metrics: true } as const;

/** Profiles by name. */
export const BACKEND_PROFILES = {
  generic: { totals: 'sum', takes: BOTH, sources: [] },
  // Another agent: it makes its own totals of the charges.
  focusd: { totals: 'sum', takes: ONLY_LOGS, sources: [] },
  // Delta is refused (400), a cumulative sum that goes down is a gauge. out_of_order_time_window is 0 unless it was set.
  prometheus: {
    totals: 'sum',
    takes: ONLY_METRICS,
    maxPointAgeMs: 0,
    protocol: 'http/protobuf',
    sources: [
      'https://prometheus.io/docs/guides/opentelemetry/',
      'https://github.com/pgdogdev/pgdog/issues/1289',
      'https://prometheus.io/docs/prometheus/latest/configuration/configuration/#tsdb',
    ],
  },
  // out_of_order_time_window, again.
  mimir: {
    totals: 'sum',
    takes: ONLY_METRICS,
    maxPointAgeMs: 0,
    protocol: 'http/protobuf',
    sources: [
      'https://grafana.com/docs/grafana-cloud/send-data/otlp/otlp-format-considerations/',
      'https://grafana.com/docs/grafana-cloud/send-data/metrics/label-handling-and-limits',
      'https://grafana.com/docs/mimir/latest/configure/configure-out-of-order-samples-ingestion/',
    ],
  },
  // What is older than -retentionPeriod, a month, is dropped.
  victoriametrics: {
    totals: 'sum',
    takes: ONLY_METRICS,
    maxPointAgeMs: 31 * DAY_MS,
    protocol: 'http/protobuf',
    sources: [
      'https://docs.victoriametrics.com/victoriametrics/integrations/opentelemetry',
      'https://docs.victoriametrics.com/victoriametrics/single-server-victoriametrics/#retention',
    ],
  },
  // The intake takes delta only; a gauge has no temporality. Points up to an hour old (more where historical metrics are on), logs up to 18 hours old, 5 MB a request.
  datadog: {
    totals: 'gauge',
    takes: BOTH,
    maxAgeMs: 18 * HOUR_MS,
    maxPointAgeMs: HOUR_MS,
    maxRequestBytes: 5_000_000,
    protocol: 'http/protobuf',
    sources: [
      'https://docs.datadoghq.com/opentelemetry/setup/agentless/metrics',
      'https://docs.datadoghq.com/opentelemetry/setup/otlp_ingest/logs/',
      'https://docs.datadoghq.com/api/latest/logs/send-logs/',
      'https://docs.datadoghq.com/metrics/custom_metrics/historical_metrics/',
    ],
  },
  // An up-down counter that is cumulative becomes a gauge; points up to an hour old, logs up to 24 hours, values of 32 kB, requests of 2 MB.
  dynatrace: {
    totals: 'gauge',
    takes: BOTH,
    maxAgeMs: 24 * HOUR_MS,
    maxPointAgeMs: HOUR_MS,
    maxRequestBytes: 2_000_000,
    maxValueLength: 32_000,
    protocol: 'http/protobuf',
    sources: [
      'https://docs.dynatrace.com/managed/shortlink/otel-getstarted-metrics-ingest',
      'https://docs.dynatrace.com/docs/observe-and-explore/logs/lma-limits',
      'https://docs.dynatrace.com/docs/shortlink/api-access-limit',
      'https://docs.dynatrace.com/docs/ingest-from/opentelemetry/collector-use-cases/grpc',
      'https://docs.dynatrace.com/docs/ingest-from/extend-dynatrace/extend-metrics/reference/metric-ingestion-protocol',
    ],
  },
  // A cumulative sum that is not monotonic becomes a gauge; payloads older than 48 hours may be dropped.
  newrelic: {
    totals: 'gauge',
    takes: BOTH,
    maxAgeMs: 48 * HOUR_MS,
    maxPointAgeMs: 48 * HOUR_MS,
    maxValueLength: 4_094,
    sources: [
      'https://docs.newrelic.com/docs/opentelemetry/best-practices/opentelemetry-best-practices-metrics/',
      'https://docs.newrelic.com/docs/logs/log-api/log-event-data',
      'https://docs.newrelic.com/docs/data-apis/ingest-apis/metric-api/metric-api-limits-restricted-attributes/',
    ],
  },
  // Cumulative is its default temporality. look_back_time of a time series data stream is 2 hours.
  elastic: {
    totals: 'sum',
    takes: BOTH,
    maxPointAgeMs: 2 * HOUR_MS,
    sources: [
      'https://www.elastic.co/docs/manage-data/data-store/data-streams/metric-temporality',
      'https://www.elastic.co/docs/reference/elasticsearch/index-settings/time-series',
    ],
  },
  // reject_old_samples_max_age is a week unless it was changed.
  loki: {
    totals: 'sum',
    takes: { logs: true, metrics: false },
    maxAgeMs: 168 * HOUR_MS,
    protocol: 'http/protobuf',
    sources: [
      'https://grafana.com/docs/loki/latest/send-data/otel/',
      'https://grafana.com/docs/loki/latest/configure/#limits_config',
    ],
  },
  // Tables keep what they are given.
  clickhouse: { totals: 'sum', takes: BOTH, sources: [] },
} as const satisfies Readonly<Record<string, BackendProfile>>;

/** Name of a profile. */
export type BackendName = keyof typeof BACKEND_PROFILES;

/** Their names, as the setting takes them. */
export const BACKEND_NAMES = Object.keys(BACKEND_PROFILES) as readonly BackendName[];

/** What is known of a backend. */
export function backendProfile(name: string): BackendProfile {
  return Object.hasOwn(BACKEND_PROFILES, name)
    ? BACKEND_PROFILES[name as BackendName]
    : BACKEND_PROFILES.generic;
}
