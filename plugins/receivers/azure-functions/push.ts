import {
  answerTo,
  isKnown,
  type Judged,
  type PushRequest,
  refused,
} from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, parseJson } from '../../kit/json.ts';
import { countRecord, type RecordSettings } from './records.ts';

/** What a push is judged by. */
export interface PushSettings extends RecordSettings {
  readonly secret: string;
}

/** What to make of a push: nothing of its body is read before the secret is right. */
export function judgePush(request: PushRequest, settings: PushSettings): Judged {
  if (!isKnown(request, settings.secret))
    return refused(401, 'bad_secret', 'neither token nor bearer token is the secret');
  const records = recordsIn(parseJson(request.body.toString('utf8')));
  if (records === undefined)
    return refused(400, 'malformed', 'no records of Azure Monitor in JSON');
  const kept = records.flatMap((record) => countRecord(record, settings));
  return { kind: 'records', records: kept, answer: answerTo };
}

/** `{"records": […]}` as Azure Monitor writes it, or a list of such, as an event hub hands them on. */
function recordsIn(body: unknown): readonly JsonObject[] | undefined {
  const records: JsonObject[] = [];
  for (const one of Array.isArray(body) ? body : [body]) {
    const list = objectAt(one)?.records;
    if (!Array.isArray(list)) return undefined;
    for (const record of list) records.push(objectAt(record) ?? {});
  }
  return records;
}
