import { type Judged, type PushRequest, refused, sameSecret } from '../../kit/intake/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import { type JobSettings, jobRecord } from './job-record.ts';

/** What a web hook is judged by. */
export interface HookSettings extends JobSettings {
  readonly path: string;
  readonly secret: string;
}

/** Ends of a job that was worked on. */
const ENDED = new Set(['success', 'failed', 'canceled']);

/** What to make of a web hook: nothing of its body is read before the token is right. */
export function judgeHook(request: PushRequest, settings: HookSettings): Judged {
  if (request.path !== settings.path) return refused(404, 'unknown_path', 'not found');
  if (request.method !== 'POST') return refused(405, 'method', 'only POST');
  if (!sameSecret(request.header('x-gitlab-token'), settings.secret))
    return refused(401, 'bad_token', 'X-Gitlab-Token is not the secret token');
  const event = request.header('x-gitlab-event');
  if (event !== 'Job Hook') return { kind: 'ignored', status: 204 };
  const body = parseObject(request.body);
  const project = objectAt(body?.project);
  if (body === undefined || project === undefined || textAt(body.build_id) === undefined)
    return refused(400, 'malformed', 'no job in JSON');
  return judgeJob({ body, project, delivery: request.header('x-gitlab-event-uuid') }, settings);
}

function judgeJob(
  of: {
    readonly body: JsonObject;
    readonly project: JsonObject;
    readonly delivery: string | undefined;
  },
  settings: HookSettings,
): Judged {
  const { build_status, build_started_at, build_finished_at } = of.body;
  const ended = ENDED.has(textAt(build_status) ?? '') && textAt(build_finished_at) !== undefined;
  if (!ended || textAt(build_started_at) === undefined) return { kind: 'ignored', status: 204 };
  return { kind: 'record', record: jobRecord(of, settings) };
}
