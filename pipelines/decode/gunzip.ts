/**
 * Gzip unpacked in the thread that asks, straight into its buffer. A zlib stream hands every chunk to another thread and
 * back and takes new memory for it, which costs half as much again as inflating it.
 */
import type { FileHandle } from 'node:fs/promises';
import { constants, createGunzip } from 'node:zlib';
import type { ByteReader } from './bytes.ts';
import { fileReads } from './file-reads.ts';
import { syncZlib } from './sync-zlib.ts';

const PACKED_BYTES = 64 * 1024;

/** The unpacked bytes of all members; zlib's errors as they are. Undefined: this Node cannot do it this way. */
export function gunzipped(file: FileHandle): ByteReader | undefined {
  const stream = createGunzip();
  const sync = syncZlib(stream);
  if (sync === undefined) return undefined;
  // Thrown by `read`; said again as an event.
  stream.on('error', () => {});
  const readFile = fileReads(file);
  const packed = new Uint8Array(PACKED_BYTES);
  let flush = constants.Z_NO_FLUSH;
  let left = 0;
  let end = 0;

  async function more(): Promise<void> {
    end = await readFile(packed, 0);
    left = end;
    if (end === 0) flush = constants.Z_FINISH;
  }

  return {
    async read(into, offset) {
      const most = into.length - offset;
      for (;;) {
        if (left === 0 && flush === constants.Z_NO_FLUSH) await more();
        sync.handle.writeSync(flush, packed, end - left, left, into, offset, most);
        if (stream.errored !== null) throw stream.errored;
        const [room = 0, rest = 0] = sync.left;
        left = rest;
        if (room < most) return most - room;
        // What does not begin another member (padding with zeros) is not looked at.
        if (left > 0) flush = constants.Z_FINISH;
        if (flush === constants.Z_FINISH) return 0;
      }
    },
    async close() {
      stream.destroy();
    },
  };
}
