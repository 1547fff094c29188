/** Principals that have no user: an instance of OCI, or a resource (function, job) that is given a token. Both sign with a token for a while. */
import {
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  X509Certificate,
} from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import {
  type Clock,
  errorMessage,
  type Http,
  type HttpRequest,
  type HttpResponse,
  Misconfigured,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { parseObject, textAt } from '../../kit/json.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import type { Identity } from './credentials.ts';
import type { Settings } from './settings.ts';
import { signedPostHeaders } from './signed.ts';

/** What a principal is asked from. */
export interface Asking {
  readonly settings: Pick<Settings, 'credentials' | 'tenancy' | 'region'>;
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `receivers.<id>`, for errors. */
  readonly path: string;
}

/** A token is renewed this long before it expires, as Oracle's SDKs do. */
const EARLY_MS = 60_000;
const PATIENCE_MS = 10_000;

/**
 * The instance that the agent runs on: its certificate, from the metadata service, is exchanged for a token of some minutes. Source: Oracle's
 * SDKs (X509FederationClient) and OCI documentation, "Calling Services from an Instance".
 */
export async function instanceIdentity(asking: Asking): Promise<Identity> {
  const { settings } = asking;
  const [certificate, intermediate, keyText, place] = await Promise.all([
    metadata(asking, 'identity/cert.pem'),
    metadata(asking, 'identity/intermediate.pem'),
    metadata(asking, 'identity/key.pem'),
    regionOf(asking),
  ]);
  const leaf = certificateOf(certificate);
  const tenancy = tenancyOf(leaf);
  const session = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const body = JSON.stringify({
    certificate: bare(certificate),
    publicKey: bare(session.publicKey.export({ type: 'spki', format: 'pem' }).toString()),
    intermediateCertificates: [bare(intermediate)],
  });
  const url = new URL(
    settings.credentials.federation_url ?? `https://auth.${place.region}.${place.domain}/v1/x509`,
  );
  const signer = {
    keyId: `${tenancy}/fed-x509/${leaf.fingerprint}`,
    key: rsaKey(keyText, 'the key of the instance'),
  };
  const date = new Date(asking.clock.now()).toUTCString();
  const answer = await asked(asking, {
    url: url.href,
    method: 'POST',
    headers: signedPostHeaders(url, { signer, date, body }),
    body,
  });
  if (answer.status !== 200) throw federationRefused(asking, answer);
  const token = textAt(parseObject(answer.body)?.token);
  if (token === undefined) throw new Unavailable('the auth service answered no token');
  return {
    signer: { keyId: `ST$${token}`, key: session.privateKey },
    tenancy: settings.tenancy ?? tenancy,
    region: settings.region ?? place.region,
    renewAtMs: expiryOf(token, 'the auth service') - EARLY_MS,
  };
}

/**
 * The resource that the agent runs in: OCI hands it a session token and the key to it, and writes both anew in time. Source: Oracle's SDKs
 * (resource principals of version 2.2).
 */
export async function resourceIdentity({ settings, path }: Asking): Promise<Identity> {
  const { session_token, private_key, key_file, pass_phrase } = settings.credentials;
  const wanted = (setting: string, variable: string): never => {
    throw new Misconfigured(`${setting} is missing`, {
      path: `${path}.${setting}`,
      hint: `set it to \${env:${variable}}, which OCI gives to resources with a principal`,
    });
  };
  const token = await contentOf(
    session_token ?? wanted('credentials.session_token', 'OCI_RESOURCE_PRINCIPAL_RPST'),
    `${path}.credentials.session_token`,
  );
  const pem = await contentOf(
    private_key ??
      key_file ??
      wanted('credentials.private_key', 'OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM'),
    `${path}.credentials.private_key`,
  );
  const claims = claimsOf(token, 'credentials.session_token');
  return {
    signer: {
      keyId: `ST$${token}`,
      key: keyOf(pem, pass_phrase, `${path}.credentials.private_key`),
    },
    tenancy: settings.tenancy ?? textAt(claims.res_tenant) ?? wanted('tenancy', 'OCI_TENANCY'),
    region: settings.region ?? wanted('region', 'OCI_RESOURCE_PRINCIPAL_REGION'),
    renewAtMs: expiryOf(token, 'credentials.session_token') - EARLY_MS,
  };
}

/** The value itself, or the content of the file at an absolute path: what OCI puts there is renewed in the file. */
async function contentOf(value: string, path: string): Promise<string> {
  if (!isAbsolute(value)) return value.trim();
  try {
    return (await readFile(value, 'utf8')).trim();
  } catch (cause) {
    throw new Unavailable(`${path} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function keyOf(pem: string, passphrase: string | null | undefined, path: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase && { passphrase }) });
  } catch (cause) {
    throw new Misconfigured(`the private key cannot be read: ${errorMessage(cause)}`, {
      path,
      hint: 'a PEM file of an RSA key; pass_phrase if it is encrypted',
      cause,
    });
  }
}

// ---- metadata service ----

async function metadata(asking: Asking, what: string): Promise<string> {
  const url = `${asking.settings.credentials.metadata_url.replace(/\/+$/, '')}/${what}`;
  const answer = await asked(asking, { url, headers: { authorization: 'Bearer Oracle' } });
  if (answer.status === 200) return Buffer.from(answer.body).toString('utf8');
  throw new Unavailable(
    `the metadata service answers ${what} with HTTP ${answer.status}; is this an instance of OCI, with the metadata service of version 2?`,
    retryOf(asking, answer),
  );
}

interface Place {
  readonly region: string;
  /** Of its realm: `oraclecloud.com`. */
  readonly domain: string;
}

async function regionOf(asking: Asking): Promise<Place> {
  const info = parseObject(Buffer.from(await metadata(asking, 'instance/regionInfo')));
  const region = textAt(info?.regionIdentifier);
  if (region === undefined) throw new Unavailable('the metadata service names no region');
  return { region, domain: textAt(info?.realmDomainComponent) ?? 'oraclecloud.com' };
}

async function asked({ http, signal }: Asking, request: HttpRequest): Promise<HttpResponse> {
  const { host } = new URL(request.url);
  try {
    return await http.request({ timeoutMs: PATIENCE_MS, signal, ...request });
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Unavailable(`${host} does not answer: ${errorMessage(cause)}`, { cause });
  }
}

// ---- certificates and tokens ----

function certificateOf(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new Unavailable(`the metadata service answers no certificate: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

/** `OU=opc-tenant:ocid1.tenancy…`; of some resources `opc-identity:`. */
function tenancyOf({ subject }: X509Certificate): string {
  const tenancy = /=opc-(?:tenant|identity):(\S+)$/m.exec(subject)?.[1];
  if (tenancy === undefined)
    throw new Unavailable('the certificate of the instance names no tenancy');
  return tenancy;
}

function rsaKey(pem: string, what: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new Unavailable(`${what} cannot be read: ${errorMessage(cause)}`, { cause });
  }
}

function bare(pem: string): string {
  return pem.replace(/-----(?:BEGIN|END) [A-Z ]+-----/g, '').replace(/\s+/g, '');
}

function expiryOf(token: string, from: string): number {
  const { exp } = claimsOf(token, from);
  if (typeof exp !== 'number')
    throw new Unavailable(`the token of ${from} says not when it expires`);
  return exp * 1000;
}

function claimsOf(token: string, from: string): Readonly<Record<string, unknown>> {
  const claims = parseObject(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  if (claims === undefined) throw new Unavailable(`${from} is no token (JWT)`);
  return claims;
}

function federationRefused(asking: Asking, answer: HttpResponse): Error {
  const { status, headers, body } = answer;
  const error = parseObject(body);
  const said =
    `the auth service refused a token: HTTP ${status} ${textAt(error?.code) ?? ''} ${(textAt(error?.message) ?? '').slice(0, 300)}`.trim();
  if (status !== 401 && status !== 403 && status !== 404)
    return new Unavailable(said, retryOf(asking, answer));
  const skew = Math.abs(Date.parse(headers.date ?? '') - asking.clock.now());
  return new Misconfigured(said, {
    path: `${asking.path}.credentials.auth`,
    hint:
      skew > SKEW_MS
        ? 'the clock of this machine is wrong by more than 5 minutes; synchronise it'
        : 'the instance is not known as a principal: it has to run in the tenancy whose certificate it has, and the auth service of its region has to be reachable',
  });
}

const SKEW_MS = 5 * 60_000;

function retryOf({ clock }: Asking, { headers }: HttpResponse): { readonly retryAfter?: number } {
  const retryAfter = retryAfterMs(headers['retry-after'], clock.now());
  return retryAfter === undefined ? {} : { retryAfter };
}
