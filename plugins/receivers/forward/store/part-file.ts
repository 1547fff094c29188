import { createWriteStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress } from 'node:zlib';
import type { Part } from '../../../../pipelines/plugin/index.ts';

/** Characters that are handed over at a time. */
const CHUNK = 256 * 1024;

/** Writes lines as NDJSON packed by zstd; it is on disk under its name when this returns. */
export async function writePart(path: string, lines: Iterable<string>): Promise<Part> {
  const target = `${path}.new`;
  const pack = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  await pipeline(Readable.from(chunks(lines)), pack, createWriteStream(target, { mode: 0o600 }));
  await sync(target);
  await rename(target, path);
  await sync(dirname(path));
  return await partAt(path);
}

/** The part as a delivery names it. */
export async function partAt(path: string): Promise<Part> {
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
}

/** Has a file, or the names in a folder, on disk. */
export async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function* chunks(lines: Iterable<string>): Generator<Buffer> {
  let waiting = '';
  for (const line of lines) {
    waiting += `${line}\n`;
    if (waiting.length < CHUNK) continue;
    yield Buffer.from(waiting);
    waiting = '';
  }
  if (waiting !== '') yield Buffer.from(waiting);
}
