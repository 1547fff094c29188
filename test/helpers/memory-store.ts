/** An object store in memory, for tests of what reads object stores. */
import { createHash } from 'node:crypto';
import type { ObjectStore, StoredObject } from '../../plugins/kit/objects/store.ts';

/** What a test may do to the store, and see of it. */
export interface MemoryStore extends ObjectStore {
  put(key: string, content: string): void;
  delete(key: string): void;
  /** Every download asked for: key and offset. */
  readonly opened: { readonly key: string; readonly from: number }[];
  /** Changes the bytes that a download sends; the listing stays as it is. */
  bend: ((key: string, bytes: Uint8Array) => Uint8Array) | undefined;
  /** Called at each download, before it starts. */
  onOpen: ((key: string) => void) | undefined;
}

/** An empty store. */
export function memoryStore(): MemoryStore {
  const objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();
  let time = Date.UTC(2026, 8, 1);
  const stored = (key: string): StoredObject | undefined => {
    const found = objects.get(key);
    if (found === undefined) return undefined;
    const etag = createHash('sha256').update(found.bytes).digest('hex').slice(0, 16);
    return { key, bytes: found.bytes.length, etag, modifiedMs: found.modifiedMs };
  };
  return {
    opened: [],
    bend: undefined,
    onOpen: undefined,
    put(key, content) {
      objects.set(key, { bytes: new TextEncoder().encode(content), modifiedMs: ++time });
    },
    delete: (key) => void objects.delete(key),
    async *list(prefix) {
      for (const key of [...objects.keys()].toSorted()) {
        const object = stored(key);
        if (object !== undefined && key.startsWith(prefix)) yield object;
      }
    },
    async read(key) {
      const object = stored(key);
      const bytes = objects.get(key)?.bytes;
      return object === undefined || bytes === undefined ? undefined : { bytes, etag: object.etag };
    },
    async open({ key, etag }, { from }) {
      this.onOpen?.(key);
      this.opened.push({ key, from });
      const bytes = objects.get(key)?.bytes;
      if (bytes === undefined || stored(key)?.etag !== etag) return undefined;
      const sent = this.bend?.(key, bytes) ?? bytes;
      return (async function* () {
        yield sent.subarray(from, from + 3);
        yield sent.subarray(from + 3);
      })();
    },
  };
}
