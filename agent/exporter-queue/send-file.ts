import type { Sink } from '../../pipelines/plugin/contract.ts';
import type { EncodedBatch } from '../../pipelines/plugin/delivery.ts';
import { errorMessage, errorName } from '../../pipelines/plugin/errors.ts';
import { addCosts, type Queued, QueueReader, type StoredBatch } from './queue-file.ts';
import { noteSent, type WaitingFile } from './waiting-file.ts';

/** A batch that the backend refused when it came out of the queue. */
export interface RefusedBatch extends Queued {
  readonly batch: EncodedBatch;
  readonly rows: number;
  readonly reason: string;
}

/** Where a file is sent. */
export interface SendRequest {
  readonly sink: Sink;
  readonly events: { refused(refused: RefusedBatch): Promise<void> };
  readonly signal: AbortSignal;
}

/** Batches under way at a time. */
const AT_A_TIME = 4;

/**
 * Sends what is left of a file. Throws what the exporter throws: what was sent until then is noted, and not sent again unless the agent
 * ends before the batches beside it are sent, too. `DamagedQueue` when the file cannot be read.
 */
export async function sendFile(file: WaitingFile, request: SendRequest): Promise<void> {
  const { sink, signal } = request;
  const { about } = file;
  const reader = new QueueReader(file.path);
  try {
    await sink.begin?.(about.info);
    for (;;) {
      const batches = someBatches(reader, file.at);
      const last = batches.at(-1);
      if (last === undefined) break;
      const sent = await Promise.allSettled(
        batches
          .filter(({ next }) => !file.sent.has(next))
          .map(async ({ batch, next }) => {
            await sendBatch(batch, about, request);
            file.sent.add(next);
            addCosts(file.costs, batch, -1);
          }),
      );
      const failed = sent.find((one) => one.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      noteSent(file, last.next);
      signal.throwIfAborted();
    }
    await sink.commit?.(about.info);
  } finally {
    reader.close();
  }
}

function someBatches(reader: QueueReader, from: number): readonly StoredBatch[] {
  const batches: StoredBatch[] = [];
  for (let at = from; batches.length < AT_A_TIME; ) {
    const stored = reader.batch(at);
    if (stored === undefined) break;
    batches.push(stored);
    at = stored.next;
  }
  return batches;
}

async function sendBatch(
  batch: EncodedBatch,
  about: Queued,
  { sink, events }: SendRequest,
): Promise<void> {
  try {
    const { rejectedRows = 0, reason = '' } = (await sink.write?.(batch, about.info)) ?? {};
    if (rejectedRows > 0) await events.refused({ ...about, batch, rows: rejectedRows, reason });
  } catch (error) {
    if (errorName(error) !== 'Rejected') throw error;
    await events.refused({ ...about, batch, rows: batch.rows, reason: errorMessage(error) });
  }
}
