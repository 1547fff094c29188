import { type JsonObject, objectAt, textAt } from '../../kit/json.ts';
import { hasEnded } from './job-record.ts';

/**
 * The ended jobs of a pipeline's web hook, each as a job's web hook says it; none before the pipeline has ended. Undefined when it is
 * no such web hook.
 */
export function jobsOfPipeline(body: JsonObject): readonly JsonObject[] | undefined {
  const pipeline = objectAt(body.object_attributes);
  if (pipeline === undefined || !Array.isArray(body.builds)) return undefined;
  if (textAt(pipeline.finished_at) === undefined) return [];
  const jobs: JsonObject[] = [];
  for (const one of body.builds) {
    const build = objectAt(one);
    if (build !== undefined) jobs.push(jobOf(build, pipeline));
  }
  return jobs.filter(hasEnded);
}

function jobOf(build: JsonObject, pipeline: JsonObject): JsonObject {
  return {
    build_id: build.id,
    build_name: build.name,
    build_stage: build.stage,
    build_status: build.status,
    build_started_at: build.started_at,
    build_finished_at: build.finished_at,
    pipeline_id: pipeline.id,
    ref: pipeline.ref,
    user: build.user,
    runner: build.runner,
    commit: { finished_at: pipeline.finished_at },
  };
}
