/** Charges on their way out as CloudEvents: what the encoding `cloudevents` makes, one event per line. */

/** An event as it is published. */
export interface PublishedEvent {
  /** The charge's id. */
  readonly id: string;
  /** JSON; a view of the batch. */
  readonly bytes: Uint8Array;
}

/** Every event begins so. */
const BEFORE_ID = Buffer.from('{"specversion":"1.0","id":"');
const NEWLINE = 10;
const QUOTE = 34;

/** Media type of an event. */
export const EVENT_TYPE = 'application/cloudevents+json';

/** The events of an encoded batch, in order. */
export function* publishedEvents(batch: Uint8Array): Generator<PublishedEvent> {
  const lines = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  for (let from = 0; from < lines.length; ) {
    const newline = lines.indexOf(NEWLINE, from);
    const to = newline === -1 ? lines.length : newline;
    const start = from + BEFORE_ID.length;
    if (!lines.subarray(from, start).equals(BEFORE_ID)) throw new Error('not a batch of events');
    const id = lines.toString('latin1', start, lines.indexOf(QUOTE, start));
    yield { id, bytes: lines.subarray(from, to) };
    from = to + 1;
  }
}
