import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';

/** What Lambda reports of one invocation. */
export interface Report {
  readonly requestId: string;
  readonly durationMs: number;
  /** Holds initialisation and restore already where they are billed. */
  readonly billedMs: number;
  readonly memoryMb: number;
  /** 32 hex digits; undefined when the invocation was not traced. */
  readonly traceId: string | undefined;
  /** 16 hex digits. */
  readonly spanId: string | undefined;
}

const LEAD = 'REPORT RequestId:';
/** In text whose blanks, tabs and line breaks are one blank each. `Duration` is never `Init Duration`. */
const BILLED = / Billed Duration: ([\d.]+) ms/;
const DURATION = /(?<!Billed|Init|Restore) Duration: ([\d.]+) ms/;
const MEMORY = / Memory Size: (\d+) MB/;
const TRACE = / XRAY TraceId: (\S+)/;
const SEGMENT = / SegmentId: ([0-9a-f]{16})\b/;

/** Whether a line of the log is a report, well formed or not. */
export function isReport(line: string): boolean {
  return line.startsWith(LEAD);
}

/** Reads `REPORT RequestId: … Duration: … Billed Duration: … Memory Size: …` with whatever else stands in it; undefined when one of these is missing. */
export function reportOfText(line: string): Report | undefined {
  const text = line.replace(/\s+/g, ' ');
  const requestId = /^\S+/.exec(text.slice(LEAD.length).trimStart())?.[0];
  return checked({
    requestId,
    durationMs: Number(DURATION.exec(text)?.[1]),
    billedMs: Number(BILLED.exec(text)?.[1]),
    memoryMb: Number(MEMORY.exec(text)?.[1]),
    traceId: otelTraceId(TRACE.exec(text)?.[1]),
    spanId: SEGMENT.exec(text)?.[1],
  });
}

/** Reads the record of a `platform.report`; undefined when what is billed is missing. */
export function reportOfRecord(record: JsonObject | undefined): Report | undefined {
  const metrics = objectAt(record?.metrics);
  const tracing = objectAt(record?.tracing);
  const root = /(?:^|;)Root=([^;]+)/.exec(textAt(tracing?.value) ?? '')?.[1];
  return checked({
    requestId: textAt(record?.requestId),
    durationMs: Number(metrics?.durationMs),
    billedMs: Number(metrics?.billedDurationMs),
    memoryMb: Number(metrics?.memorySizeMB),
    traceId: otelTraceId(root),
    spanId: spanIdOf(textAt(tracing?.spanId)),
  });
}

/** The OpenTelemetry id of an X-Ray trace: `1-58406520-a006649127e371903a2de979` without its version and hyphens. */
export function otelTraceId(root: string | undefined): string | undefined {
  const match = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(root ?? '');
  return match === null ? undefined : `${match[1]}${match[2]}`;
}

function spanIdOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{16}$/.test(text) ? text : undefined;
}

function checked(
  report: Omit<Report, 'requestId'> & { readonly requestId: string | undefined },
): Report | undefined {
  const { requestId, billedMs, memoryMb, durationMs } = report;
  if (requestId === undefined || !Number.isSafeInteger(billedMs) || billedMs < 0) return undefined;
  if (!Number.isSafeInteger(memoryMb) || memoryMb < 1) return undefined;
  return { ...report, requestId, durationMs: durationMs >= 0 ? durationMs : billedMs };
}
