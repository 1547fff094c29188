import {
  type ListenerOptions,
  listen,
  type PushAnswer,
  type PushRequest,
  sameSecret,
} from '../intake/listener.ts';
import { CODE, exportResponse, rpcStatus } from './answers.ts';
import type { Take } from './take.ts';

/** What is exported by OTLP. */
export type Signal = 'traces' | 'logs';

/** Where it listens, and what for. */
export interface IntakeListenerOptions extends Omit<ListenerOptions, 'handle'> {
  readonly signal: Signal;
  readonly take: Take;
  /** Asked for as `authorization: Bearer …`; undefined: everybody may send. */
  readonly token: string | undefined;
}

const PROTOBUF = 'application/x-protobuf';
/** Seconds after which a sender may try again. */
export const RETRY_AFTER = 5;

/** OTLP/HTTP with protobuf bodies: `POST /v1/traces` or `/v1/logs`, gzip or plain. Throws `Misconfigured` when it cannot listen. */
export function listenForHttp({ signal, take, token, ...options }: IntakeListenerOptions) {
  return listen({ ...options, handle: (request) => answer(request, { signal, take, token }) });
}

async function answer(
  request: PushRequest,
  { signal, take, token }: Pick<IntakeListenerOptions, 'signal' | 'take' | 'token'>,
): Promise<PushAnswer> {
  const path = `/v1/${signal}`;
  if (request.path !== path) return { status: 404, message: `only ${path}` };
  if (request.method !== 'POST') return { status: 405, message: 'only POST' };
  if (token !== undefined && !sameSecret(request.header('authorization'), `Bearer ${token}`))
    return refused(401, CODE.unauthenticated, 'wrong or no bearer token');
  if (request.header('content-type')?.split(';', 1)[0]?.trim() !== PROTOBUF)
    return { status: 415, message: `only ${PROTOBUF}` };
  const encoding = request.header('content-encoding') ?? 'identity';
  if (encoding !== 'gzip' && encoding !== 'identity')
    return refused(415, CODE.invalid, 'only gzip, or no compression');
  const taken = await take(request.body, encoding, () => request.client());
  if (taken.kind === 'malformed') return refused(400, CODE.invalid, taken.reason);
  if (taken.kind === 'forbidden') return refused(403, CODE.denied, taken.reason);
  if (taken.kind === 'full')
    return { ...refused(503, CODE.unavailable, taken.reason), retryAfter: RETRY_AFTER };
  return { status: 200, content: protobuf(exportResponse(taken.rejected, taken.reason)) };
}

function refused(status: number, code: number, message: string): PushAnswer {
  return { status, content: protobuf(rpcStatus(code, message)) };
}

function protobuf(bytes: Uint8Array): { readonly type: string; readonly bytes: Uint8Array } {
  return { type: PROTOBUF, bytes };
}
