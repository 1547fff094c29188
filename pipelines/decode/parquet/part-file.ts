import { readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { BadPart } from '../../plugin/errors.ts';

/** A part on disk, read at given places. */
export interface PartFile {
  readonly path: string;
  readonly bytes: number;
  /** Fills `target` [0, length) from the file's byte `position` on; BadPart when the file is shorter. */
  read(target: Uint8Array, length: number, position: number): void;
  close(): Promise<void>;
}

/** Opens a part for reading. */
export async function openPart(path: string): Promise<PartFile> {
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    return {
      path,
      bytes: size,
      read: (target, length, position) => readFully(handle, path, { target, length, position }),
      close: () => handle.close(),
    };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function readFully(
  handle: FileHandle,
  path: string,
  wanted: { readonly target: Uint8Array; readonly length: number; readonly position: number },
): void {
  for (let done = 0; done < wanted.length; ) {
    const count = readSync(
      handle.fd,
      wanted.target,
      done,
      wanted.length - done,
      wanted.position + done,
    );
    if (count === 0)
      throw new BadPart(`the file ends at byte ${wanted.position + done}, more was announced`, {
        path,
      });
    done += count;
  }
}
