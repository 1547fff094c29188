import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Logger } from '../../../pipelines/plugin/index.ts';
import { createLimit } from '../../kit/limit.ts';
import { SpanBatch } from './span-batch.ts';
import type { SpanReader } from './span-reader.ts';

/** What became of a request. */
export type Taken =
  | { readonly kind: 'taken'; readonly rejected: number; readonly reason: string }
  /** It is no ExportTraceServiceRequest, or cannot be inflated. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** It cannot be kept now. */
  | { readonly kind: 'full'; readonly reason: string };

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

/** Takes the spans of a request in, whole or not at all but for those that are rejected. */
export type Take = (body: Buffer, encoding: 'gzip' | 'identity') => Promise<Taken>;

/** Bodies inflated at a time. */
const INFLATED_AT_A_TIME = 4;

/** One intake for all protocols. */
export function createIntake(options: IntakeOptions): Take {
  const { maxBody } = options;
  const batch = new SpanBatch();
  const limit = createLimit(INFLATED_AT_A_TIME);
  return async (body, encoding) => {
    if (encoding === 'identity') return take(body, batch, options);
    return await limit.run(async () => {
      const inflated = await inflate(body, { maxOutputLength: maxBody }).catch(malformed);
      return Buffer.isBuffer(inflated) ? take(inflated, batch, options) : inflated;
    });
  };
}

const inflate = promisify(gunzip);

function malformed(error: unknown): Taken {
  const reason = error instanceof Error ? error.message : String(error);
  return { kind: 'malformed', reason: `the body cannot be inflated: ${reason}` };
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
    const reason = error instanceof Error ? error.message : String(error);
    log.error('spans cannot be kept', { reason });
    count(read, 'refused');
    return { kind: 'full', reason: 'the index cannot be written' };
  }
  count(read - batch.rejected, 'kept');
  count(batch.inner, 'inner');
  count(batch.rejected, 'rejected');
  return { kind: 'taken', rejected: batch.rejected, reason: batch.reason };
}
