import {
  answerTo,
  isKnown,
  type Judged,
  type PushRequest,
  refused,
} from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import { isSampled } from '../../kit/serverless/sample.ts';
import { Tally } from '../../kit/serverless/usage.ts';
import { isRequestLog, servedRequest } from './request-log.ts';

/** What a push is judged by. */
export interface PushSettings {
  readonly secret: string;
  /** Share of the requests that become charges of their own, 0 to 1. */
  readonly sample: number;
}

/** What to make of a push: nothing of its body is read before the secret is right. */
export function judgePush(request: PushRequest, settings: PushSettings): Judged {
  if (!isKnown(request, settings.secret))
    return refused(401, 'bad_secret', 'neither token nor bearer token is the secret');
  const entry = entryIn(parseObject(request.body));
  if (entry === undefined)
    return refused(400, 'malformed', 'no entry of a log in a message of Pub/Sub');
  if (!isRequestLog(entry)) return { kind: 'ignored', status: 204 };
  return { kind: 'records', records: countEntry(entry, settings), answer: answerTo };
}

/** The entry of a log in a push of Pub/Sub, wrapped or not. */
function entryIn(body: JsonObject | undefined): JsonObject | undefined {
  const data = textAt(objectAt(body?.message)?.data);
  const entry = data === undefined ? body : parseObject(Buffer.from(data, 'base64'));
  return textAt(entry?.logName) === undefined ? undefined : entry;
}

/** An entry is known by its log, time and insertId, however often Pub/Sub delivers it. */
function countEntry(entry: JsonObject, { sample }: PushSettings) {
  const tally = new Tally();
  const served = servedRequest(entry);
  if (typeof served === 'string') tally.addProblem(served, JSON.stringify(entry));
  else {
    const { of, invocation, billedMs } = served;
    const counts = { requests: 1, billed_ms: billedMs };
    if (isSampled(invocation.id, sample)) tally.addOne(of, invocation, counts);
    else tally.add(Object.values(of).join(' '), of, invocation.untilMs, counts);
  }
  return tally.records(
    ['logName', 'timestamp', 'insertId'].map((name) => textAt(entry[name]) ?? '').join(' '),
  );
}
