import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { type Change, changesOf, type Known, type Step, stepsOf } from '../timeline.ts';

/** What a list brought. */
export interface Taken {
  /** Prices that it states. */
  readonly prices: number;
  /** Of those, not known before. */
  readonly added: number;
  /** That moved. */
  readonly changed: number;
  /** That are no longer for sale. */
  readonly ended: number;
  /** SKUs with another name, by provider. */
  readonly renamed: Readonly<Record<string, number>>;
}

interface Merging {
  readonly list: string;
  /** When the list says what it says, milliseconds: what is missing in it ends then. */
  readonly atMs: number;
  readonly nowMs: number;
}

/** Prices or names between two pauses. */
const SLICE = 500;

/** Takes the staged rows over, within a transaction; yields now and then. */
export function* mergeStaged(database: DatabaseSync, merging: Merging): Generator<void, Taken> {
  const merge = new Merge(database, merging);
  const staged = database.prepare(
    'SELECT key, price, from_ms, to_ms FROM staged.rows ORDER BY key',
  );
  let prices = 0;
  for (const { key, stated } of grouped(staged)) {
    prices += 1;
    merge.series(key, stepsOf(stated));
    if (prices % SLICE === 0) yield;
  }
  const ended = merge.endMissing();
  const { added, changed } = merge;
  return { prices, added, changed, ended, renamed: yield* renameSkus(database, merging) };
}

interface StagedPrice {
  readonly from: number;
  readonly to?: number;
  readonly price: string;
}

function* grouped(
  staged: StatementSync,
): Generator<{ readonly key: string; readonly stated: readonly StagedPrice[] }> {
  let key: string | undefined;
  let stated: StagedPrice[] = [];
  for (const row of staged.iterate()) {
    if (row.key !== key) {
      if (key !== undefined) yield { key, stated };
      key = String(row.key);
      stated = [];
    }
    stated.push({
      price: String(row.price),
      from: Number(row.from_ms),
      ...(row.to_ms === null ? {} : { to: Number(row.to_ms) }),
    });
  }
  if (key !== undefined) yield { key, stated };
}

/** The prices of one list on their way into the catalog. */
class Merge {
  added = 0;
  changed = 0;
  readonly #merging: Merging;
  readonly #database: DatabaseSync;
  readonly #find: StatementSync;
  readonly #last: StatementSync;
  readonly #addSeries: StatementSync;
  readonly #end: StatementSync;
  readonly #begin: StatementSync;
  readonly #tell: StatementSync;

  constructor(database: DatabaseSync, merging: Merging) {
    this.#database = database;
    this.#merging = merging;
    this.#find = database.prepare('SELECT id FROM series WHERE list = ? AND key = ?');
    this.#last = database.prepare(
      'SELECT price, valid_from, valid_to FROM prices WHERE series = ? ORDER BY id DESC LIMIT 1',
    );
    this.#addSeries = database.prepare(`
      INSERT INTO series (list, key, provider, sku, price_id, region, unit, per, tier_start, currency)
      SELECT ?1, ?2, ?2 ->> 0, ?2 ->> 1, ?2 ->> 2, ?2 ->> 3, ?2 ->> 4, ?2 ->> 5, ?2 ->> 6, ?2 ->> 7 RETURNING id`);
    this.#end = database.prepare(
      'UPDATE prices SET valid_to = ? WHERE series = ? AND valid_to IS NULL',
    );
    this.#begin = database.prepare(
      'INSERT INTO prices (series, valid_from, price, recorded_ms) VALUES (?, ?, ?, ?)',
    );
    this.#tell = database.prepare(
      'INSERT INTO changes (series, old, new, valid_from) VALUES (?, ?, ?, ?)',
    );
  }

  /** Takes over what a list states of one price. */
  series(key: string, steps: readonly Step[]): void {
    const { list } = this.#merging;
    const found = this.#find.get(list, key)?.id;
    const id = Number(found ?? this.#addSeries.get(list, key)?.id);
    if (found === undefined) this.added += 1;
    const changes = changesOf(found === undefined ? undefined : this.#known(id), steps);
    for (const change of changes) this.#write(id, change);
    this.#announce(id, changes, found === undefined);
  }

  /** Ends the prices that the list no longer states; answers how many. */
  endMissing(): number {
    const { list, atMs } = this.#merging;
    const ended = this.#database
      .prepare(`
        UPDATE prices SET valid_to = max(valid_from, ?) WHERE valid_to IS NULL AND series IN (
          SELECT id FROM series WHERE list = ? AND NOT EXISTS (SELECT 1 FROM staged.rows WHERE rows.key = series.key))`)
      .run(atMs, list);
    return Number(ended.changes);
  }

  #known(series: number): Known | undefined {
    const last = this.#last.get(series);
    if (last === undefined) return undefined;
    return last.valid_to === null
      ? { since: Number(last.valid_from), price: String(last.price) }
      : { since: Number(last.valid_to), price: undefined };
  }

  #write(series: number, { at, price, before }: Change): void {
    if (before !== undefined) this.#end.run(at, series);
    if (price !== undefined) this.#begin.run(series, at, price, this.#merging.nowMs);
  }

  /** A price that moved is told once; the history that a list comes with is no news. */
  #announce(series: number, changes: readonly Change[], isNew: boolean): void {
    if (isNew) return;
    for (const { at, price, before } of changes) {
      if (price === undefined || before === undefined) continue;
      this.changed += 1;
      this.#tell.run(series, before, price, at);
    }
  }
}

/** Prices and SKUs whose name is another than before, by provider. */
function* renameSkus(
  database: DatabaseSync,
  { list, atMs }: Merging,
): Generator<void, Readonly<Record<string, number>>> {
  const open = database.prepare(
    'SELECT id, name, valid_from FROM names WHERE list = ? AND provider = ? AND sku = ? AND price_id = ? AND valid_to IS NULL',
  );
  const end = database.prepare('UPDATE names SET valid_to = ? WHERE id = ?');
  const begin = database.prepare(
    'INSERT INTO names (list, provider, sku, price_id, name, valid_from) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const stated = database.prepare(
    `SELECT key ->> 0 AS provider, key ->> 1 AS sku, key ->> 2 AS price, max(name) AS name, min(from_ms) AS since
     FROM staged.rows WHERE name <> '' GROUP BY 1, 2, 3`,
  );
  const renamed: Record<string, number> = {};
  let seen = 0;
  for (const row of stated.iterate()) {
    if (++seen % SLICE === 0) yield;
    const of = [list, String(row.provider), String(row.sku), String(row.price)] as const;
    const [, provider] = of;
    const name = String(row.name);
    const known = open.get(...of);
    if (known?.name === name) continue;
    const at = known === undefined ? Number(row.since) : Math.max(atMs, Number(known.valid_from));
    if (known !== undefined) {
      end.run(at, known.id ?? null);
      renamed[provider] = (renamed[provider] ?? 0) + 1;
    }
    begin.run(...of, name, at);
  }
  return renamed;
}
