import {
  answerTo,
  type Judged,
  type Kept,
  type PushAnswer,
  type Pushed,
  type PushRequest,
  refused,
} from '../../kit/intake/index.ts';
import { mediaOf, mediaType, textOf } from './body.ts';
import { chargesIn, digest, recordOf } from './charges.ts';
import { batchOfEvents, binaryEvent, structuredEvent } from './cloud-events.ts';
import { isAllowed, type ProofSettings } from './proof.ts';
import { Refusal } from './refusal.ts';

/** What a push is judged by. */
export interface PushSettings extends ProofSettings {
  readonly path: string;
  /** Largest body, packed or not. */
  readonly max_body: number;
}

/** What to make of a push: nothing of its body is read before its sender is known. */
export function judgePush(request: PushRequest, settings: PushSettings): Judged {
  if (request.path !== settings.path) return refused(404, 'unknown_path', 'not found');
  if (request.method !== 'POST') return refused(405, 'method', 'only POST');
  if (!isAllowed(request, settings))
    return refused(
      401,
      'bad_proof',
      'no right bearer token or signature, or (without any) another host than this',
    );
  try {
    const records = recordsIn(request, settings);
    if (records.length === 0) return { kind: 'ignored', status: 204 };
    return { kind: 'records', records, answer: answerToCharges };
  } catch (error) {
    if (error instanceof Refusal) return refused(error.status, error.reason, error.message);
    if (error instanceof RangeError) return refused(400, 'malformed', 'nested too deeply');
    throw error;
  }
}

/** What came again is accepted like what came first: it is kept, once. */
function answerToCharges(kept: Kept): PushAnswer {
  return kept === 'full' ? answerTo(kept) : { status: 202, message: kept };
}

function recordsIn(request: PushRequest, { max_body }: PushSettings): readonly Pushed[] {
  const type = mediaType(request.header('content-type'));
  const text = textOf(request, max_body);
  if (type === 'application/cloudevents-batch+json') return batchOfEvents(text);
  if (type === 'application/cloudevents+json') return structuredEvent(text);
  if (request.header('ce-specversion') !== undefined) return binaryEvent(request, text);
  // A type that a web page could send without being asked is not among them.
  const media = type.startsWith('application/cloudevents') ? undefined : mediaOf(type);
  if (media === undefined)
    throw new Refusal(415, 'media_type', 'send application/x-ndjson, JSON or CloudEvents in JSON');
  const charges = chargesIn(text, media);
  const key = request.header('idempotency-key');
  const ids = key === undefined ? [] : [`key ${digest([key])}`];
  return charges.length === 0 ? [] : [recordOf(charges, ids)];
}
