import { open } from 'node:fs/promises';
import type { Transform } from 'node:stream';
import { constants, createGunzip, createZstdDecompress } from 'node:zlib';
import { BadPart } from '../plugin/errors.ts';
import { type Compression, openBytes } from './bytes.ts';
import type { Format } from './source.ts';
import type { TextEncoding } from './utf8.ts';

/** What a part turned out to be. */
export interface Sniffed {
  readonly format: Format;
  readonly compression: Compression;
  /** Of csv and ndjson. */
  readonly encoding: TextEncoding;
}

const HEAD = 64 * 1024;

/** A reader of bytes wants as much room. */
const SMALLEST_READ = 8;

/** Finds out by its first bytes what a file is; what cannot be a bill throws a `BadPart` that names what it looks like. */
export async function sniff(path: string): Promise<Sniffed> {
  const packed = await readHead(path);
  const compression = packing(packed);
  const head = compression === 'none' ? packed : await unpackHead(path, packed, compression);
  const foreign = foreignKind(head);
  if (foreign !== undefined)
    throw new BadPart(`this is ${foreign}, not csv, JSON or Parquet`, { path });
  if (startsWith(head, PARQUET) || startsWith(head, ENCRYPTED_PARQUET)) {
    if (compression !== 'none')
      throw new BadPart(`a Parquet file packed once more with ${compression}: unpack it`, { path });
    return { format: 'parquet', compression, encoding: 'utf-8' };
  }
  const encoding = textEncoding(head);
  const text = new TextDecoder(encoding).decode(head);
  if (text.trim() === '') throw new BadPart('empty file', { path });
  if (isBinary(text))
    throw new BadPart('this is a binary file of unknown kind, not csv, JSON or Parquet', { path });
  return { format: isJson(text) ? 'ndjson' : 'csv', compression, encoding };
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await open(path, 'r');
  try {
    const head = new Uint8Array(HEAD);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(head, length, HEAD - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === HEAD) break;
    }
    if (length === 0) throw new BadPart('empty file', { path });
    return head.subarray(0, length);
  } finally {
    await file.close();
  }
}

const PARQUET = 'PAR1';
const ENCRYPTED_PARQUET = 'PARE';
const ZIP = 'PK\x03\x04';

function packing(head: Uint8Array): Compression {
  if (startsWith(head, '\x1f\x8b')) return 'gzip';
  if (startsWith(head, ZIP)) return 'zip';
  const skippable =
    ((head[0] ?? 0) & 0xf0) === 0x50 && startsWith(head.subarray(1), '\x2a\x4d\x18');
  return skippable || startsWith(head, '\x28\xb5\x2f\xfd') ? 'zstd' : 'none';
}

/** As much of the content as the first bytes of the archive hold. */
async function unpackHead(
  path: string,
  packed: Uint8Array,
  compression: Exclude<Compression, 'none'>,
): Promise<Uint8Array> {
  if (compression === 'zip') return await unzipHead(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  let rest = packed;
  try {
    while (rest.length > 0 && chunks.length === 0) {
      const stream = headUnpacker(compression);
      stream.end(rest);
      for await (const chunk of stream) {
        chunks.push(chunk);
        length += chunk.length;
        if (length >= HEAD) break;
      }
      if (stream.bytesWritten === 0) break;
      rest = rest.subarray(stream.bytesWritten);
    }
  } catch (cause) {
    if (chunks.length === 0)
      throw new BadPart(`the ${compression} file is damaged`, { path, cause });
  }
  if (chunks.length === 0) throw new BadPart('empty file', { path });
  return Buffer.concat(chunks).subarray(0, HEAD);
}

async function unzipHead(path: string): Promise<Uint8Array> {
  const head = new Uint8Array(HEAD);
  const reader = await openBytes(path, 'zip');
  let length = 0;
  try {
    while (HEAD - length >= SMALLEST_READ) {
      const count = await reader.read(head, length);
      if (count === 0) break;
      length += count;
    }
  } finally {
    await reader.close();
  }
  if (length === 0) throw new BadPart('empty file', { path });
  return head.subarray(0, length);
}

/** Does not mind that the end is missing. One zstd frame at a time: the first ones may be empty. */
function headUnpacker(compression: 'gzip' | 'zstd'): Transform & { readonly bytesWritten: number } {
  return compression === 'gzip'
    ? createGunzip({ chunkSize: HEAD, finishFlush: constants.Z_SYNC_FLUSH })
    : createZstdDecompress({ chunkSize: HEAD, finishFlush: constants.ZSTD_e_flush });
}

/** First bytes of what people drop into a folder of bills by mistake. */
const FOREIGN: readonly (readonly [magic: string, name: string])[] = [
  [ZIP, 'a zip archive within an archive'],
  ['PK\x05\x06', 'an empty zip archive'],
  ['\x1f\x8b', 'a gzip archive within an archive'],
  ['\x28\xb5\x2f\xfd', 'a zstd archive within an archive'],
  ['\xfd7zXZ\x00', 'an xz archive'],
  ['7z\xbc\xaf\x27\x1c', 'a 7-Zip archive'],
  ['\x04\x22\x4d\x18', 'an lz4 file'],
  ['\xff\x06\x00\x00sNaPpY', 'a framed Snappy file'],
  ['Rar!\x1a\x07', 'a RAR archive'],
  ['Obj\x01', 'an Avro file'],
  ['ARROW1', 'an Arrow file'],
  ['SQLite format 3\x00', 'a SQLite database'],
  ['%PDF-', 'a PDF document'],
  ['\xd0\xcf\x11\xe0', 'an old Excel workbook'],
  ['\x89PNG', 'an image'],
  ['\x7fELF', 'a program'],
];

function foreignKind(head: Uint8Array): string | undefined {
  const magic = FOREIGN.find(([bytes]) => startsWith(head, bytes));
  if (magic !== undefined) return magic[1];
  if (startsWith(head.subarray(257), 'ustar')) return 'a tar archive';
  const text = Buffer.from(head.subarray(0, 256)).toString('latin1').replace(/^ï»¿/, '');
  if (/^BZh\d1AY/.test(text)) return 'a bzip2 archive';
  if (/^ORC/.test(text) && CONTROL.test(text)) return 'an ORC file';
  if (/^\s*(<!doctype html|<html)/i.test(text)) return 'an HTML page';
  return /^\s*<(\?xml|Error>)/.test(text) ? 'an XML document' : undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that we look for
const CONTROL = /[\x00-\x08\x0e-\x1f]/;

/** By its byte order mark or, without one, by the zero bytes of ASCII letters. */
function textEncoding(head: Uint8Array): TextEncoding {
  if (startsWith(head, '\xff\xfe')) return 'utf-16le';
  if (startsWith(head, '\xfe\xff')) return 'utf-16be';
  const sample = head.subarray(0, Math.min(head.length, 1024) & ~1);
  let even = 0;
  let odd = 0;
  for (let i = 0; i < sample.length; i += 2) {
    if (sample[i] === 0) even++;
    if (sample[i + 1] === 0) odd++;
  }
  const most = sample.length * 0.4;
  if (sample.length >= 4 && odd > most && even === 0) return 'utf-16le';
  return sample.length >= 4 && even > most && odd === 0 ? 'utf-16be' : 'utf-8';
}

/** Text has next to no control characters, and less than a third of it cannot be decoded. */
function isBinary(text: string): boolean {
  const sample = text.slice(0, 4096);
  let control = 0;
  let undecodable = 0;
  for (const character of sample) {
    if (CONTROL.test(character)) control++;
    else if (character === '\ufffd') undecodable++;
  }
  return (control > 8 && control * 20 > sample.length) || undecodable * 3 > sample.length;
}

/** An object, or an array of objects. A csv header may begin with `[`. */
function isJson(text: string): boolean {
  return /^\s*(\{|\[\s*[{\]])/.test(text);
}

function startsWith(head: Uint8Array, magic: string): boolean {
  if (head.length < magic.length) return false;
  for (let i = 0; i < magic.length; i++) if (head[i] !== magic.charCodeAt(i)) return false;
  return true;
}
