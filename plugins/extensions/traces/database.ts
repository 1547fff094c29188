import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage } from '../../../pipelines/plugin/index.ts';

/** A SQLite file of the extension. */
export interface DatabaseOptions {
  readonly folder: string;
  readonly file: string;
  readonly schema: string;
  readonly nowMs: number;
  /** A file that is none was set aside as `<file>.damaged-<time>`. */
  onDamaged(aside: string, reason: string): void;
}

/** Opens or makes it; a damaged one is set aside, and a new one begins. */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { folder, file, nowMs, onDamaged } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, file);
  try {
    return opened(path, options.schema);
  } catch (error) {
    const reason = errorMessage(error);
    if (!/not a database|malformed/.test(reason)) throw error;
    const aside = `${path}.damaged-${nowMs}`;
    renameSync(path, aside);
    for (const more of ['-wal', '-shm']) renameIfThere(`${path}${more}`, `${aside}${more}`);
    onDamaged(aside, reason);
    return opened(path, options.schema);
  }
}

const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 0;
`;

function opened(path: string, schema: string): DatabaseSync {
  const database = new DatabaseSync(path);
  try {
    database.exec(`${PRAGMAS}${schema}`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
