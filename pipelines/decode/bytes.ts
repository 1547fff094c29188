import { type FileHandle, open } from 'node:fs/promises';
import { Readable, type Transform } from 'node:stream';
import { crc32, createGunzip, createInflateRaw, createZstdDecompress } from 'node:zlib';
import { BadPart } from '../plugin/errors.ts';
import { fileReads } from './file-reads.ts';
import { gunzipped } from './gunzip.ts';
import { zipEntry } from './zip.ts';

/** How the bytes of a part are packed. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'zip';

/** Bytes in order, into the caller's buffer. */
export interface ByteReader {
  /** Puts at least one byte at `into[offset…]`, where there is room for 8, and answers how many; 0 at the end. */
  read(into: Uint8Array, offset: number): Promise<number>;
  close(): Promise<void>;
}

/**
 * The unpacked bytes of a file. A truncated or damaged archive and a file that changes meanwhile throw a `BadPart`;
 * gzip files of several members and zstd files of several frames are read to their end, of zip archives the one file in them.
 */
export async function openBytes(path: string, compression: Compression): Promise<ByteReader> {
  const file = await open(path, 'r');
  const before = await file.stat();
  const unpacked = compression === 'none' ? plain(file) : unpack(file, { path, compression });
  return {
    async read(into, offset) {
      const count = await unpacked.read(into, offset);
      if (count === 0) {
        const after = await file.stat();
        if (after.size !== before.size || after.mtimeMs !== before.mtimeMs)
          throw new BadPart('the file changed while it was read', { path });
      }
      return count;
    },
    async close() {
      await unpacked.close();
      await file.close();
    },
  };
}

function plain(file: FileHandle): ByteReader {
  return { read: fileReads(file), async close() {} };
}

const CHUNK = 256 * 1024;

interface Archive {
  readonly path: string;
  readonly compression: Exclude<Compression, 'none'>;
}

function unpack(file: FileHandle, part: Archive): ByteReader {
  const { path, compression } = part;
  const unpacked =
    (compression === 'gzip' ? gunzipped(file) : undefined) ??
    streamed(compression === 'zip' ? zippedChunks(file, path) : unpackedChunks(file, compression));
  return {
    async read(into, offset) {
      try {
        return await unpacked.read(into, offset);
      } catch (cause) {
        throw archiveError(cause, part);
      }
    },
    close: unpacked.close,
  };
}

function streamed(chunks: AsyncGenerator<Uint8Array<ArrayBuffer>, undefined>): ByteReader {
  let chunk = new Uint8Array(0);
  return {
    async read(into, offset) {
      while (chunk.length === 0) {
        free(chunk);
        const next = await chunks.next();
        if (next.done === true) return 0;
        chunk = next.value;
      }
      const count = Math.min(chunk.length, into.length - offset);
      into.set(chunk.subarray(0, count), offset);
      chunk = chunk.subarray(count);
      return count;
    },
    async close() {
      await chunks.return(undefined);
    },
  };
}

/** Gives memory that has been read to its end back at once: zlib takes new memory for every chunk, and garbage is collected late. */
function free({ buffer, byteOffset }: Uint8Array<ArrayBuffer>): void {
  // Until it is full, zlib goes on filling it.
  if (byteOffset === CHUNK && buffer.byteLength === CHUNK) buffer.transfer(0);
}

/** zlib's zstd stream ends after a frame when more input lies behind it: begin again there. */
async function* unpackedChunks(
  file: FileHandle,
  compression: 'gzip' | 'zstd',
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const { size } = await file.stat();
  const options = { chunkSize: CHUNK, highWaterMark: CHUNK };
  for (let start = 0; start < size; ) {
    const stream = compression === 'gzip' ? createGunzip(options) : createZstdDecompress(options);
    const packed = Readable.from(fileChunks(file, start), { objectMode: false });
    packed.once('error', (error) => stream.destroy(error));
    try {
      for await (const chunk of packed.pipe<Transform>(stream))
        yield chunk as Uint8Array<ArrayBuffer>;
    } finally {
      packed.destroy();
      stream.destroy();
    }
    if (compression === 'gzip' || stream.bytesWritten === 0) return undefined;
    start += stream.bytesWritten;
  }
  return undefined;
}

/** The one file of a zip archive; its checksum is looked at when it has been read. */
async function* zippedChunks(
  file: FileHandle,
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const { start, bytes, deflated, crc } = await zipEntry(file, path);
  const packed = Readable.from(fileChunks(file, start, start + bytes), { objectMode: false });
  const options = { chunkSize: CHUNK, highWaterMark: CHUNK };
  const stream = deflated ? packed.pipe<Transform>(createInflateRaw(options)) : packed;
  packed.once('error', (error) => stream.destroy(error));
  let found = 0;
  try {
    for await (const chunk of stream) {
      found = crc32(chunk, found);
      yield chunk as Uint8Array<ArrayBuffer>;
    }
  } finally {
    packed.destroy();
    stream.destroy();
  }
  if (found !== crc)
    throw new BadPart('the zip archive is damaged: its checksum differs', { path });
  return undefined;
}

async function* fileChunks(
  file: FileHandle,
  start: number,
  end = Number.POSITIVE_INFINITY,
): AsyncGenerator<Uint8Array> {
  for (let position = start; position < end; ) {
    const chunk = Buffer.allocUnsafe(CHUNK);
    const { bytesRead } = await file.read(chunk, 0, Math.min(CHUNK, end - position), position);
    if (bytesRead === 0) return;
    yield chunk.subarray(0, bytesRead);
    position += bytesRead;
  }
}

function archiveError(cause: unknown, { path, compression }: Archive): unknown {
  const code =
    cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (!/^(Z_|ZSTD_|ERR_ZLIB|ERR_ZSTD)/.test(code)) return cause;
  const what = code === 'Z_BUF_ERROR' && compression !== 'zip' ? 'truncated' : 'damaged';
  return new BadPart(
    `the ${compression} file is ${what}: ${cause instanceof Error ? cause.message : code}`,
    { path, cause },
  );
}
