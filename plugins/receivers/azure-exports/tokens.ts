import { readFile } from 'node:fs/promises';
import {
  type Clock,
  type Http,
  type HttpRequest,
  type HttpResponse,
  Misconfigured,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import type { Settings } from './settings.ts';

/** What a token is asked with. */
export interface TokenWorld {
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `receivers.<id>.credentials`, for errors. */
  readonly path: string;
}

/** Answers a bearer token for Blob storage; `renew` when the last one was refused. */
export type TokenSource = (options: { readonly renew: boolean }) => Promise<string>;

/** A token is asked for again this long before it expires. */
const EARLY_MS = 5 * 60_000;
const MAX_ANSWER = 1024 * 1024;
const RESOURCE = 'https://storage.azure.com/';

interface Token {
  readonly value: string;
  readonly untilMs: number;
}

/**
 * Tokens of Entra, kept until shortly before they expire; requests at the same time share one. The three token requests are made here and not by
 * `@azure/identity`: that brings 43 packages of 52 MB (4.13.1, installed), takes 41 MB of memory to load, and goes to the network past the context.
 */
export function tokenSource(
  credentials: Settings['credentials'],
  kind: 'managed-identity' | 'workload-identity' | 'client-secret',
  world: TokenWorld,
): TokenSource {
  let kept: Token | undefined;
  let asking: Promise<Token> | undefined;
  const fetched = async (): Promise<Token> => {
    const request = await REQUESTS[kind](credentials, world.path);
    const { http, signal } = world;
    const answer = await http.request({ ...request, signal, maxBytes: MAX_ANSWER });
    return tokenOf(answer, { world, kind });
  };
  return async ({ renew }) => {
    if (!renew && kept !== undefined && world.clock.now() < kept.untilMs) return kept.value;
    asking ??= fetched().finally(() => {
      asking = undefined;
    });
    kept = await asking;
    return kept.value;
  };
}

type TokenRequest = (
  credentials: Settings['credentials'],
  path: string,
) => HttpRequest | Promise<HttpRequest>;

const REQUESTS: Readonly<Record<string, TokenRequest>> & {
  readonly [kind in 'managed-identity' | 'workload-identity' | 'client-secret']: TokenRequest;
} = {
  'managed-identity': ({ metadata_endpoint, client_id }) => {
    const url = new URL('/metadata/identity/oauth2/token', metadata_endpoint);
    url.searchParams.set('api-version', '2018-02-01');
    url.searchParams.set('resource', RESOURCE);
    if (client_id !== undefined) url.searchParams.set('client_id', client_id);
    return { url: url.href, headers: { metadata: 'true' } };
  },
  'workload-identity': async (credentials, path) =>
    entra(credentials, path, {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await federatedToken(credentials.token_file, path),
    }),
  'client-secret': (credentials, path) =>
    entra(credentials, path, {
      client_secret: needed(credentials.client_secret, `${path}.client_secret`),
    }),
};

/** A token request by the client credentials flow. Source: Microsoft identity platform, OAuth 2.0 client credentials flow. */
function entra(
  { authority, tenant_id, client_id }: Settings['credentials'],
  path: string,
  proof: Readonly<Record<string, string>>,
): HttpRequest {
  const tenant = encodeURIComponent(needed(tenant_id, `${path}.tenant_id`));
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: needed(client_id, `${path}.client_id`),
    scope: `${RESOURCE}.default`,
    ...proof,
  });
  return {
    url: `${authority.replace(/\/+$/, '')}/${tenant}/oauth2/v2.0/token`,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  };
}

/** The value of a setting that this kind of credentials cannot do without. */
export function needed(value: string | undefined, path: string): string {
  if (value === undefined)
    throw new Misconfigured('is missing for this kind of credentials', { path });
  return value;
}

async function federatedToken(file: string, path: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: Error) => {
    throw new Misconfigured(`cannot read ${file}: ${cause.message}`, {
      path: `${path}.token_file`,
      hint: 'label the pod azure.workload.identity/use: "true" and give it the service account of the identity',
      cause,
    });
  });
  return text.trim();
}

function tokenOf(
  answer: HttpResponse,
  { world, kind }: { readonly world: TokenWorld; readonly kind: string },
): Token {
  const body = jsonOf(answer.body);
  const now = world.clock.now();
  if (answer.status !== 200) throw refusal(answer, { body, now, kind, path: world.path });
  const { access_token: value, expires_in: seconds } = body;
  const lifeMs = Number(seconds) * 1000;
  if (typeof value !== 'string' || !(lifeMs > 0))
    throw new Unavailable(`the token endpoint for ${kind} answered without a token`);
  return { value, untilMs: now + Math.max(lifeMs - EARLY_MS, lifeMs / 2) };
}

/** What the operator has to mend; limits, outages and identities that are just being made pass by themselves. */
function refusal(
  { status, headers }: HttpResponse,
  of: {
    readonly body: Readonly<Record<string, unknown>>;
    readonly now: number;
    readonly kind: string;
    readonly path: string;
  },
): Error {
  const { error = '', error_description: text = '' } = of.body;
  const what = `no token for ${of.kind}: HTTP ${status} ${String(error)} ${firstLine(String(text))}`;
  const passes = status === 404 || status === 410 || status === 429 || status >= 500;
  if (!passes) return new Misconfigured(what.trim(), { path: of.path, hint: HINTS[of.kind] ?? '' });
  const wait = retryAfterMs(headers['retry-after'], of.now);
  return new Unavailable(what.trim(), wait === undefined ? {} : { retryAfter: wait });
}

const HINTS: Readonly<Record<string, string>> = {
  'managed-identity':
    'assign a managed identity to this machine; where it has several, set client_id to the one that may read',
  'workload-identity':
    'add a federated credential for the issuer and service account of this cluster to the application, and check tenant_id and client_id',
  'client-secret': 'check tenant_id, client_id and client_secret; a secret may have expired',
};

/** Entra appends trace ids and times. */
function firstLine(text: string): string {
  return text.split(/\r?\n| Trace ID:/)[0] ?? '';
}

function jsonOf(body: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
