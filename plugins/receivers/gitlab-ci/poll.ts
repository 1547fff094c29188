import { Unavailable } from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, parseJson, textAt } from '../../kit/json.ts';
import type { PolledApi } from '../../kit/polled-api.ts';
import { hasEnded } from './job-record.ts';

/** Ended jobs of a project, newest first, back to those made before a time (milliseconds); each as a job's web hook says it. */
export async function* finishedJobs(
  api: PolledApi,
  { project, sinceMs }: { readonly project: string; readonly sinceMs: number },
): AsyncGenerator<JsonObject> {
  const scopes = ['success', 'failed', 'canceled'].map((scope) => `scope[]=${scope}`).join('&');
  let path: string | undefined =
    `/projects/${encodeURIComponent(project)}/jobs?${scopes}&pagination=keyset&order_by=id&sort=desc&per_page=100`;
  while (path !== undefined) {
    const { body, next }: { readonly body: Uint8Array; readonly next: string | undefined } =
      await api.get(path);
    const jobs = parseJson(new TextDecoder().decode(body));
    if (!Array.isArray(jobs))
      throw new Unavailable(`GET /projects/${project}/jobs: no list in the answer`);
    for (const one of jobs) {
      const job = objectAt(one) ?? {};
      if (Date.parse(textAt(job.created_at) ?? '') < sinceMs) return;
      const hook = asHook(job);
      if (hasEnded(hook)) yield hook;
    }
    path = next;
  }
}

/** The API names the tags of the job where a web hook names those of its runner. */
function asHook(job: JsonObject): JsonObject {
  const runner = objectAt(job.runner);
  return {
    build_id: job.id,
    build_name: job.name,
    build_stage: job.stage,
    build_status: job.status,
    build_started_at: job.started_at,
    build_finished_at: job.finished_at,
    pipeline_id: objectAt(job.pipeline)?.id,
    ref: job.ref,
    user: job.user,
    runner: { ...runner, tags: job.tag_list },
  };
}
