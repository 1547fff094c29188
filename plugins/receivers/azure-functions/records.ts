import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import { isSampled } from '../../kit/serverless/sample.ts';
import { MINUTE_MS, Tally } from '../../kit/serverless/usage.ts';

/** What decides which records are counted, and how. */
export interface RecordSettings {
  /** Which records: `metrics` of function apps, or `requests` of Application Insights. */
  readonly from: 'metrics' | 'requests';
  /** MB of an app that is not in `memories`. */
  readonly memory: string;
  /** App → MB. */
  readonly memories: Readonly<Record<string, string>>;
  /** Share of the requests that become charges of their own, 0 to 1. */
  readonly sample: number;
}

/** Metric → what it counts. Execution units are MB × ms. */
const METRICS: Readonly<Record<string, 'mb_ms' | 'requests'>> = {
  FunctionExecutionUnits: 'mb_ms',
  FunctionExecutionCount: 'requests',
};
/** Memory is billed in steps of it, and at least one. */
const STEP_MB = 128;
/** A short execution is billed as one of that length. */
const LEAST_MS = 100;

/** The records to keep of one that Azure Monitor hands on; none of what does not count. */
export function countRecord(record: JsonObject, settings: RecordSettings) {
  const tally = new Tally();
  if (settings.from === 'metrics') countMetric(record, tally);
  else countRequest(record, { tally, settings });
  return tally.records(idOf(record));
}

/** The same record comes again with the same id. */
function idOf(record: JsonObject): string {
  const metric = textAt(record.metricName);
  const names = metric === undefined ? ['OperationId', 'Id'] : ['resourceId', 'metricName'];
  return [...names, 'time'].map((name) => textAt(record[name]) ?? '').join(' ');
}

function countMetric(record: JsonObject, tally: Tally): void {
  const name = textAt(record.metricName) ?? '';
  const counter = Object.hasOwn(METRICS, name) ? METRICS[name] : undefined;
  if (counter === undefined) return;
  const total = Number(record.total);
  const atMs = timeOf(record);
  const of = subjectOf(record);
  if (!Number.isSafeInteger(total) || total < 0 || record.timeGrain !== 'PT1M')
    tally.addProblem('the metric has no whole total of a minute', JSON.stringify(record));
  else if (of === undefined || !Number.isFinite(atMs))
    tally.addProblem('the metric has no time or no function app', JSON.stringify(record));
  else if (total > 0) tally.add(Object.values(of).join(' '), of, atMs, { [counter]: total });
}

function countRequest(
  record: JsonObject,
  { tally, settings }: { readonly tally: Tally; readonly settings: RecordSettings },
): void {
  if (textAt(record.Type) !== 'AppRequests' && textAt(record.category) !== 'AppRequests') return;
  const app = textAt(record.AppRoleName);
  const fromMs = timeOf(record);
  const durationMs = Number(record.DurationMs);
  if (app === undefined || !Number.isFinite(fromMs) || !(durationMs >= 0)) {
    tally.addProblem('the request has no app, time or duration', JSON.stringify(record));
    return;
  }
  const { subscription } = identityOf(textAt(record.resourceId) ?? '');
  const of = { subscription, app, region: regionOf(record), resource: '' };
  const requests = itemsOf(record);
  const counts = { requests, mb_ms: requests * billedMbMs(memoryOf(app, settings), durationMs) };
  const untilMs = fromMs + Math.max(1, Math.ceil(durationMs));
  const ids = idsOf(record);
  if (requests === 1 && isSampled(`${ids.traceId} ${ids.id}`, settings.sample))
    tally.addOne(of, { ...ids, fromMs, untilMs }, counts);
  else tally.add(Object.values(of).join(' '), of, untilMs, counts);
}

function idsOf(record: JsonObject) {
  const id = textAt(record.Id) ?? '';
  return {
    id,
    traceId: /^[0-9a-f]{32}$/.exec(textAt(record.OperationId) ?? '')?.[0],
    spanId: /^[0-9a-f]{16}$/.exec(id)?.[0],
  };
}

/** A record stands for several requests where Application Insights samples. */
function itemsOf(record: JsonObject): number {
  const items = Number(record.ItemCount ?? 1);
  return Number.isSafeInteger(items) && items > 0 ? items : 1;
}

function memoryOf(app: string, { memory, memories }: RecordSettings): number {
  return Number(Object.hasOwn(memories, app) ? memories[app] : memory);
}

/** MB × ms as they are billed: memory in steps of 128 MB, at least 100 ms. */
export function billedMbMs(memoryMb: number, durationMs: number): number {
  const memory = Math.max(1, Math.ceil(memoryMb / STEP_MB)) * STEP_MB;
  return memory * Math.max(LEAST_MS, Math.ceil(durationMs));
}

/** Start of the minute of a metric, or of the request. */
function timeOf(record: JsonObject): number {
  const ms = Date.parse(textAt(record.time) ?? textAt(record.TimeGenerated) ?? '');
  return textAt(record.metricName) === undefined ? ms : Math.floor(ms / MINUTE_MS) * MINUTE_MS;
}

function subjectOf(record: JsonObject) {
  const resource = (textAt(record.resourceId) ?? '').toLowerCase();
  const app = /\/providers\/microsoft\.web\/sites\/([^/]+)/.exec(resource)?.[1];
  if (app === undefined) return undefined;
  return { ...identityOf(resource), app, region: regionOf(record), resource };
}

function identityOf(resource: string): { readonly subscription: string } {
  return { subscription: /^\/subscriptions\/([^/]+)/i.exec(resource)?.[1]?.toLowerCase() ?? '' };
}

/** `East US` is `eastus`. */
function regionOf(record: JsonObject): string {
  const region = textAt(record.location) ?? textAt(objectAt(record.properties)?.location) ?? '';
  return region.toLowerCase().replaceAll(' ', '');
}
