import { deliveryId } from '../pipelines/engine/delivery-ids.ts';
import type { RefusedMessage } from '../pipelines/plugin/contract.ts';
import type { PipelineRun } from './pipeline-run.ts';

/** Keeps what a receiver says is no charge; the letters of a day stand in one file. */
export async function refuseMessage(
  { id, deadLetters, clock, log, events }: PipelineRun,
  { scope, place, reason, message, raw }: RefusedMessage,
): Promise<void> {
  const time = new Date(clock.now()).toISOString();
  const revision = time.slice(0, 'yyyy-mm-dd'.length);
  const origin = { ...id, scope, revision };
  const letter = { time, ...origin, kind: 'message', reason, message, path: place, raw } as const;
  const of = deliveryId(id.pipeline, id.receiver, { scope, revision });
  await deadLetters.append({ ...id, scope, id: of }, letter);
  log.error('message set aside', { ...origin, path: place, reason, message });
  events.refusedMessage?.(id);
}
