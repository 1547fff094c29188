/** The one file of a zip archive, as AWS and Azure pack bills: found by the directory at the archive's end, unpacked as it is read. */
import type { FileHandle } from 'node:fs/promises';
import { BadPart } from '../plugin/errors.ts';

/** Where the packed bytes of the file lie, and how they are packed. */
export interface ZipEntry {
  readonly start: number;
  readonly bytes: number;
  readonly deflated: boolean;
  /** CRC-32 of the unpacked bytes. */
  readonly crc: number;
}

const END_RECORD = 22;
const LONGEST_COMMENT = 0xffff;
const LARGEST_DIRECTORY = 16 * 1024 * 1024;
/** What stands where a number needs 64 bits: it is in the extra field then. */
const ELSEWHERE = 0xffff_ffff;
const STORED = 0;
const DEFLATED = 8;

/** The only file in the archive, folders and what macOS adds aside. `BadPart` says why there is none to read. */
export async function zipEntry(file: FileHandle, path: string): Promise<ZipEntry> {
  const directory = await directoryOf(file, path);
  const entries = entriesOf(directory, path);
  if (entries.some(({ name }) => name === '[Content_Types].xml'))
    throw new BadPart('this is an Excel workbook, not csv, JSON or Parquet: save it as csv', {
      path,
    });
  const [entry, ...more] = entries.filter(({ name }) => !/\/$|^__MACOSX\//.test(name));
  if (entry === undefined) throw new BadPart('an empty zip archive', { path });
  if (more.length > 0)
    throw new BadPart(`the zip archive holds ${more.length + 1} files: unpack it`, { path });
  if (entry.encrypted) throw new BadPart('the zip archive is encrypted: unpack it', { path });
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw new BadPart(`the zip archive is packed in a way (${entry.method}) that is not read`, {
      path,
    });
  const local = await bytesAt(file, entry.at, 30);
  if (local.length < 30 || local.readUInt32LE(0) !== 0x0403_4b50) throw damaged(path);
  return {
    start: entry.at + 30 + local.readUInt16LE(26) + local.readUInt16LE(28),
    bytes: entry.bytes,
    deflated: entry.method === DEFLATED,
    crc: entry.crc,
  };
}

async function directoryOf(file: FileHandle, path: string): Promise<Buffer> {
  const { size } = await file.stat();
  const from = Math.max(0, size - END_RECORD - LONGEST_COMMENT);
  const tail = await bytesAt(file, from, size - from);
  const at = tail.lastIndexOf('PK\u0005\u0006', undefined, 'latin1');
  if (at < 0 || at + END_RECORD > tail.length)
    throw new BadPart('the zip archive is truncated: its directory is missing', { path });
  let [bytes, start] = [tail.readUInt32LE(at + 12), tail.readUInt32LE(at + 16)];
  if (start === ELSEWHERE) {
    const large = tail.lastIndexOf('PK\u0006\u0006', at, 'latin1');
    if (large < 0 || large + 56 > tail.length) throw damaged(path);
    bytes = Number(tail.readBigUInt64LE(large + 40));
    start = Number(tail.readBigUInt64LE(large + 48));
  }
  if (bytes > LARGEST_DIRECTORY || start + bytes > size) throw damaged(path);
  return await bytesAt(file, start, bytes);
}

interface Listed {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  readonly method: number;
  readonly crc: number;
  readonly encrypted: boolean;
}

function entriesOf(directory: Buffer, path: string): readonly Listed[] {
  const entries: Listed[] = [];
  for (let at = 0; at + 46 <= directory.length; ) {
    if (directory.readUInt32LE(at) !== 0x0201_4b50) throw damaged(path);
    const nameEnd = at + 46 + directory.readUInt16LE(at + 28);
    const extraEnd = nameEnd + directory.readUInt16LE(at + 30);
    const large = largeNumbers(directory.subarray(nameEnd, extraEnd));
    const number = (place: number): number => {
      const value = directory.readUInt32LE(at + place);
      return value === ELSEWHERE ? (large.shift() ?? value) : value;
    };
    number(24);
    entries.push({
      name: directory.toString('utf8', at + 46, nameEnd),
      bytes: number(20),
      at: number(42),
      method: directory.readUInt16LE(at + 10),
      crc: directory.readUInt32LE(at + 16),
      encrypted: (directory.readUInt16LE(at + 8) & 1) === 1,
    });
    at = extraEnd + directory.readUInt16LE(at + 32);
  }
  return entries;
}

/** Unpacked size, packed size and place, those of them that need 64 bits, in this order. */
function largeNumbers(extra: Buffer): number[] {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const end = Math.min(extra.length, at + 4 + extra.readUInt16LE(at + 2));
    const numbers: number[] = [];
    for (let place = at + 4; place + 8 <= end; place += 8)
      numbers.push(Number(extra.readBigUInt64LE(place)));
    return numbers;
  }
  return [];
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}

function damaged(path: string): BadPart {
  return new BadPart('the zip archive is damaged', { path });
}
