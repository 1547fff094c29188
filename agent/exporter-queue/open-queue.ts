import type { Clock, Sink } from '../../pipelines/plugin/contract.ts';
import { componentFolder } from '../component-folder.ts';
import type { DeadLetters } from '../dead-letters.ts';
import type { Log } from '../log.ts';
import type { State } from '../state/state.ts';
import type { Health } from '../supervise.ts';
import type { Telemetry } from '../telemetry.ts';
import { canQueue, ExporterQueue, type QueueEvents } from './exporter-queue.ts';
import type { Queued } from './queue-file.ts';
import type { RefusedBatch } from './send-file.ts';

/** What a queue of the agent works with. */
export interface QueueWorld {
  readonly storage: {
    readonly folder: string;
    readonly max_queue: number;
    readonly max_queue_age: number;
  };
  readonly clock: Clock;
  readonly once: boolean;
  readonly log: Log;
  readonly health: Health;
  readonly telemetry: Telemetry;
  readonly state: State;
  readonly deadLetters: DeadLetters;
}

/** The queue before an exporter; undefined when its charges cannot wait. */
export function openQueue(
  exporter: string,
  sink: Sink,
  world: QueueWorld,
): ExporterQueue | undefined {
  if (!canQueue(sink)) return undefined;
  const { storage, clock, once } = world;
  return new ExporterQueue({
    exporter,
    folder: `${componentFolder(storage.folder, exporter)}.queue`,
    sink,
    clock,
    once,
    maxBytes: storage.max_queue,
    maxAgeMs: storage.max_queue_age,
    events: queueEvents(exporter, world),
  });
}

function queueEvents(exporter: string, world: QueueWorld): QueueEvents {
  const { health, log, state } = world;
  return {
    down(reason) {
      health.set({ id: exporter, kind: 'exporter', status: 'retrying', reason });
      log.warn('charges wait for an exporter', { component: exporter, reason });
    },
    up() {
      health.set({ id: exporter, kind: 'exporter', status: 'running' });
      log.info('no charges wait any more', { component: exporter });
    },
    refused: (batch) => refuse(exporter, batch, world),
    async damaged(reason, about) {
      log.error(
        'charges that waited cannot be read; their delivery is read again at the next start',
        {
          component: exporter,
          reason,
          ...(about === undefined ? {} : { scope: about.info.scope, delivery: about.info.id }),
        },
      );
      if (about !== undefined) await sendAgain(state, exporter, about);
    },
  };
}

/** Has a delivery read again, and all of it sent to an exporter that is otherwise only sent what changed. */
async function sendAgain(
  state: State,
  exporter: string,
  { pipeline, info }: Queued,
): Promise<void> {
  const scope = { pipeline, receiver: info.receiver, scope: info.scope };
  const kept = await state.kept(scope);
  if (kept?.present !== undefined) {
    const exporters = kept.present.exporters.filter((id) => id !== exporter);
    await state.keep(scope, { ...kept, present: { ...kept.present, exporters } });
  }
  await state.readAgain(info.id);
}

async function refuse(
  exporter: string,
  { pipeline, info, batch, rows, reason }: RefusedBatch,
  { deadLetters, telemetry, log, clock }: QueueWorld,
): Promise<void> {
  const { receiver, scope, revision } = info;
  const origin = { pipeline, receiver };
  const whole = rows >= batch.rows;
  await deadLetters.append(
    { ...origin, scope, id: info.id },
    {
      time: new Date(clock.now()).toISOString(),
      ...origin,
      scope,
      revision,
      kind: 'batch',
      reason: 'refused_by_backend',
      message: reason,
      exporter,
      rows,
      ...(whole && { costs: batch.costs }),
    },
  );
  telemetry.refusedLate(origin, exporter, {
    rows,
    fate: whole ? 'refused' : 'uncertain',
    costs: batch.costs,
  });
  log.error('backend refused charges', { ...origin, scope, exporter, rows, reason });
}
