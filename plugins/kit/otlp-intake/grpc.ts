import { once } from 'node:events';
import {
  constants,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Server as NetServer } from 'node:net';
import { errorMessage } from '../../../pipelines/plugin/index.ts';
import { bind, certificateOf } from '../intake/bind.ts';
import { clientNames } from '../intake/client-names.ts';
import { type Listener, sameSecret } from '../intake/listener.ts';
import { CODE, exportResponse, rpcStatus } from './answers.ts';
import { type IntakeListenerOptions, RETRY_AFTER, type Signal } from './http.ts';
import type { Taken } from './take.ts';

const PATHS: Readonly<Record<Signal, string>> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
};
const STREAMS_PER_CONNECTION = 32;
const REQUEST_WITHIN_MS = 30_000;
/** Connections without a call are closed; senders open others. */
const IDLE_AFTER_MS = 600_000;
/** One byte that says whether the message is compressed, four of length. */
const PREFIX = 5;

/** OTLP/gRPC: unary exports, gzip or plain. Throws `Misconfigured` when it cannot listen. */
export async function listenForGrpc(options: IntakeListenerOptions): Promise<Listener> {
  const server = await createListener(options);
  server.maxConnections = options.maxConnections;
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session);
    session.setTimeout(IDLE_AFTER_MS, () => session.close());
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  const address = await bind(server, options);
  return {
    address,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

async function createListener(options: IntakeListenerOptions): Promise<NetServer> {
  const settings = { maxConcurrentStreams: STREAMS_PER_CONNECTION };
  const answerTo = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void =>
    void serve(stream, headers, options);
  const certificate = await certificateOf(options);
  return certificate === undefined
    ? createServer({ settings }).on('stream', answerTo)
    : createSecureServer({ settings, ...certificate }).on('stream', answerTo);
}

/** How a call ends. */
interface Answer {
  readonly code: number;
  readonly message?: string;
  readonly body?: Uint8Array;
  readonly retryAfter?: number;
}

async function serve(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  options: IntakeListenerOptions,
): Promise<void> {
  const taken = { bytes: 0 };
  stream.on('error', () => stream.destroy());
  stream.setTimeout(REQUEST_WITHIN_MS, () => stream.close(constants.NGHTTP2_CANCEL));
  try {
    const answer = await answerTo(stream, { headers, options, taken });
    if (!stream.destroyed) respond(stream, answer);
  } catch (error) {
    // Who hangs up gets no answer, and no line in the log.
    if (stream.destroyed) return;
    const reason = errorMessage(error);
    options.log.error('request could not be taken', { signal: options.signal, reason });
    respond(stream, { code: CODE.internal, message: 'internal error' });
  } finally {
    options.budget?.give(taken.bytes);
  }
}

async function answerTo(
  stream: ServerHttp2Stream,
  call: {
    readonly headers: IncomingHttpHeaders;
    readonly options: IntakeListenerOptions;
    readonly taken: { bytes: number };
  },
): Promise<Answer> {
  const { headers, options } = call;
  const { token, take } = options;
  const path = PATHS[options.signal];
  if (headers[':path'] !== path || headers[':method'] !== 'POST')
    return { code: CODE.unimplemented, message: `only ${path}` };
  if (token !== undefined && !sameSecret(headers.authorization, `Bearer ${token}`))
    return { code: CODE.unauthenticated, message: 'wrong or no bearer token' };
  const body = await bodyOf(stream, options, call.taken);
  if (!Buffer.isBuffer(body)) return body;
  const isWhole = body.length >= PREFIX && body.readUInt32BE(1) === body.length - PREFIX;
  if (!isWhole) return { code: CODE.invalid, message: 'not one whole message' };
  const encoding = body[0] === 0 ? 'identity' : headers['grpc-encoding'];
  if (encoding !== 'identity' && encoding !== 'gzip')
    return { code: CODE.unimplemented, message: 'only gzip, or no compression' };
  const client = () => clientNames(stream.session?.socket);
  return asAnswer(await take(body.subarray(PREFIX), encoding, client));
}

function asAnswer(taken: Taken): Answer {
  if (taken.kind === 'malformed') return { code: CODE.invalid, message: taken.reason };
  if (taken.kind === 'forbidden') return { code: CODE.denied, message: taken.reason };
  if (taken.kind === 'full')
    return { code: CODE.unavailable, message: taken.reason, retryAfter: RETRY_AFTER };
  return { code: 0, body: exportResponse(taken.rejected, taken.reason) };
}

async function bodyOf(
  stream: ServerHttp2Stream,
  { maxBody, budget }: IntakeListenerOptions,
  taken: { bytes: number },
): Promise<Buffer | Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    const { length } = chunk as Buffer;
    if (bytes + length > maxBody + PREFIX)
      return { code: CODE.exhausted, message: `the message is larger than ${maxBody} bytes` };
    if (budget !== undefined && !budget.take(length))
      return { code: CODE.unavailable, message: 'too many requests at a time', retryAfter: 1 };
    bytes += length;
    if (budget !== undefined) taken.bytes = bytes;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, bytes);
}

function respond(
  stream: ServerHttp2Stream,
  { code, message = '', body, retryAfter }: Answer,
): void {
  const details = rpcStatus(code, message, retryAfter);
  const status = {
    'grpc-status': String(code),
    ...(message !== '' && { 'grpc-message': encodeURIComponent(message) }),
    ...(retryAfter !== undefined && {
      'grpc-status-details-bin': Buffer.from(details).toString('base64'),
    }),
  };
  const headers = { ':status': 200, 'content-type': 'application/grpc' };
  if (body === undefined) {
    stream.respond({ ...headers, ...status }, { endStream: true });
    stream.close(constants.NGHTTP2_NO_ERROR);
    return;
  }
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32BE(body.length, 1);
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(status));
  stream.end(Buffer.concat([prefix, body]));
}
