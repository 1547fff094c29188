import {
  type Context,
  type DeliveryInfo,
  defineExporter,
  type EncodedBatch,
  type Sink,
  type TotalsView,
  Unavailable,
  type WriteResult,
} from '../../../pipelines/plugin/index.ts';
import { createLimit } from '../../kit/limit.ts';
import { retrying } from '../../kit/retry.ts';
import { readTls } from '../../kit/tls.ts';
import { adviceOn } from './advice.ts';
import { backendProfile } from './backend-profiles.ts';
import { createLogSender } from './logs.ts';
import { backoffOf, type Connection, connectionOf, type Settings, settings } from './settings.ts';

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
    const logs = context.config.logs.enabled ? openLogs(context, connection) : undefined;
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
  context: Context<Settings>,
  options: { readonly connection: Connection; readonly totals: TotalsView },
) {
  if (!context.config.metrics.enabled) return undefined;
  const metrics = await import('./metrics.ts');
  return await metrics.openMetrics(context, options);
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

function openLogs(context: Context<Settings>, connection: Connection) {
  const { config, clock, signal, log, meter, id } = context;
  const sender = createLogSender(connection, context);
  const limit = createLimit(config.logs.max_in_flight);
  const retries = meter.createCounter('focusd.exporter.retries', { unit: '{retry}' });
  retries.add(0, { component: id, signal: 'logs' });
  const closing = new AbortController();
  /** Ends the pauses of an attempt at a delivery once it was given up. */
  const attempts = new Map<string, AbortController>();

  async function deliver(batch: EncodedBatch, attempt: AbortController): Promise<WriteResult> {
    const { rejected, message } = await retrying(() => sender.send(batch), {
      ...backoffOf(context),
      clock,
      signal: AbortSignal.any([signal, closing.signal, attempt.signal]),
      onRetry({ message: reason }, delayMs) {
        retries.add(1, { component: id, signal: 'logs' });
        log.warn('charges could not be sent, trying again', { component: id, reason, delayMs });
      },
    });
    if (rejected > 0) return { rejectedRows: Math.min(rejected, batch.rows), reason: message };
    if (message !== '') log.warn('the backend warns', { component: id, reason: message });
    return {};
  }

  function attemptAt({ id: delivery }: DeliveryInfo): AbortController {
    const attempt = attempts.get(delivery) ?? new AbortController();
    attempts.set(delivery, attempt);
    return attempt;
  }

  return {
    sink: {
      encoding: {
        kind: 'otlp-logs',
        compression: connection.compression,
        ...logLimits(config),
        restatement: config.logs.restatement,
      },
      async begin(delivery) {
        attempts.get(delivery.id)?.abort(new Unavailable('the delivery was started over'));
        attempts.delete(delivery.id);
      },
      write(batch, delivery) {
        const attempt = attemptAt(delivery);
        return limit.run(() => deliver(batch, attempt));
      },
      async commit({ id: delivery }) {
        attempts.delete(delivery);
      },
    } satisfies Partial<Sink>,
    async close() {
      closing.abort(new Unavailable('the exporter is closed'));
      await limit.idle();
      sender.close();
    },
  };
}
