import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { MAX_MANIFEST_BYTES, type Manifest, parseManifest } from '../../kit/objects/manifest.ts';
import type { SeenFile } from '../../kit/watch.ts';

/** A manifest as a file. */
export interface ManifestFile extends Manifest {
  readonly path: string;
}

/** Reads a manifest; undefined when the file is something else or still being written. */
export async function readManifest(file: SeenFile): Promise<ManifestFile | undefined> {
  if (file.bytes > MAX_MANIFEST_BYTES) return undefined;
  const manifest = parseManifest(file.path, await readFile(file.path, 'utf8').catch(() => ''));
  return manifest === undefined ? undefined : { ...manifest, path: file.path };
}

/**
 * The local copies of a manifest's files: the key's longest tail that exists below one of the manifest's parent folders. `missing` names the
 * first that is not there, or not as long as it should be.
 */
export function partsOf(
  manifest: ManifestFile,
  present: ReadonlyMap<string, SeenFile>,
): { readonly parts: readonly SeenFile[]; readonly missing: string | undefined } {
  const parts: SeenFile[] = [];
  let missing: string | undefined;
  for (const { key, bytes } of manifest.files) {
    const part = locate(manifest.path, key, present);
    if (part !== undefined) parts.push(part);
    if (part === undefined) missing ??= key;
    else if (bytes !== undefined && part.bytes !== bytes)
      missing ??= `${key} (has ${part.bytes} of ${bytes} bytes)`;
  }
  return { parts, missing };
}

function locate(
  manifest: string,
  key: string,
  present: ReadonlyMap<string, SeenFile>,
): SeenFile | undefined {
  const segments = key
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '..');
  for (let from = 0; from < segments.length; from++) {
    const tail = segments.slice(from);
    for (let folder = dirname(manifest); ; folder = dirname(folder)) {
      const found = present.get(join(folder, ...tail));
      if (found !== undefined) return found;
      if (dirname(folder) === folder) break;
    }
  }
  return undefined;
}
