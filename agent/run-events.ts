import type { RunEvents } from './pipeline-run.ts';
import type { DeliverySummary } from './state/state.ts';
import type { Telemetry } from './telemetry.ts';

/** The events of one receiver's way through a pipeline, counted by the agent's own metrics before anybody else is told. */
export function countedEvents(telemetry: Telemetry, events: RunEvents = {}): RunEvents {
  /** Charges of the delivery under way that a backend refused. */
  let refused = 0;
  return {
    ...events,
    started: (id, delivery) => {
      refused = 0;
      events.started?.(id, delivery);
    },
    setAside: (id, delivery) => {
      telemetry.ended(id, 'set_aside');
      events.setAside?.(id, delivery);
    },
    failed: (id, delivery) => {
      telemetry.ended(id, 'failed');
      events.failed?.(id, delivery);
    },
    unbalanced: (id, committed, columns) => {
      telemetry.unbalanced(id);
      events.unbalanced?.(id, committed, columns);
    },
    written: (id, exporter, batch) => {
      telemetry.written(id, exporter, batch);
      events.written?.(id, exporter, batch);
    },
    rejectedBatch: (id, exporter, batch, rows) => {
      refused += rows;
      telemetry.rejectedBatch(id, exporter, rows);
      events.rejectedBatch?.(id, exporter, batch, rows);
    },
    refusedPart: (id, part, reason) => {
      telemetry.refusedPart(id);
      events.refusedPart?.(id, part, reason);
    },
    refusedMessage: (id) => {
      telemetry.refusedMessage(id);
      events.refusedMessage?.(id);
    },
    committed: (id, committed, stages) => {
      telemetry.committed(id, committed.summary, stages);
      telemetry.ended(id, refused === 0 && isWhole(committed.summary) ? 'whole' : 'partial');
      events.committed?.(id, committed, stages);
    },
  };
}

function isWhole({ rows, parts }: DeliverySummary): boolean {
  return rows.rejected === 0 && parts.every(({ refused }) => refused === undefined);
}
