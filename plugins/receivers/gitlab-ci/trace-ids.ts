import { createHash } from 'node:crypto';

/** Trace of a pipeline, as the collector's `gitlab` receiver derives it from the pipeline's id and end: 32 hex digits. */
export function traceIdOf(pipeline: string, finishedAt: string): string {
  return createHash('sha256').update(`${pipeline}t${finishedAt}`).digest('hex').slice(0, 32);
}
