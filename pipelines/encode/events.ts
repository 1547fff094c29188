/** Log records beside the charges, as OTLP: few, so written plainly. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { EncodedBatch, Encoding } from '../plugin/delivery.ts';
import type { LogEvent } from '../plugin/links.ts';
import { SCOPE, timestamp } from './attributes.ts';
import { Bytes } from './bytes.ts';
import type { EncoderOptions } from './encoder.ts';

/** Encodings that have room for them. */
export type EventEncoding = Extract<Encoding, { readonly kind: 'otlp-logs' | 'otlp-json' }>;

/** Whether an exporter with this encoding takes events; another agent makes its own. */
export function takesEvents(encoding: Encoding | undefined): encoding is EventEncoding {
  if (encoding?.kind === 'otlp-logs') return encoding.forward === undefined;
  return encoding?.kind === 'otlp-json';
}

/** ExportLogsServiceRequests of at most `maxBytes` of records each, in order. */
export function* encodeEvents(
  events: Iterable<LogEvent>,
  encoding: EventEncoding,
  options: EventOptions,
): Generator<EncodedBatch> {
  const format = encoding.kind === 'otlp-logs' ? protobuf(options) : json(options);
  const maxBytes = encoding.kind === 'otlp-logs' ? encoding.maxBytes : MAX_LINE_BYTES;
  let records: Uint8Array[] = [];
  let bytes = 0;
  let sequence = 0;
  const take = (): EncodedBatch => {
    const raw = format.request(records);
    const batch = { bytes: packed(raw, encoding), rows: records.length, rawBytes: raw.length };
    records = [];
    bytes = 0;
    return { ...batch, part: 0, sequence: sequence++, costs: {} };
  };
  for (const event of events) {
    const record = format.record(event);
    if (records.length > 0 && bytes + record.length > maxBytes) yield take();
    records.push(record);
    bytes += record.length;
  }
  if (records.length > 0) yield take();
}

const MAX_LINE_BYTES = 1 << 20;

/** What stands with every event. */
export interface EventOptions
  extends Pick<EncoderOptions, 'resource' | 'scopeVersion' | 'observedMs'> {
  /** Attributes of the instrumentation scope; OTLP in protobuf only. */
  readonly scope?: Readonly<Record<string, string>>;
}

interface Format {
  record(event: LogEvent): Uint8Array;
  request(records: readonly Uint8Array[]): Uint8Array;
}

function packed(bytes: Uint8Array, encoding: EventEncoding): Uint8Array {
  if (encoding.kind === 'otlp-json' || encoding.compression === 'none') return bytes;
  return encoding.compression === 'gzip' ? gzipSync(bytes, { level: 1 }) : zstdCompressSync(bytes);
}

function nanos(ms: number): bigint {
  return BigInt(timestamp(ms)) * 1_000_000n;
}

/** LogRecord: time 1, attributes 6, trace_id 9, span_id 10, observed_time 11, event_name 12. */
function protobuf({ resource, scopeVersion, observedMs, scope: of = {} }: EventOptions): Format {
  const about = delimited(0x0a, joined(attributes(0x0a, resource)));
  const scope = delimited(
    0x0a,
    joined([
      delimited(0x0a, utf8(SCOPE)),
      delimited(0x12, utf8(scopeVersion)),
      ...attributes(0x1a, of),
    ]),
  );
  return {
    record({ name, timeMs, traceId, spanId, attributes: more }) {
      const fields = [fixed(0x09, nanos(timeMs)), ...attributes(0x32, more)];
      if (traceId !== undefined) fields.push(delimited(0x4a, traceId));
      if (spanId !== undefined) fields.push(delimited(0x52, spanId));
      fields.push(fixed(0x59, nanos(observedMs)), delimited(0x62, utf8(name)));
      return delimited(0x12, joined(fields));
    },
    request: (records) =>
      delimited(0x0a, joined([about, delimited(0x12, joined([scope, ...records]))])),
  };
}

/** KeyValue: key 1, value 2; AnyValue: string 1, bool 2, double 4. */
function attributes(tag: number, of: LogEvent['attributes']): Uint8Array[] {
  return Object.entries(of).map(([key, value]) =>
    delimited(tag, joined([delimited(0x0a, utf8(key)), delimited(0x12, anyValue(value))])),
  );
}

function anyValue(value: string | number | boolean): Uint8Array {
  if (typeof value === 'string') return delimited(0x0a, utf8(value));
  if (typeof value === 'boolean') return Uint8Array.of(0x10, Number(value));
  const bytes = Buffer.alloc(9, 0x21);
  bytes.writeDoubleLE(value, 1);
  return bytes;
}

function fixed(tag: number, value: bigint): Uint8Array {
  const bytes = Buffer.alloc(9, tag);
  bytes.writeBigUInt64LE(value, 1);
  return bytes;
}

function delimited(tag: number, content: Uint8Array): Uint8Array {
  const out = new Bytes(content.length + 8);
  out.byte(tag);
  out.varint(content.length);
  out.bytes(content);
  return out.slice();
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces);
}

function utf8(text: string): Uint8Array {
  return Buffer.from(text);
}

/** One request per line, as the charges are written. */
function json({ resource, scopeVersion, observedMs }: EventOptions): Format {
  const keyValues = (of: LogEvent['attributes']) =>
    Object.entries(of).map(([key, value]) => ({ key, value: jsonValue(value) }));
  return {
    record: ({ name, timeMs, traceId, spanId, attributes: more }) =>
      utf8(
        JSON.stringify({
          timeUnixNano: String(nanos(timeMs)),
          observedTimeUnixNano: String(nanos(observedMs)),
          eventName: name,
          ...(traceId && { traceId: Buffer.from(traceId).toString('hex') }),
          ...(spanId && { spanId: Buffer.from(spanId).toString('hex') }),
          attributes: keyValues(more),
        }),
      ),
    request(records) {
      const request = {
        resourceLogs: [
          {
            resource: { attributes: keyValues(resource) },
            scopeLogs: [{ scope: { name: SCOPE, version: scopeVersion }, logRecords: [] }],
          },
        ],
      };
      const [head = '', tail = ''] = JSON.stringify(request).split('"logRecords":[');
      const middle = records.flatMap((record, i) => (i === 0 ? [record] : [COMMA, record]));
      return joined([utf8(`${head}"logRecords":[`), ...middle, utf8(`${tail}\n`)]);
    },
  };
}

const COMMA = utf8(',');

function jsonValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  return { doubleValue: value };
}
