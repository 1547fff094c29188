import { type Http, Misconfigured, Unavailable } from '../../../../pipelines/plugin/index.ts';
import type { JsonObject } from '../../../kit/json.ts';
import { retryAfterMs } from '../../../kit/retry.ts';
import { exactJson } from './exact-json.ts';

/** Largest page of prices. */
const MAX_PAGE = 64 * 1024 * 1024;
/** Largest file: AWS's largest has some GB. */
const MAX_FILE = 32 * 1024 ** 3;
/** Longest pause within a file before it counts as cut, milliseconds. */
const PATIENCE_MS = 60_000;

/** What a request is made with. */
export interface Asking {
  readonly http: Http;
  readonly signal: AbortSignal;
  readonly headers?: Readonly<Record<string, string>>;
  /** Now, milliseconds: for `Retry-After`. */
  readonly nowMs: number;
  /** Full path of the setting that a refusal is about. */
  readonly setting: string;
}

/** The JSON object at a URL, its numbers as texts. `Unavailable` when there is no answer, `Misconfigured` when it is refused. */
export async function askJson(url: URL, asking: Asking): Promise<JsonObject> {
  const { http, signal, headers = {} } = asking;
  const answer = await http.request({ url: url.href, headers, signal, maxBytes: MAX_PAGE });
  checkStatus(answer, { url, asking });
  return exactJson(new TextDecoder().decode(answer.body));
}

/** The bytes at a URL as they come; errors as of `askJson`. */
export async function askBytes(url: URL, asking: Asking): Promise<AsyncIterable<Uint8Array>> {
  const { http, signal, headers = {} } = asking;
  const limits = { timeoutMs: PATIENCE_MS, maxBytes: MAX_FILE };
  const answer = await http.stream({ url: url.href, headers, signal, ...limits });
  checkStatus(answer, { url, asking });
  return answer.body;
}

/** A URL that a page names, if it leads to where the page came from: nobody is sent elsewhere. */
export function samePlace(link: string, base: URL): URL {
  const url = URL.parse(link, base.href) ?? undefined;
  if (url?.origin !== base.origin)
    throw new Unavailable(`${base.origin} names a page elsewhere: ${link.slice(0, 200)}`);
  return url;
}

function checkStatus(
  answer: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
  { url, asking }: { readonly url: URL; readonly asking: Asking },
): void {
  const { status, headers } = answer;
  if (status === 200) return;
  const said = `GET ${url.origin}${url.pathname}: status ${status}`;
  if (status === 429 || status >= 500) {
    const retryAfter = retryAfterMs(headers['retry-after'], asking.nowMs);
    throw new Unavailable(said, retryAfter === undefined ? {} : { retryAfter });
  }
  throw new Misconfigured(said, { path: asking.setting });
}
