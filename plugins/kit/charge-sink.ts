import {
  type Context,
  type DeliveryInfo,
  type EncodedBatch,
  type Sink,
  Unavailable,
  type WriteResult,
} from '../../pipelines/plugin/index.ts';
import { createLimit } from './limit.ts';
import { type Backoff, retrying } from './retry.ts';

/** How batches of charges go out. */
export interface ChargeSinkOptions {
  /** One attempt. Throws `Unavailable`, `Rejected` or `Misconfigured`. */
  readonly send: (batch: EncodedBatch) => Promise<WriteResult>;
  readonly backoff: Backoff;
  /** Batches under way at a time. */
  readonly maxInFlight: number;
}

/** The part of a sink that takes charges: each batch is tried until it is there, its delivery is given up or the time for it is over. */
export function createChargeSink(
  { clock, signal, log, meter, id }: Context<unknown>,
  { send, backoff, maxInFlight }: ChargeSinkOptions,
): Required<Pick<Sink, 'begin' | 'write' | 'commit' | 'close'>> {
  const limit = createLimit(maxInFlight);
  const retries = meter.createCounter('focusd.exporter.retries', { unit: '{retry}' });
  retries.add(0, { component: id, signal: 'logs' });
  const closing = new AbortController();
  /** Ends the pauses of an attempt at a delivery once it was given up. */
  const attempts = new Map<string, AbortController>();

  function attemptAt({ id: delivery }: DeliveryInfo): AbortController {
    const attempt = attempts.get(delivery) ?? new AbortController();
    attempts.set(delivery, attempt);
    return attempt;
  }

  function deliver(batch: EncodedBatch, attempt: AbortController): Promise<WriteResult> {
    return retrying(() => send(batch), {
      ...backoff,
      clock,
      signal: AbortSignal.any([signal, closing.signal, attempt.signal]),
      onRetry({ message: reason }, delayMs) {
        retries.add(1, { component: id, signal: 'logs' });
        log.warn('charges could not be sent, trying again', { component: id, reason, delayMs });
      },
    });
  }

  return {
    async begin(delivery) {
      attempts.get(delivery.id)?.abort(new Unavailable('the delivery was started over'));
      attempts.delete(delivery.id);
    },
    write(batch, delivery) {
      const attempt = attemptAt(delivery);
      return limit.run(() => deliver(batch, attempt));
    },
    async commit({ id: delivery }) {
      attempts.delete(delivery);
    },
    async close() {
      closing.abort(new Unavailable('the exporter is closed'));
      await limit.idle();
    },
  };
}
