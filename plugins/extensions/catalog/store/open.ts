import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { errorMessage, Misconfigured } from '../../../../pipelines/plugin/index.ts';

/** Name of the file in the extension's folder. */
export const CATALOG_FILE = 'catalog.sqlite';
/** An opened catalog. */
export type Catalog = DatabaseSync;

const STAGED_FILE = 'staged.sqlite';

const VERSION = 3;

const MACHINES = `
  CREATE TABLE machines (machine TEXT NOT NULL, series INTEGER NOT NULL, list TEXT NOT NULL, PRIMARY KEY (machine, series)) STRICT, WITHOUT ROWID;`;

/**
 * `series`: what a price is of. `prices`: when it cost how much; half-open, open while `valid_to` is null; a row is never changed but for its end.
 * `machines`: which of the series in force are an hour of which machine. `names`: what the seller called a SKU, likewise. `changes`: prices that moved, until they were told. Times are milliseconds, prices exact decimal texts.
 */
const SCHEMA = `
  CREATE TABLE lists (id TEXT PRIMARY KEY, version TEXT, published_ms INTEGER, read_ms INTEGER NOT NULL, prices INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE series (
    id INTEGER PRIMARY KEY, list TEXT NOT NULL, key TEXT NOT NULL, provider TEXT NOT NULL, sku TEXT NOT NULL, price_id TEXT NOT NULL, region TEXT NOT NULL,
    unit TEXT NOT NULL, per TEXT NOT NULL, tier_start TEXT NOT NULL, currency TEXT NOT NULL, UNIQUE (list, key)
  ) STRICT;
  CREATE INDEX series_sku ON series (sku);
  CREATE INDEX series_price ON series (price_id);
  CREATE TABLE prices (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER, price TEXT NOT NULL, recorded_ms INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX prices_series ON prices (series, valid_from);
  ${MACHINES}
  CREATE TABLE names (
    id INTEGER PRIMARY KEY, list TEXT NOT NULL, provider TEXT NOT NULL, sku TEXT NOT NULL, price_id TEXT NOT NULL, name TEXT NOT NULL,
    valid_from INTEGER NOT NULL, valid_to INTEGER
  ) STRICT;
  CREATE INDEX names_sku ON names (sku, price_id, list);
  CREATE INDEX names_price ON names (price_id);
  CREATE TABLE changes (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL, old TEXT NOT NULL, new TEXT NOT NULL, valid_from INTEGER NOT NULL,
    said INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  PRAGMA user_version = ${VERSION};
`;

/** Version 1 knew no machines, version 2 none of Google: lists are read again though they have not changed. */
const ALL_ANEW = 'UPDATE lists SET version = NULL;';

/** Rows of a list that is being read; thrown away afterwards, so nothing is synced. */
const STAGED = `
  PRAGMA staged.journal_mode = OFF;
  PRAGMA staged.synchronous = OFF;
  CREATE TABLE staged.rows (key TEXT NOT NULL, name TEXT NOT NULL, machine TEXT, price TEXT NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER) STRICT;
`;

/** Opens (or makes) the catalog in a folder, for its one writer. A damaged or foreign file is an error that names it. */
export function openCatalog(folder: string): Catalog {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, CATALOG_FILE);
  return naming(path, () => {
    const database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;');
    bringUpToDate(database);
    const staged = join(folder, STAGED_FILE);
    rmSync(staged, { force: true });
    database.prepare('ATTACH ? AS staged').run(staged);
    database.exec(STAGED);
    return database;
  });
}

/** A file that cannot be opened is an error that names it. */
export function naming<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`${path} cannot be used: ${reason}`, {
      path: 'storage.folder',
      hint: 'move the file away to begin anew',
      cause,
    });
  }
}

/** Opens a catalog to look into; undefined when there is none. May be called while an agent writes. */
export function readCatalog(folder: string): Catalog | undefined {
  const path = join(folder, CATALOG_FILE);
  return existsSync(path) ? new DatabaseSync(path, { readOnly: true, timeout: 5_000 }) : undefined;
}

function bringUpToDate(database: DatabaseSync): void {
  const found = database.prepare('PRAGMA user_version').get()?.user_version;
  if (found === VERSION) return;
  if (found === 1 || found === 2) {
    const machines = found === 1 ? MACHINES : '';
    database.exec(
      `BEGIN IMMEDIATE; ${machines} ${ALL_ANEW} PRAGMA user_version = ${VERSION}; COMMIT;`,
    );
    return;
  }
  if (found !== 0) throw new Error(`it has version ${found}, this focusd reads ${VERSION}`);
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`);
}

/** All of it or nothing. Others use the connection only when it is done. */
export async function transaction<T>(
  database: DatabaseSync,
  work: () => T | Promise<T>,
): Promise<T> {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = await work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    database.exec('ROLLBACK');
    throw error;
  }
}
