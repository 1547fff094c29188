/**
 * Charges as OTLP JSON lines: one ExportLogsServiceRequest per chunk and line, as the collector's file exporter writes
 * them. Hot: `#record` runs once per charge.
 */
import { AMOUNT } from '../../focus/amounts.ts';
import type { Batch, TextColumn, TimeColumn } from '../../focus/batch.ts';
import type { ChargeIds } from '../../focus/charge-ids.ts';
import { eventName, logAttributes, SCOPE, timestamp, UID } from '../attributes.ts';
import type { Bytes } from '../bytes.ts';
import { idsOf, UID_BYTES, writeUid } from '../charge-uid.ts';
import { INTEGER_BYTES, writeInteger } from '../digits.ts';
import type { BatchEncoder, ChargeExtras, EncoderOptions } from '../encoder.ts';
import {
  type Field,
  keyOf,
  type NamedColumn,
  RECORD_IDS,
  type RecordId,
  recordId,
} from '../field.ts';
import { appendEscaped, appendJsonString } from '../json-text.ts';
import type { Plan } from '../plan.ts';
import { eachRecord, type RecordFormat, type RowsAhead, recordEncoder } from '../records.ts';

/** An encoder to lines of OTLP JSON; a line has at most `maxBytes` (default 3.5 MiB). */
export function createJsonLogEncoder(
  options: EncoderOptions & { readonly maxBytes?: number },
): BatchEncoder {
  return recordEncoder(new JsonLogFormat(options), {
    maxBytes: options.maxBytes ?? 3.5 * 1024 * 1024,
    compression: 'none',
  });
}

const encoder = new TextEncoder();
const TAIL = encoder.encode(']}]}]}\n');
const AFTER_UID = encoder.encode('"}}],"timeUnixNano":"');
/** The milliseconds of a timestamp are followed by these to make nanoseconds. */
const AFTER_TIME = encoder.encode('000000"');
const RECORD_END = encoder.encode('},');
/** Most bytes of an id with its name. */
const RECORD_ID_BYTES = 48;

class JsonLogFormat implements RecordFormat {
  readonly ordered = false;
  readonly write = writeAttribute;
  readonly tail = TAIL.length;
  readonly #attributes = logAttributes((name, kind) => {
    const key = keyOf(name, encoder.encode(`{"key":${JSON.stringify(name)},"value":{"`));
    const id = kind === 'text' ? RECORD_IDS[name] : undefined;
    return id === undefined ? key : { ...key, id };
  });
  readonly #options: EncoderOptions;
  readonly #open: Uint8Array;
  #plan: Plan | undefined;
  #times: TimeColumn | undefined;
  #ids: ChargeIds | undefined;
  #recordIds: readonly IdColumn[] = [];
  #head = new Uint8Array(0);
  #beforeUid = new Uint8Array(0);

  constructor(options: EncoderOptions) {
    this.#options = options;
    this.#open = encoder.encode(opening(options));
  }

  columns(batch: Batch, extras: ChargeExtras): readonly NamedColumn[] {
    const columns = this.#attributes(batch, extras);
    this.#recordIds = columns.flatMap(({ key: { id }, column }) =>
      id !== undefined && column.kind === 'text' ? [{ id, column }] : [],
    );
    return columns;
  }

  begin(plan: Plan, batch: Batch, extras: ChargeExtras): number {
    const observed = `${timestamp(this.#options.observedMs)}000000`.replace(/^0+$/, '0');
    const start = `{"observedTimeUnixNano":"${observed}","eventName":"${eventName(extras)}","attributes":[`;
    this.#head = Buffer.concat([encoder.encode(start), plan.head]);
    const uid = JSON.stringify(`${this.#options.uidPrefix}-`).slice(0, -1);
    this.#beforeUid = encoder.encode(`{"key":"${UID}","value":{"stringValue":${uid}`);
    const column = batch.columns.get('ChargePeriodStart');
    this.#times = column?.kind === 'time' ? column : undefined;
    this.#ids = idsOf(extras);
    this.#plan = plan;
    const fixed = this.#head.length + this.#beforeUid.length + UID_BYTES + AFTER_UID.length;
    return (
      fixed +
      INTEGER_BYTES +
      AFTER_TIME.length +
      this.#recordIds.length * RECORD_ID_BYTES +
      RECORD_END.length
    );
  }

  open(out: Bytes): void {
    out.bytes(this.#open);
  }

  records(out: Bytes, ahead: RowsAhead): number {
    return eachRecord(out, ahead, this.#record);
  }

  readonly #record = (out: Bytes, row: number): void => {
    const { buffer } = out;
    buffer.set(this.#head, out.length);
    let end = (this.#plan as Plan).copy(row, out.length + this.#head.length);
    buffer.set(this.#beforeUid, end);
    end = writeUid(buffer, end + this.#beforeUid.length, this.#ids as ChargeIds, row);
    buffer.set(AFTER_UID, end);
    const times = this.#times;
    const ms = times === undefined ? 0 : (times.values.ms[times.codes[row] as number] as number);
    const time = timestamp(ms);
    end = writeInteger(buffer, end + AFTER_UID.length, time);
    const rest = time === 0 ? AFTER_TIME.subarray(6) : AFTER_TIME;
    buffer.set(rest, end);
    out.length = end + rest.length;
    for (const column of this.#recordIds) writeRecordId(out, column, row);
    buffer.set(RECORD_END, out.length);
    out.length += RECORD_END.length;
  };

  close(out: Bytes): number {
    out.length--;
    out.bytes(TAIL);
    return 0;
  }
}

/** A column of ids that the record has a field of its own for. */
interface IdColumn {
  readonly id: RecordId;
  readonly column: TextColumn;
}

/** Appends `,"traceId":"…"`; nothing where the cell is no id. */
function writeRecordId(out: Bytes, { id, column }: IdColumn, row: number): void {
  const bytes = recordId(column.values, column.codes[row] as number, id);
  if (bytes === undefined) return;
  out.text(`,"${id.name}":"${Buffer.from(bytes).toString('hex')}"`);
}

/** Everything before the records of a line. */
function opening({ resource, scopeVersion }: EncoderOptions): string {
  const attributes = Object.entries(resource).map(([key, value]) => ({
    key,
    value: { stringValue: value },
  }));
  const request = {
    resourceLogs: [
      {
        resource: { attributes },
        scopeLogs: [{ scope: { name: SCOPE, version: scopeVersion }, logRecords: [] }],
      },
    ],
  };
  return JSON.stringify(request).slice(0, -']}]}]}'.length);
}

const STRING = encoder.encode('stringValue":"');
const STRING_END = encoder.encode('"}},');
const DOUBLE = encoder.encode('doubleValue":');
const DOUBLE_END = encoder.encode('}},');

/** Appends `{"key":…,"value":{…}},`; nothing for null, what is not a number or time, and ids, which stand on the record itself. */
function writeAttribute(out: Bytes, field: Field, code: number): void {
  const { key, dictionary, amounts, times } = field;
  if (dictionary !== undefined) {
    const start = dictionary.starts[code] as number;
    const end = dictionary.ends[code] as number;
    if (start > end) return;
    if (key.id !== undefined && recordId(dictionary, code, key.id) !== undefined) return;
    out.append(key);
    out.bytes(STRING);
    appendEscaped(out, field, start, end);
    out.bytes(STRING_END);
  } else if (amounts !== undefined) {
    const state = amounts.state[code];
    if (state === AMOUNT.null || state === AMOUNT.invalid) return;
    out.append(key);
    out.bytes(DOUBLE);
    const value = amounts.double[code] as number;
    out.text(Number.isFinite(value) ? String(value) : `"${value}"`);
    out.bytes(DOUBLE_END);
  } else {
    const text = times?.text(code);
    if (text === undefined) return;
    out.append(key);
    out.text('stringValue":');
    appendJsonString(out, text);
    out.bytes(DOUBLE_END);
  }
}
