import { DatabaseSync } from 'node:sqlite';
import { errorMessage, errorName, Misconfigured } from '../../pipelines/plugin/errors.ts';
import { transaction } from '../../plugins/kit/transaction.ts';
import { AUDIT_SCHEMA, appendLink } from './audit-chain.ts';
import { KEPT_SCHEMA } from './kept-charges.ts';
import { lackOf, type Mark, readMark } from './mark.ts';
import { PERIODS_SCHEMA } from './periods.ts';
import { checkSeals, prepareSeals, SEALS_SCHEMA, sealAll } from './seals.ts';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cursors (pipeline TEXT, receiver TEXT, cursor TEXT NOT NULL, PRIMARY KEY (pipeline, receiver)) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deliveries (
    id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, pipeline TEXT NOT NULL, receiver TEXT NOT NULL, scope TEXT NOT NULL, revision TEXT NOT NULL,
    mode TEXT NOT NULL, committed_ms INTEGER NOT NULL, data_until_ms INTEGER, summary TEXT NOT NULL, replaced TEXT
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS deliveries_scope ON deliveries (pipeline, receiver, scope);
  CREATE TABLE IF NOT EXISTS totals (
    delivery TEXT NOT NULL, billing_period TEXT NOT NULL, day TEXT NOT NULL, dimensions TEXT NOT NULL, overflow INTEGER NOT NULL, charges INTEGER NOT NULL,
    billed TEXT NOT NULL, effective TEXT NOT NULL, list TEXT NOT NULL, contracted TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS totals_delivery ON totals (delivery, billing_period);
  CREATE TABLE IF NOT EXISTS read_again (delivery TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  ${KEPT_SCHEMA}
  ${PERIODS_SCHEMA}
  ${AUDIT_SCHEMA}
  ${SEALS_SCHEMA}
`;
const SCHEMA_VERSION = '6';
/** Older ones that are brought up to date: what they lack is made empty. */
const UPGRADABLE: readonly string[] = ['1', '2', '3', '4', '5'];
/** Had no audit chain: its deliveries are named when the chain begins. */
const UNCHAINED = '1';

/** How a state is opened. */
export interface Opening {
  /** Read all of it first, and refuse it when it is not what was written. Tools that look into a damaged one do without. */
  readonly checked: boolean;
  /** File of the mark that it has to come up to. */
  readonly mark?: string;
}

/** Another process may be writing for so long. */
const BUSY_MS = 5_000;

/** Opens (or makes) the database of the state and brings it up to date. A damaged or foreign file is an error that names it. */
export function openDatabase(path: string, { checked, mark }: Opening): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    // First, as a running agent goes on.
    const known = mark === undefined ? undefined : readMark(mark);
    database = new DatabaseSync(path, { timeout: BUSY_MS });
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;',
    );
    prepareSeals(database);
    bringUpToDate(database);
    if (checked) checkSeals(database);
    if (checked && mark !== undefined) checkMark(database, { path, mark, known });
    return database;
  } catch (cause) {
    database?.close();
    if (errorName(cause) === 'Misconfigured') throw cause;
    throw new Misconfigured(`the state file ${path} cannot be used: ${errorMessage(cause)}`, {
      path: 'storage.folder',
      hint: `move the file${mark === undefined ? '' : ` and ${mark}`} away to start from nothing: bills that are still at their source are read again`,
      cause,
    });
  }
}

/** Moves what SQLite's log holds into the file, where it is sealed, as far as nobody reads; what stays behind is safe all the same. */
export function emptyLog(database: DatabaseSync): void {
  try {
    database.exec('PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE);');
  } catch {
    // Somebody reads, or the disk has no room: the next commit says so.
  } finally {
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS};`);
  }
}

/** Throws when the state lacks something that was committed. */
function checkMark(
  database: DatabaseSync,
  {
    path,
    mark,
    known,
  }: { readonly path: string; readonly mark: string; readonly known: Mark | undefined },
): void {
  const lack = known && lackOf(database, known);
  if (lack === undefined) return;
  throw new Misconfigured(
    `the state file ${path} cannot be used: ${lack}. Its log (${path}-wal) was damaged or removed, or an older copy was put in its place`,
    {
      path: 'storage.folder',
      hint: `put the newest copy back; or remove ${mark} to go on from what is there: bills that are still at their source are read again, what was pushed since is lost, and what exporters with restatement: rows were sent since is not taken back`,
    },
  );
}

function bringUpToDate(database: DatabaseSync): void {
  if (schemaVersion(database) === SCHEMA_VERSION) return;
  transaction(database, () => {
    const version = schemaVersion(database);
    if (version === SCHEMA_VERSION) return;
    if (version !== undefined && !UPGRADABLE.includes(version))
      throw new Error(`it has schema version ${version}, this focusd reads ${SCHEMA_VERSION}`);
    database.exec(SCHEMA);
    sealAll(database);
    database.prepare("INSERT OR REPLACE INTO meta VALUES ('schema', ?)").run(SCHEMA_VERSION);
    if (version === undefined) return;
    const ids = version === UNCHAINED ? database.prepare('SELECT id FROM deliveries').all() : [];
    const about = { from: version, to: SCHEMA_VERSION, deliveries: ids.map(({ id }) => id) };
    appendLink(database, { kind: 'state.upgraded', about }, Date.now());
  });
}

/** Undefined in a new file. */
function schemaVersion(database: DatabaseSync): string | undefined {
  const table = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'meta'").get();
  if (table === undefined) return undefined;
  const row = database.prepare("SELECT value FROM meta WHERE key = 'schema'").get();
  return row === undefined ? undefined : String(row.value);
}
