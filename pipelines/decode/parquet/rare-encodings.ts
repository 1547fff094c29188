import type { ParquetType } from 'hyparquet';
import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readVarInt, readZigZagBigInt } from 'hyparquet/src/thrift.js';

/** A run of bytes in a page. */
export interface Region {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
}

/** What is known of the values of a page. */
export interface ValueType {
  readonly type: ParquetType;
  /** Bytes of a value; 0: each has its own length. */
  readonly width: number;
  /** No page of this column has more. */
  readonly maxValues: number;
}

const MAX_BYTES = 1 << 30;

/** Values of the rarer encodings laid out like PLAIN, in memory of its own; undefined when the encoding is unknown. */
export function plainLayout(
  encoding: string,
  region: Region,
  values: ValueType,
): Uint8Array | undefined {
  if (encoding === 'BYTE_STREAM_SPLIT' && values.width > 0) return joined(region, values.width);
  if (encoding === 'DELTA_BINARY_PACKED' && (values.type === 'INT32' || values.type === 'INT64'))
    return deltas(region, values);
  if (encoding === 'DELTA_LENGTH_BYTE_ARRAY' && values.type === 'BYTE_ARRAY')
    return byteArrays(region, values, false);
  if (
    encoding === 'DELTA_BYTE_ARRAY' &&
    (values.type === 'BYTE_ARRAY' || values.type === 'FIXED_LEN_BYTE_ARRAY')
  )
    return byteArrays(region, values, true);
  return undefined;
}

function joined({ view, start, end }: Region, width: number): Uint8Array {
  const count = Math.floor((end - start) / width);
  const bytes = new Uint8Array(count * width);
  for (let byte = 0; byte < width; byte++)
    for (let i = 0; i < count; i++)
      bytes[i * width + byte] = view.getUint8(start + byte * count + i);
  return bytes;
}

function deltas(region: Region, values: ValueType): Uint8Array {
  const count = deltaCount(region, values);
  const numbers = values.type === 'INT32' ? new Int32Array(count) : new BigInt64Array(count);
  if (count > 0) deltaBinaryUnpack(readerOf(region), count, numbers);
  if (numbers instanceof Int32Array && count > 0) mendFirst(region, numbers);
  return new Uint8Array(numbers.buffer);
}

/** The first value of unsigned columns takes 33 bits, of which 32 are read; all others build on it. */
function mendFirst(region: Region, numbers: Int32Array): void {
  const reader = readerOf(region);
  for (let i = 0; i < 3; i++) readVarInt(reader);
  const first = Number(BigInt.asIntN(32, readZigZagBigInt(reader)));
  const missing = (first - (numbers[0] as number)) | 0;
  if (missing !== 0)
    for (let i = 0; i < numbers.length; i++) numbers[i] = (numbers[i] as number) + missing;
}

/** Lengths first, then all bytes; with `prefixed`, each value begins with some bytes of the one before it. */
function byteArrays(region: Region, values: ValueType, prefixed: boolean): Uint8Array {
  const reader = readerOf(region);
  const count = deltaCount(region, values);
  const prefixes = new Int32Array(count);
  const lengths = new Int32Array(count);
  if (count > 0 && prefixed) deltaBinaryUnpack(reader, count, prefixes);
  if (count > 0) deltaBinaryUnpack(reader, count, lengths);
  const head = values.type === 'BYTE_ARRAY' ? 4 : 0;
  const bytes = new Uint8Array(layoutSize(prefixes, lengths, values.width) + head * count);
  const view = new DataView(bytes.buffer);
  let from = region.start + reader.offset;
  let before = 0;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const prefix = prefixes[i] as number;
    const length = lengths[i] as number;
    if (from + length > region.end) throw new Error('a value reaches beyond its page');
    if (head > 0) view.setUint32(at, prefix + length, true);
    at += head;
    bytes.copyWithin(at, before, before + prefix);
    bytes.set(
      new Uint8Array(region.view.buffer, region.view.byteOffset + from, length),
      at + prefix,
    );
    before = at;
    at += prefix + length;
    from += length;
  }
  return bytes;
}

function layoutSize(prefixes: Int32Array, lengths: Int32Array, width: number): number {
  let before = 0;
  let size = 0;
  for (let i = 0; i < lengths.length; i++) {
    const prefix = prefixes[i] as number;
    const length = lengths[i] as number;
    if (length < 0 || prefix < 0 || prefix > before) throw new Error('a value has a wrong length');
    before = prefix + length;
    if (width > 0 && before !== width) throw new Error('a value has a wrong length');
    size += before;
    if (size > MAX_BYTES) throw new Error('a page inflates to more than 1 GiB');
  }
  return size;
}

/** Number of values, which stands in the head of every delta encoding. */
function deltaCount(region: Region, values: ValueType): number {
  const reader = readerOf(region);
  readVarInt(reader);
  readVarInt(reader);
  const count = readVarInt(reader);
  if (count < 0 || count > values.maxValues)
    throw new Error(`a page has ${count} values where ${values.maxValues} are left`);
  return count;
}

/** Reading beyond the region is a RangeError. */
function readerOf({ view, start, end }: Region): { view: DataView; offset: number } {
  return { view: new DataView(view.buffer, view.byteOffset + start, end - start), offset: 0 };
}
