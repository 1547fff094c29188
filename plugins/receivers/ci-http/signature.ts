import { createHmac } from 'node:crypto';
import { isKnown, type PushRequest, sameSecret } from '../../kit/intake/index.ts';

/** How a sender proves that it knows the secret. */
export type Proof = 'token' | 'buildkite' | 'circleci';

/** Oldest signature of Buildkite that is taken, and how far its clock may be ahead, milliseconds. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** Whether a request was sent by someone who knows the secret. `nowMs` bounds the age of signatures that have a time. */
export function isSigned(
  request: PushRequest,
  {
    proof,
    secret,
    nowMs,
  }: { readonly proof: Proof; readonly secret: string; readonly nowMs: number },
): boolean {
  if (proof === 'buildkite') return isSignedByBuildkite(request, secret, nowMs);
  if (proof === 'circleci') return isSignedByCircleCi(request, secret);
  return isKnown(request, secret);
}

/** `X-Buildkite-Token`, or `X-Buildkite-Signature: timestamp=…,signature=…` over `timestamp.body`. */
function isSignedByBuildkite(
  { header, body }: PushRequest,
  secret: string,
  nowMs: number,
): boolean {
  const match = /^timestamp=(\d{1,12}),signature=([0-9a-f]{64})$/.exec(
    header('x-buildkite-signature') ?? '',
  );
  if (match === null) return sameSecret(header('x-buildkite-token'), secret);
  const [, timestamp = '', signature] = match;
  const wanted = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
  const isFresh = Math.abs(nowMs - Number(timestamp) * 1000) <= CLOCK_SKEW_MS;
  return sameSecret(signature, wanted) && isFresh;
}

/** `circleci-signature: v1=…`, perhaps among other versions. */
function isSignedByCircleCi({ header, body }: PushRequest, secret: string): boolean {
  const wanted = createHmac('sha256', secret).update(body).digest('hex');
  const given = (header('circleci-signature') ?? '').split(',').map((part) => part.trim());
  return given.some((part) => sameSecret(part, `v1=${wanted}`));
}
