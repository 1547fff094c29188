import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Part, Unavailable } from '../../../pipelines/plugin/index.ts';
import { createLimit } from '../limit.ts';
import type { ObjectStore, StoredObject } from './store.ts';

/** Where objects go, and what is told of it. */
export interface Download {
  readonly folder: string;
  /** Objects on their way at the same time. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  /** Told of every piece that came, in bytes. */
  readonly arrived: (bytes: number) => void;
}

/**
 * Brings objects to the local disk. What is there already is not asked for again, what was broken off goes on where it stopped. Undefined
 * when one of them has changed since it was listed; `Unavailable` when one did not come whole: what came of it stays for the next attempt.
 */
export async function download(
  store: ObjectStore,
  objects: readonly StoredObject[],
  options: Download,
): Promise<readonly Part[] | undefined> {
  await mkdir(options.folder, { recursive: true, mode: 0o700 });
  const giveUp = new AbortController();
  const signal = AbortSignal.any([options.signal, giveUp.signal]);
  const limit = createLimit(options.parallel);
  const one = async (object: StoredObject): Promise<Part | undefined> => {
    signal.throwIfAborted();
    const part = await bring(store, object, { ...options, signal });
    if (part === undefined) giveUp.abort(CHANGED);
    return part;
  };
  const settled = await Promise.allSettled(
    objects.map((object) =>
      limit
        .run(() => one(object))
        .catch((error: unknown) => {
          giveUp.abort(error);
          throw error;
        }),
    ),
  );
  if (giveUp.signal.aborted && giveUp.signal.reason !== CHANGED) throw giveUp.signal.reason;
  options.signal.throwIfAborted();
  const parts = settled.flatMap((result) =>
    result.status === 'fulfilled' && result.value !== undefined ? [result.value] : [],
  );
  return parts.length === objects.length ? parts : undefined;
}

const CHANGED = new Error('an object changed');

async function bring(
  store: ObjectStore,
  object: StoredObject,
  { folder, signal, arrived }: Download,
): Promise<Part | undefined> {
  const path = join(folder, localName(object));
  const whole = await partAt(path);
  if (whole?.bytes === object.bytes) {
    arrived(object.bytes);
    return whole;
  }
  const partial = `${path}.part`;
  let from = (await partAt(partial))?.bytes ?? 0;
  if (from > object.bytes) {
    await rm(partial, { force: true });
    from = 0;
  }
  arrived(from);
  // Broken off between its last byte and its name.
  if (whole === undefined && from > 0 && from === object.bytes) return await named(partial, path);
  const body = await store.open(object, { from, signal });
  if (body === undefined) return undefined;
  const bytes = await append(partial, body, { from, most: object.bytes, arrived });
  if (bytes !== object.bytes) throw await wrongLength(object, { bytes, partial });
  return await named(partial, path);
}

async function named(partial: string, path: string): Promise<Part | undefined> {
  await rename(partial, path);
  return await partAt(path);
}

/** Appends to a file what comes, durably; answers its length, which is past `most` when there was more to come. */
async function append(
  path: string,
  body: AsyncIterable<Uint8Array>,
  {
    from,
    most,
    arrived,
  }: { readonly from: number; readonly most: number; readonly arrived: Download['arrived'] },
): Promise<number> {
  const file = await open(path, 'a', 0o600);
  let bytes = from;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > most) break;
      await file.writeFile(chunk);
      arrived(chunk.length);
    }
    await file.sync();
    return bytes;
  } finally {
    await file.close();
  }
}

/** Too short: it goes on from there the next time. Too long: nothing of it can be trusted. */
async function wrongLength(
  { key, bytes: said }: StoredObject,
  { bytes, partial }: { readonly bytes: number; readonly partial: string },
): Promise<Unavailable> {
  const isLonger = bytes > said;
  if (isLonger) await rm(partial, { force: true });
  return new Unavailable(
    `${key} is ${isLonger ? 'longer' : 'shorter'} than the listing says (${said} bytes); it is read again`,
  );
}

async function partAt(path: string): Promise<Part | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? undefined : { path, bytes: found.size, modifiedMs: found.mtimeMs };
}

/** A file name that no key can lead out of its folder; another version of the object has another one. */
function localName({ key, etag }: StoredObject): string {
  const hash = createHash('sha256').update(`${etag} ${key}`).digest('hex').slice(0, 24);
  const readable = basename(key)
    .replaceAll(/[^\w.-]/g, '_')
    .slice(-80);
  return `${hash}-${readable}`;
}
