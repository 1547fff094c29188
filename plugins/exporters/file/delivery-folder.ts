import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { DeliveryInfo, EncodedBatch } from '../../../pipelines/plugin/index.ts';
import { createPartFile, type Frame, type PartFile } from './part-file.ts';
import { partName, revisionFolder, safeName, scopeFolder } from './paths.ts';

/** Where and how deliveries are written. */
export interface DeliveryFolders {
  readonly folder: string;
  /** Folder for what is not complete, in the same file system. */
  readonly incomplete: string;
  readonly extension: string;
  readonly frame: Frame;
  readonly keepRevisions: boolean;
}

/** A delivery that is being written, out of sight until it is committed. */
export interface DeliveryFolder {
  write(batch: EncodedBatch): Promise<void>;
  /** Makes it visible; older revisions of a snapshot disappear at the same moment. May be done again. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Starts a delivery; what an earlier attempt left is removed. */
export async function beginDelivery(
  options: DeliveryFolders,
  delivery: DeliveryInfo,
): Promise<DeliveryFolder> {
  const pending = join(options.incomplete, safeName(delivery.id));
  await rm(pending, { recursive: true, force: true });
  await mkdir(pending, { recursive: true });
  const parts = new Map<number, Promise<PartFile>>();

  return {
    async write(batch) {
      let part = parts.get(batch.part);
      if (part === undefined) {
        const path = join(pending, partName(batch.part, options.extension));
        part = createPartFile(path, options.frame);
        parts.set(batch.part, part);
      }
      await (await part).append(batch);
    },
    async commit() {
      for (const part of parts.values()) await (await part).finish();
      await syncFolder(pending);
      await publish(pending, options, delivery);
    },
    async abort() {
      for (const part of parts.values()) await part.then((file) => file.close()).catch(() => null);
      await rm(pending, { recursive: true, force: true });
    },
  };
}

/** Moves the old revisions away and the new one in: two renames, then the old ones are deleted. */
async function publish(
  pending: string,
  options: DeliveryFolders,
  delivery: DeliveryInfo,
): Promise<void> {
  const scope = scopeFolder(options.folder, delivery);
  const target = revisionFolder(options.folder, delivery);
  await makeFolder(scope, options.folder);
  const replaced = await oldRevisions(scope, {
    all: replacesOlder(options, delivery),
    name: basename(target),
  });
  const trash = `${pending}.old`;
  await rm(trash, { recursive: true, force: true });
  await mkdir(trash);
  for (const name of replaced) await rename(join(scope, name), join(trash, name));
  await rename(pending, target);
  await syncFolder(scope);
  // What is left of it is removed at the next start.
  await rm(trash, { recursive: true, force: true }).catch(() => undefined);
}

/** Corrections take back what stands in the files of older revisions: those stay. */
function replacesOlder(
  { keepRevisions }: DeliveryFolders,
  { mode, restated }: DeliveryInfo,
): boolean {
  if (restated !== undefined) return restated.whole;
  return mode === 'snapshot' && !keepRevisions;
}

async function oldRevisions(
  scope: string,
  which: { readonly all: boolean; readonly name: string },
): Promise<readonly string[]> {
  const entries = await readdir(scope, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory() && (which.all || entry.name === which.name))
    .map(({ name }) => name);
}

/** Makes a folder and has its name, and those of its parents up to `top`, on disk. */
async function makeFolder(folder: string, top: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true });
  if (made === undefined) return;
  for (let at = folder; at.length >= top.length && at !== dirname(at); at = dirname(at)) {
    await syncFolder(at);
  }
}

/** Has the names in a folder on disk, where the system can do that. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
