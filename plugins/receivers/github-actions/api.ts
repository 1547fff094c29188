import {
  type Http,
  type HttpResponse,
  Misconfigured,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';

/** Whom to ask, as whom. */
export interface ApiOptions {
  readonly http: Http;
  readonly api: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, for limits that say when they end. */
  readonly now: () => number;
}

/** Answers of GitHub's REST API by path. */
export interface Api {
  get(path: string): Promise<Uint8Array>;
}

const VERSION = '2022-11-28';
/** Answers that are remembered with their ETag; larger ones are not. */
const MOST_KNOWN = 64;
const LARGEST_KNOWN = 512 * 1024;

/** A client that asks conditionally (what is unchanged costs no rate limit) and keeps to the rate limits: over them it throws `Unavailable` with the time to wait. */
export function createApi({ http, api, token, signal, now }: ApiOptions): Api {
  const answers = new Map<string, { readonly tag: string; readonly body: Uint8Array }>();
  return {
    async get(path) {
      const known = answers.get(path);
      const response = await http.request({
        url: `${api.replace(/\/$/, '')}${path}`,
        signal,
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${token}`,
          'x-github-api-version': VERSION,
          ...(known !== undefined && { 'if-none-match': known.tag }),
        },
      });
      if (response.status === 304 && known !== undefined) return known.body;
      if (response.status !== 200) throw failure(path, response, now());
      const tag = response.headers.etag;
      answers.delete(path);
      if (tag !== undefined && response.body.length <= LARGEST_KNOWN) {
        answers.set(path, { tag, body: response.body });
        const [oldest] = answers.keys();
        if (answers.size > MOST_KNOWN && oldest !== undefined) answers.delete(oldest);
      }
      return response.body;
    },
  };
}

function failure(path: string, { status, headers }: HttpResponse, now: number): Error {
  const place = `GET ${path.split('?')[0]}: ${status}`;
  const wait = waitOf(headers, now);
  if (status === 429 || status >= 500 || (status === 403 && wait !== undefined))
    return new Unavailable(place, wait === undefined ? {} : { retryAfter: wait });
  return new Misconfigured(place, {
    path: 'token',
    hint: 'the token must be valid and may read this; the names must exist',
  });
}

/** How long the answer asks to wait, milliseconds. */
function waitOf(headers: Readonly<Record<string, string>>, now: number): number | undefined {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && headers['retry-after'] !== undefined) return seconds * 1000;
  if (headers['x-ratelimit-remaining'] !== '0') return undefined;
  return Math.max(1_000, Number(headers['x-ratelimit-reset'] ?? 0) * 1000 - now);
}
