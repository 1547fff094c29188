import { type KeyObject, sign } from 'node:crypto';

/** Who signs: an API key of a user. */
export interface Signer {
  /** `<tenancy>/<user>/<fingerprint>` */
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
  const target = `get ${url.pathname}${url.search}`;
  const text = `date: ${date}\n(request-target): ${target}\nhost: ${url.host}`;
  const signature = sign('sha256', Buffer.from(text), signer.key).toString('base64');
  const parameters = {
    version: '1',
    keyId: signer.keyId,
    algorithm: 'rsa-sha256',
    headers: 'date (request-target) host',
    signature,
  };
  const said = Object.entries(parameters).map(([name, value]) => `${name}="${value}"`);
  return { date, authorization: `Signature ${said.join(',')}` };
}
