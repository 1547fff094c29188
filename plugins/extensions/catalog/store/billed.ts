import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import {
  add,
  type Decimal,
  decimal,
  formatDecimal,
  ZERO,
} from '../../../../pipelines/focus/index.ts';
import type { LinkedDelivery } from '../../../../pipelines/plugin/index.ts';
import { transaction } from '../../../kit/transaction.ts';
import { naming } from './open.ts';

/** Name of the file in the extension's folder. */
const BILLED_FILE = 'billed.sqlite';

/**
 * `watched`: resources that were asked for. `days`: what a delivery charged for one on a day (UTC), up to the end of the last charge period of that day.
 * A scope that is replaced has one delivery, the empty one. Times are milliseconds, costs exact decimal texts.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS watched (resource TEXT PRIMARY KEY, asked_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS days (
    pipeline TEXT NOT NULL, receiver TEXT NOT NULL, scope TEXT NOT NULL, delivery TEXT NOT NULL, resource TEXT NOT NULL, currency TEXT NOT NULL,
    day_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL, cost TEXT NOT NULL, PRIMARY KEY (pipeline, receiver, scope, delivery, resource, currency, day_ms)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS days_resource ON days (resource, currency);
`;

/** What was charged for a resource on a day. */
export interface BilledDay {
  readonly resource: string;
  readonly currency: string;
  readonly dayMs: number;
  /** End of its last charge period. */
  readonly untilMs: number;
  readonly cost: Decimal;
}

/** The days of a resource as one receiver in one pipeline delivered them. */
export interface BilledSource {
  readonly receiver: string;
  readonly days: readonly Omit<BilledDay, 'resource' | 'currency'>[];
}

/** What bills charged for resources that somebody asked for. */
export class BilledStore {
  readonly #database: DatabaseSync;
  readonly #watched: Map<string, number>;
  readonly #watch: StatementSync;
  readonly #put: StatementSync;
  readonly #find: StatementSync;

  constructor(folder: string) {
    const path = join(folder, BILLED_FILE);
    this.#database = naming(path, () => {
      const database = new DatabaseSync(path, { timeout: 5_000 });
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
      return database;
    });
    const watched = this.#database.prepare('SELECT resource, asked_ms FROM watched').all();
    this.#watched = new Map(watched.map((row) => [String(row.resource), Number(row.asked_ms)]));
    this.#watch = this.#database.prepare('INSERT OR REPLACE INTO watched VALUES (?, ?)');
    this.#put = this.#database.prepare(
      'INSERT OR REPLACE INTO days VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#find = this.#database.prepare(`
      SELECT pipeline, receiver, day_ms, max(until_ms) AS until_ms, json_group_array(cost) AS costs
      FROM days WHERE resource = ? AND currency = ? GROUP BY pipeline, receiver, day_ms ORDER BY pipeline, receiver, day_ms`);
  }

  /** Resources that were asked for. */
  watched(): Iterable<string> {
    return this.#watched.keys();
  }

  has(resource: string): boolean {
    return this.#watched.has(resource);
  }

  /** Somebody asked for it; on disk at most once in `everyMs`. */
  watch(resource: string, nowMs: number, everyMs: number): void {
    const before = this.#watched.get(resource);
    if (before !== undefined && nowMs - before < everyMs) return;
    this.#watched.set(resource, nowMs);
    this.#watch.run(resource, nowMs);
  }

  /** What a delivery charged takes the place of what its scope (or, where deliveries add up, an earlier attempt at it) charged before. */
  take({ pipeline, receiver, scope, mode, id }: LinkedDelivery, days: Iterable<BilledDay>): void {
    const delivery = mode === 'append' ? id : '';
    transaction(this.#database, () => {
      this.#database
        .prepare(
          'DELETE FROM days WHERE pipeline = ? AND receiver = ? AND scope = ? AND delivery = ?',
        )
        .run(pipeline, receiver, scope, delivery);
      for (const { resource, currency, dayMs, untilMs, cost } of days) {
        const key = [pipeline, receiver, scope, delivery, resource, currency];
        this.#put.run(...key, dayMs, untilMs, formatDecimal(cost));
      }
    });
  }

  /** What is known of a resource, by where it is from. */
  find(resource: string, currency: string): readonly BilledSource[] {
    const sources = new Map<string, { receiver: string; days: BilledSource['days'][number][] }>();
    for (const row of this.#find.all(resource, currency)) {
      const costs = JSON.parse(String(row.costs)) as readonly string[];
      const cost = costs.map(decimal).reduce(add, ZERO);
      const key = JSON.stringify([row.pipeline, row.receiver]);
      const source = sources.get(key) ?? { receiver: String(row.receiver), days: [] };
      source.days.push({ dayMs: Number(row.day_ms), untilMs: Number(row.until_ms), cost });
      sources.set(key, source);
    }
    return [...sources.values()];
  }

  /** Forgets what nobody has asked for since `askedMs`, and days before `dayMs`. */
  forget({ askedMs, dayMs }: { readonly askedMs: number; readonly dayMs: number }): void {
    transaction(this.#database, () => {
      this.#database.prepare('DELETE FROM watched WHERE asked_ms < ?').run(askedMs);
      this.#database
        .prepare(
          'DELETE FROM days WHERE day_ms < ? OR resource NOT IN (SELECT resource FROM watched)',
        )
        .run(dayMs);
    });
    for (const [resource, asked] of this.#watched)
      if (asked < askedMs) this.#watched.delete(resource);
  }

  close(): void {
    this.#database.close();
  }
}
