import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, Misconfigured } from '../../pipelines/plugin/errors.ts';

/** Time for an agent that is just ending to let go. */
const PATIENCE_MS = 2_000;

/**
 * Keeps a second agent out of a storage folder: two would write the same files. The lock is the system's own (on a file, by SQLite), so it
 * ends with the process, however that ends. Answers how to let go.
 */
export function lockFolder(folder: string): () => void {
  const path = join(folder, 'agent.lock');
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    database = new DatabaseSync(path, { timeout: PATIENCE_MS });
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    throw isBusy(cause) ? inUse(folder, cause) : unusable(path, cause);
  }
  const held = database;
  return () => held.close();
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY;
}

function inUse(folder: string, cause: unknown): Misconfigured {
  return new Misconfigured(`another focusd is using ${folder}`, {
    path: 'storage.folder',
    hint: 'stop it, or give this one a storage folder of its own',
    cause,
  });
}

function unusable(path: string, cause: unknown): Misconfigured {
  const reason = errorMessage(cause);
  return new Misconfigured(`cannot write ${path}: ${reason}`, { path: 'storage.folder', cause });
}
