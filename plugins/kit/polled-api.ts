import {
  type Http,
  type HttpResponse,
  Misconfigured,
  type ReceiverContext,
  Unavailable,
} from '../../pipelines/plugin/index.ts';

/** Whom to ask, and how. */
export interface PolledApiOptions {
  readonly http: Http;
  /** Base URL; paths are added to it. */
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of the headers that say how many requests are left, and when (seconds since 1970) there are new ones. */
  readonly limit: { readonly remaining: string; readonly reset: string };
  readonly signal: AbortSignal;
  /** Milliseconds since 1970, for limits that say when they end. */
  readonly now: () => number;
}

/** An answer. */
export interface PolledAnswer {
  readonly body: Uint8Array;
  /** Path of the next page, when the answer names one (`Link`, rel="next"). */
  readonly next: string | undefined;
}

/** A JSON API that is asked again and again. */
export interface PolledApi {
  get(path: string): Promise<PolledAnswer>;
}

/** Throws `Misconfigured` where agents share a state: each of them would find the same records, and what is found is remembered by the agent alone. */
export function polledAlone(
  { id, sharing }: Pick<ReceiverContext<unknown>, 'id' | 'sharing'>,
  setting: string,
): void {
  if (sharing === undefined) return;
  throw new Misconfigured(
    'agents that share a state would all find the same jobs, and count each several times',
    {
      path: `receivers.${id}.${setting}`,
      hint: 'leave it out and have web hooks told to one of the agents, or poll with an agent of its own (without storage.state)',
    },
  );
}

/** Answers that are remembered with their ETag; larger ones are not. */
const MOST_KNOWN = 64;
const LARGEST_KNOWN = 512 * 1024;

/**
 * A client that asks conditionally (what is unchanged is not sent again) and keeps to the rate limits: over them it throws `Unavailable` with the time to wait.
 * What is refused for good is `Misconfigured`: the token or a name is wrong.
 */
export function createPolledApi(options: PolledApiOptions): PolledApi {
  const { http, base, headers, limit, signal, now } = options;
  const root = base.replace(/\/$/, '');
  const answers = new Map<string, { readonly tag: string; readonly answer: PolledAnswer }>();
  return {
    async get(path) {
      const known = answers.get(path);
      const response = await http.request({
        url: `${root}${path}`,
        signal,
        headers: { ...headers, ...(known !== undefined && { 'if-none-match': known.tag }) },
      });
      if (response.status === 304 && known !== undefined) return known.answer;
      if (response.status !== 200) throw failure(path, response, { limit, now: now() });
      const answer = { body: response.body, next: nextPath(response.headers.link, root) };
      const tag = response.headers.etag;
      answers.delete(path);
      if (tag !== undefined && response.body.length <= LARGEST_KNOWN) {
        answers.set(path, { tag, answer });
        const [oldest] = answers.keys();
        if (answers.size > MOST_KNOWN && oldest !== undefined) answers.delete(oldest);
      }
      return answer;
    },
  };
}

/** Of the next page only the path counts: the token goes nowhere else. */
function nextPath(link: string | undefined, root: string): string | undefined {
  const next = /<([^>]+)>\s*;\s*rel="?next"?/.exec(link ?? '')?.[1];
  if (next === undefined || !URL.canParse(next)) return undefined;
  const { pathname, search } = new URL(next);
  const prefix = new URL(root).pathname.replace(/\/$/, '');
  return pathname.startsWith(`${prefix}/`)
    ? `${pathname.slice(prefix.length)}${search}`
    : undefined;
}

function failure(
  path: string,
  { status, headers }: HttpResponse,
  of: { readonly limit: PolledApiOptions['limit']; readonly now: number },
): Error {
  const place = `GET ${path.split('?')[0]}: ${status}`;
  const wait = waitOf(headers, of);
  if (status === 429 || status >= 500 || (status === 403 && wait !== undefined))
    return new Unavailable(place, wait === undefined ? {} : { retryAfter: wait });
  return new Misconfigured(place, {
    path: 'token',
    hint: 'the token must be valid and may read this; the names must exist',
  });
}

/** How long the answer asks to wait, milliseconds. */
function waitOf(
  headers: Readonly<Record<string, string>>,
  { limit, now }: { readonly limit: PolledApiOptions['limit']; readonly now: number },
): number | undefined {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && headers['retry-after'] !== undefined) return seconds * 1000;
  if (headers[limit.remaining] !== '0') return undefined;
  return Math.max(1_000, Number(headers[limit.reset] ?? 0) * 1000 - now);
}
