import { randomBytes } from 'node:crypto';
import {
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../../pipelines/plugin/index.ts';
import { openSeen, type Seen } from './seen.ts';

/** A sealed file of records, one JSON object per line, ready to be delivered. */
export interface Segment {
  /** Unique for ever: the revision of its delivery. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** What became of a pushed record. */
export type Kept = 'kept' | 'duplicate' | 'full';

/** A record with the ids by which a second copy of it is known. */
export interface Pushed {
  readonly ids: readonly string[];
  readonly value: Readonly<Record<string, unknown>>;
}

/** Where pushed records wait until they are committed; survives a crash at any moment. */
export interface Spool {
  /** Resolves once the record is on disk (or one with one of its ids is). Records that come at the same time share one fsync. */
  keep(record: Pushed): Promise<Kept>;
  /** Closes the segment that is written, so that it can be delivered. */
  seal(): Promise<void>;
  /** The sealed segments, oldest first. */
  sealed(): Promise<readonly Segment[]>;
  /** The segment is committed: forgets it. */
  remove(segment: Segment): Promise<void>;
  close(): Promise<void>;
}

/** Settings of a spool. */
export interface SpoolOptions {
  readonly folder: string;
  readonly clock: Clock;
  /** Most bytes on disk that are not delivered yet. */
  readonly maxBytes: number;
  /** Ids are remembered this long, milliseconds. */
  readonly rememberMs: number;
  /** Most ids that are remembered. */
  readonly rememberIds: number;
}

/** Field of a line with the ids of its record: after a crash they are known again. */
const IDS = 'x_intake_ids';
const OPEN = '.open';
const SEALED = '.ndjson';

/** Opens the spool in a folder; what a crash left unsealed is sealed, without a last line that is torn. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const seen = await openSeen({ ...options, path: join(options.folder, 'seen') });
  const spool = new FileSpool(options, seen);
  await spool.recover();
  return spool;
}

interface Waiting {
  readonly line: Buffer;
  readonly ids: readonly string[];
  readonly done: PromiseWithResolvers<void>;
}

/** The segment that is written. */
interface Current {
  readonly name: string;
  readonly file: FileHandle;
  readonly ids: string[];
}

class FileSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #seen: Seen;
  readonly #pending = new Map<string, Promise<Kept>>();
  #bytes = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  #current: Current | undefined;

  constructor(options: SpoolOptions, seen: Seen) {
    this.#options = options;
    this.#seen = seen;
  }

  async recover(): Promise<void> {
    const { folder } = this.#options;
    for (const name of await readdir(folder)) {
      if (name.endsWith(OPEN)) await this.#recoverOpen(name);
      else if (name.endsWith(SEALED))
        await this.#seen.add(idsOf(await readFile(join(folder, name))));
    }
    this.#bytes = (await this.sealed()).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  async keep(record: Pushed): Promise<Kept> {
    const twin = record.ids.map((id) => this.#pending.get(id)).find((one) => one !== undefined);
    if (twin !== undefined) return (await twin) === 'full' ? 'full' : 'duplicate';
    if (record.ids.some((id) => this.#seen.has(id))) return 'duplicate';
    const kept = this.#keepNew(record);
    for (const id of record.ids) this.#pending.set(id, kept);
    try {
      return await kept;
    } finally {
      for (const id of record.ids) this.#pending.delete(id);
    }
  }

  async seal(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    const current = this.#current;
    if (current === undefined) return;
    this.#current = undefined;
    await current.file.close();
    await this.#seen.save(current.ids);
    await this.#publish(current.name);
  }

  async sealed(): Promise<readonly Segment[]> {
    const { folder } = this.#options;
    const names = (await readdir(folder)).filter((name) => name.endsWith(SEALED)).toSorted();
    return await Promise.all(
      names.map(async (file) => {
        const path = join(folder, file);
        const { size, mtimeMs } = await stat(path);
        return { name: file.slice(0, -SEALED.length), path, bytes: size, modifiedMs: mtimeMs };
      }),
    );
  }

  async remove({ path, bytes }: Segment): Promise<void> {
    await rm(path, { force: true });
    this.#bytes -= bytes;
  }

  async close(): Promise<void> {
    await this.seal();
    await this.#seen.close();
  }

  async #keepNew({ ids, value }: Pushed): Promise<Kept> {
    const line = Buffer.from(`${JSON.stringify({ ...value, [IDS]: ids })}\n`);
    if (this.#bytes + line.length > this.#options.maxBytes) return 'full';
    this.#bytes += line.length;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ line, ids, done });
    this.#writing ??= this.#write();
    try {
      await done.promise;
    } catch (error) {
      this.#bytes -= line.length;
      throw error;
    }
    return 'kept';
  }

  /** Writes what waits, group by group: what comes during an fsync shares the next one. */
  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const { file, ids } = await this.#file();
        await writeAll(file, Buffer.concat(group.map(({ line }) => line)));
        for (const record of group) {
          ids.push(...record.ids);
          this.#seen.note(record.ids);
          record.done.resolve();
        }
      } catch (error) {
        for (const { done } of group) done.reject(error);
      }
    }
    this.#writing = undefined;
  }

  async #file(): Promise<Current> {
    if (this.#current !== undefined) return this.#current;
    const time = new Date(this.#options.clock.now()).toISOString().replace(/[-:.]/g, '');
    const name = `${time}-${randomBytes(6).toString('hex')}`;
    const file = await open(join(this.#options.folder, `${name}${OPEN}`), 'ax', 0o600);
    this.#current = { name, file, ids: [] };
    await syncFolder(this.#options.folder);
    return this.#current;
  }

  async #publish(name: string): Promise<void> {
    const { folder } = this.#options;
    await rename(join(folder, `${name}${OPEN}`), join(folder, `${name}${SEALED}`));
    await syncFolder(folder);
  }

  async #recoverOpen(file: string): Promise<void> {
    const path = join(this.#options.folder, file);
    const bytes = await readFile(path);
    const whole = bytes.lastIndexOf(10) + 1;
    if (whole === 0) return await rm(path);
    const handle = await open(path, 'r+');
    await handle.truncate(whole);
    await handle.sync();
    await handle.close();
    await this.#seen.add(idsOf(bytes.subarray(0, whole)));
    await this.#publish(file.slice(0, -OPEN.length));
  }
}

/** A failed write may leave half a line: it is cut off again, so that the next one starts clean. */
async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  const { size } = await file.stat();
  try {
    await file.appendFile(bytes);
    await file.datasync();
  } catch (error) {
    await file.truncate(size);
    throw error;
  }
}

function idsOf(lines: Buffer): readonly string[] {
  return lines
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => {
      const ids: unknown = (JSON.parse(line) as Readonly<Record<string, unknown>>)[IDS];
      return Array.isArray(ids) ? ids.map(String) : [];
    });
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
