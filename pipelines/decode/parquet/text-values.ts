import { isUtf8 } from 'node:buffer';
import type { SchemaElement } from 'hyparquet';

/** Times as Parquet stores them, as milliseconds. */
export type ReadTime = (view: DataView, start: number) => number;

/** Values that are neither numbers nor points in time, as text. */
export type ReadText = (view: DataView, start: number, end: number) => string;

const DAY = 86_400_000;
/** Dates beyond this are not times. */
const LAST_MS = 8.64e15;
/** Julian day of 1970-01-01. */
const JULIAN_EPOCH = 2_440_588;

/** How values of a time column become milliseconds; undefined when the column holds no points in time. */
export function timeReader(element: SchemaElement): ReadTime | undefined {
  const read = millisecondReader(element);
  if (read === undefined) return undefined;
  return (view, start) => {
    const ms = read(view, start);
    return ms >= -LAST_MS && ms <= LAST_MS ? ms : Number.POSITIVE_INFINITY;
  };
}

function millisecondReader(element: SchemaElement): ReadTime | undefined {
  const logical = element.logical_type;
  const converted = element.converted_type;
  if (element.type === 'INT96') return int96;
  if (element.type === 'INT32' && (logical?.type === 'DATE' || converted === 'DATE'))
    return (view, start) => view.getInt32(start, true) * DAY;
  if (element.type !== 'INT64') return undefined;
  const unit = logical?.type === 'TIMESTAMP' ? logical.unit : undefined;
  if (unit === 'NANOS')
    return (view, start) => Math.floor(Number(view.getBigInt64(start, true) / 1000n) / 1000);
  if (unit === 'MICROS' || converted === 'TIMESTAMP_MICROS')
    return (view, start) => Math.floor(int64(view, start) / 1000);
  if (unit === 'MILLIS' || converted === 'TIMESTAMP_MILLIS') return int64;
  return undefined;
}

/** How values of other columns become text; undefined: their bytes are the text. */
export function textReader(element: SchemaElement): ReadText | undefined {
  const logical = element.logical_type;
  const converted = element.converted_type;
  if (logical?.type === 'TIME' || converted === 'TIME_MILLIS' || converted === 'TIME_MICROS')
    return timeOfDay(element);
  if (element.type !== 'FIXED_LEN_BYTE_ARRAY') return undefined;
  if (logical?.type === 'FLOAT16' || logical?.type === 'DECIMAL' || converted === 'DECIMAL')
    return undefined;
  return logical?.type === 'UUID' ? uuid : hex;
}

/** The bytes as text; what is not UTF-8 in them becomes U+FFFD. */
export function decodeText(view: DataView, start: number, end: number): string {
  return decoder.decode(new Uint8Array(view.buffer, view.byteOffset + start, end - start));
}

/** Whether the bytes are UTF-8. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++)
    if ((bytes[at] as number) > 127) return isUtf8(bytes.subarray(at, end));
  return true;
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Exact up to 2^53, which is enough for milliseconds of any date and microseconds until the year 2255. */
function int64(view: DataView, start: number): number {
  const high = view.getInt32(start + 4, true);
  if (high < -0x200000 || high >= 0x200000) return Number(view.getBigInt64(start, true));
  return high * 4294967296 + view.getUint32(start, true);
}

/** Nanoseconds of the day, then the Julian day. */
function int96(view: DataView, start: number): number {
  const day = view.getInt32(start + 8, true) - JULIAN_EPOCH;
  return day * DAY + Math.floor(int64(view, start) / 1e6);
}

function timeOfDay(element: SchemaElement): ReadText {
  const logical = element.logical_type;
  const unit =
    logical?.type === 'TIME'
      ? logical.unit
      : element.converted_type === 'TIME_MILLIS'
        ? 'MILLIS'
        : 'MICROS';
  const perSecond = { MILLIS: 1e3, MICROS: 1e6, NANOS: 1e9 }[unit];
  const places = { MILLIS: 3, MICROS: 6, NANOS: 9 }[unit];
  return (view, start) => {
    const value = element.type === 'INT32' ? view.getInt32(start, true) : int64(view, start);
    const seconds = Math.floor(value / perSecond);
    const fraction = String(value - seconds * perSecond)
      .padStart(places, '0')
      .replace(/0+$/, '');
    const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
      .map((part) => String(Math.floor(part)).padStart(2, '0'))
      .join(':');
    return fraction === '' ? clock : `${clock}.${fraction}`;
  };
}

function uuid(view: DataView, start: number, end: number): string {
  return hex(view, start, end).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function hex(view: DataView, start: number, end: number): string {
  return Buffer.from(view.buffer, view.byteOffset + start, end - start).toString('hex');
}
