import { createHash } from 'node:crypto';
import { open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { KeptFile } from '../pipelines/engine/protocol.ts';
import type { KeptRevision } from './state/kept-charges.ts';
import type { ScopeId } from './state/state.ts';

/** Where the charges of a revision are kept: `<folder>/<scope>/<number>`. */
export function keptFolder(folder: string, of: ScopeId, number: number): string {
  return join(scopeFolder(folder, of), String(number));
}

/** The files of a kept revision with their paths. */
export function keptFiles(
  folder: string,
  of: ScopeId,
  { number, files }: KeptRevision,
): readonly KeptFile[] {
  const path = keptFolder(folder, of, number);
  return files.map(({ name, ...file }) => ({ ...file, path: join(path, name) }));
}

/** The files without their folder, as the state remembers them. */
export function fileNames(files: readonly KeptFile[]): KeptRevision['files'] {
  return files.map(({ path, ...file }) => ({ ...file, name: basename(path) }));
}

/** Has the names in a folder, that of the folder and of the one above on disk, where the system can do that. */
export async function syncNames(folder: string): Promise<void> {
  for (const at of [folder, dirname(folder), dirname(dirname(folder))]) {
    const handle = await open(at, 'r').catch(() => undefined);
    await handle?.sync().catch(() => undefined);
    await handle?.close();
  }
}

/** Removes what is kept of a scope, but for the revisions of these numbers. */
export async function removeKept(
  folder: string,
  of: ScopeId,
  but: readonly number[],
): Promise<void> {
  const path = scopeFolder(folder, of);
  const names = await readdir(path).catch(() => []);
  for (const name of names)
    if (!but.map(String).includes(name)) await rm(join(path, name), { recursive: true });
}

function scopeFolder(folder: string, { pipeline, receiver, scope }: ScopeId): string {
  const key = JSON.stringify([pipeline, receiver, scope]);
  return join(folder, createHash('sha256').update(key).digest('hex').slice(0, 20));
}
