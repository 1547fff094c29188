import { basename, dirname } from 'node:path';
import { exportOf, isManifestName } from '../../kit/objects/manifest.ts';
import type { SeenFile } from '../../kit/watch.ts';
import { type ManifestFile, partsOf, readManifest } from './manifests.ts';

/** Files that are delivered together. */
export interface Bundle {
  readonly scope: string;
  readonly parts: readonly SeenFile[];
  /** Set when a manifest speaks for the files; absent: the hash of the files is their revision. */
  readonly manifest?: {
    readonly revision: string;
    /** Folders of the data. What was read there without the manifest does not count any more. */
    readonly folders: readonly string[];
  };
}

/** What can be read now, and what is waited for. */
export interface Bundles {
  readonly bundles: readonly Bundle[];
  /** Changed a moment ago. */
  readonly settling: readonly string[];
  /** Manifests whose files are not all there. */
  readonly incomplete: readonly { readonly manifest: string; readonly missing: string }[];
  /** Left alone: the manifest of their folder does not name them. */
  readonly unnamed: readonly string[];
  /** Manifests that another export of the same name and period outshines. */
  readonly outshone: readonly { readonly manifest: string; readonly by: string }[];
}

interface Options {
  readonly scope: 'file' | 'folder';
  /** Whether nobody seems to write a file any more. */
  readonly isSettled: (file: SeenFile) => boolean;
}

/** Files a receiver never takes for bills; the last is what `focusd generate` knows of its bills. */
const NOT_BILLS =
  /(\.(md|txt|ya?ml|toml|html?|xml|pdf|png|jpe?g|crc|md5|sha256|sha1|log)|^truth-[\w-]+\.json)$/i;

/**
 * Sorts files into deliveries: a manifest speaks for the files it lists, and for every other file in their folders (older runs lie there);
 * the rest goes by file or by folder. A file that is still being written, or a manifest whose files are not all there, is waited for.
 */
export async function bundlesOf(seen: readonly SeenFile[], options: Options): Promise<Bundles> {
  const managed = await manifestBundles(seen, options);
  const named = new Set(managed.named);
  const folders = new Set(managed.named.map(dirname));
  const data = seen.filter(({ path }) => mayBeBill(path));
  const loose = data.filter(({ path }) => !folders.has(dirname(path)));
  const plain = options.scope === 'file' ? byFile(loose) : byFolder(loose);
  const settled = plain.filter(({ parts }) => parts.every(options.isSettled));
  const settling = plain.filter((bundle) => !settled.includes(bundle)).map(({ scope }) => scope);
  return {
    bundles: [...managed.bundles, ...settled],
    settling: [...managed.settling, ...settling],
    incomplete: managed.incomplete,
    outshone: managed.outshone,
    unnamed: data
      .filter(({ path }) => folders.has(dirname(path)) && !named.has(path))
      .map(({ path }) => path),
  };
}

/** Whether a file may be a bill, by its name alone. */
export function mayBeBill(path: string): boolean {
  return !isManifestName(path) && !NOT_BILLS.test(basename(path));
}

interface Managed extends Omit<Bundles, 'unnamed'> {
  /** Data files that a manifest names, whether it can be delivered or not. */
  readonly named: readonly string[];
}

async function manifestBundles(
  seen: readonly SeenFile[],
  { isSettled }: Options,
): Promise<Managed> {
  const present = new Map(seen.map((file) => [file.path, file]));
  const named: string[] = [];
  const settling: string[] = [];
  const incomplete: Bundles['incomplete'][number][] = [];
  const outshone: Bundles['outshone'][number][] = [];
  const newest = new Map<string, Written>();
  for (const file of seen.filter(({ path }) => isManifestName(path))) {
    const manifest = await readManifest(file);
    if (manifest === undefined) {
      if (!isSettled(file)) settling.push(file.path);
      continue;
    }
    const { parts, missing } = partsOf(manifest, present);
    named.push(...parts.map(({ path }) => path));
    if (missing !== undefined) incomplete.push({ manifest: file.path, missing });
    else if (![file, ...parts].every(isSettled)) settling.push(file.path);
    else {
      const older = keepNewest(newest, { manifest, parts, modifiedMs: file.modifiedMs });
      const by = newest.get(manifest.scope)?.manifest.path;
      if (older !== undefined && by !== undefined && isOfAnother(older, by))
        outshone.push({ manifest: older, by });
    }
  }
  const bundles = [...newest.values()].map(bundleOf);
  return { bundles, named, settling, incomplete, outshone };
}

interface Written {
  readonly manifest: ManifestFile;
  readonly parts: readonly SeenFile[];
  readonly modifiedMs: number;
}

/** Of several manifests for one scope the youngest speaks; answers the other. */
function keepNewest(byScope: Map<string, Written>, written: Written): string | undefined {
  const { scope } = written.manifest;
  const known = byScope.get(scope);
  if (known !== undefined && known.modifiedMs > written.modifiedMs) return written.manifest.path;
  byScope.set(scope, written);
  return known?.manifest.path;
}

/** Whether two manifests are no runs of one export: they lie apart. */
function isOfAnother(one: string, other: string): boolean {
  const [a, b] = [exportOf(one), exportOf(other)];
  return a !== undefined && b !== undefined && a.folder !== b.folder;
}

function bundleOf({ manifest: { scope, revision }, parts }: Written): Bundle {
  const folders = [...new Set(parts.map(({ path }) => dirname(path)))];
  return { scope, parts, manifest: { revision, folders } };
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
