/** OTLP attributes as protobuf bytes. Hot. */
import { AMOUNT } from '../../focus/amounts.ts';
import type { Dictionary } from '../../focus/dictionary.ts';
import { EXACT } from '../../plugin/forwarded.ts';
import { Bytes, varintSize } from '../bytes.ts';
import {
  type Field,
  type Key,
  keyOf,
  RECORD_IDS,
  type RecordId,
  recordId,
  type WriteCell,
} from '../field.ts';

/** LogRecord.attributes, field 6. */
const ATTRIBUTES = 0x32;
/** KeyValue.value, field 2; AnyValue.string_value, field 1; AnyValue.double_value, field 4. */
const VALUE = 0x12;
const STRING_VALUE = 0x0a;
const DOUBLE_VALUE = 0x21;

/**
 * What stands with every attribute of a name. Of a double all but the eight bytes of the value:
 * `attributes`, length, key, `value`, length, `double_value`; of a string `key` and the tag of `value`.
 */
export function attributeKey(name: string, kind: 'double' | 'string'): Key {
  const key = new Bytes();
  key.text(name);
  const size = key.length;
  const out = new Bytes();
  out.reserve(size + 24);
  if (kind === 'double') {
    out.byte(ATTRIBUTES);
    out.varint(1 + varintSize(size) + size + 11);
  }
  out.byte(0x0a);
  out.varint(size);
  out.bytes(key.slice());
  out.byte(VALUE);
  if (kind === 'double') {
    out.byte(9);
    out.byte(DOUBLE_VALUE);
  }
  const id = kind === 'string' ? RECORD_IDS[name] : undefined;
  return id === undefined ? keyOf(name, out.slice()) : { ...keyOf(name, out.slice()), id };
}

/** Appends the attribute of a cell; nothing for null and what is not a number or time. */
export function writeAttribute(out: Bytes, field: Field, code: number): void {
  if (field.dictionary !== undefined) writeText(out, field, field.dictionary, code);
  else if (field.amounts !== undefined) {
    const state = field.amounts.state[code];
    if (state === AMOUNT.null || state === AMOUNT.invalid) return;
    const { buffer, view, length } = field.key;
    out.reserve(length + 8);
    out.copy(buffer, view, 0, length);
    out.float64((field.amounts.double[code] as number) + 0);
  } else writeString(out, field.key, field.times?.text(code));
}

/** `writeAttribute`, and for a number that its double does not state exactly another attribute with its text. */
export function exactWriter(): WriteCell {
  const keys = new Map<Key, Key>();
  return (out, field, code) => {
    writeAttribute(out, field, code);
    const text = field.amounts?.text(code);
    if (text === undefined || text === String(field.amounts?.double[code])) return;
    let key = keys.get(field.key);
    if (key === undefined) {
      key = attributeKey(`${EXACT}${field.key.name.replace(/^focus\./, '')}`, 'string');
      keys.set(field.key, key);
    }
    writeString(out, key, text);
  };
}

/** Appends a string attribute; nothing when there is no value. */
export function writeString(out: Bytes, key: Key, value: string | undefined): void {
  if (value === undefined) return;
  const text = new Bytes(value.length * 3);
  text.text(value);
  begin(out, key, text.length);
  out.bytes(text.slice());
}

function writeText(out: Bytes, field: Field, values: Dictionary, code: number): void {
  const start = values.starts[code] as number;
  const end = values.ends[code] as number;
  if (start > end) return;
  if (field.key.id !== undefined && writeId(out, values, { code, of: field.key.id })) return;
  begin(out, field.key, end - start);
  out.copy(field.arena, field.view, start, end);
}

/** Appends the id as a field of the record itself; false when it is none. */
function writeId(
  out: Bytes,
  values: Dictionary,
  { code, of }: { readonly code: number; readonly of: RecordId },
): boolean {
  const id = recordId(values, code, of);
  if (id === undefined) return false;
  out.reserve(of.bytes + 2);
  out.byte(of.tag);
  out.byte(of.bytes);
  out.bytes(id);
  return true;
}

/** Everything before the text itself. */
function begin(out: Bytes, key: Key, size: number): void {
  const value = 1 + varintSize(size) + size;
  out.reserve(key.length + value + 16);
  out.byte(ATTRIBUTES);
  out.varint(key.length + varintSize(value) + value);
  out.copy(key.buffer, key.view, 0, key.length);
  out.varint(value);
  out.byte(STRING_VALUE);
  out.varint(size);
}
