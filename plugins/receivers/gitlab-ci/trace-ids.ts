import { createHash } from 'node:crypto';

/** Trace of a pipeline, as the collector's `gitlab` receiver derives it from the pipeline's id and end: 32 hex digits. The end is the text of the web hook. */
export function traceIdOf(pipeline: string, finishedAt: string): string {
  return sha256(`${pipeline}t${finishedAt}`).slice(0, 32);
}

/** The span of one job, by its id and its start, as the text of the web hook: 16 hex digits. */
export function jobSpanIdOf(job: string, startedAt: string): string {
  return sha256(`${job}${startedAt}`).slice(16, 32);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
