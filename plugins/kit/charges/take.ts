import { errorMessage, type ReceiverContext } from '../../../pipelines/plugin/index.ts';
import type { Intake } from '../intake/index.ts';
import type { Message } from './body.ts';
import type { AttributeHeaders } from './cloud-events.ts';
import { recordsIn } from './records.ts';
import { Refusal } from './refusal.ts';

/** A message of a bus that delivers until it is told not to. */
export interface BusMessage extends Message {
  /** Where it stands, for people: `charges/17`. */
  readonly place: string;
  /** What it is known by when it comes again, unless it is an event. */
  readonly ids: readonly string[];
}

/** What messages are taken by. */
export interface Taking {
  readonly intake: Pick<Intake, 'keep'>;
  readonly context: Pick<ReceiverContext<unknown>, 'log' | 'refuse'>;
  readonly scope: string;
  /** Largest body, packed or not. */
  readonly maxBytes: number;
  readonly headers: AttributeHeaders;
}

/**
 * done: what it says is on disk, or is known, or is nothing; refused: it is a dead letter; full: there is no room for it before what is there
 * is delivered; failed: the disk does not take it.
 */
export type Taken =
  | { readonly kind: 'done' | 'full' | 'failed' }
  | { readonly kind: 'refused'; readonly reason: string };

/** Keeps the charges of a message. Once this resolves the bus may be told what became of it. */
export async function takeMessage(message: BusMessage, taking: Taking): Promise<Taken> {
  const { intake, context, scope, maxBytes, headers } = taking;
  try {
    const reading = { maxBytes, headers, ids: message.ids, lookInside: true };
    const records = recordsIn(message, reading);
    const kept = await Promise.all(records.map((record) => intake.keep(record)));
    return { kind: kept.includes('full') ? 'full' : 'done' };
  } catch (error) {
    if (!(error instanceof Refusal)) return failed(error, message, context);
    const { reason, message: text } = error;
    const raw = Buffer.from(message.body).toString('utf8');
    try {
      await context.refuse({ scope, place: message.place, reason, message: text, raw });
    } catch (failure) {
      return failed(failure, message, context);
    }
    return { kind: 'refused', reason: text };
  }
}

function failed(error: unknown, { place }: BusMessage, { log }: Taking['context']): Taken {
  const reason = errorMessage(error);
  log.error('message could not be kept, it comes again', { place, reason });
  return { kind: 'failed' };
}
