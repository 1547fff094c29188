import { timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { errorMessage } from '../../../pipelines/plugin/index.ts';
import { bind, certificateOf, type Place } from './bind.ts';
import type { ByteBudget } from './byte-budget.ts';
import { type ClientNames, clientNames } from './client-names.ts';

/** A request whose body has arrived whole. */
export interface PushRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Names in lower case; of repeated headers the first. */
  header(name: string): string | undefined;
  /** Of repeated names the first. */
  query(name: string): string | undefined;
  readonly body: Buffer;
  /** Names in the sender's certificate. */
  client(): ClientNames;
}

/** What is answered. */
export interface PushAnswer {
  readonly status: number;
  readonly message?: string;
  /** Sent as JSON in place of the message. */
  readonly body?: object;
  /** Sent as it is in place of both. */
  readonly content?: { readonly type: string; readonly bytes: Uint8Array };
  /** Seconds after which the sender may try again. */
  readonly retryAfter?: number;
}

/** Where and how it listens. */
export interface ListenerOptions extends Place {
  readonly maxBody: number;
  readonly maxConnections: number;
  /** Of the bodies in memory; without room for it a request is answered with 503. */
  readonly budget?: ByteBudget;
  /** Asked for each request; what it throws becomes a 503. */
  readonly handle: (request: PushRequest) => Promise<PushAnswer>;
}

/** An open listener. */
export interface Listener {
  /** `127.0.0.1:9180`. */
  readonly address: string;
  /** Lets requests under way end, at most two seconds. */
  close(): Promise<void>;
}

const HEADERS_WITHIN_MS = 10_000;
const REQUEST_WITHIN_MS = 30_000;
const CLOSE_WITHIN_MS = 2_000;

/** Listens for pushed records; bodies, times and connections are bounded. Throws `Misconfigured` when it cannot. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  const server = await createListener(options);
  server.headersTimeout = HEADERS_WITHIN_MS;
  server.requestTimeout = REQUEST_WITHIN_MS;
  server.maxConnections = options.maxConnections;
  const address = await bind(server, options);
  return { address, close: () => close(server) };
}

/** Whether two secrets are equal, in a time that says nothing about where they differ. */
export function sameSecret(given: string | undefined, wanted: string): boolean {
  const [a, b] = [Buffer.from(given ?? ''), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}

async function createListener(options: ListenerOptions): Promise<Server> {
  const answerTo = (request: IncomingMessage, response: ServerResponse): void =>
    void respond(request, response, options);
  const certificate = await certificateOf(options);
  return certificate === undefined
    ? createServer(answerTo)
    : createTlsServer(certificate, answerTo);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: ListenerOptions,
): Promise<void> {
  const taken = { bytes: 0 };
  try {
    const body = await boundedBody(request, options, taken);
    const answer = 'status' in body ? body : await options.handle(asPush(request, body));
    send(response, answer, { hangUp: 'status' in body });
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    const reason = errorMessage(error);
    options.log.error('pushed record could not be kept', { reason });
    send(response, { status: 503, message: 'not stored, try again', retryAfter: 5 });
  } finally {
    options.budget?.give(taken.bytes);
  }
}

/** The body, or the answer to one that is too large; `taken` counts what it took of the budget. */
async function boundedBody(
  request: IncomingMessage,
  { maxBody, budget }: ListenerOptions,
  taken: { bytes: number },
): Promise<Buffer | PushAnswer> {
  const tooLarge = { status: 413, message: `the body is larger than ${maxBody} bytes` };
  if (Number(request.headers['content-length'] ?? 0) > maxBody) return tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    const { length } = chunk as Buffer;
    if (bytes + length > maxBody) return tooLarge;
    if (budget !== undefined && !budget.take(length))
      return { status: 503, message: 'too many requests at a time', retryAfter: 1 };
    bytes += length;
    if (budget !== undefined) taken.bytes = bytes;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, bytes);
}

function asPush(request: IncomingMessage, body: Buffer): PushRequest {
  const [path = '/', ...query] = (request.url ?? '/').split('?');
  return {
    method: request.method ?? 'GET',
    path,
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    query: (name) => new URLSearchParams(query.join('?')).get(name) ?? undefined,
    body,
    client: () => clientNames(request.socket),
  };
}

function send(
  response: ServerResponse,
  {
    status,
    message,
    body: given = message === undefined ? undefined : { message },
    content,
    retryAfter,
  }: PushAnswer,
  { hangUp = false }: { readonly hangUp?: boolean } = {},
): void {
  const body =
    content?.bytes ?? Buffer.from(given === undefined ? '' : `${JSON.stringify(given)}\n`);
  const type = content?.type ?? (given === undefined ? undefined : 'application/json');
  response.writeHead(status, {
    ...(status === 204 ? {} : { 'content-length': body.length }),
    ...(type !== undefined && { 'content-type': type }),
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...(hangUp && { connection: 'close' }),
  });
  response.end(status === 204 ? undefined : body);
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const impatience = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
  await closed;
  clearTimeout(impatience);
}
