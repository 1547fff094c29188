import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { PointMetric } from '../../../pipelines/plugin/index.ts';
import { nanos, scopeMetrics } from '../../kit/metric-data.ts';

/** One line of OTLP JSON: an ExportMetricsServiceRequest. */
export function metricsJson(metrics: readonly PointMetric[]): string {
  const request = JsonMetricsSerializer.serializeRequest({
    resource: resourceFromAttributes({ 'service.name': 'focusd' }),
    scopeMetrics: scopeMetrics(metrics),
  });
  return `${JSON.stringify(withExemplars(new TextDecoder().decode(request), metrics))}\n`;
}

interface Request {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly { readonly sum?: Points; readonly gauge?: Points }[];
    }[];
  }[];
}

interface Points {
  readonly dataPoints: { exemplars?: readonly object[] }[];
}

/** The serializer leaves exemplars out. */
function withExemplars(json: string, metrics: readonly PointMetric[]): Request {
  const request = JSON.parse(json) as Request;
  const written = request.resourceMetrics.flatMap((one) => one.scopeMetrics[0]?.metrics ?? []);
  const points = written.flatMap(({ sum, gauge }) => (sum ?? gauge)?.dataPoints ?? []);
  for (const [i, { exemplars }] of metrics.flatMap((metric) => metric.points).entries()) {
    const point = points[i];
    if (exemplars === undefined || point === undefined) continue;
    point.exemplars = exemplars.map(({ timeMs, value, traceId, spanId }) => ({
      timeUnixNano: String(nanos(timeMs)),
      asDouble: value,
      spanId,
      traceId,
    }));
  }
  return request;
}
