/** Charges as FOCUS JSON lines: nulls left out, exact amounts, JSON columns nested. Hot: cells are written once per distinct value. */
import { AMOUNT } from '../../focus/amounts.ts';
import type { Bytes } from '../bytes.ts';
import { appendAmount } from '../digits.ts';
import type { BatchEncoder } from '../encoder.ts';
import type { Field } from '../field.ts';
import { columnPicker, type FocusFileOptions, focusFileColumns } from '../focus-columns.ts';
import { appendEscaped, appendJsonString } from '../json-text.ts';
import type { Plan } from '../plan.ts';
import { eachRecord, type RecordFormat, type RowsAhead, recordEncoder } from '../records.ts';

/** An encoder to FOCUS JSON lines; a chunk has at most `maxBytes` (default 3.5 MiB). */
export function createNdjsonEncoder(
  options: FocusFileOptions & { readonly maxBytes?: number },
): BatchEncoder {
  return recordEncoder(new NdjsonFormat(options), {
    maxBytes: options.maxBytes ?? 3.5 * 1024 * 1024,
    compression: 'none',
  });
}

class NdjsonFormat implements RecordFormat {
  readonly ordered = true;
  readonly write = writeMember;
  readonly tail = 0;
  readonly columns;
  #plan: Plan | undefined;

  constructor(options: FocusFileOptions) {
    this.columns = columnPicker(focusFileColumns(options), (name) => `${JSON.stringify(name)}:`);
  }

  begin(plan: Plan): number {
    this.#plan = plan;
    return 4;
  }

  open(): void {}

  records(out: Bytes, ahead: RowsAhead): number {
    return eachRecord(out, ahead, this.#record);
  }

  readonly #record = (out: Bytes, row: number): void => {
    out.byte(123);
    let end = (this.#plan as Plan).copy(row, out.length);
    if (out.buffer[end - 1] === 44) end--;
    out.length = end;
    out.byte(125);
    out.byte(10);
  };

  close(): number {
    return 0;
  }
}

/** Appends `"name":value,`; nothing for null and what is not a number or time. */
export function writeMember(out: Bytes, field: Field, code: number): void {
  const { dictionary, amounts, times, key } = field;
  if (dictionary !== undefined) {
    const start = dictionary.starts[code] as number;
    const end = dictionary.ends[code] as number;
    if (start > end) return;
    out.append(key);
    if (!key.json || !appendNested(out, field, start, end)) {
      out.reserve(1);
      out.byte(34);
      appendEscaped(out, field, start, end);
      out.reserve(1);
      out.byte(34);
    }
  } else if (amounts !== undefined) {
    const state = amounts.state[code];
    if (state === AMOUNT.null || state === AMOUNT.invalid) return;
    out.append(key);
    appendAmount(out, amounts, code);
  } else {
    const text = times?.text(code);
    if (text === undefined) return;
    out.append(key);
    appendJsonString(out, text);
  }
  out.reserve(1);
  out.byte(44);
}

/** Appends the JSON as it stands, on one line; false when it is no JSON object or array. */
function appendNested(out: Bytes, field: Field, start: number, end: number): boolean {
  if (!isNested(Buffer.from(field.arena.buffer, field.arena.byteOffset + start, end - start)))
    return false;
  const from = out.length;
  out.reserve(end - start);
  out.copy(field.arena, field.view, start, end);
  for (let at = from; at < out.length; at++) {
    const byte = out.buffer[at];
    if (byte === 10 || byte === 13) out.buffer[at] = 32;
  }
  return true;
}

function isNested(json: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(json.toString());
    return typeof value === 'object' && value !== null;
  } catch {
    return false;
  }
}
