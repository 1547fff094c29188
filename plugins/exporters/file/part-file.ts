import { type FileHandle, open, rename } from 'node:fs/promises';
import type { EncodedBatch } from '../../../pipelines/plugin/index.ts';

/** A batch within its file. */
export interface Placed {
  readonly sequence: number;
  readonly offset: number;
  readonly length: number;
  readonly rows: number;
  readonly rowGroup: unknown;
}

/** What stands before and behind the batches of a file. */
export interface Frame {
  readonly head?: Uint8Array;
  /** Made when all batches are in place; in order, offsets counted from the start of the file. */
  readonly foot?: (batches: readonly Placed[]) => Uint8Array;
}

/** One file that is being written. */
export interface PartFile {
  /** Adds a batch; the same sequence a second time takes the place of the first. */
  append(batch: EncodedBatch): Promise<void>;
  /** Brings the batches into order, closes the file and has it on disk. After an error it may be tried again. */
  finish(): Promise<void>;
  /** Closes the file as it is. */
  close(): Promise<void>;
}

/** Makes a new file. Batches may come in any order and several at a time. */
export async function createPartFile(path: string, frame: Frame = {}): Promise<PartFile> {
  const file = await open(path, 'w+');
  const placed = new Map<number, Placed>();
  let end = await headed(file, frame);
  let last: Promise<void> = Promise.resolve();
  let finished = false;

  async function place({ sequence, bytes, rows, rowGroup }: EncodedBatch): Promise<void> {
    const offset = end;
    await writeAll(file, bytes, offset);
    end = offset + bytes.length;
    placed.set(sequence, { sequence, offset, length: bytes.length, rows, rowGroup });
  }

  return {
    append(batch) {
      last = last.catch(() => undefined).then(() => place(batch));
      return last;
    },
    async finish() {
      if (finished) return;
      await last.catch(() => undefined);
      const batches = [...placed.values()].sort((a, b) => a.sequence - b.sequence);
      if (inPlace(batches, { start: frame.head?.length ?? 0, end })) {
        await seal(file, { batches, end, frame });
      } else {
        await rewrite(path, { from: file, batches, frame });
      }
      finished = true;
      await file.close();
    },
    close: () => file.close(),
  };
}

interface Content {
  readonly batches: readonly Placed[];
  readonly frame: Frame;
}

function inPlace(
  batches: readonly Placed[],
  range: { readonly start: number; readonly end: number },
): boolean {
  let at = range.start;
  for (const { offset, length } of batches) {
    if (offset !== at) return false;
    at += length;
  }
  return at === range.end;
}

async function rewrite(path: string, content: Content & { readonly from: FileHandle }) {
  const { from, batches, frame } = content;
  const ordered = `${path}.ordered`;
  const file = await open(ordered, 'w');
  try {
    let end = await writeHead(file, frame);
    const moved: Placed[] = [];
    for (const batch of batches) {
      const bytes = new Uint8Array(batch.length);
      await readAll(from, bytes, batch.offset);
      await writeAll(file, bytes, end);
      moved.push({ ...batch, offset: end });
      end += batch.length;
    }
    await seal(file, { batches: moved, end, frame });
  } finally {
    await file.close();
  }
  await rename(ordered, path);
}

async function seal(file: FileHandle, { batches, end, frame }: Content & { readonly end: number }) {
  if (frame.foot !== undefined) await writeAll(file, frame.foot(batches), end);
  await file.sync();
}

/** A file that cannot even be begun is closed: nobody gets to know it. */
async function headed(file: FileHandle, frame: Frame): Promise<number> {
  try {
    return await writeHead(file, frame);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function writeHead(file: FileHandle, { head }: Frame): Promise<number> {
  if (head !== undefined) await writeAll(file, head, 0);
  return head?.length ?? 0;
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function readAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new Error('the file was cut short by someone else');
    done += bytesRead;
  }
}
