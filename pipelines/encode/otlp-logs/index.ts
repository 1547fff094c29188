/**
 * Charges as OTLP log records: one ExportLogsServiceRequest (protobuf) per chunk. Hot: `record` runs once per charge.
 */
import type { Batch, TimeColumn } from '../../focus/batch.ts';
import type { ChargeIds } from '../../focus/charge-ids.ts';
import { forwardedAttributes } from '../../plugin/forwarded.ts';
import { eventName, logAttributes, SCOPE, timestamp, UID } from '../attributes.ts';
import { Bytes, varintSize } from '../bytes.ts';
import { idsOf, UID_BYTES, writeUid } from '../charge-uid.ts';
import type { BatchEncoder, ChargeExtras, EncoderOptions } from '../encoder.ts';
import type { WriteAmounts, WriteCell } from '../field.ts';
import type { Plan } from '../plan.ts';
import { type RecordFormat, recordEncoder } from '../records.ts';
import { writeAmounts } from './amount-rows.ts';
import { attributeKey, exactWriter, writeAttribute, writeString } from './key-values.ts';

/** Below the 4 MiB that gRPC servers commonly accept. */
export const DEFAULT_MAX_BYTES = 3.5 * 1024 * 1024;

/** Settings of the encoder. */
export interface LogEncoderOptions extends EncoderOptions {
  /** Uncompressed size of a request; default 3.5 MiB. */
  readonly maxBytes?: number;
  /** Default `none`. */
  readonly compression?: 'gzip' | 'zstd' | 'none';
  /** Records of charges that began earlier than so many milliseconds before the observed time carry that one. Absent: none do. */
  readonly maxAgeMs?: number;
  /** For another agent. */
  readonly forward?: { readonly agent: string };
}

/** An encoder to OTLP log records in protobuf. */
export function createLogEncoder(options: LogEncoderOptions): BatchEncoder {
  return recordEncoder(new LogFormat(options), {
    maxBytes: options.maxBytes ?? DEFAULT_MAX_BYTES,
    compression: options.compression ?? 'none',
  });
}

/** Tags of LogRecord: time_unix_nano 1, observed_time_unix_nano 11, event_name 12, attributes 6; of its place in ScopeLogs: 2. */
const TAG = { time: 0x09, observed: 0x59, event: 0x62, attribute: 0x32, record: 0x12 } as const;

class LogFormat implements RecordFormat {
  readonly ordered = false;
  readonly write: WriteCell;
  readonly writeAmounts?: WriteAmounts;
  readonly tail = 0;
  readonly columns: RecordFormat['columns'];
  readonly #options: EncoderOptions;
  /** Charges that began before are too old for the backend, milliseconds. */
  readonly #oldestMs: number;
  readonly #resource: Uint8Array;
  readonly #scope: Uint8Array;
  /** Bytes kept free for what stands before the records. */
  readonly #room: number;
  #plan: Plan | undefined;
  #times: TimeColumn | undefined;
  #ids: ChargeIds | undefined;
  /** How every record of the batch begins, up to the hash in its id. */
  #head = new Uint8Array(0);
  #uid = { start: 0, width: 1 };
  /** Bytes of a record's length, a padded varint. */
  #lengthWidth = 3;

  constructor(options: LogEncoderOptions) {
    this.#options = options;
    this.#oldestMs = options.observedMs - (options.maxAgeMs ?? Number.POSITIVE_INFINITY);
    this.#resource = resourceBytes(options.resource);
    this.#scope = scopeBytes(options.scopeVersion, scopeAttributes(options));
    const exact = options.forward !== undefined;
    this.write = exact ? exactWriter() : writeAttribute;
    if (!exact) this.writeAmounts = writeAmounts;
    this.columns = logAttributes(
      (name, kind) => attributeKey(name, kind === 'amount' ? 'double' : 'string'),
      { exact },
    );
    this.#room = this.#resource.length + this.#scope.length + 12;
  }

  begin(plan: Plan, batch: Batch, extras: ChargeExtras): number {
    const constants = plan.takeHead();
    const uid = `${this.#options.uidPrefix}-`;
    this.#plan = plan;
    this.#ids = idsOf(extras);
    this.#times = timesOf(batch);
    const head = new Bytes(constants.length + uid.length * 3 + 128);
    const overhead = head.buffer.length + UID_BYTES;
    this.#lengthWidth = overhead + plan.longest() < 1 << 21 ? 3 : 4;
    head.byte(TAG.record);
    head.length += this.#lengthWidth;
    head.byte(TAG.time);
    head.length += 8;
    head.byte(TAG.observed);
    writeNanos(head.view, head.length, timestamp(this.#options.observedMs));
    head.length += 8;
    head.byte(TAG.event);
    const event = eventName(extras);
    head.byte(event.length);
    head.text(event);
    head.bytes(constants);
    this.#uid = beginUid(head, uid, UID_BYTES);
    this.#head = head.slice();
    return overhead;
  }

  open(out: Bytes): void {
    out.reserve(this.#room);
    out.length = this.#room;
  }

  record(out: Bytes, row: number): void {
    const { buffer, view, length: start } = out;
    const head = this.#head;
    const width = this.#lengthWidth;
    buffer.set(head, start);
    const times = this.#times;
    const ms = times === undefined ? 0 : (times.values.ms[times.codes[row] as number] as number);
    const time = ms < this.#oldestMs ? this.#options.observedMs : ms;
    writeNanos(view, start + width + 2, timestamp(time));
    let end = writeUid(buffer, start + head.length, this.#ids as ChargeIds, row);
    endUid(buffer, start, end, this.#uid);
    end = (this.#plan as Plan).copy(row, end);
    padded(buffer, start + 1, width, end - start - 1 - width);
    out.length = end;
  }

  close(out: Bytes): number {
    const records = out.length - this.#room;
    const scopeLogs = this.#scope.length + records;
    const resourceLogs = this.#resource.length + 1 + varintSize(scopeLogs) + scopeLogs;
    const header = new Bytes(this.#room);
    header.byte(0x0a);
    header.varint(resourceLogs);
    header.bytes(this.#resource);
    header.byte(0x12);
    header.varint(scopeLogs);
    header.bytes(this.#scope);
    const start = this.#room - header.length;
    out.buffer.set(header.slice(), start);
    return start;
  }
}

function timesOf(batch: Batch): TimeColumn | undefined {
  const column = batch.columns.get('ChargePeriodStart');
  return column?.kind === 'time' ? column : undefined;
}

/** The attribute log.record.uid up to the hash. Its three lengths are patched by `endUid`; one byte each where that is enough. */
function beginUid(head: Bytes, prefix: string, more: number): { start: number; width: number } {
  const start = head.length;
  const width = Buffer.byteLength(prefix) + more + UID.length + 8 < 128 ? 1 : 3;
  head.byte(TAG.attribute);
  head.length += width;
  head.byte(0x0a);
  head.byte(UID.length);
  head.text(UID);
  head.byte(0x12);
  head.length += width;
  head.byte(0x0a);
  head.length += width;
  head.text(prefix);
  return { start, width };
}

function endUid(
  buffer: Uint8Array,
  record: number,
  end: number,
  { start, width }: { readonly start: number; readonly width: number },
): void {
  const keyValue = record + start + 1;
  const value = keyValue + width + 2 + UID.length + 1;
  const text = value + width + 1;
  padded(buffer, keyValue, width, end - keyValue - width);
  padded(buffer, value, width, end - value - width);
  padded(buffer, text, width, end - text - width);
}

/** A varint of exactly `width` bytes. */
function padded(buffer: Uint8Array, at: number, width: number, value: number): void {
  let rest = value;
  for (let i = 0; i < width - 1; i++) {
    buffer[at + i] = (rest & 127) | 128;
    rest >>>= 7;
  }
  buffer[at + width - 1] = rest;
}

/** Milliseconds as nanoseconds in a little-endian fixed64: exact in two halves, without BigInt. */
function writeNanos(view: DataView, at: number, ms: number): void {
  const high = Math.floor(ms / 4294967296);
  const low = (ms - high * 4294967296) * 1e6;
  const carry = Math.floor(low / 4294967296);
  view.setUint32(at, low - carry * 4294967296, true);
  view.setUint32(at + 4, high * 1e6 + carry, true);
}

/** Field 1 of ResourceLogs: Resource with its attributes (field 1 there; written as log attributes, then tagged anew). */
function resourceBytes(resource: Readonly<Record<string, string>>): Uint8Array {
  return tagged(0x0a, attributeBytes(0x0a, resource));
}

/** String attributes as the field of that tag. */
function attributeBytes(tag: number, of: Readonly<Record<string, string>>): Uint8Array {
  const attributes = new Bytes();
  for (const [name, value] of Object.entries(of)) {
    const start = attributes.length;
    writeString(attributes, attributeKey(name, 'string'), value);
    attributes.buffer[start] = tag;
  }
  return attributes.slice();
}

/** Of the scope: which delivery it is, for another agent. */
function scopeAttributes({
  forward,
  forwarded,
}: LogEncoderOptions): Readonly<Record<string, string>> {
  if (forward === undefined) return {};
  if (forwarded === undefined) throw new Error('nobody said which delivery is forwarded');
  return forwardedAttributes({ ...forwarded, ...forward });
}

/** Field 1 of ScopeLogs: InstrumentationScope with name, version and attributes. */
function scopeBytes(version: string, attributes: Readonly<Record<string, string>>): Uint8Array {
  const encoder = new TextEncoder();
  const scope = new Bytes();
  scope.bytes(tagged(0x0a, encoder.encode(SCOPE)));
  scope.bytes(tagged(0x12, encoder.encode(version)));
  scope.bytes(attributeBytes(0x1a, attributes));
  return tagged(0x0a, scope.slice());
}

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const out = new Bytes(bytes.length + 8);
  out.byte(tag);
  out.varint(bytes.length);
  out.bytes(bytes);
  return out.slice();
}
