import {
  type BackendFinding,
  type BackendProbe,
  type Context,
  errorMessage,
  errorName,
} from '../../../pipelines/plugin/index.ts';
import { createLogSender } from './logs.ts';
import { createMetricExporter } from './metric-exporter.ts';
import { hookDiagnostics } from './partial-success.ts';
import { probeLogs, probeMetric } from './probe-records.ts';
import { exportOnce } from './retrying-exporter.ts';
import { type Connection, connectionOf, type Settings } from './settings.ts';

/** Tries what the backend takes, with throw-away records named `focusd.probe`, each in a request of its own. Throws `Unavailable` when nothing answers. */
export async function probeBackend(context: Context<Settings>): Promise<BackendProbe> {
  const connection = connectionOf(context.config, `exporters.${context.id}`);
  const { metrics, logs } = context.config;
  const ofMetrics = metrics.enabled ? await probeMetrics(context, connection) : [];
  const ofLogs = logs.enabled ? await probeLogRecords(context, connection) : [];
  const tried = [...ofMetrics, ...ofLogs];
  return {
    backend: connection.endpoint,
    findings: tried.map(({ limit: _, ...finding }) => finding),
    settings: settingsFor(tried),
  };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const METRIC_AGES = [HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 31 * DAY_MS, 366 * DAY_MS] as const;
const LOG_AGES = [12 * HOUR_MS, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 31 * DAY_MS, 366 * DAY_MS] as const;
/** A little younger than the age that is named, as time goes by on the way. */
const ON_THE_WAY_MS = 120_000;
const VALUE_LENGTHS = [1_000, 4_000, 32_000] as const;
const ATTRIBUTES = [64, 128, 256] as const;
const REQUEST_BYTES = [1_000_000, 2_000_000, 4_000_000, 8_000_000] as const;

const LIMITS = ['metrics.event_time.max_age', 'logs.max_age', 'logs.max_batch_bytes'] as const;

interface Tried extends BackendFinding {
  /** What of a kind was tried: the largest that is taken becomes a setting. */
  readonly limit?: {
    readonly setting: (typeof LIMITS)[number];
    readonly value: number;
  };
}

async function probeMetrics(
  context: Context<Settings>,
  connection: Connection,
): Promise<readonly Tried[]> {
  const { clock, id, log } = context;
  hookDiagnostics(log);
  const exporter = await createMetricExporter(connection);
  const attributes = { 'focusd.probe.id': `${id} ${clock.now()}` };
  const send = async (kind: 'gauge' | 'sum' | 'delta', ageMs = 0): Promise<void> => {
    let refused = '';
    const { endpoint: url, tls } = connection;
    await exportOnce(exporter, probeMetric(kind, clock.now() - ageMs, attributes), {
      target: { url, ...(tls && { tls }) },
      onPartialSuccess: ({ rejected, message }) => {
        if (rejected > 0) refused = `partial success: ${message}`;
      },
    });
    if (refused !== '') throw new Error(refused);
  };
  try {
    await send('gauge').catch(unlessUnreachable);
    const tried: Tried[] = [
      await tryIt('a gauge of now', () => send('gauge')),
      await tryIt('a cumulative sum that goes up and down, of now', () => send('sum')),
      await tryIt('a delta sum, of now', () => send('delta')),
    ];
    for (const age of METRIC_AGES)
      tried.push({
        ...(await tryIt(`a gauge of ${ageText(age)} ago`, () =>
          send('gauge', age - ON_THE_WAY_MS),
        )),
        limit: { setting: 'metrics.event_time.max_age', value: age },
      });
    return tried;
  } finally {
    await exporter.shutdown();
  }
}

async function probeLogRecords(
  context: Context<Settings>,
  connection: Connection,
): Promise<readonly Tried[]> {
  const { clock, id } = context;
  const sender = createLogSender(connection, context);
  const about = { 'focusd.probe.id': `${id} ${clock.now()}` };
  const send = async (
    attributes: Readonly<Record<string, string>>,
    { ageMs = 0, records = 1 }: { readonly ageMs?: number; readonly records?: number } = {},
  ): Promise<void> => {
    const now = clock.now();
    const record = {
      timeMs: now - ageMs,
      observedMs: now,
      attributes: { ...about, ...attributes },
    };
    const batch = probeLogs(new Array(records).fill(record), connection.compression);
    const { rejected, message } = await sender.send(batch);
    if (rejected > 0) throw new Error(`partial success: ${message}`);
  };
  try {
    await send({}).catch(unlessUnreachable);
    const tried: Tried[] = [await tryIt('a log record of now', () => send({}))];
    for (const age of LOG_AGES)
      tried.push({
        ...(await tryIt(`a log record of ${ageText(age)} ago`, () =>
          send({}, { ageMs: age - ON_THE_WAY_MS }),
        )),
        limit: { setting: 'logs.max_age', value: age },
      });
    for (const length of VALUE_LENGTHS)
      tried.push(
        await tryIt(`an attribute value of ${length} characters`, () =>
          send({ long: 'x'.repeat(length) }),
        ),
      );
    for (const count of ATTRIBUTES)
      tried.push(await tryIt(`${count} attributes`, () => send(numbered(count))));
    for (const bytes of REQUEST_BYTES)
      tried.push({
        ...(await tryIt(`a request of ${bytes} bytes`, () =>
          send(
            { long: 'x'.repeat(RECORD_BYTES) },
            { records: Math.ceil(bytes / RECORD_BYTES) - 20 },
          ),
        )),
        limit: { setting: 'logs.max_batch_bytes', value: bytes },
      });
    return tried;
  } finally {
    sender.close();
  }
}

const RECORD_BYTES = 4_000;

function numbered(count: number): Record<string, string> {
  const names = Array.from({ length: count - 1 }, (_, i) => [`attribute_${i}`, String(i)]);
  return Object.fromEntries(names);
}

/** Where nothing answers, nothing can be found out. */
function unlessUnreachable(error: unknown): void {
  if (errorName(error) === 'Unavailable') throw error;
}

async function tryIt(what: string, send: () => Promise<void>): Promise<BackendFinding> {
  try {
    await send();
    return { what, taken: true };
  } catch (error) {
    return { what, taken: false, reason: errorMessage(error) };
  }
}

/** The largest that was taken, where something larger was refused. */
function settingsFor(tried: readonly Tried[]): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const setting of LIMITS) {
    const of = tried.filter(({ limit }) => limit?.setting === setting);
    const taken = of.filter((one) => one.taken).map(({ limit }) => limit?.value ?? 0);
    if (taken.length === of.length || taken.length === 0) continue;
    const most = Math.max(...taken);
    settings[setting] = setting === 'logs.max_batch_bytes' ? String(most) : `${most / HOUR_MS}h`;
  }
  return settings;
}

function ageText(ms: number): string {
  return ms < 2 * DAY_MS ? `${ms / HOUR_MS} h` : `${ms / DAY_MS} days`;
}
