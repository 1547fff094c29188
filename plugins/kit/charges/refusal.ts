import type { RefusedStatus } from '../intake/index.ts';

/** A request or message that nothing can be made of; the text is for its sender. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** What HTTP answers. */
  readonly status: RefusedStatus;
  /** Stable, for the counter: `malformed`. */
  readonly reason: string;

  constructor(status: RefusedStatus, reason: string, message: string) {
    super(message);
    this.status = status;
    this.reason = reason;
  }
}

/** It is not what it says it is. */
export function malformed(message: string): Refusal {
  return new Refusal(400, 'malformed', message);
}
