import {
  type Context,
  defineExporter,
  type EncodedBatch,
  type ExporterContext,
  type Sink,
  type TotalsView,
  type WriteResult,
} from '../../../pipelines/plugin/index.ts';
import { createChargeSink } from '../../kit/charge-sink.ts';
import { backoffOf } from '../../kit/retry-settings.ts';
import { readTls } from '../../kit/tls.ts';
import { adviceOn } from './advice.ts';
import { agentName, forwards } from './agent-name.ts';
import { backendProfile } from './backend-profiles.ts';
import { createLogSender } from './logs.ts';
import type { MetricsPush } from './metrics.ts';
import { type Connection, connectionOf, type Settings, settings } from './settings.ts';

export default defineExporter({
  type: 'otlp',
  summary: 'Charges as OTLP logs and totals as OTLP metrics, by gRPC or HTTP/protobuf.',
  stability: 'beta',
  config: settings,
  advise: adviceOn,
  probe: async (context) => (await import('./probe.ts')).probeBackend(context),

  async open(context, totals): Promise<Sink> {
    const path = `exporters.${context.id}`;
    const connection = connectionOf(context.config, path);
    await readTls(connection.tls, `${path}.tls`);
    const forward = forwards(context.config) ? { agent: await agentName(context) } : undefined;
    const logs = context.config.logs.enabled ? openLogs(context, connection, forward) : undefined;
    const metrics = await openMetrics(context, { connection, totals });
    return {
      ...logs?.sink,
      ...(metrics !== undefined && { flush: () => metrics.flush() }),
      async close() {
        await Promise.all([logs?.close(), metrics?.close()]);
      },
    };
  },
});

/** The OpenTelemetry SDK is only loaded when it is used. */
async function openMetrics(
  context: ExporterContext<Settings>,
  options: { readonly connection: Connection; readonly totals: TotalsView },
): Promise<MetricsPush | undefined> {
  const { metrics } = context.config;
  if (!metrics.enabled || forwards(context.config)) return undefined;
  const ofNow = await (await import('./metrics.ts')).openMetrics(context, options);
  if (!metrics.event_time.enabled) return ofNow;
  const ofDays = await (await import('./event-time/open.ts')).openEventTime(context, options);
  return {
    async flush() {
      const ends = await Promise.allSettled([ofNow.flush(), ofDays.flush()]);
      for (const end of ends) if (end.status === 'rejected') throw end.reason;
    },
    async close() {
      await Promise.all([ofNow.close(), ofDays.close()]);
    },
  };
}

/** The operator's limits and those of the backend. */
function logLimits({ logs, backend_profile }: Settings) {
  const { maxRequestBytes = Number.POSITIVE_INFINITY, maxAgeMs } = backendProfile(backend_profile);
  const age = logs.max_age ?? maxAgeMs;
  return {
    maxBytes: Math.min(logs.max_batch_bytes, maxRequestBytes),
    ...(age !== undefined && { maxAgeMs: age }),
  };
}

function openLogs(
  context: Context<Settings>,
  connection: Connection,
  forward: { readonly agent: string } | undefined,
) {
  const { config, log, id } = context;
  const sender = createLogSender(connection, context);

  async function send(batch: EncodedBatch): Promise<WriteResult> {
    const { rejected, message } = await sender.send(batch);
    if (rejected > 0) return { rejectedRows: Math.min(rejected, batch.rows), reason: message };
    if (message !== '') log.warn('the backend warns', { component: id, reason: message });
    return {};
  }

  const { close, ...sink } = createChargeSink(context, {
    send,
    backoff: backoffOf(context),
    maxInFlight: config.logs.max_in_flight,
  });
  return {
    sink: {
      encoding: {
        kind: 'otlp-logs',
        compression: connection.compression,
        ...logLimits(config),
        restatement: config.logs.restatement,
        ...(forward && { forward }),
      },
      ...sink,
    } satisfies Partial<Sink>,
    async close() {
      await close();
      sender.close();
    },
  };
}
