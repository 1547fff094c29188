import { Encodings, PageTypes } from 'hyparquet/src/constants.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';

/** What stands before the bytes of a page. */
export interface PageHeader {
  readonly type: 'DATA_PAGE' | 'INDEX_PAGE' | 'DICTIONARY_PAGE' | 'DATA_PAGE_V2';
  /** Bytes of the header itself. */
  readonly headerBytes: number;
  readonly compressedBytes: number;
  readonly uncompressedBytes: number;
  /** Values in the page, nulls included. */
  readonly values: number;
  readonly encoding: string;
  /** Bytes of the levels that stand before the values, not compressed (version 2). */
  readonly repetitionBytes: number;
  readonly definitionBytes: number;
  /** Encoding of the definition levels (version 1). */
  readonly levelEncoding: string;
  readonly compressed: boolean;
  /** CRC-32 of the bytes behind the header as they stand in the file, when the writer gave one. */
  readonly crc32: number | undefined;
}

const MAX_PAGE = 1 << 30;
/** Values of one page; more would only serve to fill the memory. */
const MAX_VALUES = 1 << 26;

/** Reads the header at the beginning of `bytes`; undefined when it does not end there. */
export function readPageHeader(bytes: Uint8Array): PageHeader | undefined {
  const reader = {
    view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    offset: 0,
  };
  let fields: Fields;
  try {
    fields = deserializeTCompactProtocol(reader);
  } catch {
    return undefined;
  }
  const type = PageTypes[whole(fields, 1, PageTypes.length - 1, 'page type')];
  if (type === undefined) throw new Error('a page of an unknown type');
  const uncompressedBytes = whole(fields, 2, MAX_PAGE, 'uncompressed size');
  const compressedBytes = whole(fields, 3, MAX_PAGE, 'compressed size');
  const sizes = {
    headerBytes: reader.offset,
    compressedBytes,
    uncompressedBytes,
    crc32: checksum(fields),
  };
  const none = { repetitionBytes: 0, definitionBytes: 0, levelEncoding: 'RLE', compressed: true };
  if (type === 'INDEX_PAGE') return { type, ...sizes, ...none, values: 0, encoding: 'PLAIN' };
  const body = fields[`field_${BODY[type]}`] as Fields | undefined;
  if (typeof body !== 'object') throw new Error('a page header without its second half');
  const values = whole(body, 1, MAX_VALUES, 'number of values');
  if (type !== 'DATA_PAGE_V2')
    return {
      type,
      ...sizes,
      ...none,
      values,
      encoding: encodingName(body, 2),
      levelEncoding: type === 'DATA_PAGE' ? encodingName(body, 3) : 'RLE',
    };
  const definitionBytes = whole(body, 5, compressedBytes, 'size of levels');
  const repetitionBytes = whole(body, 6, compressedBytes, 'size of levels');
  if (definitionBytes + repetitionBytes > Math.min(compressedBytes, uncompressedBytes))
    throw new Error('levels reach beyond their page');
  return {
    type,
    ...sizes,
    values,
    encoding: encodingName(body, 4),
    definitionBytes,
    repetitionBytes,
    levelEncoding: 'RLE',
    compressed: body.field_7 !== false,
  };
}

type Fields = Readonly<Record<`field_${number}`, unknown>>;

const BODY = { DATA_PAGE: 5, DICTIONARY_PAGE: 7, DATA_PAGE_V2: 8 } as const;

function whole(fields: Fields, field: number, most: number, what: string): number {
  const value = fields[`field_${field}`];
  if (typeof value !== 'number' || value < 0 || value > most)
    throw new Error(`a page header with an impossible ${what}: ${value}`);
  return value;
}

/** Signed in the header, as Thrift has no other integers. */
function checksum({ field_4 }: Fields): number | undefined {
  return typeof field_4 === 'number' ? field_4 >>> 0 : undefined;
}

function encodingName(fields: Fields, field: number): string {
  const number = whole(fields, field, 1000, 'encoding');
  return Encodings[number] ?? `number ${number}`;
}
