import {
  exportOf,
  isManifestName,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseManifest,
} from './manifest.ts';
import type { FileSet, Look, ObjectStore, StoredObject } from './store.ts';

/** Where and how far back manifests are looked for. */
export interface ManifestSearch {
  readonly prefix: string;
  /** Older billing periods are left alone, `YYYY-MM`. */
  readonly since: string;
}

/** Looks for bills whose manifest is there, and all that it names. What was read of a manifest is kept until it changes. */
export function manifestSets(store: ObjectStore): (search: ManifestSearch) => Promise<Look> {
  let known = new Map<string, Manifest | undefined>();

  async function manifestOf(marker: StoredObject): Promise<Manifest | undefined> {
    const read = await store.read(marker.key, MAX_MANIFEST_BYTES);
    // Written anew since it was listed: the next look shows it.
    if (read === undefined || read.etag !== marker.etag) return undefined;
    return parseManifest(marker.key, new TextDecoder().decode(read.bytes));
  }

  return async ({ prefix, since }) => {
    const objects: StoredObject[] = [];
    for await (const object of store.list(prefix)) objects.push(object);
    const seen = new Map<string, Manifest | undefined>();
    const newest = new Map<string, Marked>();
    for (const marker of objects.filter(mayBeManifest)) {
      const key = `${marker.etag} ${marker.key}`;
      const manifest = known.get(key) ?? (await manifestOf(marker));
      seen.set(key, manifest);
      if (manifest !== undefined && (manifest.period ?? since) >= since)
        keepNewest(newest, { marker, manifest: { ...manifest, scope: scopeOf(marker, manifest) } });
    }
    known = seen;
    return { ...assembled([...newest.values()], objects), listed: objects.length };
  };
}

/** Exports may have the same name, but not the same folder. */
function scopeOf({ key }: StoredObject, { scope }: Manifest): string {
  const found = exportOf(key);
  return found === undefined ? scope : `${found.folder}/${found.period}`;
}

interface Marked {
  readonly marker: StoredObject;
  readonly manifest: Manifest;
}

function mayBeManifest({ key, bytes }: StoredObject): boolean {
  return isManifestName(key) && bytes <= MAX_MANIFEST_BYTES;
}

/** Of several manifests for one bill the youngest speaks. */
function keepNewest(byScope: Map<string, Marked>, marked: Marked): void {
  const { scope } = marked.manifest;
  const before = byScope.get(scope);
  if (before === undefined || before.marker.modifiedMs <= marked.marker.modifiedMs)
    byScope.set(scope, marked);
}

function assembled(
  marked: readonly Marked[],
  objects: readonly StoredObject[],
): Pick<Look, 'sets' | 'incomplete'> {
  const sets: FileSet[] = [];
  const incomplete: Look['incomplete'][number][] = [];
  const byKey = new Map(objects.map((object) => [object.key, object]));
  // Exports differ in the case of partition names (`BILLING_PERIOD=`, `billing_period=`).
  const byFoldedKey = new Map(objects.map((object) => [object.key.toLowerCase(), object]));
  for (const { marker, manifest } of marked) {
    const { scope, revision, period, account, type, files } = manifest;
    const found = files.map(({ key, bytes }) => {
      const object = byKey.get(key) ?? byFoldedKey.get(key.toLowerCase());
      return { object, missing: missingOf(key, { bytes, object }) };
    });
    const missing = found.find((one) => one.missing !== undefined)?.missing;
    if (missing !== undefined) incomplete.push({ marker: marker.key, missing });
    else
      sets.push({
        ...{ scope, revision, period, account, type, marker },
        objects: found.flatMap(({ object }) => object ?? []),
      });
  }
  return { sets, incomplete };
}

function missingOf(
  key: string,
  {
    bytes,
    object,
  }: { readonly bytes: number | undefined; readonly object: StoredObject | undefined },
): string | undefined {
  if (object === undefined) return key;
  if (bytes === undefined || bytes === object.bytes) return undefined;
  return `${key} (has ${object.bytes} of ${bytes} bytes)`;
}
