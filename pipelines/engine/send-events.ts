import { encodeEvents, takesEvents } from '../encode/events.ts';
import type { Sink, WriteResult } from '../plugin/contract.ts';
import type { DeliveryInfo, EncodedBatch } from '../plugin/delivery.ts';
import type { LogEvent } from '../plugin/links.ts';
import type { StageSettings, Target } from './deliver.ts';

/** Where events go, and as part of what. */
export interface EventRequest {
  readonly targets: readonly Target[];
  /** The delivery that they are for the exporters. */
  readonly info: DeliveryInfo;
  readonly settings: Pick<StageSettings, 'resource' | 'scopeVersion'>;
  /** Records that a backend refused for good. */
  refused(exporter: string, rows: number, reason: string): void;
}

/** Sends log records to the exporters that take OTLP logs, one batch after the other; nothing begins when there is none. They are asked for anew for each exporter. */
export async function sendEvents(
  events: Iterable<LogEvent>,
  { targets, info, settings, refused }: EventRequest,
): Promise<void> {
  if (isEmpty(events)) return;
  for (const { id, sink } of targets) {
    if (!takesEvents(sink.encoding)) continue;
    const options = { ...settings, observedMs: info.observedMs };
    try {
      await sink.begin?.(info);
      for (const batch of encodeEvents(events, sink.encoding, options)) {
        const { rejectedRows = 0, reason = '' } = await write(sink, batch, info);
        if (rejectedRows > 0) refused(id, rejectedRows, reason);
      }
      await sink.commit?.(info);
    } catch (error) {
      await sink.abort?.(info);
      throw error;
    }
  }
}

function isEmpty(events: Iterable<LogEvent>): boolean {
  for (const _ of events) return false;
  return true;
}

async function write(sink: Sink, batch: EncodedBatch, info: DeliveryInfo): Promise<WriteResult> {
  try {
    return (await sink.write?.(batch, info)) ?? {};
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Rejected') throw error;
    return { rejectedRows: batch.rows, reason: error.message };
  }
}
