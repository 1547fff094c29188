import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { PointMetric } from '../../../pipelines/plugin/index.ts';
import { scopeMetrics } from '../../kit/metric-data.ts';

/** One line of OTLP JSON: an ExportMetricsServiceRequest. */
export function metricsJson(metrics: readonly PointMetric[]): string {
  const request = JsonMetricsSerializer.serializeRequest({
    resource: resourceFromAttributes({ 'service.name': 'focusd' }),
    scopeMetrics: scopeMetrics(metrics),
  });
  return `${new TextDecoder().decode(request)}\n`;
}
