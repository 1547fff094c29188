import { dirname } from 'node:path';
import type { SeenFile } from '../../kit/watch.ts';
import { isManifestName, partsOf, readManifest } from './manifests.ts';

/** Files that are delivered together. */
export interface Bundle {
  readonly scope: string;
  readonly parts: readonly SeenFile[];
  /** Said by a manifest; absent: the hash of the files. */
  readonly revision?: string;
}

/** What can be read now, and what is still being written. */
export interface Bundles {
  readonly bundles: readonly Bundle[];
  readonly waiting: readonly string[];
}

/** Files a receiver never takes for bills. */
const NOT_BILLS = /\.(md|txt|ya?ml|toml|html?|xml|pdf|png|jpe?g|crc|md5|sha256|sha1|log)$/i;

/**
 * Sorts files into deliveries: a manifest speaks for the files it lists, and for every other file in their folders (older runs lie there);
 * the rest goes by file or by folder. A file younger than `settledBefore`, or a manifest whose files are not all there, is waited for.
 */
export async function bundlesOf(
  seen: readonly SeenFile[],
  options: { readonly scope: 'file' | 'folder'; readonly settledBefore: number },
): Promise<Bundles> {
  const present = new Map(seen.map((file) => [file.path, file]));
  const governed = new Set<string>();
  const waiting: string[] = [];
  const byScope = new Map<string, Bundle & { readonly modifiedMs: number }>();
  for (const file of seen.filter(({ path }) => isManifestName(path))) {
    const manifest = await readManifest(file);
    if (manifest === undefined) continue;
    const parts = partsOf(manifest, present);
    for (const { path } of parts ?? []) governed.add(dirname(path));
    if (
      parts === undefined ||
      [file, ...parts].some(({ modifiedMs }) => modifiedMs > options.settledBefore)
    )
      waiting.push(file.path);
    else
      newest(byScope, {
        scope: manifest.scope,
        revision: manifest.revision,
        parts,
        modifiedMs: file.modifiedMs,
      });
  }
  const loose = seen.filter(
    ({ path }) => !isManifestName(path) && !NOT_BILLS.test(path) && !governed.has(dirname(path)),
  );
  const plain = options.scope === 'file' ? byFile(loose) : byFolder(loose);
  const settled = plain.filter(({ parts }) =>
    parts.every(({ modifiedMs }) => modifiedMs <= options.settledBefore),
  );
  waiting.push(...plain.filter((bundle) => !settled.includes(bundle)).map(({ scope }) => scope));
  return { bundles: [...byScope.values(), ...settled], waiting };
}

/** Of several manifests for one scope the youngest speaks. */
function newest(
  byScope: Map<string, Bundle & { readonly modifiedMs: number }>,
  bundle: Bundle & { readonly modifiedMs: number },
): void {
  const known = byScope.get(bundle.scope);
  if (known === undefined || known.modifiedMs <= bundle.modifiedMs)
    byScope.set(bundle.scope, bundle);
}

function byFile(files: readonly SeenFile[]): Bundle[] {
  return files.map((file) => ({ scope: file.path, parts: [file] }));
}

function byFolder(files: readonly SeenFile[]): Bundle[] {
  return [...Map.groupBy(files, ({ path }) => dirname(path))].map(([scope, parts]) => ({
    scope,
    parts,
  }));
}
