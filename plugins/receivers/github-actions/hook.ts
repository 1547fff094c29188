import { createHmac } from 'node:crypto';
import { type Judged, type PushRequest, refused, sameSecret } from '../../kit/intake/index.ts';
import { objectAt, parseObject, textAt } from '../../kit/json.ts';
import { type JobSettings, jobRecord } from './job-record.ts';

/** What a web hook is judged by. */
export interface HookSettings extends JobSettings {
  readonly secret: string;
}

/** What to make of a web hook: its signature comes first, nothing of a body is read before it is right. */
export function judgeHook(request: PushRequest, settings: HookSettings): Judged {
  if (!isSigned(request, settings.secret))
    return refused(401, 'bad_signature', 'X-Hub-Signature-256 does not fit the body');
  const event = request.header('x-github-event');
  if (event === 'ping') return { kind: 'ignored', status: 200 };
  if (event !== 'workflow_job') return { kind: 'ignored', status: 204 };
  const body = parseObject(request.body);
  const [job, repository] = [objectAt(body?.workflow_job), objectAt(body?.repository)];
  if (job === undefined || repository === undefined)
    return refused(
      400,
      'malformed',
      'no workflow_job in JSON; set the content type of the web hook to application/json',
    );
  if (textAt(body?.action) !== 'completed') return { kind: 'ignored', status: 204 };
  const actor = textAt(objectAt(body?.sender)?.login);
  const delivery = request.header('x-github-delivery');
  const record = jobRecord({ job, repository, actor, delivery }, settings);
  return record === undefined ? { kind: 'ignored', status: 204 } : { kind: 'record', record };
}

function isSigned({ header, body }: PushRequest, secret: string): boolean {
  const wanted = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  return sameSecret(header('x-hub-signature-256'), wanted);
}
