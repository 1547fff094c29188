import { once } from 'node:events';
import { createServer } from 'node:http';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  type IMetricReader,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { errorMessage, Misconfigured } from '../pipelines/plugin/errors.ts';
import { createMetricExporter } from '../plugins/exporters/otlp/metric-exporter.ts';
import { hookDiagnostics } from '../plugins/exporters/otlp/partial-success.ts';
import { createRetryingExporter } from '../plugins/exporters/otlp/retrying-exporter.ts';
import { formatEndpoint, parseEndpoint } from '../plugins/kit/endpoint.ts';
import type { Outlets, TelemetryOptions } from './telemetry.ts';

const ADDRESS = 'service.telemetry.metrics.address';
const MAX_EXPORT_TIME_MS = 30_000;
const CLOSE_TIMEOUT_MS = 5_000;

/** The agent's own metrics, for Prometheus to read and by OTLP. */
export async function openOutlets(options: TelemetryOptions): Promise<Outlets> {
  const { settings, log, version } = options;
  const { address, otlp } = settings.metrics;
  hookDiagnostics(log);
  const page = address === 'off' ? undefined : await openPage(address);
  const push = otlp.endpoint === undefined ? undefined : await openPush(otlp.endpoint, options);
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': 'focusd',
      'service.version': version,
      ...settings.resource,
    }),
    readers: [page?.reader, push?.reader].filter((reader) => reader !== undefined),
  });
  return {
    meter: (name) => provider.getMeter(name, version),
    address: page?.address,
    async close() {
      push?.stop();
      await provider
        .shutdown({ timeoutMillis: CLOSE_TIMEOUT_MS })
        .catch((error: unknown) =>
          log.warn('own metrics could not be sent before closing', { error }),
        );
      await page?.close();
    },
  };
}

/** The page that Prometheus reads. */
async function openPage(address: string): Promise<{
  readonly reader: IMetricReader;
  readonly address: string;
  close(): Promise<void>;
}> {
  const reader = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (path === '/metrics' && request.method === 'GET') {
      reader.getMetricsRequestHandler(request, response);
    } else {
      response.writeHead(path === '/metrics' ? 405 : 404, { 'content-type': 'text/plain' });
      response.end('GET /metrics\n');
    }
  });
  const endpoint = parseEndpoint(address, ADDRESS);
  server.listen(endpoint);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`cannot listen on ${address}: ${reason}`, {
      path: ADDRESS,
      hint: 'is another focusd running? Give this one another port, or off',
      cause,
    });
  }
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : endpoint.port;
  return {
    reader,
    address: formatEndpoint({ host: endpoint.host, port }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Sends them by OTLP at every interval. */
async function openPush(
  endpoint: string,
  { settings, log, clock }: TelemetryOptions,
): Promise<{ readonly reader: IMetricReader; stop(): void }> {
  const { protocol, headers, interval } = settings.metrics.otlp;
  const stop = new AbortController();
  const exporter = createRetryingExporter(
    await createMetricExporter({
      protocol: protocol === 'grpc' ? 'grpc' : 'http/protobuf',
      endpoint: endpoint.replace(/\/+$/, ''),
      compression: 'gzip',
      headers,
      timeoutMs: Math.min(interval, MAX_EXPORT_TIME_MS),
      tls: undefined,
    }),
    {
      target: { url: endpoint },
      clock,
      signal: stop.signal,
      backoff: { initialMs: 1_000, maxMs: interval },
      onRetry: ({ message }, delayMs) =>
        log.warn('own metrics could not be sent, trying again', { reason: message, delayMs }),
      onPartialSuccess: ({ rejected, message }) =>
        log.warn('the backend took own metrics only in part', { rejected, reason: message }),
    },
  );
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: interval,
    exportTimeoutMillis: Math.min(interval, MAX_EXPORT_TIME_MS),
  });
  return {
    reader,
    /** One last attempt is still made. */
    stop: () => stop.abort(),
  };
}
