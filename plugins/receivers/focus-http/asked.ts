import { Readable } from 'node:stream';
import { type HttpStream, Misconfigured, Unavailable } from '../../../pipelines/plugin/index.ts';
import { collected, PATIENCE_MS } from '../../kit/objects/rest.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import type { Source } from './source.ts';

/** What came of a request. */
export type Asked =
  | {
      readonly kind: 'answer';
      readonly stream: HttpStream;
      /** Where it came from, after redirects. */
      readonly url: URL;
    }
  /** Not changed since (304). */
  | { readonly kind: 'unchanged' }
  /** There is no such thing (404). */
  | { readonly kind: 'missing' };

/** Redirects in a row. */
const MOST_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Asks, and follows where it is sent to; credentials go to the origin of the setting `url` only. Throws `Misconfigured` with what to do,
 * `Unavailable` for anything that passes.
 */
export async function ask(
  source: Source,
  first: URL,
  headers: Readonly<Record<string, string>>,
): Promise<Asked> {
  let url = first;
  for (let count = 0; count <= MOST_REDIRECTS; count++) {
    const stream = await askOnce(source, url, headers);
    const { location } = stream.headers;
    if (!REDIRECTS.has(stream.status) || location === undefined)
      return await judged(source, { stream, url });
    await collected(stream.body, MOST_REFUSAL);
    url = followed(url, location);
  }
  throw new Unavailable(`${shown(first)} leads to more than ${MOST_REDIRECTS} other places`);
}

/** Where a redirect or the name of a next page leads. Never from https: to http:. */
export function followed(from: URL, to: string): URL {
  const url = URL.parse(to, from.href);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new Unavailable(`${shown(from)} leads to something that is no URL`);
  if (from.protocol === 'https:' && url.protocol !== 'https:')
    throw new Unavailable(`${shown(from)} leads to ${shown(url)}, which is not encrypted`);
  return url;
}

async function askOnce(
  { origin, credentials, config, tls, world }: Source,
  url: URL,
  headers: Readonly<Record<string, string>>,
): Promise<HttpStream> {
  return await world.http.stream({
    url: url.href,
    headers: {
      'accept-encoding': 'gzip',
      ...(config.accept !== undefined && { accept: config.accept }),
      ...headers,
      ...(url.origin === origin && (await credentials())),
    },
    timeoutMs: PATIENCE_MS,
    signal: world.signal,
    ...(tls !== undefined && url.origin === origin && { tls }),
  });
}

/** A refusal is read this far. */
const MOST_REFUSAL = 16 * 1024;
const PASSING: ReadonlySet<number> = new Set([408, 425, 429]);

async function judged(
  source: Source,
  { stream, url }: { readonly stream: HttpStream; readonly url: URL },
): Promise<Asked> {
  const { status, headers } = stream;
  if (status === 200 || status === 206) {
    if (!/^\s*(text\/html|application\/xhtml)/i.test(headers['content-type'] ?? ''))
      return { kind: 'answer', stream, url };
    await collected(stream.body, MOST_REFUSAL);
    throw new Unavailable(`${shown(url)} answers a web page, not charges`);
  }
  const body = await collected(stream.body, MOST_REFUSAL);
  if (status === 204) return { kind: 'answer', stream: nothing(stream), url };
  if (status === 304) return { kind: 'unchanged' };
  if (status === 404) return { kind: 'missing' };
  const words = new TextDecoder().decode(body).replaceAll(/\s+/g, ' ').trim().slice(0, 300);
  const said = `${shown(url)} answered HTTP ${status} ${words}`.trim();
  if (status < 400 || status >= 500 || PASSING.has(status)) {
    const retryAfter = retryAfterMs(headers['retry-after'], source.world.clock.now());
    throw new Unavailable(said, retryAfter === undefined ? {} : { retryAfter });
  }
  const [setting, hint] = REMEDIES[status] ?? ['url', 'look into the documentation of the API'];
  throw new Misconfigured(said, { path: `${source.path}.${setting}`, hint });
}

/** No content, which is the whole of it. */
function nothing({ headers }: HttpStream): HttpStream {
  return { status: 204, headers: { ...headers, 'content-length': '0' }, body: Readable.from([]) };
}

const REMEDIES: Readonly<Record<number, readonly [setting: string, hint: string]>> = {
  401: ['token', 'the credentials are missing, wrong or expired'],
  403: ['token', 'the credentials may not read the bill: give them the role or scope for billing'],
  406: ['accept', 'the API does not know this format or version'],
};

/** Queries may hold secrets; they are not shown. */
export function shown({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}
