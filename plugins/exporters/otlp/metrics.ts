import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  type CollectionResult,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  type Context,
  type PointMetric,
  type TotalsView,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { scopeMetrics } from '../../kit/metric-data.ts';
import { pointSettings } from '../../kit/metric-settings.ts';
import { createCostMetrics } from '../../kit/points.ts';
import { backoffOf } from '../../kit/retry-settings.ts';
import { backendProfile } from './backend-profiles.ts';
import { countMetrics } from './metric-counts.ts';
import { createMetricExporter } from './metric-exporter.ts';
import { hookDiagnostics } from './partial-success.ts';
import { createRetryingExporter } from './retrying-exporter.ts';
import type { Connection, Settings } from './settings.ts';

/** The totals on their way out as metrics. */
export interface MetricsPush {
  /** Sends the current totals; throws `Unavailable` or `Rejected` when that does not work. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const MAX_POINTS_PER_REQUEST = 10_000;
const MAX_EXPORT_TIME_MS = 30_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** Sends the totals now and at every interval. */
export async function openMetrics(
  context: Context<Settings>,
  options: { readonly connection: Connection; readonly totals: TotalsView },
): Promise<MetricsPush> {
  const { config, clock, signal, log, id } = context;
  const { endpoint, tls } = options.connection;
  hookDiagnostics(log);
  const closing = new AbortController();
  const exporter = createRetryingExporter(await createMetricExporter(options.connection), {
    ...countMetrics(context),
    target: { url: endpoint, ...(tls && { tls }) },
    clock,
    signal: AbortSignal.any([signal, closing.signal]),
    backoff: backoffOf(context),
  });
  const costs = createCostMetrics(options.totals, pointSettings(config.metrics));
  const resource = resourceFromAttributes({ ...config.metrics.resource });
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: config.metrics.interval,
    exportTimeoutMillis: Math.min(config.metrics.interval, MAX_EXPORT_TIME_MS),
    maxExportBatchSize: MAX_POINTS_PER_REQUEST,
    metricProducers: [
      {
        async collect(): Promise<CollectionResult> {
          const points = scopeMetrics(shapedFor(config.backend_profile, costs.at(clock.now())));
          return { resourceMetrics: { resource, scopeMetrics: points }, errors: [] };
        },
      },
    ],
  });
  const provider = new MeterProvider({ resource, readers: [reader] });
  return {
    async flush() {
      exporter.takeFailure();
      await reader.forceFlush();
      const failure = exporter.takeFailure();
      if (failure !== undefined) throw failure;
    },
    async close() {
      closing.abort(new Unavailable('the exporter is closed'));
      await provider
        .shutdown({ timeoutMillis: CLOSE_TIMEOUT_MS })
        .catch((error: unknown) =>
          log.warn('metrics could not be sent before closing', { component: id, error }),
        );
      await exporter.shutdown();
    },
  };
}

/** Totals as the backend takes them; what is a gauge stays one. */
function shapedFor(backend: string, metrics: readonly PointMetric[]): readonly PointMetric[] {
  if (backendProfile(backend).totals === 'sum') return metrics;
  return metrics.map((metric) => ({ ...metric, kind: 'gauge' }));
}
