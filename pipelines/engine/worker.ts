/**
 * What runs in a worker thread: one part, or some row groups of one, from bytes to encoded batches and totals. What only some tasks
 * need is loaded by them: a module takes some 0.5 CPU-ms of each worker's start.
 */
import type { MessagePort } from 'node:worker_threads';
import { buffersOf } from '../fold/index.ts';
import { planPart, refusedBy } from './plan.ts';
import type {
  KeptResult,
  KeptTask,
  Loaded,
  LoadRequest,
  PartPlan,
  PlanRequest,
  Refused,
  Task,
} from './protocol.ts';
import { runTask } from './run-task.ts';
import { markUncaught } from './worker-death.ts';
import { workerPort } from './worker-port.ts';

markUncaught();

/** What the pool is given to do. */
export type Work =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'plan'; readonly request: PlanRequest }
  | { readonly kind: 'load'; readonly request: LoadRequest }
  | { readonly kind: 'task'; readonly task: Task; readonly port: MessagePort }
  | { readonly kind: 'kept'; readonly task: KeptTask; readonly port: MessagePort };

/** Piscina's entry. What a task comes to goes through its port. */
export default async function work(
  given: Work,
): Promise<PartPlan | Loaded | KeptResult | Refused | undefined> {
  if (given.kind === 'nothing') return undefined;
  if (given.kind === 'plan') return await planPart(given.request);
  if (given.kind === 'load') {
    const { loadKept } = await import('./keep-charges.ts');
    return await loadKept(given.request);
  }
  const port = workerPort(given.port);
  try {
    if (given.kind === 'kept') {
      const { runKept } = await import('./run-kept.ts');
      return await runKept(given.task, port);
    }
    const result = await runTask(given.task, port);
    port.post({ type: 'result', result }, buffersOf(result.totals));
    return undefined;
  } catch (error) {
    return refusedBy(error);
  } finally {
    port.close();
  }
}
