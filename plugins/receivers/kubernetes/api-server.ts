import type {
  Clock,
  Http,
  HttpResponse,
  HttpStream,
  Tls,
} from '../../../pipelines/plugin/index.ts';
import { Unavailable } from '../../../pipelines/plugin/index.ts';
import { type JsonObject, objectAt, parseObject, textAt } from '../../kit/json.ts';
import { retryAfterMs } from '../../kit/retry.ts';
import { itemsOf } from './list-items.ts';

/** Where the API server is, and who asks. */
export interface Access {
  /** `https://kubernetes.default.svc`. */
  readonly server: string;
  /** The bearer token as it is now; undefined when a client certificate says who asks. */
  readonly token: () => Promise<string | undefined>;
  readonly tls: Tls;
}

/** What it takes to ask. */
export interface Asking {
  readonly http: Http;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** An answer of the API server. */
export interface Answer {
  readonly status: number;
  readonly body: JsonObject;
}

/** The Kubernetes API. */
export interface ApiServer {
  /** One answer, whatever its status; over `maxBytes` (default 64 MiB) it is refused. Throws `Unavailable` without one. */
  ask(path: string, maxBytes?: number): Promise<Answer>;
  /** The body of an answer 200; anything else is `Unavailable`, with what to do about it. */
  get(path: string, maxBytes?: number): Promise<JsonObject>;
  /** The items of a list as they come, then the rest of the answer; `Unavailable` when it is not 200. */
  items(path: string): AsyncGenerator<JsonObject, JsonObject>;
  /** Changes an object by a JSON merge patch; one answer, whatever its status. */
  patch(path: string, change: JsonObject): Promise<Answer>;
  /** An answer that goes on. */
  follow(path: string): Promise<HttpStream>;
}

const MOST_BYTES = 64 * 1024 * 1024;
/** Bookmarks come every minute: a connection that is silent for longer is dead. */
const SILENCE_MS = 150_000;

/** The API of a server. */
export function apiServer(access: Access, { http, clock, signal }: Asking): ApiServer {
  const request = async (path: string, asked: AbortSignal = signal) => {
    const token = await access.token();
    return {
      url: `${access.server.replace(/\/$/, '')}${path}`,
      signal: asked,
      tls: access.tls,
      headers: {
        accept: 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
    };
  };
  async function ask(path: string, maxBytes = MOST_BYTES): Promise<Answer> {
    const response = await http.request({ ...(await request(path)), maxBytes });
    return { status: response.status, body: bodyOf(path, response, { clock, method: 'GET' }) };
  }
  return {
    ask,
    async get(path, maxBytes) {
      const answer = await ask(path, maxBytes);
      if (answer.status !== 200) throw refusal(path, answer);
      return answer.body;
    },
    async *items(path) {
      const { status, headers, body } = await http.stream(await request(path));
      if (status === 200) return yield* itemsOf(body);
      const pieces: Uint8Array[] = [];
      for await (const piece of body) pieces.push(piece);
      const whole = { status, headers, body: Buffer.concat(pieces) };
      throw refusal(path, { status, body: bodyOf(path, whole, { clock, method: 'GET' }) });
    },
    async patch(path, change) {
      const { headers, ...asked } = await request(path);
      const response = await http.request({
        ...asked,
        method: 'PATCH',
        headers: { ...headers, 'content-type': 'application/merge-patch+json' },
        body: JSON.stringify(change),
      });
      return { status: response.status, body: bodyOf(path, response, { clock, method: 'PATCH' }) };
    },
    follow: async (path) => await http.stream({ ...(await request(path)), timeoutMs: SILENCE_MS }),
  };
}

type Method = 'GET' | 'PATCH';

function bodyOf(
  path: string,
  { status, headers, body }: HttpResponse,
  { clock, method }: { readonly clock: Clock; readonly method: Method },
): JsonObject {
  const wait = retryAfterMs(headers['retry-after'], clock.now());
  if (status === 429 || status >= 500)
    throw new Unavailable(`${method} ${pathOnly(path)}: ${status}`, {
      ...(wait !== undefined && { retryAfter: wait }),
    });
  const parsed = parseObject(body);
  if (parsed !== undefined) return parsed;
  if (status === 200)
    throw new Unavailable(`${method} ${pathOnly(path)}: the answer is no JSON object`);
  return {};
}

/** Why there is no answer to use, with what to do about it. */
export function refusal(
  path: string,
  { status, body }: Answer,
  method: Method = 'GET',
): Unavailable {
  const said = textAt(body.message) ?? '';
  const place = `${method} ${pathOnly(path)}: ${status}${said === '' ? '' : ` ${said}`}`;
  if (status === 401)
    return new Unavailable(`${place}: the API server does not know who asks; check the token`);
  if (status === 403) return new Unavailable(`${place}; ${ruleFor(path, method)}`);
  return new Unavailable(place);
}

/** The rule of a ClusterRole that lets a path be read. */
export function ruleFor(path: string, method: Method = 'GET'): string {
  const [, group = '', resource = ''] =
    /^\/(?:api\/v1|apis\/([^/]+)\/[^/]+)\/(?:namespaces\/[^/]+\/)?([a-z]+)/.exec(path) ?? [];
  const [, part] = /^\/api\/v1\/nodes\/[^/]+\/(proxy|stats)/.exec(path) ?? [];
  const below = method === 'PATCH' ? 'status' : part;
  const name = below === undefined ? resource : `${resource}/${below}`;
  const single = part !== undefined || /^\/api\/v1\/namespaces\/[^/?]+$/.test(path);
  const read = single ? '[get]' : group === 'metrics.k8s.io' ? '[list]' : '[list, watch]';
  const verbs = method === 'PATCH' ? '[patch]' : read;
  return `add to its ClusterRole: apiGroups: ["${group}"], resources: [${name}], verbs: ${verbs}`;
}

/** The lines of a watch as they come, each an object with `type` and `object`. */
export async function* eventsOf(stream: HttpStream): AsyncGenerator<{
  readonly type: string;
  readonly object: JsonObject;
}> {
  let rest = Buffer.alloc(0);
  for await (const piece of stream.body) {
    rest = Buffer.concat([rest, piece]);
    let start = 0;
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10, start)) {
      const event = parseObject(rest.subarray(start, end));
      start = end + 1;
      const object = objectAt(event?.object);
      if (object !== undefined) yield { type: textAt(event?.type) ?? '', object };
    }
    rest = rest.subarray(start);
    if (rest.length > MOST_BYTES) throw new Unavailable('a watch sent a line without an end');
  }
}

function pathOnly(path: string): string {
  return path.replace(/\?.*/s, '');
}
