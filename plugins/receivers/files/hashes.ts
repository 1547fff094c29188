import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { SeenFile } from '../../kit/watch.ts';

/** Content hashes of files, kept so that a file is read for its hash once. */
export interface HashCache {
  /** One hash for all the files, in order. */
  of(files: readonly SeenFile[], signal: AbortSignal): Promise<string>;
  /** Writes what was asked for since the last time; losing it costs time, nothing else. */
  save(): Promise<void>;
}

/** A file as it was when it was hashed. */
type Hashed = SeenFile & { readonly hash: string };

/** Opens the cache; an unreadable one starts empty. */
export async function hashCache(path: string): Promise<HashCache> {
  let known = new Map((await stored(path)).map((file) => [file.path, file]));
  let used = new Map<string, Hashed>();
  let changed = false;

  async function hashOf(file: SeenFile, signal: AbortSignal): Promise<string> {
    const before = used.get(file.path) ?? known.get(file.path);
    const same =
      before?.bytes === file.bytes &&
      before.modifiedMs === file.modifiedMs &&
      before.changedMs === file.changedMs;
    const hash = same ? before.hash : await contentHash(file.path, signal);
    changed ||= !same;
    used.set(file.path, { ...file, hash });
    return hash;
  }

  return {
    of: async (files, signal) => {
      const all = createHash('sha256');
      for (const file of files) all.update(await hashOf(file, signal));
      return all.digest('hex').slice(0, 32);
    },
    save: async () => {
      known = used;
      used = new Map();
      if (!changed) return;
      changed = false;
      await writeFile(`${path}.new`, JSON.stringify([...known.values()]), { mode: 0o600 })
        .then(() => rename(`${path}.new`, path))
        .catch(() => {});
    },
  };
}

async function stored(path: string): Promise<readonly Hashed[]> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Array.isArray(value) ? value.filter(isHashed) : [];
  } catch {
    return [];
  }
}

function isHashed(value: unknown): value is Hashed {
  if (typeof value !== 'object' || value === null) return false;
  const { path, bytes, modifiedMs, changedMs, hash } = value as Partial<Hashed>;
  return (
    typeof path === 'string' &&
    typeof bytes === 'number' &&
    typeof modifiedMs === 'number' &&
    typeof changedMs === 'number' &&
    typeof hash === 'string'
  );
}

async function contentHash(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}
