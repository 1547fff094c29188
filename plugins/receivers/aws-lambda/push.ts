import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import {
  answerTo,
  isKnown,
  type Judged,
  type Kept,
  type PushAnswer,
  type PushRequest,
  refused,
  sameSecret,
} from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, parseJson, textAt } from '../../kit/json.ts';
import { Tally } from '../../kit/serverless/usage.ts';
import { countEvents } from './events.ts';
import { countLog } from './log-events.ts';
import { isReport } from './report.ts';
import type { ReportSettings } from './reports.ts';

/** What a push is judged by. */
export interface PushSettings extends ReportSettings {
  readonly secret: string;
  /** The time at which an answer is given, milliseconds. */
  readonly now: () => number;
}

/** Compressed bodies may not become larger than that. */
const LARGEST_BODY = 64 * 1024 * 1024;

/** What to make of a push: nothing of its body is read before the secret is right. */
export function judgePush(request: PushRequest, settings: PushSettings): Judged {
  const key = request.header('x-amz-firehose-access-key');
  if (key === undefined ? !isKnown(request, settings.secret) : !sameSecret(key, settings.secret))
    return refused(401, 'bad_secret', 'neither access key nor bearer token is the secret');
  const bytes =
    request.header('content-encoding') === 'gzip' ? inflated(request.body) : request.body;
  const body = bytes === undefined ? undefined : parseJson(bytes.toString('utf8'));
  if (Array.isArray(body)) return judgeTelemetry(body, request, settings);
  const object = objectAt(body);
  if (object !== undefined && Array.isArray(object.records))
    return judgeFirehose(object, object.records, { request, settings });
  const data = textAt(objectAt(object?.awslogs)?.data);
  if (data !== undefined) return judgeSubscription(data, settings);
  return refused(
    400,
    'malformed',
    'neither events of the Telemetry API nor records of Firehose or CloudWatch Logs in JSON',
  );
}

/** The extension that forwards events names the function as the Runtime API does. */
function judgeTelemetry(
  events: readonly unknown[],
  { header, body }: PushRequest,
  settings: PushSettings,
): Judged {
  const tally = new Tally();
  const arn = header('lambda-runtime-invoked-function-arn');
  countEvents(events, { tally, arn, settings });
  return { kind: 'records', records: tally.records(idOf(body)), answer: answerTo };
}

function judgeSubscription(data: string, settings: PushSettings): Judged {
  const tally = new Tally();
  const bytes = Buffer.from(data, 'base64');
  const log = objectAt(parseJson(inflated(bytes)?.toString('utf8') ?? ''));
  if (log === undefined) return refused(400, 'malformed', 'awslogs.data is no JSON in gzip');
  countLog(log, { tally, region: settings.region, settings });
  return { kind: 'records', records: tally.records(idOf(bytes)), answer: answerTo };
}

/** Each record is known by its content, so that a request that comes again counts once, whole or in part. */
function judgeFirehose(
  body: JsonObject,
  records: readonly unknown[],
  { request, settings }: { readonly request: PushRequest; readonly settings: PushSettings },
): Judged {
  const stream = request.header('x-amz-firehose-source-arn') ?? '';
  const region = /^arn:[\w-]+:firehose:([\w-]+):/.exec(stream)?.[1] ?? settings.region;
  const pushed = records.flatMap((record) => {
    const bytes = Buffer.from(textAt(objectAt(record)?.data) ?? '', 'base64');
    const tally = new Tally();
    countRecord(bytes, { tally, region, settings });
    return tally.records(idOf(bytes));
  });
  const requestId = textAt(body.requestId) ?? request.header('x-amz-firehose-request-id') ?? '';
  const { now } = settings;
  return {
    kind: 'records',
    records: pushed,
    answer: (kept) => firehoseAnswer(kept, { requestId, timestamp: now() }),
  };
}

/**
 * A record is what CloudWatch Logs sends (gzip, or inflated by Firehose), or telemetry events, one JSON value per line. Lines of a log without
 * their stream are left alone, but for reports.
 */
function countRecord(
  bytes: Buffer,
  of: { readonly tally: Tally; readonly region: string; readonly settings: PushSettings },
): void {
  const text = (bytes[0] === 0x1f && bytes[1] === 0x8b ? inflated(bytes) : bytes)?.toString('utf8');
  if (text === undefined) of.tally.addProblem('compressed data that cannot be read', '');
  for (const line of valuesIn(text ?? '')) {
    const value = parseJson(line);
    const log = objectAt(value);
    if (Array.isArray(value)) countEvents(value, { ...of, arn: undefined });
    else if (Array.isArray(log?.logEvents)) countLog(log, of);
    else if (log !== undefined) countEvents([log], { ...of, arn: undefined });
    else if (isReport(line)) of.tally.addProblem('it is not known which function reports', line);
  }
}

/** A whole JSON text, or one JSON value per line; Firehose may also write objects one after the other. */
function valuesIn(text: string): readonly string[] {
  return text
    .replaceAll('}{"messageType"', '}\n{"messageType"')
    .split('\n')
    .filter((line) => line.trim() !== '');
}

/** Firehose takes nothing but 200 for a success. */
function firehoseAnswer(
  kept: Kept,
  body: { readonly requestId: string; readonly timestamp: number },
): PushAnswer {
  if (kept !== 'full') return { status: 200, body };
  const errorMessage = 'the spool is full';
  return { status: 503, body: { ...body, errorMessage }, retryAfter: 30 };
}

function inflated(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: LARGEST_BODY });
  } catch {
    return undefined;
  }
}

function idOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
}
