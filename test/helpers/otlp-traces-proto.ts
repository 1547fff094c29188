/** OTLP traces written and read by protobufjs from the text of the protocol: independent of the product's reader. */
import protobuf from 'protobufjs';
import { COMMON_PROTO } from './otlp-proto.ts';

/** opentelemetry-proto 1.7: what a traces request consists of (Copyright The OpenTelemetry Authors, Apache-2.0). */
const PROTO = `
syntax = "proto3";
package opentelemetry.proto;

${COMMON_PROTO}message Status { reserved 1; string message = 2; int32 code = 3; }
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; uint32 dropped_attributes_count = 4; }
message Link { bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; repeated KeyValue attributes = 4; uint32 dropped_attributes_count = 5; fixed32 flags = 6; }
message Span {
  bytes trace_id = 1;
  bytes span_id = 2;
  string trace_state = 3;
  bytes parent_span_id = 4;
  fixed32 flags = 16;
  string name = 5;
  int32 kind = 6;
  fixed64 start_time_unix_nano = 7;
  fixed64 end_time_unix_nano = 8;
  repeated KeyValue attributes = 9;
  uint32 dropped_attributes_count = 10;
  repeated Event events = 11;
  uint32 dropped_events_count = 12;
  repeated Link links = 13;
  uint32 dropped_links_count = 14;
  Status status = 15;
}
message ScopeSpans { InstrumentationScope scope = 1; repeated Span spans = 2; string schema_url = 3; }
message ResourceSpans { reserved 1000; Resource resource = 1; repeated ScopeSpans scope_spans = 2; string schema_url = 3; }
message ExportTraceServiceRequest { repeated ResourceSpans resource_spans = 1; }
message ExportTracePartialSuccess { int64 rejected_spans = 1; string error_message = 2; }
message ExportTraceServiceResponse { ExportTracePartialSuccess partial_success = 1; }
message RpcStatus { int32 code = 1; string message = 2; repeated Any details = 3; }
message Any { string type_url = 1; bytes value = 2; }
`;

/** A value of an attribute. */
export type AttributeValue = string | number | boolean;

/** A span as a test writes it; times in nanoseconds. */
export interface TestSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentSpanId?: Uint8Array;
  readonly traceState?: string;
  readonly flags?: number;
  readonly name?: string;
  readonly kind?: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  readonly status?: { readonly message?: string; readonly code?: number };
  readonly events?: number;
}

/** Spans of one resource. */
export interface TestResource {
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly spans: readonly TestSpan[];
}

const { root } = protobuf.parse(PROTO);
const of = (name: string) => root.lookupType(`opentelemetry.proto.${name}`);
const request = of('ExportTraceServiceRequest');

/** An ExportTraceServiceRequest. */
export function encodeTraces(resources: readonly TestResource[]): Buffer {
  const resourceSpans = resources.map(({ attributes, spans }) => ({
    resource: { attributes: keyValues(attributes) },
    scopeSpans: [{ scope: { name: 'test', version: '1' }, spans: spans.map(message) }],
    schemaUrl: 'https://opentelemetry.io/schemas/1.37.0',
  }));
  return Buffer.from(request.encode(request.fromObject({ resourceSpans })).finish());
}

/** Reads the same request whole, for comparisons of speed. */
export function decodeTraces(bytes: Uint8Array): protobuf.Message {
  return request.decode(bytes);
}

/** What was rejected, by an ExportTraceServiceResponse. */
export function decodePartialSuccess(bytes: Uint8Array): {
  readonly rejectedSpans: number;
  readonly errorMessage: string;
} {
  const type = of('ExportTraceServiceResponse');
  const { partialSuccess } = type.toObject(type.decode(bytes), { longs: Number, defaults: false });
  return { rejectedSpans: 0, errorMessage: '', ...partialSuccess };
}

/** A google.rpc.Status. */
export function decodeStatus(bytes: Uint8Array): {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly { readonly typeUrl: string }[];
} {
  const type = of('RpcStatus');
  return type.toObject(type.decode(bytes)) as ReturnType<typeof decodeStatus>;
}

function message(span: TestSpan): object {
  const { start, end, attributes = {}, events = 0, ...rest } = span;
  return {
    ...rest,
    name: span.name ?? 'GET /cart',
    startTimeUnixNano: String(start),
    endTimeUnixNano: String(end),
    attributes: keyValues(attributes),
    events: Array.from({ length: events }, (_, i) => ({
      timeUnixNano: String(start),
      name: `event ${i}`,
      attributes: keyValues({ 'exception.type': 'Error' }),
    })),
  };
}

function keyValues(attributes: Readonly<Record<string, AttributeValue>>): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));
}

function anyValue(value: AttributeValue): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return Number.isInteger(value) ? { intValue: value } : { doubleValue: value };
}
