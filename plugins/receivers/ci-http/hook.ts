import { type Judged, type PushRequest, refused } from '../../kit/intake/index.ts';
import { parseObject } from '../../kit/json.ts';
import { type JobSettings, jobRecord } from './job-record.ts';
import { fits, payloadOf } from './payload.ts';
import type { Field } from './presets.ts';
import { isSigned, type Proof } from './signature.ts';

/** What a web hook is judged by. */
export interface HookSettings extends JobSettings {
  readonly secret: string;
  readonly proof: Proof;
  readonly fields: Readonly<Partial<Record<Field, string>>>;
  readonly when: Readonly<Record<string, readonly string[]>>;
  readonly now: () => number;
}

/** What to make of a web hook: nothing of its body is read before its proof is right. */
export function judgeHook(request: PushRequest, settings: HookSettings): Judged {
  const { proof, secret, now } = settings;
  if (!isSigned(request, { proof, secret, nowMs: now() }))
    return refused(401, 'bad_signature', `there is no ${proof} proof of the secret`);
  const body = parseObject(request.body);
  if (body === undefined) return refused(400, 'malformed', 'no object in JSON');
  if (!fits(body, settings.when)) return { kind: 'ignored', status: 204 };
  const record = jobRecord(payloadOf(body, settings.fields), settings);
  if (record === undefined)
    return refused(400, 'no_id', `no id of a job at ${settings.fields.id ?? 'fields.id'}`);
  return { kind: 'record', record };
}
