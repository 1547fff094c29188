import { type Dirent, realpathSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import picomatch from 'picomatch';

/** A file as it was seen. */
export interface SeenFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

/** Folders, files and globs, taken apart. */
export interface FilePatterns {
  /** Folders that hold everything that can match; what is not below one of them is never read. */
  readonly roots: readonly string[];
  matches(path: string): boolean;
}

/** Names of files that somebody is still writing, and of those that are not for us. */
const UNFINISHED = /(^\.|~$|\.(tmp|temp|part|partial|crdownload|download|swp|lock)$)/i;

/** Reads patterns: a folder stands for every file below it, a glob (`*`, `**`, `?`, `{a,b}`) for what it matches, anything else for itself. */
export async function filePatterns(
  patterns: readonly string[],
  exclude: readonly string[] = [],
): Promise<FilePatterns> {
  const included = await Promise.all(patterns.map(onePattern));
  const excluded = exclude.length === 0 ? () => false : picomatch([...exclude], { dot: true });
  return {
    roots: [...new Set(included.map(({ root }) => root))],
    matches: (path) =>
      !UNFINISHED.test(basename(path)) &&
      included.some(({ test }) => test(path)) &&
      !excluded(path) &&
      !excluded(basename(path)),
  };
}

async function onePattern(
  pattern: string,
): Promise<{ root: string; test: (path: string) => boolean }> {
  const path = resolve(pattern);
  const known = await stat(path).catch(() => undefined);
  if (known?.isDirectory() === true)
    return { root: path, test: (candidate) => candidate.startsWith(path + sep) };
  const { base, isGlob } = picomatch.scan(path);
  if (known !== undefined || !isGlob)
    return { root: dirname(path), test: (candidate) => candidate === path };
  return { root: resolve(base), test: picomatch(path, { dot: false }) };
}

/** Every matching file below the roots, sorted by path. Links that lead out of their root are left alone. */
export async function listFiles({ roots, matches }: FilePatterns): Promise<SeenFile[]> {
  const found = new Map<string, SeenFile>();
  for (const root of roots) {
    const real = await realpath(root).catch(() => undefined);
    if (real === undefined) continue;
    for await (const path of walk(root)) {
      if (!matches(path) || found.has(path) || !isBelow(await realpath(path).catch(() => ''), real))
        continue;
      const seen = await stat(path).catch(() => undefined);
      if (seen?.isFile() === true)
        found.set(path, { path, bytes: seen.size, modifiedMs: seen.mtimeMs });
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

async function* walk(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (!entry.name.startsWith('.')) yield* walk(path);
    } else if (entry.isFile() || entry.isSymbolicLink()) yield path;
  }
}

function isBelow(path: string, root: string): boolean {
  const way = relative(root, path);
  return path !== '' && way !== '' && !way.startsWith('..');
}

/** Tells that something below the folders changed; changes while nobody waits are remembered as one. */
export interface FolderWatch {
  /** Resolves at the next change, after `atMost` milliseconds, or when the signal aborts. */
  changed(atMost: number): Promise<void>;
  close(): Promise<void>;
}

/** Watches folders by chokidar; folders that do not exist yet are looked at again by the caller's `atMost`. */
export function watchFolders(folders: readonly string[], signal: AbortSignal): FolderWatch {
  let dirty = false;
  let wake: (() => void) | undefined;
  const note = (): void => {
    dirty = true;
    wake?.();
  };
  const watcher: FSWatcher = watch(folders.filter(exists), {
    ignoreInitial: true,
    followSymlinks: false,
    ignorePermissionErrors: true,
  });
  for (const event of ['add', 'change', 'unlink', 'addDir'] as const) watcher.on(event, note);
  watcher.on('error', note);
  signal.addEventListener('abort', note, { once: true });
  return {
    changed: async (atMost) => {
      if (!dirty && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, atMost);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
        wake = undefined;
      }
      dirty = false;
    },
    close: () => watcher.close(),
  };
}

function exists(folder: string): boolean {
  try {
    realpathSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Calls `changed` after one of the files changed (rewritten, replaced, linked anew); quick changes count as one. Answers how to stop. */
export function watchFiles(files: readonly string[], changed: () => void): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch([...files], { ignoreInitial: true, ignorePermissionErrors: true });
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(changed, 150);
  });
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
