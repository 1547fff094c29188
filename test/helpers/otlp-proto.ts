/** OTLP logs read by protobufjs from the text of the protocol: independent of the product's encoder. */
import protobuf from 'protobufjs';

/** opentelemetry-proto 1.7: what all signals have in common (Copyright The OpenTelemetry Authors, Apache-2.0). */
export const COMMON_PROTO = `message AnyValue {
  oneof value {
    string string_value = 1;
    bool bool_value = 2;
    int64 int_value = 3;
    double double_value = 4;
    ArrayValue array_value = 5;
    KeyValueList kvlist_value = 6;
    bytes bytes_value = 7;
  }
}
message ArrayValue { repeated AnyValue values = 1; }
message KeyValueList { repeated KeyValue values = 1; }
message KeyValue { string key = 1; AnyValue value = 2; }
message InstrumentationScope {
  string name = 1;
  string version = 2;
  repeated KeyValue attributes = 3;
  uint32 dropped_attributes_count = 4;
}
message Resource { repeated KeyValue attributes = 1; uint32 dropped_attributes_count = 2; }
`;

/** opentelemetry-proto 1.7: what a logs request consists of (Copyright The OpenTelemetry Authors, Apache-2.0). */
const PROTO = `
syntax = "proto3";
package opentelemetry.proto;

${COMMON_PROTO}message LogRecord {
  reserved 4;
  fixed64 time_unix_nano = 1;
  fixed64 observed_time_unix_nano = 11;
  int32 severity_number = 2;
  string severity_text = 3;
  AnyValue body = 5;
  repeated KeyValue attributes = 6;
  uint32 dropped_attributes_count = 7;
  fixed32 flags = 8;
  bytes trace_id = 9;
  bytes span_id = 10;
  string event_name = 12;
}
message ScopeLogs {
  InstrumentationScope scope = 1;
  repeated LogRecord log_records = 2;
  string schema_url = 3;
}
message ResourceLogs {
  reserved 1000;
  Resource resource = 1;
  repeated ScopeLogs scope_logs = 2;
  string schema_url = 3;
}
message ExportLogsServiceRequest { repeated ResourceLogs resource_logs = 1; }
`;

/** A value of an attribute, as the oneof field that is set. */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly doubleValue?: number | string;
}

/** A record as it was sent; int64s are decimal texts. */
export interface OtlpRecord {
  readonly timeUnixNano?: string;
  readonly observedTimeUnixNano?: string;
  readonly eventName?: string;
  readonly severityNumber?: number;
  readonly body?: OtlpValue;
  readonly traceId?: Uint8Array;
  readonly spanId?: Uint8Array;
  readonly attributes: readonly { readonly key: string; readonly value: OtlpValue }[];
}

/** A request as it was sent. */
export interface OtlpLogs {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: OtlpRecord['attributes'] };
    readonly scopeLogs: readonly {
      readonly scope: { readonly name: string; readonly version: string };
      readonly logRecords: readonly OtlpRecord[];
    }[];
  }[];
}

const request = protobuf
  .parse(PROTO)
  .root.lookupType('opentelemetry.proto.ExportLogsServiceRequest');

/** Reads an ExportLogsServiceRequest. */
export function decodeLogs(bytes: Uint8Array): OtlpLogs {
  return request.toObject(request.decode(bytes), { longs: String, arrays: true }) as OtlpLogs;
}

/** The attributes of a record by name; throws when a name occurs twice. */
export function attributesOf({
  attributes,
}: Pick<OtlpRecord, 'attributes'>): Record<string, OtlpValue> {
  const names = attributes.map(({ key }) => key);
  if (new Set(names).size < names.length) throw new Error(`attribute twice: ${names.join(' ')}`);
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value]));
}

/** The records of a request, whatever their scope. */
export function recordsOf({ resourceLogs }: OtlpLogs): readonly OtlpRecord[] {
  return resourceLogs.flatMap(({ scopeLogs }) => scopeLogs.flatMap(({ logRecords }) => logRecords));
}
