import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { type Clock, errorName, type Tls, Unavailable } from '../../../pipelines/plugin/index.ts';
import { explainNetworkError } from '../../kit/network-errors.ts';
import { type Backoff, retrying } from '../../kit/retry.ts';
import { grpcError, httpError, type PartialSuccess, rpcStatus } from './answers.ts';
import { withPartialSuccess } from './partial-success.ts';

export interface RetryingOptions {
  /** Where the exporter sends to, for its errors. */
  readonly target: { readonly url: string; readonly tls?: Tls };
  readonly backoff: Backoff;
  readonly clock: Clock;
  /** Ends the pauses between attempts. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: Unavailable, delayMs: number) => void;
  readonly onPartialSuccess: (partial: PartialSuccess) => void;
}

/** An exporter that tries again, and knows what became of the last export. */
export interface RetryingExporter extends PushMetricExporter {
  /** Why an export since the last call failed, or has not ended; undefined when all worked. */
  takeFailure(): Error | undefined;
}

/**
 * Tries again what may be tried again, which the gRPC exporter of OpenTelemetry never does by itself. A newer
 * export takes the place of one that is still being tried: metrics are state, only the newest matters.
 */
export function createRetryingExporter(
  inner: PushMetricExporter,
  options: RetryingOptions,
): RetryingExporter {
  let running: AbortController | undefined;
  let pending = 0;
  let failure: Error | undefined;

  async function send(metrics: ResourceMetrics, superseded: AbortSignal): Promise<void> {
    await retrying(() => exportOnce(inner, metrics, options), {
      ...options.backoff,
      clock: options.clock,
      signal: AbortSignal.any([options.signal, superseded]),
      onRetry: options.onRetry,
    });
  }

  return {
    export(metrics, done) {
      running?.abort(new Unavailable('a newer export took its place'));
      const own = new AbortController();
      running = own;
      pending += 1;
      send(metrics, own.signal).then(
        () => {
          pending -= 1;
          done({ code: SUCCESS });
        },
        (error: unknown) => {
          const reason = error instanceof Error ? error : new Error(String(error));
          pending -= 1;
          if (!own.signal.aborted) failure ??= reason;
          done({ code: FAILED, error: reason });
        },
      );
    },
    forceFlush: () => inner.forceFlush(),
    async shutdown() {
      running?.abort(new Unavailable('the exporter is shut down'));
      await inner.shutdown();
    },
    selectAggregationTemporality: (type) =>
      inner.selectAggregationTemporality?.(type) ?? CUMULATIVE,
    takeFailure() {
      const taken = failure ?? (pending > 0 ? new Unavailable('no answer in time') : undefined);
      failure = undefined;
      return taken;
    },
  };
}

/** `ExportResultCode` of @opentelemetry/core. */
const SUCCESS = 0;
const FAILED = 1;
/** `AggregationTemporality.CUMULATIVE` of @opentelemetry/sdk-metrics. */
const CUMULATIVE = 1;

/** One attempt. Throws `Unavailable`, `Rejected` or `Misconfigured`. */
export function exportOnce(
  inner: PushMetricExporter,
  metrics: ResourceMetrics,
  { onPartialSuccess, target }: Pick<RetryingOptions, 'onPartialSuccess' | 'target'>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    withPartialSuccess(onPartialSuccess, () =>
      inner.export(metrics, ({ code, error }) => {
        if (code === SUCCESS) resolve();
        else reject(named(error, target));
      }),
    );
  });
}

/** gRPC codes end at 16, HTTP statuses start at 100. */
const FIRST_HTTP_STATUS = 100;
const GRPC_UNAVAILABLE = 14;
const MAX_REASON = 300;

/** `Unavailable` or `Rejected` by the code of a gRPC or HTTP error; without one it is the network: `Unavailable`. */
function named(error: unknown, target: RetryingOptions['target']): Error {
  const what = `metrics to ${target.url}`;
  const { code, details, metadata, message, data } = Object(error) as Partial<ServiceError>;
  if (typeof code !== 'number') {
    if (errorName(error) === 'Unavailable') return error as Error;
    return new Unavailable(`${what}: ${explainNetworkError(error, target)}`, { cause: error });
  }
  if (code >= FIRST_HTTP_STATUS) {
    const said = typeof data === 'string' ? data.trim().slice(0, MAX_REASON) : '';
    const reason = said === '' ? (message ?? '') : said;
    return httpError({ status: code, message: reason, retryAfterMs: undefined }, what);
  }
  const said = details ?? message ?? '';
  const status = metadata?.get('grpc-status-details-bin')[0];
  return grpcError(
    {
      code,
      message: code === GRPC_UNAVAILABLE ? explainNetworkError(new Error(said), target) : said,
      retryAfterMs: status instanceof Uint8Array ? rpcStatus(status).retryAfterMs : undefined,
    },
    what,
  );
}

/** What matters of the errors of grpc-js and of the HTTP exporter. */
interface ServiceError {
  readonly code: unknown;
  readonly details: string;
  readonly message: string;
  /** What an HTTP backend said. */
  readonly data: unknown;
  readonly metadata: { get(name: string): readonly unknown[] };
}
