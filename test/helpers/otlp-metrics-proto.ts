/** OTLP metrics and answers read and written by protobufjs from the text of the protocol: independent of the product. */
import protobuf from 'protobufjs';

/** opentelemetry-proto 1.7 and google.rpc, as far as needed (Copyright The OpenTelemetry Authors, Google; Apache-2.0). */
const PROTO = `
syntax = "proto3";
package t;

message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; } }
message KeyValue { string key = 1; AnyValue value = 2; }
message Resource { repeated KeyValue attributes = 1; }
message Scope { string name = 1; string version = 2; }
message Exemplar { fixed64 time_unix_nano = 2; double as_double = 3; bytes span_id = 4; bytes trace_id = 5; }
message NumberDataPoint {
  repeated Exemplar exemplars = 5;
  repeated KeyValue attributes = 7;
  fixed64 start_time_unix_nano = 2;
  fixed64 time_unix_nano = 3;
  oneof value { double as_double = 4; sfixed64 as_int = 6; }
}
message Gauge { repeated NumberDataPoint data_points = 1; }
message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
message Metric { string name = 1; string description = 2; string unit = 3; oneof data { Gauge gauge = 5; Sum sum = 7; } }
message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
message ExportMetricsServiceRequest { repeated ResourceMetrics resource_metrics = 1; }

message PartialSuccess { int64 rejected = 1; string error_message = 2; }
message ExportResponse { PartialSuccess partial_success = 1; }

message Any { string type_url = 1; bytes value = 2; }
message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message RetryInfo { Duration retry_delay = 1; }
`;

const { root } = protobuf.parse(PROTO);

/** A point as it was sent. */
export interface OtlpPoint {
  readonly attributes: Readonly<Record<string, string | boolean | undefined>>;
  readonly start: string;
  readonly time: string;
  readonly value: number | undefined;
  /** `undefined` where it has none; ids in hex. */
  readonly exemplars?: readonly {
    readonly time: string;
    readonly value: number | undefined;
    readonly traceId: string;
    readonly spanId: string;
  }[];
}

/** A metric as it was sent. */
export interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum';
  /** 2 is cumulative; of a sum. */
  readonly temporality: number | undefined;
  readonly monotonic: boolean | undefined;
  readonly points: readonly OtlpPoint[];
}

interface RawPoint {
  readonly attributes?: readonly {
    readonly key: string;
    readonly value?: { readonly stringValue?: string; readonly boolValue?: boolean };
  }[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
  readonly asDouble?: number;
  readonly exemplars?: readonly {
    readonly timeUnixNano: string;
    readonly asDouble?: number;
    /** Bytes of protobuf, hex of JSON. */
    readonly traceId: Uint8Array | string;
    readonly spanId: Uint8Array | string;
  }[];
}

interface RawData {
  readonly dataPoints?: readonly RawPoint[];
  readonly aggregationTemporality?: number;
  readonly isMonotonic?: boolean;
}

interface RawRequest {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly {
      readonly metrics: readonly {
        readonly name: string;
        readonly unit: string;
        readonly gauge?: RawData;
        readonly sum?: RawData;
      }[];
    }[];
  }[];
}

/** Reads an ExportMetricsServiceRequest. */
export function decodeMetrics(bytes: Uint8Array): readonly OtlpMetric[] {
  const type = root.lookupType('t.ExportMetricsServiceRequest');
  return metricsOf(type.toObject(type.decode(bytes), { longs: String }) as RawRequest);
}

/** The same of OTLP JSON. */
export function metricsOf(request: RawRequest): readonly OtlpMetric[] {
  return request.resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    .map(({ name, unit, gauge, sum }) => ({
      name,
      unit,
      kind: gauge === undefined ? 'sum' : 'gauge',
      temporality: sum?.aggregationTemporality,
      monotonic: sum === undefined ? undefined : (sum.isMonotonic ?? false),
      points: ((gauge ?? sum)?.dataPoints ?? []).map(pointOf),
    }));
}

function pointOf(point: RawPoint): OtlpPoint {
  return {
    attributes: Object.fromEntries(
      (point.attributes ?? []).map(({ key, value }) => [
        key,
        value?.stringValue ?? value?.boolValue,
      ]),
    ),
    start: point.startTimeUnixNano,
    time: point.timeUnixNano,
    value: point.asDouble,
    ...(point.exemplars !== undefined && {
      exemplars: point.exemplars.map(({ timeUnixNano, asDouble, traceId, spanId }) => ({
        time: timeUnixNano,
        value: asDouble,
        traceId: hex(traceId),
        spanId: hex(spanId),
      })),
    }),
  };
}

function hex(id: Uint8Array | string): string {
  return typeof id === 'string' ? id : Buffer.from(id).toString('hex');
}

/** An ExportLogsServiceResponse or ExportMetricsServiceResponse. */
export function encodePartialSuccess(rejected: number, errorMessage: string): Uint8Array {
  return encode('ExportResponse', { partialSuccess: { rejected, errorMessage } });
}

/** A google.rpc.Status, with RetryInfo when a delay is given. */
export function encodeStatus(
  message: string,
  delay?: { readonly seconds: number; readonly nanos: number },
): Uint8Array {
  const value = encode('RetryInfo', { retryDelay: delay });
  const details = [{ typeUrl: 'type.googleapis.com/google.rpc.RetryInfo', value }];
  return encode('Status', { code: 8, message, details: delay === undefined ? [] : details });
}

function encode(name: string, value: object): Uint8Array {
  const type = root.lookupType(`t.${name}`);
  return type.encode(type.fromObject(value)).finish();
}
