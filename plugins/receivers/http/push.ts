import { digest } from '../../kit/charges/charges.ts';
import { ENCODED_HEADERS } from '../../kit/charges/cloud-events.ts';
import { recordsIn } from '../../kit/charges/records.ts';
import { Refusal } from '../../kit/charges/refusal.ts';
import {
  answerTo,
  type Judged,
  type Kept,
  type PushAnswer,
  type PushRequest,
  refused,
} from '../../kit/intake/index.ts';
import { isAllowed, type ProofSettings } from './proof.ts';

/** What a push is judged by. */
export interface PushSettings extends ProofSettings {
  /** Largest body, packed or not. */
  readonly max_body: number;
}

/** What to make of a push: nothing of its body is read before its sender is known. */
export function judgePush(request: PushRequest, settings: PushSettings): Judged {
  if (!isAllowed(request, settings))
    return refused(
      401,
      'bad_proof',
      'no right bearer token or signature, or (without any) another host than this',
    );
  try {
    const key = request.header('idempotency-key');
    const records = recordsIn(request, {
      maxBytes: settings.max_body,
      headers: ENCODED_HEADERS,
      ids: key === undefined ? [] : [`key ${digest([key])}`],
    });
    if (records.length === 0) return { kind: 'ignored', status: 204 };
    return { kind: 'records', records, answer: answerToCharges };
  } catch (error) {
    if (error instanceof Refusal) return refused(error.status, error.reason, error.message);
    throw error;
  }
}

/** What came again is accepted like what came first: it is kept, once. */
function answerToCharges(kept: Kept): PushAnswer {
  return kept === 'full' ? answerTo(kept) : { status: 202, message: kept };
}
