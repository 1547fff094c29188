import type { DeliverEvents } from '../pipelines/engine/deliver.ts';
import type { SendEvents } from '../pipelines/engine/send-kept.ts';
import type { Delivery } from '../pipelines/plugin/delivery.ts';
import type { DeadLetterFile } from './dead-letters.ts';
import type { Refusals, SentMoney } from './ledger.ts';
import type { PipelineRun } from './pipeline-run.ts';

/** What happens to a delivery on its way, told to the log, the dead letters, the ledger and whoever listens. */
export function deliveryEvents(
  run: PipelineRun,
  {
    delivery,
    letters,
    refused,
    money,
  }: {
    readonly delivery: Delivery;
    readonly letters: DeadLetterFile;
    readonly refused: Refusals;
    readonly money: SentMoney;
  },
): DeliverEvents & SendEvents {
  const { id, events, log } = run;
  const origin = { ...id, scope: delivery.scope, revision: delivery.revision };
  const time = new Date(run.clock.now()).toISOString();
  return {
    refusedPart: (part, { reason, row, column }) => {
      letters.write({
        time,
        ...origin,
        kind: 'part',
        reason: 'unreadable_part',
        message: reason,
        path: part.path,
        ...(row === undefined ? {} : { row }),
        ...(column === undefined ? {} : { column }),
      });
      log.error('part set aside', { ...origin, path: part.path, reason });
      events.refusedPart?.(id, part, reason);
    },
    rejectedRows: (part, rows) => {
      for (const row of rows)
        letters.write({ time, ...origin, kind: 'row', path: part.path, ...row });
    },
    sent: (exporter, batch, as) => money.add(exporter, batch, as),
    rejectedBatch: (exporter, batch, reason, rows, as = 'charge') => {
      if (as === 'charge') refused.add(exporter, batch, rows);
      letters.write({
        time,
        ...origin,
        kind: 'batch',
        reason: 'refused_by_backend',
        message: reason,
        exporter,
        rows,
        ...(rows < batch.rows ? {} : { costs: batch.costs }),
      });
      log.error('backend refused charges', { ...origin, exporter, rows, reason });
      events.rejectedBatch?.(id, exporter, batch, rows);
    },
    restarted: () => {
      letters.restart();
      refused.restart();
    },
    written: (exporter, batch) => events.written?.(id, exporter, batch),
    progress: (rows) => events.progress?.(id, rows),
  };
}
