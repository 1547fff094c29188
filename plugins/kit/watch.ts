import { type Dirent, realpathSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { type FSWatcher, watch } from 'chokidar';
import picomatch from 'picomatch';

/** A file as it was seen. */
export interface SeenFile {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** When its content, name or rights changed last; unlike `modifiedMs`, nobody can set it back. */
  readonly changedMs: number;
}

/** Where files are looked for. */
export interface Root {
  /** A folder or a file; need not exist yet. */
  readonly path: string;
  /** How many folders deep; 0: only what stands in it. */
  readonly depth: number;
}

/** Folders, files and globs, taken apart. */
export interface FilePatterns {
  /** They hold everything that can match; what is not below one of them is never read. */
  readonly roots: readonly Root[];
  matches(path: string): boolean;
}

/** Names of files that somebody is still writing, and of those that are not for us. */
const UNFINISHED = /(^\.|~$|\.(tmp|temp|part|partial|crdownload|download|swp|lock)$)/i;

/**
 * Reads patterns: a folder stands for every file below it, a glob (`*`, `**`, `?`, `{a,b}`) for what it matches, anything else for itself.
 * Globs that exclude are held against the path, the path below its root, and the name.
 */
export async function filePatterns(
  patterns: readonly string[],
  exclude: readonly string[] = [],
): Promise<FilePatterns> {
  const included = await Promise.all(patterns.map(onePattern));
  const roots = new Map<string, Root>();
  for (const { root } of included)
    roots.set(root.path, {
      ...root,
      depth: Math.max(root.depth, roots.get(root.path)?.depth ?? 0),
    });
  const isExcluded = exclude.length === 0 ? () => false : picomatch([...exclude], { dot: true });
  return {
    roots: [...roots.values()],
    matches: (path) => {
      if (UNFINISHED.test(basename(path))) return false;
      const asked = included.filter(({ test }) => test(path));
      const names = [path, basename(path), ...asked.map(({ root }) => relative(root.path, path))];
      return asked.length > 0 && !names.some((name) => name !== '' && isExcluded(name));
    },
  };
}

async function onePattern(
  pattern: string,
): Promise<{ root: Root; test: (path: string) => boolean }> {
  const path = resolve(pattern);
  const { base, glob, isGlob } = picomatch.scan(path);
  if (!isGlob || (await stat(path).catch(() => undefined)) !== undefined)
    return {
      root: { path, depth: Number.POSITIVE_INFINITY },
      test: (candidate) => candidate === path || candidate.startsWith(path + sep),
    };
  const depth = glob.includes('**') ? Number.POSITIVE_INFINITY : glob.split('/').length - 1;
  return { root: { path: resolve(base), depth }, test: picomatch(path, { dot: false }) };
}

/** Every matching file below the roots, sorted by path. Links that lead out of their root are left alone. */
export async function listFiles({ roots, matches }: FilePatterns): Promise<SeenFile[]> {
  const found = new Map<string, SeenFile>();
  for (const root of roots) {
    const real = await realpath(root.path).catch(() => undefined);
    if (real === undefined) continue;
    for await (const path of walk(root)) {
      if (!matches(path) || found.has(path)) continue;
      if (!isWithin(await realpath(path).catch(() => undefined), real)) continue;
      const seen = await stat(path).catch(() => undefined);
      if (seen?.isFile() === true)
        found.set(path, {
          path,
          bytes: seen.size,
          modifiedMs: seen.mtimeMs,
          changedMs: seen.ctimeMs,
        });
    }
  }
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Files of a folder; of a file, itself. */
async function* walk({ path: root, depth }: Root): AsyncGenerator<string> {
  if ((await stat(root).catch(() => undefined))?.isFile() === true) {
    yield root;
    return;
  }
  const entries = await readdir(root, { withFileTypes: true }).catch((): Dirent[] => []);
  for (const entry of entries) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) {
      if (depth > 0 && !entry.name.startsWith('.')) yield* walk({ path, depth: depth - 1 });
    } else if (entry.isFile() || entry.isSymbolicLink()) yield path;
  }
}

function isWithin(path: string | undefined, root: string): boolean {
  return path !== undefined && (path === root || path.startsWith(root + sep));
}

/** Tells that something below the roots changed; changes while nobody waits are remembered as one. */
export interface FolderWatch {
  /** Resolves at the next change, after `atMost` milliseconds, or when the signal aborts. */
  changed(atMost: number): Promise<void>;
  close(): Promise<void>;
}

/** Watches folders and files by chokidar; what cannot be watched is found by the caller's `atMost`. */
export function watchFolders(roots: readonly Root[], signal: AbortSignal): FolderWatch {
  let dirty = false;
  let wake: (() => void) | undefined;
  const note = (): void => {
    dirty = true;
    wake?.();
  };
  const watchers = roots.map(({ path, depth }): FSWatcher => {
    const watcher = watch(realPath(path), {
      ...WATCHING,
      followSymlinks: false,
      ...(Number.isFinite(depth) && { depth }),
    });
    // What came while the watch was set up is seen by one more look.
    for (const event of ['add', 'change', 'unlink', 'addDir', 'ready'] as const)
      watcher.on(event, note);
    watcher.on('error', note);
    return watcher;
  });
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
    close: async () => {
      signal.removeEventListener('abort', note);
      await Promise.all(watchers.map((watcher) => watcher.close()));
    },
  };
}

const WATCHING = { ignoreInitial: true, ignorePermissionErrors: true } as const;

/** A link given by the operator is followed, those below it are not. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** Calls `changed` after one of the files changed (rewritten, replaced, linked anew); quick changes count as one. Answers how to stop. */
export function watchFiles(files: readonly string[], changed: () => void): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch([...files], WATCHING);
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(changed, 150);
  });
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}
