import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { type Tls, Unavailable } from '../../../pipelines/plugin/index.ts';
import { explainNetworkError } from '../../kit/network-errors.ts';
import { readTls } from '../../kit/tls.ts';
import { rpcStatus } from './answers.ts';

/** A unary call with a message that is encoded, and maybe compressed, already. */
export interface GrpcCall {
  readonly path: string;
  readonly message: Uint8Array;
  readonly encoding: 'gzip' | 'identity';
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** What the server answered; `code` 0 is OK. */
export interface GrpcAnswer {
  readonly code: number;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
  readonly body: Uint8Array;
}

export interface GrpcClient {
  /** Throws `Unavailable` when there is no complete answer. */
  call(call: GrpcCall): Promise<GrpcAnswer>;
  close(): void;
}

/** gRPC over one kept HTTP/2 connection, made anew when it is lost or the server says goodbye. */
export function createGrpcClient(endpoint: string, tls: Tls | undefined): GrpcClient {
  let current: Promise<Connected> | undefined;
  const target = { url: endpoint, ...(tls && { tls }) };

  async function connection(timeout: AbortSignal): Promise<Connected> {
    while (current !== undefined) {
      const pending = current;
      const known = await pending.catch(() => undefined);
      if (known !== undefined && !known.leaving()) return known;
      if (current === pending) current = undefined;
    }
    current = open(endpoint, { tls, timeout });
    return await current;
  }

  return {
    async call(call) {
      const timeout = AbortSignal.timeout(call.timeoutMs);
      const { session, leave, why } = await connection(timeout);
      try {
        return await unary(session, { call, timeout });
      } catch (cause) {
        if (timeout.aborted) leave();
        const late = `no answer within ${call.timeoutMs} ms`;
        const reason = timeout.aborted ? late : (why() ?? explain(cause, target));
        throw new Unavailable(`${endpoint}: ${reason}`, { cause });
      }
    },
    close() {
      current?.then(({ session }) => session.destroy()).catch(() => undefined);
      current = undefined;
    },
  };
}

interface Connected {
  readonly session: ClientHttp2Session;
  /** No new calls; those under way may finish. */
  leave(): void;
  leaving(): boolean;
  /** Why the server ended the connection, if it said so. */
  why(): string | undefined;
}

async function open(
  endpoint: string,
  options: { readonly tls: Tls | undefined; readonly timeout: AbortSignal },
): Promise<Connected> {
  const session = connect(endpoint, { ...(await readTls(options.tls)) });
  let left = false;
  let reason: string | undefined;
  session.on('goaway', (code: number, _last: number, data?: Uint8Array) => {
    left = true;
    reason = goodbye(code, data);
  });
  const giveUp = () => session.destroy(new Error('no connection in time'));
  options.timeout.addEventListener('abort', giveUp);
  try {
    await new Promise<void>((resolve, reject) => {
      session.once('connect', () => resolve());
      session.on('error', reject);
    });
  } catch (cause) {
    throw new Unavailable(
      `${endpoint}: ${explain(cause, { url: endpoint, ...(options.tls && { tls: options.tls }) })}`,
      { cause },
    );
  } finally {
    options.timeout.removeEventListener('abort', giveUp);
  }
  return {
    session,
    leave() {
      left = true;
      session.close();
    },
    leaving: () => left || session.closed || session.destroyed,
    why: () => reason,
  };
}

const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** Sends one message; rejects with whatever ended the stream before a gRPC status came. */
function unary(
  session: ClientHttp2Session,
  { call, timeout }: { readonly call: GrpcCall; readonly timeout: AbortSignal },
): Promise<GrpcAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ...call.headers,
      ':method': 'POST',
      ':path': call.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'focusd',
      'grpc-timeout': `${Math.min(call.timeoutMs, 99_999_999)}m`,
      'grpc-accept-encoding': 'identity',
      ...(call.encoding === 'gzip' && { 'grpc-encoding': 'gzip' }),
    });
    const cancel = () => stream.close(constants.NGHTTP2_CANCEL);
    const received = collect(stream);
    let failure: Error | undefined;
    stream.on('error', (error: Error) => {
      failure ??= error;
    });
    stream.on('close', () => {
      timeout.removeEventListener('abort', cancel);
      const answer = received.answer();
      if (answer !== undefined) resolve(answer);
      else reject(failure ?? new Error(received.missing()));
    });
    if (timeout.aborted) cancel();
    else timeout.addEventListener('abort', cancel);
    stream.write(prefix(call));
    stream.end(call.message);
  });
}

/** Length-prefixed message: one byte that says whether it is compressed, four of length. */
function prefix({ message, encoding }: GrpcCall): Uint8Array {
  const bytes = Buffer.alloc(5);
  bytes[0] = encoding === 'gzip' ? 1 : 0;
  bytes.writeUInt32BE(message.length, 1);
  return bytes;
}

type Headers = Readonly<Record<string, string | string[] | number | undefined>>;

function collect(stream: ClientHttp2Stream) {
  let headers: Headers = {};
  let trailers: Headers = {};
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on('response', (received: Headers) => {
    headers = received;
  });
  stream.on('trailers', (received: Headers) => {
    trailers = received;
  });
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) stream.close(constants.NGHTTP2_CANCEL);
    else chunks.push(chunk);
  });

  return {
    answer(): GrpcAnswer | undefined {
      const all = { ...headers, ...trailers };
      const status = all['grpc-status'];
      if (status !== undefined) return { ...statusOf(all), body: unframed(Buffer.concat(chunks)) };
      const http = Number(headers[':status'] ?? 200);
      if (http === 200) return undefined;
      const message = `HTTP ${http} instead of a gRPC answer`;
      return { code: CODE_OF_HTTP[http] ?? UNKNOWN, message, retryAfterMs: undefined, body: EMPTY };
    },
    missing: () =>
      bytes > MAX_ANSWER_BYTES
        ? `the answer is larger than ${MAX_ANSWER_BYTES} bytes`
        : 'the connection was cut before the answer was complete',
  };
}

const EMPTY = new Uint8Array();
const UNKNOWN = 2;
/** How gRPC wants HTTP statuses to be read. */
const CODE_OF_HTTP: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};

function statusOf(headers: Headers): Omit<GrpcAnswer, 'body'> {
  const details = Buffer.from(String(headers['grpc-status-details-bin'] ?? ''), 'base64');
  const { retryAfterMs } = rpcStatus(details);
  const code = Number(headers['grpc-status']);
  const message = percentDecoded(String(headers['grpc-message'] ?? ''));
  return { code: Number.isInteger(code) ? code : UNKNOWN, message, retryAfterMs };
}

function percentDecoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}

/** The first message; empty when it is compressed, which was not asked for. */
function unframed(body: Buffer): Uint8Array {
  if (body.length < 5 || body[0] !== 0) return EMPTY;
  return body.subarray(5, 5 + body.readUInt32BE(1));
}

function goodbye(code: number, data: Uint8Array | undefined): string {
  const name = code === constants.NGHTTP2_ENHANCE_YOUR_CALM ? 'ENHANCE_YOUR_CALM' : `code ${code}`;
  const text = data === undefined ? '' : `: ${Buffer.from(data).toString('utf8').slice(0, 200)}`;
  return `the server ended the connection (GOAWAY, ${name}${text})`;
}

function explain(error: unknown, target: { readonly url: string; readonly tls?: Tls }): string {
  const reason = explainNetworkError(error, target);
  return /protocol error|NGHTTP2_PROTOCOL_ERROR/i.test(reason)
    ? `${reason}; is this an OTLP/gRPC endpoint? 4318 is commonly OTLP/HTTP`
    : reason;
}
