import { Misconfigured, Rejected, Unavailable } from '../../../pipelines/plugin/index.ts';
import { fields, text } from './protobuf.ts';

/** What the backend took only in part. */
export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** Partial success of an ExportLogsServiceResponse or ExportMetricsServiceResponse. */
export function partialSuccess(response: Uint8Array): PartialSuccess {
  let rejected = 0;
  let message = '';
  for (const outer of fields(response)) {
    if (outer.number !== 1) continue;
    for (const { number, varint, bytes } of fields(outer.bytes)) {
      if (number === 1) rejected = Number(BigInt.asIntN(64, varint));
      if (number === 2) message = text(bytes);
    }
  }
  return { rejected: Math.max(0, rejected), message };
}

/** The same of a JSON answer. */
export function partialSuccessOfJson(response: string): PartialSuccess {
  const parsed = record(record(parseJson(response)).partialSuccess);
  const rejected = Number(parsed.rejectedLogRecords ?? parsed.rejectedDataPoints ?? 0);
  const message = parsed.errorMessage;
  return {
    rejected: Number.isFinite(rejected) ? Math.max(0, rejected) : 0,
    message: typeof message === 'string' ? message : '',
  };
}

/** A google.rpc.Status: its message, and the delay its RetryInfo asks for. */
export function rpcStatus(status: Uint8Array): {
  readonly message: string;
  readonly retryAfterMs: number | undefined;
} {
  let message = '';
  let retryAfterMs: number | undefined;
  for (const { number, bytes } of fields(status)) {
    if (number === 2) message = text(bytes);
    if (number === 3) retryAfterMs = retryInfo(bytes) ?? retryAfterMs;
  }
  return { message, retryAfterMs };
}

/** A gRPC call that did not answer OK. */
export interface GrpcFailure {
  readonly code: number;
  readonly message: string;
  /** What RetryInfo asks for. */
  readonly retryAfterMs: number | undefined;
}

/**
 * `Unavailable` for the codes that the OTLP specification lets be retried. `Misconfigured` where the backend refuses us and not the data:
 * a bill must not become dead letters because a token expired. Else `Rejected`.
 */
export function grpcError({ code, message, retryAfterMs }: GrpcFailure, what: string): Error {
  const full = `${what}: ${GRPC_CODES[code] ?? code}${message === '' ? '' : `: ${message}`}`;
  if (RETRYABLE_GRPC.has(code) || (code === RESOURCE_EXHAUSTED && retryAfterMs !== undefined)) {
    return new Unavailable(full, retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs });
  }
  if (REFUSES_US_GRPC.has(code)) return refused(full);
  return new Rejected(code === RESOURCE_EXHAUSTED ? `${full} (${TOO_LARGE_HINT})` : full);
}

/** An HTTP status that is not 2xx. */
export interface HttpFailure {
  readonly status: number;
  readonly message: string;
  readonly retryAfterMs: number | undefined;
}

/** `Unavailable` for 429, 502, 503 and 504, `Misconfigured` for 401, 403 and 404, else `Rejected`. */
export function httpError({ status, message, retryAfterMs }: HttpFailure, what: string): Error {
  const full = `${what}: HTTP ${status}${message === '' ? '' : `: ${message}`}`;
  if (RETRYABLE_HTTP.has(status)) {
    return new Unavailable(full, retryAfterMs === undefined ? {} : { retryAfter: retryAfterMs });
  }
  if (REFUSES_US_HTTP.has(status) || WANTS_TLS.test(message)) return refused(full);
  return new Rejected(status === 413 ? `${full} (${TOO_LARGE_HINT})` : full);
}

const GRPC_CODES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;
const RESOURCE_EXHAUSTED = 8;
/** CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS. */
const RETRYABLE_GRPC: ReadonlySet<number> = new Set([1, 4, 10, 11, 14, 15]);
const RETRYABLE_HTTP: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** PERMISSION_DENIED, UNIMPLEMENTED, UNAUTHENTICATED. */
const REFUSES_US_GRPC: ReadonlySet<number> = new Set([7, 12, 16]);
const REFUSES_US_HTTP: ReadonlySet<number> = new Set([401, 403, 404]);
/** What Go and nginx answer, with 400, where it should be https:// and not http://. */
const WANTS_TLS = /an HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port/;

function refused(message: string): Misconfigured {
  return new Misconfigured(message, {
    path: 'exporters.otlp',
    hint: 'check endpoint, protocol, headers and tls; the bill is sent again once the backend lets us in',
  });
}

const TOO_LARGE_HINT = 'if the message is too large, lower logs.max_batch_bytes';
const RETRY_INFO = 'google.rpc.RetryInfo';

/** Delay in a google.protobuf.Any that holds a RetryInfo. */
function retryInfo(any: Uint8Array): number | undefined {
  let type = '';
  let value: Uint8Array = new Uint8Array();
  for (const { number, bytes } of fields(any)) {
    if (number === 1) type = text(bytes);
    if (number === 2) value = bytes;
  }
  if (!type.endsWith(`/${RETRY_INFO}`)) return undefined;
  for (const { number, bytes } of fields(value)) if (number === 1) return duration(bytes);
  return 0;
}

function duration(message: Uint8Array): number {
  let ms = 0;
  for (const { number, varint } of fields(message)) {
    if (number === 1) ms += Number(BigInt.asIntN(64, varint)) * 1000;
    if (number === 2) ms += Number(BigInt.asIntN(32, varint)) / 1e6;
  }
  return Math.max(0, Math.round(ms));
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
