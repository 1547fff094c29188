import { stat } from 'node:fs/promises';
import type { Agent, Dispatcher } from 'undici';
import {
  type Http,
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
  type Tls,
  Unavailable,
} from '../../pipelines/plugin/index.ts';
import { explainNetworkError } from './network-errors.ts';
import { readTls } from './tls.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 16 * 1024 * 1024;
const CONNECTIONS = 16;
const KEEP_ALIVE_MS = 10_000;

/**
 * HTTP with kept connections, verified TLS, bounded bodies and timeouts. Redirects are not followed. Throws
 * `Unavailable` when there is no complete answer; any status is an answer.
 */
export function createHttp(): Http & { close(): Promise<void> } {
  const agents = createAgents();
  return {
    request: async (options) => answer(options, await agents.get(options.tls)),
    stream: async (options) => answerStream(options, await agents.get(options.tls)),
    close: () => agents.close(),
  };
}

async function answer(options: HttpRequest, dispatcher: Agent): Promise<HttpResponse> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal =
    options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout]);
  try {
    const response = await send(options, { dispatcher, signal });
    const body = await bounded(response, options.maxBytes ?? DEFAULT_MAX_BYTES);
    return { status: response.statusCode, headers: singleHeaders(response.headers), body };
  } catch (cause) {
    throw unanswered(options, cause, timeout.aborted);
  }
}

async function answerStream(options: HttpRequest, dispatcher: Agent): Promise<HttpStream> {
  const { signal, maxBytes = Number.POSITIVE_INFINITY } = options;
  const open = await send(options, { dispatcher, ...(signal && { signal }) }).catch((cause) => {
    throw unanswered(options, cause, false);
  });
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces(open, maxBytes);
    } catch (cause) {
      throw unanswered(options, cause, false);
    }
  }
  return { status: open.statusCode, headers: singleHeaders(open.headers), body: body() };
}

async function send(
  { url, method = 'GET', timeoutMs = DEFAULT_TIMEOUT_MS, headers, body }: HttpRequest,
  options: { readonly dispatcher: Agent; readonly signal?: AbortSignal },
): Promise<Dispatcher.ResponseData> {
  const { request } = await import('undici');
  return await request(url, {
    ...options,
    method,
    headers: { 'user-agent': 'focusd', ...headers },
    body: body ?? null,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

/** The error of a request without a complete answer; the reason of the caller's signal where that ended it. */
function unanswered(options: HttpRequest, cause: unknown, late: boolean): Unavailable {
  options.signal?.throwIfAborted();
  const { method = 'GET', url, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const reason = late ? `no answer within ${timeoutMs} ms` : explainNetworkError(cause, options);
  return new Unavailable(`${method} ${withoutQuery(url)}: ${reason}`, { cause });
}

/** The whole body, or an error once it is known to be too large. */
async function bounded(response: Dispatcher.ResponseData, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of pieces(response, maxBytes)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* pieces(
  response: Dispatcher.ResponseData,
  maxBytes: number,
): AsyncGenerator<Uint8Array> {
  const tooLarge = () => new Error(`the answer is larger than ${maxBytes} bytes`);
  if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
    response.body.on('error', () => undefined).destroy();
    throw tooLarge();
  }
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > maxBytes) throw tooLarge();
    yield chunk;
  }
}

function singleHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const single: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) single[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return single;
}

/** Queries may hold tokens; they are not shown. */
function withoutQuery(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url.replace(/[?#].*/s, '') : `${parsed.origin}${parsed.pathname}`;
}

/** One pool of connections per TLS setting; a new one when its files change on disk. */
function createAgents() {
  const agents = new Map<string, { readonly stamp: string; readonly agent: Promise<Agent> }>();

  async function get(tls: Tls | undefined): Promise<Agent> {
    const key = JSON.stringify(tls ?? null);
    const stamp = await stampOf(tls);
    const known = agents.get(key);
    if (known?.stamp === stamp) return await known.agent;
    const agent = createAgent(tls);
    agents.set(key, { stamp, agent });
    agent.catch(() => agents.delete(key));
    known?.agent.then((old) => old.close()).catch(() => undefined);
    return await agent;
  }

  async function close(): Promise<void> {
    const all = await Promise.allSettled([...agents.values()].map(({ agent }) => agent));
    agents.clear();
    await Promise.all(all.map((one) => (one.status === 'fulfilled' ? one.value.destroy() : null)));
  }

  return { get, close };
}

async function createAgent(tls: Tls | undefined): Promise<Agent> {
  const undici = await import('undici');
  return new undici.Agent({
    connections: CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    connect: tls === undefined ? {} : await readTls(tls),
  });
}

async function stampOf(tls: Tls | undefined): Promise<string> {
  const files = [tls?.ca, tls?.cert, tls?.key].filter((file) => file !== undefined);
  const stamps = files.map((file) =>
    stat(file).then(
      (found) => found.mtimeMs,
      () => 0,
    ),
  );
  return (await Promise.all(stamps)).join();
}
