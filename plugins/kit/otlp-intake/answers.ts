/** Answers of OTLP in protobuf: few and short, so put together by hand. */

/** Codes of gRPC (google.rpc.Code) that are answered. */
export const CODE = {
  invalid: 3,
  denied: 7,
  exhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** ExportTraceServiceResponse, and that of logs: partial_success 1 { rejected_spans 1, error_message 2 }; empty when nothing was rejected. */
export function exportResponse(rejected: number, reason: string): Uint8Array {
  if (rejected === 0) return new Uint8Array();
  const partial = Buffer.concat([Buffer.of(0x08), varint(rejected), delimited(0x12, reason)]);
  return delimited(0x0a, partial);
}

/** google.rpc.Status: code 1, message 2, details 3: a google.rpc.RetryInfo where the sender may try again after so many seconds. */
export function rpcStatus(code: number, message: string, retryAfter?: number): Uint8Array {
  const status = [Buffer.of(0x08), varint(code), delimited(0x12, message)];
  if (retryAfter !== undefined) status.push(delimited(0x1a, retryInfo(retryAfter)));
  return Buffer.concat(status);
}

/** google.protobuf.Any: type_url 1, value 2; RetryInfo: retry_delay 1; Duration: seconds 1. */
function retryInfo(seconds: number): Buffer {
  const duration = Buffer.concat([Buffer.of(0x08), varint(seconds)]);
  return Buffer.concat([
    delimited(0x0a, 'type.googleapis.com/google.rpc.RetryInfo'),
    delimited(0x12, delimited(0x0a, duration)),
  ]);
}

function delimited(tag: number, content: string | Buffer): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.of(tag), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}
