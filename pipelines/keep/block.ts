/** A file of kept charges is a run of blocks: a head of fixed length, the ids, then the columns compressed. */
import { readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { ChargeIds } from '../focus/charge-ids.ts';

/** Ids of the charges of a block, with the revision that sent each. */
export type KeptIds = Required<Omit<ChargeIds, 'correction'>>;

/** One block as it lies on disk. */
export interface Block {
  readonly rows: number;
  readonly ids: KeptIds;
  /** zstd. */
  readonly body: Uint8Array;
}

/** Of charges: 16 bytes hash, 4 ordinal, 4 revision. */
const ID_BYTES = 24;
/** Magic, rows, bytes of the body, CRC-32 of ids and body. */
const HEAD_BYTES = 16;
const MAGIC = 0x314b4346;
/** No block is as large: a length beyond is damage. */
const MOST_BYTES = 1 << 30;

/** What is written for a block. */
export function blockBytes({ rows, ids, body }: Block): readonly Uint8Array[] {
  const sections = [
    bytesOf(ids.hashes.subarray(0, rows * 4)),
    bytesOf(ids.ordinals.subarray(0, rows)),
    bytesOf(ids.revisions.subarray(0, rows)),
    body,
  ];
  const head = new DataView(new ArrayBuffer(HEAD_BYTES));
  head.setUint32(0, MAGIC, true);
  head.setUint32(4, rows, true);
  head.setUint32(8, body.length, true);
  head.setUint32(
    12,
    sections.reduce((crc, section) => crc32(section, crc), 0),
    true,
  );
  return [new Uint8Array(head.buffer), ...sections];
}

/** Reads the next block; undefined at the end of the file. Throws when it is damaged. */
export function readBlock(file: number, path: string): Block | undefined {
  const head = new Uint8Array(HEAD_BYTES);
  const there = readFully(file, head);
  if (there === 0) return undefined;
  const view = new DataView(head.buffer);
  const rows = view.getUint32(4, true);
  const bodyBytes = view.getUint32(8, true);
  const bytes = rows * ID_BYTES + bodyBytes;
  if (there < HEAD_BYTES || view.getUint32(0, true) !== MAGIC || bytes > MOST_BYTES)
    throw damaged(path);
  const content = new Uint8Array(bytes);
  if (readFully(file, content) < bytes || crc32(content) !== view.getUint32(12, true))
    throw damaged(path);
  const words = new Int32Array(content.buffer, 0, rows * 4);
  const counts = new Uint32Array(content.buffer, rows * 16, rows * 2);
  return {
    rows,
    ids: {
      hashes: words,
      ordinals: counts.subarray(0, rows),
      revisions: counts.subarray(rows),
    },
    body: content.subarray(rows * ID_BYTES),
  };
}

function damaged(path: string): Error {
  return new Error(`${path} is damaged`);
}

function readFully(file: number, into: Uint8Array): number {
  let done = 0;
  while (done < into.length) {
    const read = readSync(file, into, done, into.length - done, null);
    if (read === 0) break;
    done += read;
  }
  return done;
}

function bytesOf({ buffer, byteOffset, byteLength }: Int32Array | Uint32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
