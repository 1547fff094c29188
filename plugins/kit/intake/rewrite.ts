import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, stat } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import type { Segment } from './spool.ts';

/** The lines of a segment as they are delivered; both sides are JSON objects, one per line. */
export type Rewrite = (lines: AsyncIterable<string>) => AsyncIterable<string>;

/** Written at once when there is that much. */
const CHUNK = 64 * 1024;

/** Writes a segment anew beside it. What an earlier attempt left is replaced: the segment stays as it is until its delivery is committed. */
export async function rewrite(
  { path }: Segment,
  change: Rewrite,
): Promise<Pick<Segment, 'path' | 'bytes' | 'modifiedMs'>> {
  const target = rewrittenPath(path);
  const file = await open(`${target}.new`, 'w', 0o600);
  try {
    await writeLines(file, change(createInterface({ input: createReadStream(path) })));
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${target}.new`, target);
  const { size, mtimeMs } = await stat(target);
  return { path: target, bytes: size, modifiedMs: mtimeMs };
}

/** Where a segment is written anew. */
export function rewrittenPath(segment: string): string {
  return `${segment}.rewritten`;
}

async function writeLines(file: FileHandle, lines: AsyncIterable<string>): Promise<void> {
  let waiting = '';
  for await (const line of lines) {
    waiting += `${line}\n`;
    if (waiting.length < CHUNK) continue;
    await file.appendFile(waiting);
    waiting = '';
  }
  await file.appendFile(waiting);
}
