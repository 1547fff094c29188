import { createHash, type KeyObject, sign } from 'node:crypto';

/** Who signs: an API key of a user, or the key to a token. */
export interface Signer {
  /** `<tenancy>/<user>/<fingerprint>`, or `ST$<token>`. */
  readonly keyId: string;
  readonly key: KeyObject;
}

/**
 * The headers of a GET request with its signature, version 1: RSA-SHA256 over date, request target and host. Source: OCI documentation,
 * "Request Signatures", after draft-cavage-http-signatures-08.
 */
export function signedHeaders(
  url: URL,
  { signer, date }: { readonly signer: Signer; readonly date: string },
): Readonly<Record<string, string>> {
  const signed = {
    date,
    '(request-target)': `get ${url.pathname}${url.search}`,
    host: url.host,
  };
  return { date, authorization: authorization(signer, signed) };
}

/** The same for a POST of JSON to the auth service, which knows its host: the body is signed by its hash. Source: Oracle's SDKs. */
export function signedPostHeaders(
  url: URL,
  { signer, date, body }: { readonly signer: Signer; readonly date: string; readonly body: string },
): Readonly<Record<string, string>> {
  const headers = {
    date,
    'content-length': String(Buffer.byteLength(body)),
    'content-type': 'application/json',
    'x-content-sha256': createHash('sha256').update(body).digest('base64'),
  };
  const { date: _, ...content } = headers;
  const signed = {
    date,
    '(request-target)': `post ${url.pathname}${url.search}`,
    ...content,
  };
  return { ...headers, authorization: authorization(signer, signed) };
}

function authorization({ keyId, key }: Signer, signed: Readonly<Record<string, string>>): string {
  const text = Object.entries(signed).map(([name, value]) => `${name}: ${value}`);
  const parameters = {
    version: '1',
    keyId,
    algorithm: 'rsa-sha256',
    headers: Object.keys(signed).join(' '),
    signature: sign('sha256', Buffer.from(text.join('\n')), key).toString('base64'),
  };
  const said = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return `Signature ${said.join(',')}`;
}
