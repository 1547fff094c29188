import type { Look, ObjectStore, StoredObject } from './store.ts';

/** Which objects are bills. */
export interface ObjectSearch {
  readonly prefix: string;
  /** Objects that were written before are left alone, milliseconds. */
  readonly sinceMs: number;
  /** Whether an object is a bill, by its name. */
  readonly fits: (key: string) => boolean;
}

/**
 * Finds objects that are each a bill by itself, oldest first: files that add up and are written once. The key is the scope and the etag the
 * revision, so that one that is written anew after all replaces what it said, and one that comes late is found like any other.
 */
export async function singleObjects(
  store: ObjectStore,
  { prefix, sinceMs, fits }: ObjectSearch,
): Promise<Look> {
  let listed = 0;
  const found: StoredObject[] = [];
  for await (const object of store.list(prefix)) {
    listed += 1;
    if (object.bytes > 0 && object.modifiedMs >= sinceMs && fits(object.key)) found.push(object);
  }
  const sets = found.toSorted(byAge).map((object) => ({
    ...{ scope: object.key, revision: object.etag, period: undefined },
    objects: [object],
  }));
  return { sets, listed, incomplete: [] };
}

function byAge(a: StoredObject, b: StoredObject): number {
  return a.modifiedMs - b.modifiedMs || (a.key < b.key ? -1 : 1);
}
