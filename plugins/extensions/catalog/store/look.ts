import type { DatabaseSync } from 'node:sqlite';

/** A price of the catalog with the time it holds: half-open, milliseconds. */
export interface DatedPrice {
  readonly list: string;
  readonly provider: string;
  readonly sku: string;
  readonly price_id: string;
  readonly region: string;
  readonly unit: string;
  readonly per: string;
  readonly tier_start: string;
  readonly currency: string;
  readonly price: string;
  readonly valid_from: number;
  /** Null while it is in force. */
  readonly valid_to: number | null;
}

/** A price that moved. */
export interface PriceChange extends Omit<DatedPrice, 'price' | 'valid_to'> {
  readonly id: number;
  /** 1 once it was said in the log. */
  readonly said: number;
  readonly old: string;
  readonly new: string;
}

/** A list as it was taken last. */
export interface KnownList {
  readonly id: string;
  readonly published_ms: number | null;
  readonly read_ms: number;
  /** Prices in force. */
  readonly prices: number;
}

/** A name of a SKU with the time it was used. */
export interface DatedName {
  readonly list: string;
  readonly name: string;
  readonly valid_from: number;
  readonly valid_to: number | null;
}

const SERIES = 'list, provider, sku, price_id, region, unit, per, tier_start, currency';

/** The lists there are, by id. */
export function knownLists(database: DatabaseSync): readonly KnownList[] {
  return rows(
    database,
    'SELECT id, published_ms, read_ms, prices FROM lists ORDER BY id',
  ) as unknown as readonly KnownList[];
}

/** Every price that a SKU (or a price of that id) ever had, in order of place, tier and time. */
export function priceHistory(database: DatabaseSync, sku: string): readonly DatedPrice[] {
  return rows(
    database,
    `SELECT ${SERIES}, price, valid_from, valid_to FROM series JOIN prices ON prices.series = series.id
     WHERE sku = ?1 OR price_id = ?1 ORDER BY list, region, price_id, CAST(tier_start AS REAL), currency, valid_from, prices.id`,
    sku,
  ) as unknown as readonly DatedPrice[];
}

/** Every name that a SKU ever had. */
export function nameHistory(database: DatabaseSync, sku: string): readonly DatedName[] {
  return rows(
    database,
    'SELECT list, name, valid_from, valid_to FROM names WHERE sku = ? ORDER BY list, valid_from, id',
    sku,
  ) as unknown as readonly DatedName[];
}

/** Prices that moved and that nobody was told of yet, oldest first. */
export function untoldChanges(database: DatabaseSync, most: number): readonly PriceChange[] {
  return rows(
    database,
    `SELECT changes.id, ${SERIES}, old, new, valid_from, said FROM changes JOIN series ON series.id = changes.series ORDER BY changes.id LIMIT ?`,
    most,
  ) as unknown as readonly PriceChange[];
}

/** Changes up to this one were said in the log. */
export function saidChanges(database: DatabaseSync, last: number): void {
  database.prepare('UPDATE changes SET said = 1 WHERE id <= ?').run(last);
}

/** Changes up to this one were told. */
export function forgetChanges(database: DatabaseSync, last: number): void {
  database.prepare('DELETE FROM changes WHERE id <= ?').run(last);
}

function rows(database: DatabaseSync, sql: string, ...of: (string | number)[]) {
  return database.prepare(sql).all(...of);
}
