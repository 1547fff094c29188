import {
  answerTo,
  type Judged,
  type PushRequest,
  refused,
  sameSecret,
} from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import { hasEnded, type JobSettings, jobRecord } from './job-record.ts';
import { jobsOfPipeline } from './pipeline.ts';
import { isSigned } from './signature.ts';

/** What a web hook is judged by. */
export interface HookSettings extends JobSettings {
  /** Sent as it is; not looked at when there is a signing token. */
  readonly secret: string | undefined;
  /** Signs each web hook. */
  readonly signing_token: string | undefined;
  readonly now: () => number;
}

/** What to make of a web hook: nothing of its body is read before its token or signature is right. */
export function judgeHook(request: PushRequest, settings: HookSettings): Judged {
  const wrong = proofMissing(request, settings);
  if (wrong !== undefined) return wrong;
  const event = request.header('x-gitlab-event');
  if (event !== 'Job Hook' && event !== 'Pipeline Hook') return { kind: 'ignored', status: 204 };
  const body = parseObject(request.body);
  const project = objectAt(body?.project);
  if (body === undefined || project === undefined)
    return refused(400, 'malformed', 'no project in JSON');
  const delivery = request.header('x-gitlab-event-uuid');
  return event === 'Job Hook'
    ? judgeJob({ body, project, delivery }, settings)
    : judgePipeline({ body, project }, settings);
}

function proofMissing(
  request: PushRequest,
  { secret, signing_token: token, now }: HookSettings,
): Judged | undefined {
  if (token !== undefined)
    return isSigned(request, { token, nowMs: now() })
      ? undefined
      : refused(401, 'bad_signature', 'webhook-signature does not fit the body, or is too old');
  return secret !== undefined && sameSecret(request.header('x-gitlab-token'), secret)
    ? undefined
    : refused(401, 'bad_token', 'X-Gitlab-Token is not the secret token');
}

function judgeJob(
  of: {
    readonly body: JsonObject;
    readonly project: JsonObject;
    readonly delivery: string | undefined;
  },
  settings: HookSettings,
): Judged {
  if (textAt(of.body.build_id) === undefined) return refused(400, 'malformed', 'no job in JSON');
  if (!hasEnded(of.body)) return { kind: 'ignored', status: 204 };
  return { kind: 'record', record: jobRecord(of, settings) };
}

/** The pipeline has ended: its jobs count, those that were not seen before. */
function judgePipeline(
  { body, project }: { readonly body: JsonObject; readonly project: JsonObject },
  settings: HookSettings,
): Judged {
  const jobs = jobsOfPipeline(body);
  if (jobs === undefined) return refused(400, 'malformed', 'no pipeline with its builds in JSON');
  const records = jobs.map((job) =>
    jobRecord({ body: job, project, delivery: undefined }, settings),
  );
  if (records.length === 0) return { kind: 'ignored', status: 204 };
  return { kind: 'records', records, answer: answerTo };
}
