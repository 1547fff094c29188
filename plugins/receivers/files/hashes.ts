import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { SeenFile } from '../../kit/watch.ts';

/** Content hashes of files, kept so that a file is read for its hash once. */
export interface HashCache {
  /** One hash for all the files, in order. */
  of(files: readonly SeenFile[], signal: AbortSignal): Promise<string>;
  /** Writes the cache; losing it costs time, nothing else. */
  save(): Promise<void>;
}

/** Opens the cache; an unreadable one starts empty. */
export async function hashCache(path: string): Promise<HashCache> {
  const known = new Map<string, string>(await stored(path));
  const used = new Set<string>();
  let changed = false;
  return {
    of: async (files, signal) => {
      const all = createHash('sha256');
      for (const file of files) {
        const key = `${file.bytes}:${file.modifiedMs}:${file.path}`;
        const hash = known.get(key) ?? (await contentHash(file.path, signal));
        changed ||= !known.has(key);
        known.set(key, hash);
        used.add(key);
        all.update(hash);
      }
      return all.digest('hex').slice(0, 32);
    },
    save: async () => {
      if (!changed) return;
      await writeFile(`${path}.new`, JSON.stringify([...known].filter(([key]) => used.has(key))), {
        mode: 0o600,
      });
      await rename(`${path}.new`, path);
      changed = false;
    },
  };
}

async function stored(path: string): Promise<[string, string][]> {
  try {
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    return Array.isArray(value)
      ? value.filter(
          (entry): entry is [string, string] =>
            Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string',
        )
      : [];
  } catch {
    return [];
  }
}

async function contentHash(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash, { signal });
  return hash.digest('hex');
}
