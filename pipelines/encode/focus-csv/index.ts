/** Charges as a FOCUS CSV file (RFC 4180 quoting, lines end with LF). Hot: cells are written once per distinct value. */
import { AMOUNT } from '../../focus/amounts.ts';
import type { Bytes } from '../bytes.ts';
import { appendAmount } from '../digits.ts';
import type { BatchEncoder } from '../encoder.ts';
import type { Field } from '../field.ts';
import { columnPicker, type FocusFileOptions, focusFileColumns } from '../focus-columns.ts';
import type { Plan } from '../plan.ts';
import { eachRecord, type RecordFormat, type RowsAhead, recordEncoder } from '../records.ts';

/** Settings of the encoder. */
export interface CsvEncoderOptions extends FocusFileOptions {
  /** Begin with the header line, also when there is no row. Default no. */
  readonly header?: boolean;
  /** Default 3.5 MiB. */
  readonly maxBytes?: number;
}

/** An encoder to FOCUS CSV. Null is an empty field, an empty text `""`. */
export function createCsvEncoder(options: CsvEncoderOptions): BatchEncoder {
  return recordEncoder(new CsvFormat(options), {
    maxBytes: options.maxBytes ?? 3.5 * 1024 * 1024,
    compression: 'none',
    emptyChunk: options.header === true,
  });
}

/** The header line of such a file. */
export function csvHeader(options: FocusFileOptions): string {
  return `${focusFileColumns(options).map(quotedName).join(',')}\n`;
}

class CsvFormat implements RecordFormat {
  readonly ordered = true;
  readonly write = writeCell;
  readonly tail = 0;
  readonly columns;
  #header: Uint8Array;
  #plan: Plan | undefined;

  constructor(options: CsvEncoderOptions) {
    const names = focusFileColumns(options);
    this.columns = columnPicker(names, (_, i) => (i === names.length - 1 ? '\n' : ','));
    this.#header = new TextEncoder().encode(options.header === true ? csvHeader(options) : '');
  }

  begin(plan: Plan): number {
    this.#plan = plan;
    return 0;
  }

  open(out: Bytes): void {
    out.bytes(this.#header);
    this.#header = new Uint8Array(0);
  }

  records(out: Bytes, ahead: RowsAhead): number {
    return eachRecord(out, ahead, this.#record);
  }

  readonly #record = (out: Bytes, row: number): void => {
    out.length = (this.#plan as Plan).copy(row, out.length);
  };

  close(): number {
    return 0;
  }
}

function quotedName(name: string): string {
  return /[",\r\n]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/** Appends the field and the separator behind it. */
function writeCell(out: Bytes, field: Field, code: number): void {
  const { dictionary, amounts, times, key } = field;
  if (dictionary !== undefined)
    writeText(out, field, dictionary.starts[code] as number, dictionary.ends[code] as number);
  else if (amounts !== undefined) {
    if (amounts.state[code] !== AMOUNT.null) appendAmount(out, amounts, code);
  } else out.text(times?.text(code) ?? '');
  out.append(key);
}

function writeText(out: Bytes, field: Field, start: number, end: number): void {
  if (start > end) return;
  const source = field.arena;
  let at = start;
  while (at < end && !special(source[at] as number)) at++;
  if (at === end && start < end) {
    out.reserve(end - start);
    out.copy(source, field.view, start, end);
    return;
  }
  out.reserve((end - start) * 2 + 2);
  out.byte(34);
  for (at = start; at < end; at++) {
    const byte = source[at] as number;
    if (byte === 34) out.byte(34);
    out.byte(byte);
  }
  out.byte(34);
}

/** Quote, comma, line feed, carriage return. */
function special(byte: number): boolean {
  return byte === 34 || byte === 44 || byte === 10 || byte === 13;
}
