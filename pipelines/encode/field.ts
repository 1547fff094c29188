/** One column as the encoders see it: what stands with every cell, and the distinct values. Hot: plain fields. */
import type { Amounts } from '../focus/amounts.ts';
import type { AmountColumn, Column } from '../focus/batch.ts';
import { type Dictionary, SLACK } from '../focus/dictionary.ts';
import type { Times } from '../focus/times.ts';
import type { Bytes } from './bytes.ts';

/** Ready bytes that go with every cell of a column: its name, a separator. */
export interface Key {
  readonly name: string;
  /** The bytes, with SLACK readable bytes behind them. */
  readonly buffer: Uint8Array;
  readonly view: DataView;
  readonly length: number;
  /** The column holds JSON. */
  readonly json: boolean;
  /** The cells are ids that a log record has a field of its own for. */
  readonly id?: RecordId;
}

/** A field of a log record that holds an id: its tag in protobuf, its name in JSON, and how many bytes the id has. */
export interface RecordId {
  readonly tag: number;
  readonly name: string;
  readonly bytes: number;
}

/** LogRecord.trace_id, field 9, and span_id, field 10, by attribute. */
export const RECORD_IDS: Readonly<Record<string, RecordId>> = {
  'focus.x_trace_id': { tag: 0x4a, name: 'traceId', bytes: 16 },
  'focus.x_span_id': { tag: 0x52, name: 'spanId', bytes: 8 },
};

/** The id in the cell with this code; undefined when its text is not an id of that length in hex, or is all zeros. */
export function recordId(values: Dictionary, code: number, id: RecordId): Uint8Array | undefined {
  const text = values.text(code);
  if (text?.length !== id.bytes * 2) return undefined;
  const bytes = Buffer.from(text, 'hex');
  return bytes.length === id.bytes && bytes.some((byte) => byte !== 0) ? bytes : undefined;
}

/** A key from its bytes. */
export function keyOf(name: string, bytes: Uint8Array, json = false): Key {
  const buffer = new Uint8Array(bytes.length + SLACK);
  buffer.set(bytes);
  return { name, buffer, view: new DataView(buffer.buffer), length: bytes.length, json };
}

/** A column to encode. */
export interface NamedColumn {
  readonly key: Key;
  readonly column: Column;
}

/** A column of amounts to encode. */
export interface NamedAmounts extends NamedColumn {
  readonly column: AmountColumn;
}

/** Appends what the cell with this code looks like in a record; reserves its room itself. */
export type WriteCell = (out: Bytes, field: Field, code: number) => void;

/** The distinct values of a column beside its key; exactly one of the three is there. */
export class Field {
  readonly key: Key;
  readonly values: Dictionary | Amounts | Times;
  readonly dictionary: Dictionary | undefined;
  readonly amounts: Amounts | undefined;
  readonly times: Times | undefined;
  /** The dictionary's arena and a view of it, as of the last `refresh`. */
  arena: Uint8Array = NO_BYTES;
  view: DataView = NO_VIEW;

  constructor({ key, column }: NamedColumn) {
    this.key = key;
    this.values = column.values;
    this.dictionary = column.kind === 'text' ? column.values : undefined;
    this.amounts = column.kind === 'amount' ? column.values : undefined;
    this.times = column.kind === 'time' ? column.values : undefined;
    this.refresh();
  }

  /** A dictionary moves its arena when it grows: looks where it is now. */
  refresh(): void {
    const arena = this.dictionary?.arena;
    if (arena === undefined || arena === this.arena) return;
    this.arena = arena;
    this.view = new DataView(arena.buffer, arena.byteOffset, arena.byteLength);
  }
}

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(new ArrayBuffer(0));
