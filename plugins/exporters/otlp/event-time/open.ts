import { join } from 'node:path';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { decimal, toNumber } from '../../../../pipelines/focus/index.ts';
import {
  type ExporterContext,
  errorMessage,
  errorName,
  type RefusedPoint,
  type TotalsView,
  Unavailable,
} from '../../../../pipelines/plugin/index.ts';
import { scopeMetrics } from '../../../kit/metric-data.ts';
import { retrying } from '../../../kit/retry.ts';
import { backoffOf } from '../../../kit/retry-settings.ts';
import { backendProfile } from '../backend-profiles.ts';
import { countMetrics } from '../metric-counts.ts';
import { createMetricExporter } from '../metric-exporter.ts';
import type { MetricsPush } from '../metrics.ts';
import { hookDiagnostics } from '../partial-success.ts';
import { exportOnce } from '../retrying-exporter.ts';
import type { Connection, Settings } from '../settings.ts';
import { chargeDays, type DayCost, sendableDays } from './charge-days.ts';
import { sendRefusedApart } from './refused-apart.ts';
import { openTold, type StandingRefusal } from './told.ts';

const MAX_POINTS_PER_REQUEST = 10_000;

/** Sends what charge days have come to as points of these days, when it changes; tries again at every interval what did not work. */
export async function openEventTime(
  context: ExporterContext<Settings>,
  options: { readonly connection: Connection; readonly totals: TotalsView },
): Promise<MetricsPush> {
  const { config, clock, log, id } = context;
  const told = await openTold(join(context.folder, 'event-time.json'));
  const closing = new AbortController();
  const signal = AbortSignal.any([context.signal, closing.signal]);
  const counts = countMetrics(context);
  const { connection } = options;
  const backend = await openBackend(context, { connection, signal, onRetry: counts.onRetry });
  counts.observeEventTime(told);
  const about = {
    days: config.metrics.event_time.days,
    maxSeries: config.metrics.max_series,
    ...maxAge(config),
  };
  let shown: ReadonlySet<string> = new Set();
  /** Of which totals and days the backend has all that it takes. */
  let done = '';

  /** Answers false where it has to be tried later. */
  async function sendDay(day: string, points: ReadonlyMap<string, DayCost>): Promise<boolean> {
    const before = told.refused(day).length;
    told.forget(day, points);
    const changes = told.changes(day, points);
    const timeMs = changes.length === 0 ? 0 : told.nextTime(day, clock.now());
    if (timeMs === undefined) return false;
    const refused = [];
    for (let i = 0; i < changes.length; i += MAX_POINTS_PER_REQUEST) {
      const some = changes.slice(i, i + MAX_POINTS_PER_REQUEST);
      refused.push(...(await sendRefusedApart(some, (part) => backend.send(part, timeMs))));
    }
    if (changes.length > 0) told.note(day, { timeMs, points: changes, refused });
    counts.refused(refused.length);
    const standing = told.refused(day);
    if (refused.length > 0 || standing.length !== before)
      await context.refusePoints(day, standing.map(letterOf));
    return true;
  }

  async function sendAll(): Promise<void> {
    const nowMs = clock.now();
    const range = sendableDays({ ...about, nowMs });
    if (options.totals.elsewhere === true || range === undefined) return;
    const key = `${options.totals.version} ${range.first} ${range.last}`;
    if (key === done) return;
    const found = chargeDays(options.totals, { ...about, nowMs, shown });
    shown = found.shown;
    told.keep(range);
    const days = [...new Set([...found.days.keys(), ...told.days()])].sort().reverse();
    let isComplete = true;
    try {
      for (const day of days)
        isComplete = (await sendDay(day, found.days.get(day) ?? new Map())) && isComplete;
    } finally {
      await told.save();
    }
    if (isComplete) done = key;
  }

  let running: Promise<void> = Promise.resolve();
  function flush(): Promise<void> {
    running = running.catch(() => undefined).then(sendAll);
    return running;
  }

  async function again(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(config.metrics.interval, signal);
      await flush().catch((error: unknown) =>
        log.warn('costs of charge days could not be sent', {
          component: id,
          reason: errorMessage(error),
        }),
      );
    }
  }
  if (!context.once) again().catch(() => undefined);

  return {
    flush,
    async close() {
      closing.abort(new Unavailable('the exporter is closed'));
      await running.catch(() => undefined);
      await backend.close();
    },
  };
}

const METRIC = 'finops.charge_day.cost';

function letterOf({ point, reason, missing }: StandingRefusal): RefusedPoint {
  const { attributes, column, cost } = point;
  return {
    message: reason,
    costs: { [column]: missing },
    raw: JSON.stringify({ metric: METRIC, value: cost, attributes }),
  };
}

/** The operator's limit, or that of the backend. */
function maxAge({ metrics, backend_profile }: Settings): { readonly maxAgeMs?: number } {
  const maxAgeMs = metrics.event_time.max_age ?? backendProfile(backend_profile).maxPointAgeMs;
  return maxAgeMs === undefined ? {} : { maxAgeMs };
}

/** Sends points of one time in a request of their own; answers why they are refused, in whole or in part. Throws `Unavailable` or `Misconfigured`. */
async function openBackend(
  context: ExporterContext<Settings>,
  {
    connection,
    signal,
    onRetry,
  }: {
    readonly connection: Connection;
    readonly signal: AbortSignal;
    readonly onRetry: ReturnType<typeof countMetrics>['onRetry'];
  },
) {
  const { clock, log, id, config } = context;
  const { endpoint: url, tls } = connection;
  hookDiagnostics(log);
  const exporter = await createMetricExporter(connection);
  const resource = resourceFromAttributes({ ...config.metrics.resource });

  function requestOf(points: readonly DayCost[], timeMs: number): ResourceMetrics {
    const metric = {
      name: METRIC,
      description: 'Cost of the charge day in which the point stands, as known when it was sent.',
      unit: '{currency}',
      kind: 'gauge',
      points: points.map(({ attributes, cost }) => ({
        ...{ attributes, startMs: timeMs, endMs: timeMs },
        value: toNumber(decimal(cost)),
      })),
    } as const;
    return { resource, scopeMetrics: scopeMetrics([metric]) };
  }

  async function attempt(request: ResourceMetrics): Promise<string | undefined> {
    let refused: string | undefined;
    await exportOnce(exporter, request, {
      target: { url, ...(tls && { tls }) },
      onPartialSuccess({ rejected, message }) {
        if (rejected > 0) refused = `partial success: ${message}`;
        else log.warn('the backend warns', { component: id, reason: message });
      },
    });
    return refused;
  }

  return {
    async send(points: readonly DayCost[], timeMs: number): Promise<string | undefined> {
      const request = requestOf(points, timeMs);
      try {
        return await retrying(() => attempt(request), {
          ...{ ...backoffOf(context), clock, signal, onRetry },
        });
      } catch (error) {
        if (errorName(error) === 'Rejected') return errorMessage(error);
        throw error;
      }
    },
    close: () => exporter.shutdown(),
  };
}
