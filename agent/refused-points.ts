import { deliveryId } from '../pipelines/engine/delivery-ids.ts';
import type { Clock, RefusedPoint } from '../pipelines/plugin/contract.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Log } from './log.ts';

/** Keeps which points of a charge day an exporter's backend refuses: one file a day, made anew each time. */
export async function refusePoints(
  exporter: string,
  refused: { readonly day: string; readonly points: readonly RefusedPoint[] },
  {
    deadLetters,
    clock,
    log,
  }: {
    readonly deadLetters: DeadLetters;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<void> {
  const { day, points } = refused;
  const about = { pipeline: '', receiver: exporter, scope: `charge day ${day}` };
  const revision = '';
  const id = deliveryId(about.pipeline, exporter, { scope: about.scope, revision });
  const letters = await deadLetters.open({ ...about, id });
  const time = new Date(clock.now()).toISOString();
  for (const { message, costs, raw } of points)
    letters.write({
      ...{ time, ...about, revision, exporter },
      ...{ kind: 'point', reason: 'refused_point', message, costs, raw },
    });
  await letters.commit();
  const [first] = points;
  if (first === undefined) return;
  log.error('metric points set aside', {
    ...{ exporter, day, points: points.length, reason: first.message },
  });
}
