import { createHmac } from 'node:crypto';
import { type PushRequest, sameSecret } from '../../kit/intake/index.ts';

/** Oldest signature that is taken, and how far the sender's clock may be ahead, milliseconds. */
const CLOCK_SKEW_MS = 5 * 60_000;

/**
 * Whether a web hook was sent by someone who knows the signing token: `webhook-signature` holds `v1,` and the HMAC of `id.timestamp.body` in base64, as
 * Standard Webhooks says; the token is base64 behind `whsec_`. Source: https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944.
 */
export function isSigned(
  { header, body }: PushRequest,
  { token, nowMs }: { readonly token: string; readonly nowMs: number },
): boolean {
  const [id, timestamp] = [header('webhook-id') ?? '', header('webhook-timestamp') ?? ''];
  const key = Buffer.from(token.replace(/^whsec_/, ''), 'base64');
  const wanted = createHmac('sha256', key)
    .update(`${id}.${timestamp}.`)
    .update(body)
    .digest('base64');
  const given = (header('webhook-signature') ?? '').split(' ');
  const isFresh = Math.abs(nowMs - Number(timestamp) * 1000) <= CLOCK_SKEW_MS;
  return given.some((one) => sameSecret(one, `v1,${wanted}`)) && isFresh;
}
