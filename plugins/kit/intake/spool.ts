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
import { rewrittenPath } from './rewrite.ts';
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
  /** Records of one bucket lie in one segment, as long as it is open: `2026-09-17T10:04Z`. */
  readonly bucket?: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** Where pushed records wait until they are committed; survives a crash at any moment. */
export interface Spool {
  /** Resolves once the record is on disk (or one with one of its ids is). Records that come at the same time share one fsync. */
  keep(record: Pushed): Promise<Kept>;
  /** Closes the segments whose first record came `settledMs` ago or earlier (all without), so that they can be delivered. */
  seal(settledMs?: number): Promise<void>;
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

/** Most segments that are written at a time. */
const MOST_OPEN = 64;
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
  readonly bucket: string;
  readonly line: Buffer;
  readonly ids: readonly string[];
  readonly done: PromiseWithResolvers<void>;
}

/** A segment that is written. */
interface Current {
  readonly bucket: string;
  readonly name: string;
  readonly openedMs: number;
  readonly file: FileHandle;
  readonly ids: string[];
  /** The write that is under way, or was. */
  written: Promise<void>;
  /** Of whole lines; a write that failed may have left more. */
  bytes: number;
  /** How far it is sealed. */
  is: 'open' | 'closed' | 'named';
  sealing?: Promise<void> | undefined;
}

class FileSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #seen: Seen;
  readonly #pending = new Map<string, Promise<Kept>>();
  #bytes = 0;
  #waiting: Waiting[] = [];
  #writing: Promise<void> | undefined;
  /** By bucket, the one opened first before the others. */
  readonly #current = new Map<string, Current>();
  /** Nothing more is written to them; they are to be sealed, again where the disk was full. */
  readonly #ending = new Set<Current>();

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

  async seal(settledMs = Number.NEGATIVE_INFINITY): Promise<void> {
    const latest = this.#options.clock.now() - settledMs;
    const settled = [...this.#current.values()].filter(({ openedMs }) => openedMs <= latest);
    for (const current of settled) this.#end(current);
    for (const current of this.#ending) await this.#sealOnce(current);
  }

  #end(current: Current): void {
    this.#current.delete(current.bucket);
    this.#ending.add(current);
  }

  /** Two may ask for it at a time. */
  #sealOnce(current: Current): Promise<void> {
    current.sealing ??= this.#seal(current).finally(() => {
      current.sealing = undefined;
    });
    return current.sealing;
  }

  /** Of a segment that nothing more is written to, but for the write under way. One without a record is removed. May be done again after an error. */
  async #seal(current: Current): Promise<void> {
    const { name, file, ids } = current;
    await current.written.catch(() => {});
    if (current.is === 'open') {
      if ((await file.stat()).size > current.bytes) await file.truncate(current.bytes);
      await file.close();
      current.is = 'closed';
    }
    if (current.bytes === 0) {
      await rm(join(this.#options.folder, `${name}${OPEN}`), { force: true });
    } else {
      await this.#seen.save(ids);
      if (current.is === 'closed') await this.#publish(name);
      current.is = 'named';
      await syncFolder(this.#options.folder);
    }
    this.#ending.delete(current);
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
    await rm(rewrittenPath(path), { force: true });
    await rm(path, { force: true });
    this.#bytes -= bytes;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.seal();
    await this.#seen.close();
  }

  async #keepNew({ ids, bucket = '', value }: Pushed): Promise<Kept> {
    const line = Buffer.from(`${JSON.stringify({ ...value, [IDS]: ids })}\n`);
    if (this.#bytes + line.length > this.#options.maxBytes) return 'full';
    this.#bytes += line.length;
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ bucket, line, ids, done });
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
      const groups = Map.groupBy(this.#waiting, ({ bucket }) => bucket);
      this.#waiting = [];
      for (const [bucket, group] of groups) await this.#writeGroup(bucket, group);
    }
    this.#writing = undefined;
  }

  async #writeGroup(bucket: string, group: readonly Waiting[]): Promise<void> {
    const ids = group.flatMap((record) => record.ids);
    try {
      await this.#append(bucket, { lines: Buffer.concat(group.map(({ line }) => line)), ids });
      this.#seen.note(ids);
      for (const { done } of group) done.resolve();
    } catch (error) {
      for (const { done } of group) done.reject(error);
    }
  }

  /** Writes to the open segment of a bucket. It may be sealed while one waits for it: then there is another. */
  async #append(
    bucket: string,
    { lines, ids }: { readonly lines: Buffer; readonly ids: readonly string[] },
  ): Promise<void> {
    for (;;) {
      const current = this.#current.get(bucket) ?? (await this.#begin(bucket));
      if (this.#current.get(bucket) !== current) continue;
      current.written = writeAll(current, lines);
      try {
        await current.written;
      } catch (error) {
        // Half a line may stand there for good: what comes goes elsewhere.
        if (this.#current.get(bucket) === current) this.#end(current);
        throw error;
      }
      current.ids.push(...ids);
      return;
    }
  }

  async #begin(bucket: string): Promise<Current> {
    const [oldest] = this.#current.values();
    if (oldest !== undefined && this.#current.size >= MOST_OPEN) {
      this.#end(oldest);
      await this.#sealOnce(oldest);
    }
    const openedMs = this.#options.clock.now();
    const time = new Date(openedMs).toISOString().replace(/[-:.]/g, '');
    const name = `${time}-${randomBytes(6).toString('hex')}`;
    const file = await open(join(this.#options.folder, `${name}${OPEN}`), 'ax', 0o600);
    const written = Promise.resolve();
    const current: Current = {
      bucket,
      name,
      openedMs,
      file,
      ids: [],
      written,
      bytes: 0,
      is: 'open',
    };
    this.#current.set(bucket, current);
    try {
      await syncFolder(this.#options.folder);
    } catch (error) {
      this.#end(current);
      throw error;
    }
    return current;
  }

  async #publish(name: string): Promise<void> {
    const { folder } = this.#options;
    await rename(join(folder, `${name}${OPEN}`), join(folder, `${name}${SEALED}`));
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
    await syncFolder(this.#options.folder);
  }
}

async function writeAll(current: Current, bytes: Buffer): Promise<void> {
  await current.file.appendFile(bytes);
  await current.file.datasync();
  current.bytes += bytes.length;
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
