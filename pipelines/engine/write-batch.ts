import type { DeliveryInfo, EncodedBatch } from '../plugin/delivery.ts';
import type { DeliverEvents, Target } from './deliver.ts';

/** A batch on its way to an exporter. */
export interface Writing {
  readonly batch: EncodedBatch;
  readonly info: DeliveryInfo;
  readonly events: Pick<DeliverEvents, 'rejectedBatch' | 'written'>;
}

/** What the other side refuses for good becomes a dead letter; everything else is the sink's own affair or an error. */
export async function write({ id, sink }: Target, { batch, info, events }: Writing): Promise<void> {
  try {
    const result = await sink.write?.(batch, info);
    const refused = result?.rejectedRows ?? 0;
    if (refused > 0)
      events.rejectedBatch(id, batch, result?.reason ?? 'refused by the backend', refused);
    events.written?.(id, batch);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'Rejected') throw error;
    events.rejectedBatch(id, batch, error.message, batch.rows);
  }
}
