import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';

/** Of so many reads one is handed to another thread. */
const HANDED_OVER = 16;

/**
 * Reads a file from its start to its end. The thread that asks does it itself: what the system has read ahead is there in
 * less time than it takes to hand a read over and to wake up again. Now and then it is handed over all the same, so that
 * messages for this thread (to stop, above all) get through.
 */
export function fileReads(file: FileHandle): (into: Uint8Array, offset: number) => Promise<number> {
  let reads = 0;
  return async (into, offset) => {
    const length = into.length - offset;
    if (++reads % HANDED_OVER !== 0) return readSync(file.fd, into, offset, length, null);
    const { bytesRead } = await file.read(into, offset, length, null);
    return bytesRead;
  };
}
