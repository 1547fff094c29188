import type { RunEvents } from './pipeline-run.ts';
import type { Telemetry } from './telemetry.ts';

/** The events of deliveries, counted by the agent's own metrics before anybody else is told. */
export function countedEvents(telemetry: Telemetry, events: RunEvents = {}): RunEvents {
  return {
    ...events,
    written: (id, exporter, batch) => {
      telemetry.written(id, exporter, batch);
      events.written?.(id, exporter, batch);
    },
    rejectedBatch: (id, exporter, batch, rows) => {
      telemetry.rejectedBatch(id, exporter, rows);
      events.rejectedBatch?.(id, exporter, batch, rows);
    },
    refusedPart: (id, part, reason) => {
      telemetry.refusedPart(id);
      events.refusedPart?.(id, part, reason);
    },
    committed: (id, committed, stages) => {
      telemetry.committed(id, committed.summary, stages);
      events.committed?.(id, committed, stages);
    },
  };
}
