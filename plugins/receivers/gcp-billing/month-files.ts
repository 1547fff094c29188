import { mkdir, open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Part } from '../../../pipelines/plugin/delivery.ts';
import { errorMessage, Unavailable } from '../../../pipelines/plugin/errors.ts';
import type { Row } from './rows.ts';

/** A part is read by one worker: several share a large month. */
const PART_BYTES = 256 * 1024 * 1024;

/** Files of the month that is being read. */
export interface MonthFiles {
  write(rows: readonly Row[]): Promise<void>;
  close(): Promise<void>;
}

/** Starts a month: what lies in the folder from an earlier one, or from before a crash, is removed. Throws `Unavailable` when the disk is full. */
export async function monthFiles(folder: string, month: string): Promise<MonthFiles> {
  await clearMonth(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let count = 0;
  let file: Awaited<ReturnType<typeof open>> | undefined;
  let bytes = 0;

  const begin = async () => {
    await file?.close();
    count += 1;
    bytes = 0;
    const name = `${nameOf(month)}-${String(count).padStart(4, '0')}.ndjson`;
    return await open(join(folder, name), 'wx', 0o600);
  };

  return {
    async write(rows) {
      if (rows.length === 0) return;
      try {
        if (file === undefined || bytes >= PART_BYTES) file = await begin();
        const text = Buffer.from(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
        await file.writeFile(text);
        bytes += text.length;
      } catch (cause) {
        throw new Unavailable(`the month cannot be written to ${folder}: ${errorMessage(cause)}`, {
          cause,
        });
      }
    },
    close: async () => await file?.close(),
  };
}

/** The files of a month, in their order. */
export async function partsIn(folder: string): Promise<readonly Part[]> {
  const names = (await readdir(folder)).toSorted();
  return await Promise.all(names.map((name) => partOf(join(folder, name))));
}

/** Removes what was read. */
export async function clearMonth(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** A month is what the table says it is: nothing else of it becomes a path. */
function nameOf(month: string): string {
  return /^\d{6}$/.test(month) ? month : 'other';
}

async function partOf(path: string): Promise<Part> {
  const { size, mtimeMs } = await stat(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
}
