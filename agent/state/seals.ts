import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';

/**
 * SQLite does not notice that a byte of a cell is another one, or that a row is gone. So tables that money depends on have a seal, the sum of the
 * CRC-32 of their rows, which triggers keep; the totals of a delivery have one of their own. Beside them the
 * changes that were committed are counted. Without this agent's function nobody can write to them.
 */
const SEALED = ['cursors', 'deliveries', 'read_again', 'kept_charges', 'closed_periods'] as const;

export const SEALS_SCHEMA =
  'CREATE TABLE IF NOT EXISTS seals (name TEXT PRIMARY KEY, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;';

/** To be called on every connection, before anything is written. */
export function prepareSeals(database: DatabaseSync): void {
  database.function('row_check', { deterministic: true, varargs: true }, (...cells) =>
    crc32(JSON.stringify(cells)),
  );
  // Else a row that another one replaces would not be taken off.
  database.exec('PRAGMA recursive_triggers = ON;');
}

/** Seals everything as it is; the caller holds the transaction. */
export function sealAll(database: DatabaseSync): void {
  for (const table of SEALED) {
    const update = (change: string): string =>
      `BEGIN UPDATE seals SET sum = sum ${change} WHERE name = '${table}'; END;`;
    const fresh = checkOf(database, table, 'NEW.');
    const old = checkOf(database, table, 'OLD.');
    database.exec(`
      INSERT OR REPLACE INTO seals SELECT '${table}', coalesce(sum(${checkOf(database, table)}), 0) FROM ${table};
      DROP TRIGGER IF EXISTS seal_${table}_insert;
      CREATE TRIGGER seal_${table}_insert AFTER INSERT ON ${table} ${update(`+ ${fresh}`)}
      DROP TRIGGER IF EXISTS seal_${table}_delete;
      CREATE TRIGGER seal_${table}_delete AFTER DELETE ON ${table} ${update(`- ${old}`)}
      DROP TRIGGER IF EXISTS seal_${table}_update;
      CREATE TRIGGER seal_${table}_update AFTER UPDATE ON ${table} ${update(`- ${old} + ${fresh}`)}
    `);
  }
  database.exec(`
    INSERT OR IGNORE INTO seals VALUES ('changes', 0);
    DROP TRIGGER IF EXISTS seal_totals;
    CREATE TRIGGER seal_totals AFTER DELETE ON deliveries BEGIN DELETE FROM seals WHERE name = 'totals ' || OLD.id; END
  `);
  for (const { id } of database.prepare('SELECT id FROM deliveries').all())
    sealTotals(database, String(id));
}

/** Seals the totals of a delivery as they are; the caller holds the transaction. */
export function sealTotals(database: DatabaseSync, delivery: string): void {
  database
    .prepare(
      `INSERT OR REPLACE INTO seals SELECT 'totals ' || ?1, coalesce(sum(${checkOf(database, 'totals')}), 0) FROM totals WHERE delivery = ?1`,
    )
    .run(delivery);
}

/** Throws when the file is not what was written. */
export function checkSeals(database: DatabaseSync): void {
  database.exec('BEGIN');
  try {
    const [row] = database.prepare('PRAGMA integrity_check(1)').all();
    const said = String(Object.values(row ?? {})[0]);
    const wrong = said === 'ok' ? strayTable(database) : said;
    if (wrong !== undefined) throw new Error(`it is damaged: ${wrong}`);
  } finally {
    database.exec('COMMIT');
  }
}

function strayTable(database: DatabaseSync): string | undefined {
  const seals = new Map(
    database
      .prepare('SELECT name, sum FROM seals')
      .all()
      .map(({ name, sum }) => [String(name), sum]),
  );
  for (const table of SEALED) {
    const row = database
      .prepare(`SELECT coalesce(sum(${checkOf(database, table)}), 0) AS sum FROM ${table}`)
      .get();
    if (row?.sum !== seals.get(table)) return `the table ${table} is not what was written`;
  }
  const totals = database
    .prepare(
      `SELECT id, coalesce(sum, 0) AS sum FROM deliveries LEFT JOIN (SELECT delivery, sum(${checkOf(database, 'totals')}) AS sum FROM totals GROUP BY delivery) ON delivery = id`,
    )
    .all();
  const stray = totals.find(({ id, sum }) => sum !== seals.get(`totals ${id}`));
  return stray && `the totals of the delivery ${stray.id} are not what was written`;
}

function checkOf(database: DatabaseSync, table: string, row = ''): string {
  const columns = database.prepare('SELECT name FROM pragma_table_info(?)').all(table);
  return `row_check(${columns.map(({ name }) => row + String(name)).join(', ')})`;
}
