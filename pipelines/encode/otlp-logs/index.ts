/** Charges as OTLP log records: one ExportLogsServiceRequest (protobuf) per chunk. */
import type { Batch } from '../../focus/batch.ts';
import { forwardedAttributes } from '../../plugin/forwarded.ts';
import { eventName, logAttributes, SCOPE, timestamp, UID } from '../attributes.ts';
import { Bytes, varintSize } from '../bytes.ts';
import { idsOf, UID_BYTES } from '../charge-uid.ts';
import type { BatchEncoder, ChargeExtras, EncoderOptions } from '../encoder.ts';
import type { WriteCell } from '../field.ts';
import type { Kernel } from '../kernel.ts';
import { allot, allotWords, type Plan } from '../plan.ts';
import { type RecordFormat, type RowsAhead, recordEncoder } from '../records.ts';
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
  readonly attributes: NonNullable<RecordFormat['attributes']>;
  readonly tail = 0;
  readonly columns: RecordFormat['columns'];
  readonly #options: EncoderOptions;
  /** Charges that began before are too old for the backend, milliseconds. */
  readonly #oldestMs: number;
  readonly #resource: Uint8Array;
  readonly #scope: Uint8Array;
  /** Bytes kept free for what stands before the records. */
  readonly #room: number;
  #kernel: Kernel | undefined;

  constructor(options: LogEncoderOptions) {
    this.#options = options;
    this.#oldestMs = options.observedMs - (options.maxAgeMs ?? Number.POSITIVE_INFINITY);
    this.#resource = resourceBytes(options.resource);
    this.#scope = scopeBytes(options.scopeVersion, scopeAttributes(options));
    const exact = options.forward !== undefined;
    this.write = exact ? exactWriter() : writeAttribute;
    this.attributes = exact ? 'exact' : 'doubles';
    this.columns = logAttributes(
      (name, kind) => attributeKey(name, kind === 'amount' ? 'double' : 'string'),
      { exact },
    );
    this.#room = this.#resource.length + this.#scope.length + 12;
  }

  begin(plan: Plan, batch: Batch, extras: ChargeExtras): number {
    const { kernel } = plan;
    const prefix = `${this.#options.uidPrefix}-`;
    const head = new Bytes(plan.head.length + 128);
    const uid = new Bytes(prefix.length * 3 + 64);
    const overhead = head.buffer.length + uid.buffer.length + UID_BYTES;
    const width = overhead + plan.longest < 1 << 21 ? 3 : 4;
    head.byte(TAG.record);
    head.length += width;
    head.byte(TAG.time);
    head.length += 8;
    head.byte(TAG.observed);
    head.view.setBigUint64(
      head.length,
      BigInt(timestamp(this.#options.observedMs)) * 1_000_000n,
      true,
    );
    head.length += 8;
    head.byte(TAG.event);
    const event = eventName(extras);
    head.byte(event.length);
    head.text(event);
    head.bytes(plan.head);
    const uidWidth = beginUid(uid, prefix, UID_BYTES);
    this.#kernel = kernel;
    describe(kernel, { plan, head, width, uid, uidWidth, ...this.#perRow(kernel, batch, extras) });
    return overhead;
  }

  open(chunk: Bytes): void {
    chunk.reserve(this.#room);
    chunk.length = this.#room;
  }

  records(out: Bytes, { row, rows, enough, most }: RowsAhead): number {
    const kernel = this.#kernel as Kernel;
    const next = kernel.records(row, rows, out.length, enough, most);
    out.length = out.view.getUint32(0, true);
    return next;
  }

  /** What every row has beside its cells, in the kernel's memory. */
  #perRow({ arena }: Kernel, batch: Batch, extras: ChargeExtras): PerRow {
    const { rows } = batch;
    const { hashes, ordinals, revisions, correction } = idsOf(extras);
    const times = allot(arena, rows * 8);
    const of = new Float64Array(arena.buffer.buffer, times, rows);
    const column = batch.columns.get('ChargePeriodStart');
    if (column?.kind !== 'time') of.fill(0);
    else
      for (let row = 0; row < rows; row++) {
        const ms = column.values.ms[column.codes[row] as number] as number;
        of[row] = timestamp(ms < this.#oldestMs ? this.#options.observedMs : ms);
      }
    return {
      times,
      hashes: allotWords(arena, hashes, rows * 4),
      ordinals: allotWords(arena, ordinals, rows),
      revisions: revisions === undefined ? 0 : allotWords(arena, revisions, rows),
      correction: correction ?? 0,
    };
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

/** Positions in the kernel's memory of what every row has beside its cells; 0: there is none. */
interface PerRow {
  /** Milliseconds as doubles. */
  readonly times: number;
  readonly hashes: number;
  readonly ordinals: number;
  readonly revisions: number;
  readonly correction: number;
}

/** Says in the first words of the kernel's memory how `records` makes the records of a batch; see `assembly/records.ts`. */
function describe(
  { arena }: Kernel,
  of: PerRow & {
    readonly plan: Plan;
    /** What every record starts with. */
    readonly head: Bytes;
    /** Bytes of a record's length. */
    readonly width: number;
    /** The attribute with the id up to the hash, and bytes of each of its lengths. */
    readonly uid: Bytes;
    readonly uidWidth: number;
  },
): void {
  const head = arena.length;
  arena.bytes(of.head.slice());
  const uid = arena.length;
  arena.bytes(of.uid.slice());
  const { plan, width, uidWidth, times, hashes, ordinals, revisions, correction } = of;
  new Uint32Array(arena.buffer.buffer).set([
    ...[0, head, of.head.length, width],
    ...[uid, of.uid.length, uidWidth, UID.length],
    ...[times, hashes, ordinals, revisions, correction],
    ...[plan.start, plan.count, plan.steady.count, plan.steady.changes],
  ]);
}

/** Writes the attribute log.record.uid up to the hash. Its three lengths are written once it ends; answers how many bytes each has: one where that is enough. */
function beginUid(out: Bytes, prefix: string, more: number): number {
  const width = Buffer.byteLength(prefix) + more + UID.length + 8 < 128 ? 1 : 3;
  out.byte(TAG.attribute);
  out.length += width;
  out.byte(0x0a);
  out.byte(UID.length);
  out.text(UID);
  out.byte(0x12);
  out.length += width;
  out.byte(0x0a);
  out.length += width;
  out.text(prefix);
  return width;
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
