import { DatabaseSync } from 'node:sqlite';
import { transaction } from '../../../kit/transaction.ts';

/** Charges of deliveries that add up: they are counted once, whoever brings them, as long as they are remembered. */
export interface SeenCharges {
  readonly path: string;
  /** The newest attempt at a delivery that counts; undefined when none does. */
  attempt(lineage: string): number | undefined;
  /** A delivery is handed over. Until it counts, no other may be: whose the charges are would change under it. */
  begin(lineage: string): void;
  /** The delivery that was handed over and does not count yet. */
  begun(): string | undefined;
  /** A delivery counts: so do the charges. */
  count(of: {
    readonly lineage: string;
    readonly attempt: number;
    readonly uids: Iterable<string>;
    readonly nowMs: number;
  }): void;
  /** Forgets what was counted before. */
  forget(beforeMs: number): void;
  close(): void;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS seen (uid TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS deliveries (lineage TEXT PRIMARY KEY, attempt INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS begun (one INTEGER PRIMARY KEY CHECK (one = 1), lineage TEXT NOT NULL) STRICT;
`;

/** Opens what is remembered in a file, or makes it. */
export function openSeenCharges(path: string): SeenCharges {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  return {
    path,
    attempt(lineage) {
      const row = database.prepare('SELECT attempt FROM deliveries WHERE lineage = ?').get(lineage);
      return row === undefined ? undefined : Number(row.attempt);
    },
    begin(lineage) {
      database.prepare('INSERT OR REPLACE INTO begun VALUES (1, ?)').run(lineage);
    },
    begun() {
      const row = database.prepare('SELECT lineage FROM begun').get();
      return row === undefined ? undefined : String(row.lineage);
    },
    count({ lineage, attempt, uids, nowMs }) {
      transaction(database, () => {
        const insert = database.prepare('INSERT OR IGNORE INTO seen VALUES (?, ?)');
        for (const uid of uids) insert.run(uid, nowMs);
        database
          .prepare('INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?)')
          .run(lineage, attempt, nowMs);
        database.prepare('DELETE FROM begun WHERE lineage = ?').run(lineage);
      });
    },
    forget(beforeMs) {
      for (const table of ['seen', 'deliveries'])
        database.prepare(`DELETE FROM ${table} WHERE at < ?`).run(beforeMs);
    },
    close: () => database.close(),
  };
}
