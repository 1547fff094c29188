import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import type { Invocation, Subject } from '../../kit/serverless/usage.ts';

/** A request that a revision of a service has answered. */
export interface ServedRequest {
  readonly of: Subject;
  readonly invocation: Invocation;
  /** Milliseconds, rounded up to a hundred as they are billed. */
  readonly billedMs: number;
}

/** Steps of billable time. */
const STEP_MS = 100;

/** Whether an entry of a log is of a request to Cloud Run. */
export function isRequestLog(entry: JsonObject): boolean {
  const log = textAt(entry.logName) ?? '';
  return (
    log.endsWith('/run.googleapis.com%2Frequests') &&
    objectAt(entry.resource)?.type === 'cloud_run_revision'
  );
}

/** Reads the entry of a request; a text says what is missing. The entry's timestamp is when the request came. */
export function servedRequest(entry: JsonObject): ServedRequest | string {
  const labels = objectAt(objectAt(entry.resource)?.labels);
  const [project, region] = [textAt(labels?.project_id), textAt(labels?.location)];
  const [service, revision] = [textAt(labels?.service_name), textAt(labels?.revision_name)];
  if (project === undefined || region === undefined || service === undefined)
    return 'the entry has no project, location or service';
  const latency = /^(\d+(?:\.\d+)?)s$/.exec(textAt(objectAt(entry.httpRequest)?.latency) ?? '');
  if (latency === null) return 'the entry has no latency';
  const fromMs = Date.parse(textAt(entry.timestamp) ?? '');
  const id = textAt(entry.insertId);
  if (!Number.isFinite(fromMs) || id === undefined) return 'the entry has no time or insertId';
  const ms = Number(latency[1]) * 1000;
  return {
    of: { project, region, service, revision: revision ?? '' },
    invocation: {
      id,
      fromMs,
      untilMs: fromMs + Math.max(1, Math.ceil(ms)),
      traceId: /\/traces\/([0-9a-f]{32})$/.exec(textAt(entry.trace) ?? '')?.[1],
      spanId: /^[0-9a-f]{16}$/.exec(textAt(entry.spanId) ?? '')?.[0],
    },
    billedMs: Math.ceil(roundedMs(ms) / STEP_MS) * STEP_MS,
  };
}

/** Without what binary fractions add: 0.7 s is 700 ms, not a little more. */
function roundedMs(ms: number): number {
  return Math.round(ms * 1e6) / 1e6;
}
