import { createHmac } from 'node:crypto';
import { isLoopback } from '../../kit/endpoint.ts';
import { type PushRequest, sameSecret } from '../../kit/intake/index.ts';

/** How a sender may prove who it is; one of both is enough, without any everybody on this machine may send. */
export interface ProofSettings {
  readonly token: string | undefined;
  readonly hmac: {
    readonly secret: string | undefined;
    /** Header with the signature. */
    readonly header: string;
  };
}

/** Whether a request has the bearer token, or the HMAC-SHA256 of its body as it was sent. */
export function isAllowed(request: PushRequest, { token, hmac }: ProofSettings): boolean {
  if (token === undefined && hmac.secret === undefined) return asksForThisMachine(request);
  return (
    (token !== undefined && hasToken(request, token)) ||
    (hmac.secret !== undefined && isSigned(request, hmac.secret, hmac.header))
  );
}

/** A page in a browser may not be led here under another name. */
function asksForThisMachine({ header }: PushRequest): boolean {
  return isLoopback((header('host') ?? '').replace(/:\d+$/, ''));
}

function hasToken({ header }: PushRequest, token: string): boolean {
  return sameSecret(/^Bearer +(\S.*)$/i.exec(header('authorization') ?? '')?.[1], token);
}

/** Hexadecimal, with or without `sha256=` before it. */
function isSigned({ header, body }: PushRequest, secret: string, name: string): boolean {
  const given = header(name.toLowerCase())
    ?.toLowerCase()
    .replace(/^sha256=/, '');
  return sameSecret(given, createHmac('sha256', secret).update(body).digest('hex'));
}
