import type { DatabaseSync } from 'node:sqlite';

/** All of it or nothing; no other writes meanwhile. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite itself takes back what a full or broken disk stopped.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
