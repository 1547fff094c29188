import { errorMessage, type Logger } from '../../../pipelines/plugin/index.ts';
import { inflating, type Take, type Taken } from '../../kit/otlp-intake/index.ts';
import { SpanBatch } from './span-batch.ts';
import type { SpanReader } from './span-reader.ts';

/** Counts spans by what became of them. */
export type CountSpans = (spans: number, result: 'kept' | 'inner' | 'rejected' | 'refused') => void;

export interface IntakeOptions {
  readonly reader: SpanReader;
  /** Keeps the spans; may reject some in the batch. What it throws makes the request `full`. */
  readonly add: (batch: SpanBatch) => void;
  readonly count: CountSpans;
  readonly log: Logger;
  /** Of an inflated body. */
  readonly maxBody: number;
}

/** One intake for all protocols. */
export function createIntake(options: IntakeOptions): Take {
  const batch = new SpanBatch();
  return inflating((request) => take(request, batch, options), options);
}

/** In one go: the batch serves the next request. */
function take(body: Buffer, batch: SpanBatch, { reader, add, count, log }: IntakeOptions): Taken {
  try {
    reader.read(body, batch);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { kind: 'malformed', reason: error.message };
  }
  const read = batch.size + batch.rejected;
  try {
    add(batch);
  } catch (error) {
    const reason = errorMessage(error);
    log.error('spans cannot be kept', { reason });
    count(read, 'refused');
    return { kind: 'full', reason: 'the index cannot be written' };
  }
  count(read - batch.rejected, 'kept');
  count(batch.inner, 'inner');
  count(batch.rejected, 'rejected');
  return { kind: 'taken', rejected: batch.rejected, reason: batch.reason };
}
