import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { transaction } from '../../kit/transaction.ts';
import type { CellBytes } from './cell-bytes.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';

/** A cell on its way to disk. */
export interface StoredCell extends CellBytes {
  readonly resource: number;
  /** Hours since 1970. */
  readonly hour: number;
}

/** The index on disk: one SQLite file. Methods throw what SQLite throws. */
export interface Store {
  /** All names with their numbers. */
  names(table: NameTable): readonly (readonly [name: string, id: number])[];
  addName(table: NameTable, name: string): number;
  load(resource: number, hour: number): CellBytes | undefined;
  save(cells: readonly StoredCell[]): void;
  /** Forgets samples of hours before `samplesFrom` and cells of hours before `cellsFrom`; answers how many cells lost something. */
  expire(samplesFrom: number, cellsFrom: number): number;
  /** Forgets the oldest hour; answers how many cells it had. */
  dropOldestHour(): number;
  /** Forgets resources that have no cell any more; answers whether there were any. */
  dropUnusedResources(): boolean;
  /** Bytes in use. */
  size(): number;
  close(): void;
}

/** `services` names are JSON of [service.name, service.namespace, deployment.environment.name]. */
export type NameTable = 'resources' | 'services';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS resources (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS services (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS cells (
    hour INTEGER NOT NULL, resource INTEGER NOT NULL, totals BLOB NOT NULL, samples BLOB,
    PRIMARY KEY (hour, resource)
  ) STRICT, WITHOUT ROWID;
`;

/** Opens the index below a folder: `index.sqlite`. */
export function openStore(options: Omit<DatabaseOptions, 'file' | 'schema'>): Store {
  return new OpenStore(openDatabase({ ...options, file: 'index.sqlite', schema: SCHEMA }));
}

class OpenStore implements Store {
  readonly #database: DatabaseSync;
  readonly #load: StatementSync;
  readonly #save: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#load = database.prepare(
      'SELECT totals, samples FROM cells WHERE hour = ? AND resource = ?',
    );
    this.#save = database.prepare(
      'INSERT OR REPLACE INTO cells (hour, resource, totals, samples) VALUES (?, ?, ?, ?)',
    );
  }

  names(table: NameTable): readonly (readonly [string, number])[] {
    const rows = this.#database.prepare(`SELECT id, name FROM ${table}`).all();
    return rows.map(({ id, name }) => [String(name), Number(id)] as const);
  }

  addName(table: NameTable, name: string): number {
    const { lastInsertRowid } = this.#database
      .prepare(`INSERT INTO ${table} (name) VALUES (?)`)
      .run(name);
    return Number(lastInsertRowid);
  }

  load(resource: number, hour: number): CellBytes | undefined {
    const row = this.#load.get(hour, resource);
    if (row === undefined) return undefined;
    const samples = row.samples instanceof Uint8Array ? row.samples : undefined;
    return { totals: row.totals as Uint8Array, samples };
  }

  save(cells: readonly StoredCell[]): void {
    transaction(this.#database, () => {
      for (const { hour, resource, totals, samples } of cells)
        this.#save.run(hour, resource, totals, samples ?? null);
    });
  }

  expire(samplesFrom: number, cellsFrom: number): number {
    return transaction(this.#database, () => {
      const gone = this.#database.prepare('DELETE FROM cells WHERE hour < ?').run(cellsFrom);
      const thinned = this.#database
        .prepare('UPDATE cells SET samples = NULL WHERE hour < ? AND samples IS NOT NULL')
        .run(samplesFrom);
      return Number(gone.changes) + Number(thinned.changes);
    });
  }

  dropOldestHour(): number {
    return Number(
      this.#database.prepare('DELETE FROM cells WHERE hour = (SELECT min(hour) FROM cells)').run()
        .changes,
    );
  }

  dropUnusedResources(): boolean {
    const { changes } = this.#database
      .prepare('DELETE FROM resources WHERE id NOT IN (SELECT DISTINCT resource FROM cells)')
      .run();
    return Number(changes) > 0;
  }

  size(): number {
    const pragma = (name: string): number =>
      Number(Object.values(this.#database.prepare(`PRAGMA ${name}`).get() ?? {})[0] ?? 0);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }

  close(): void {
    this.#database.close();
  }
}
