import { Unavailable } from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import type { Api } from './api.ts';
import type { Job } from './job-record.ts';

const PAGE = 100;
/** The API answers at most a thousand runs of one question. */
const MOST_PAGES = 10;

/** Finished jobs of the runs that were created since a day (`2026-09-17`): of every attempt, oldest first. Attempts in `done` are left out, and noted there once read. */
export async function* finishedJobs(
  api: Api,
  {
    repository,
    since,
    done,
  }: {
    readonly repository: string;
    readonly since: string;
    readonly done: Set<string>;
  },
): AsyncGenerator<Job> {
  const runs = `/repos/${repository}/actions/runs?created=${encodeURIComponent(`>=${since}`)}&status=completed`;
  for await (const run of items(api, runs, 'workflow_runs')) {
    const last = Number(run.run_attempt ?? 1);
    for (let attempt = 1; attempt <= last; attempt++) {
      const key = `${repository}/${textAt(run.id)}/${attempt}`;
      if (done.has(key)) continue;
      const jobs = `/repos/${repository}/actions/runs/${textAt(run.id)}/attempts/${attempt}/jobs?`;
      for await (const job of items(api, jobs, 'jobs'))
        if (job.status === 'completed') yield { job, ...ownerOf(run) };
      done.add(key);
    }
  }
}

function ownerOf(run: JsonObject): Pick<Job, 'repository' | 'actor'> {
  return {
    repository: objectAt(run.repository) ?? {},
    actor: textAt(objectAt(run.triggering_actor)?.login) ?? textAt(objectAt(run.actor)?.login),
  };
}

/** The objects under a name, page by page. */
async function* items(api: Api, path: string, name: string): AsyncGenerator<JsonObject> {
  for (let page = 1; page <= MOST_PAGES; page++) {
    const { body } = await api.get(`${path}&per_page=${PAGE}&page=${page}`.replace('?&', '?'));
    const list: unknown = parseObject(body)?.[name];
    if (!Array.isArray(list)) throw new Unavailable(`GET ${path}: no list ${name} in the answer`);
    for (const one of list as readonly unknown[]) {
      const item = objectAt(one);
      if (item !== undefined) yield item;
    }
    if (list.length < PAGE) return;
  }
}
