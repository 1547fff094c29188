import { createHash } from 'node:crypto';

/** Trace of a run's attempt, as the collector's `github` receiver derives it: 32 hex digits. */
export function traceIdOf(run: string, attempt: string): string {
  return sha256(`${run}${attempt}t`).slice(0, 32);
}

/** The span of the whole attempt: 16 hex digits. */
export function rootSpanIdOf(run: string, attempt: string): string {
  return sha256(`${run}${attempt}s`).slice(16, 32);
}

/** The span of one job, by the id of its check run: 16 hex digits. */
export function jobSpanIdOf(checkRun: string): string {
  return sha256(`${checkRun}-j`).slice(16, 32);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
