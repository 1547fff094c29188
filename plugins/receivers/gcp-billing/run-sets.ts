import type { FileSet, Look, ObjectStore, StoredObject } from '../../kit/objects/store.ts';

/** Where runs are looked for. */
export interface RunSearch {
  readonly bucket: string;
  readonly prefix: string;
  /** Name of the object that says that a run is whole. */
  readonly marker: string;
  /** Months before are left alone, `YYYYMM`; folders that name no month never are. */
  readonly since: string;
}

/**
 * Finds exports that are written as `…/<scope folder>/<run folder>/<files>` with a marker in the run folder: of each scope folder the run whose
 * marker is the youngest counts, with every file in its folder.
 */
export async function runSets(store: ObjectStore, search: RunSearch): Promise<Look> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(search.prefix)) objects.push(object);
  const newest = new Map<string, StoredObject>();
  for (const object of objects.filter(({ key }) => nameOf(key) === search.marker)) {
    const scope = folderOf(folderOf(object.key));
    const before = newest.get(scope);
    if (before === undefined || before.modifiedMs <= object.modifiedMs) newest.set(scope, object);
  }
  const sets = [...newest].map(([scope, marker]) => setOf(search, { scope, marker, objects }));
  const recent = sets.filter(
    ({ period }) => (period?.replace('-', '') ?? search.since) >= search.since,
  );
  return { sets: recent, listed: objects.length, incomplete: [] };
}

function setOf(
  { bucket }: RunSearch,
  found: {
    readonly scope: string;
    readonly marker: StoredObject;
    readonly objects: readonly StoredObject[];
  },
): FileSet {
  const { scope, marker, objects } = found;
  const run = folderOf(marker.key);
  const [, year, month] = /(20\d\d)-?(0[1-9]|1[0-2])(?!\d)/.exec(scope) ?? [];
  return {
    scope: `gs://${bucket}/${scope}`,
    revision: `${nameOf(run)}/${marker.etag}`,
    period: year === undefined ? undefined : `${year}-${month}`,
    marker,
    objects: objects.filter(
      ({ key, bytes }) =>
        folderOf(key) === run && bytes > 0 && !/^[._]/.test(nameOf(key)) && key !== marker.key,
    ),
  };
}

/** What stands before the last slash. */
function folderOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf('/')));
}

function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1);
}
