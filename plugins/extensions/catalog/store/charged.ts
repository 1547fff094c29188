import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ChargedSku } from '../../../../pipelines/plugin/index.ts';
import { idsOf, type Listed, listProvider, type Verdict, verdictOf } from '../verdict.ts';
import { CATALOG_FILE, naming } from './open.ts';

/** Name of the file in the extension's folder. */
const CHARGED_FILE = 'charged.sqlite';
/** More than this are not kept; those seen longest ago go. */
const MOST = 200_000;
/** Judged between two pauses. */
const SLICE = 500;

const KEY = 'provider, sku, price_id, region, currency';

/** A SKU as its newest charge has it, with what the catalog says of it. Times are milliseconds. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS charged (
    provider TEXT NOT NULL, sku TEXT NOT NULL, price_id TEXT NOT NULL, region TEXT NOT NULL, currency TEXT NOT NULL, meter TEXT, list_price TEXT,
    newest_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, verdict TEXT NOT NULL, PRIMARY KEY (${KEY})
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS charged_seen ON charged (seen_ms);
`;

/** A charged SKU as it is kept. */
export interface KeptSku {
  readonly provider: string;
  readonly sku: string;
  readonly price_id: string;
  readonly region: string;
  readonly currency: string;
  readonly meter: string | null;
  readonly list_price: string | null;
  readonly newest_ms: number;
  readonly seen_ms: number;
  readonly verdict: Verdict;
}

/** How many of each. */
export type VerdictCounts = Readonly<Partial<Record<Verdict, number>>>;

/** SKUs of a provider with the same verdict. */
export interface VerdictCount {
  readonly provider: string;
  readonly verdict: Verdict;
  readonly skus: number;
}

/** The charged SKUs that are kept in a folder, all or those with one verdict. May be called while an agent writes. */
export function chargedSkus(folder: string, verdict?: Verdict): readonly KeptSku[] {
  const path = join(folder, CHARGED_FILE);
  if (!existsSync(path)) return [];
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5_000 });
  try {
    const listed = database.prepare(
      `SELECT * FROM charged WHERE verdict = ?1 OR ?1 IS NULL ORDER BY ${KEY}`,
    );
    return listed.all(verdict ?? null) as unknown as readonly KeptSku[];
  } finally {
    database.close();
  }
}

/** The SKUs that bills charge, each judged by the catalog in the same folder. */
export class ChargedStore {
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #listed: StatementSync;
  readonly #names: StatementSync;
  readonly #update: StatementSync;

  /** The catalog must be there; it may be written while this reads it. */
  constructor(folder: string) {
    this.#database = opened(join(folder, CHARGED_FILE));
    this.#database.prepare('ATTACH ? AS catalog').run(join(folder, CATALOG_FILE));
    this.#put = this.#database.prepare(`
      INSERT INTO charged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        seen_ms = excluded.seen_ms, meter = excluded.meter, list_price = excluded.list_price, newest_ms = excluded.newest_ms, verdict = excluded.verdict
      WHERE excluded.newest_ms > newest_ms OR (excluded.newest_ms = newest_ms AND (excluded.seen_ms > seen_ms OR excluded.verdict <> 'known'))`);
    this.#listed = this.#database.prepare(`
      SELECT series.price_id, region, per, currency, price
      FROM json_each(?2) AS ids JOIN catalog.series ON series.sku = ids.value OR series.price_id = ids.value
      LEFT JOIN catalog.prices ON prices.series = series.id AND valid_from <= ?3 AND (valid_to IS NULL OR ?3 < valid_to)
      WHERE provider = ?1`);
    this.#names = this.#database.prepare(`
      SELECT name FROM json_each(?2) AS ids JOIN catalog.names ON names.sku = ids.value OR names.price_id = ids.value WHERE provider = ?1`);
    this.#update = this.#database.prepare(
      'UPDATE charged SET verdict = ? WHERE provider = ? AND sku = ? AND price_id = ? AND region = ? AND currency = ?',
    );
  }

  /** Judges SKUs of a delivery and keeps them; answers how many there were by verdict. Yields now and then. */
  *take(skus: readonly ChargedSku[], nowMs: number): Generator<void, VerdictCounts> {
    const counts: Partial<Record<Verdict, number>> = {};
    for (let from = 0; from < skus.length; from += SLICE) {
      if (from > 0) yield;
      this.#atOnce(() => {
        for (const sku of skus.slice(from, from + SLICE)) {
          const verdict = this.#judge(sku, nowMs);
          counts[verdict] = (counts[verdict] ?? 0) + 1;
          this.#keep(sku, verdict, nowMs);
        }
      });
    }
    return counts;
  }

  /** Judges what is kept anew, as the catalog is now; forgets what was not seen since then. Yields now and then. */
  *judgeAgain(sinceMs: number): Generator<void> {
    this.#forget(sinceMs);
    const page = this.#database.prepare(
      `SELECT * FROM charged WHERE (${KEY}) > (?, ?, ?, ?, ?) ORDER BY ${KEY} LIMIT ${SLICE}`,
    );
    for (let after = ['', '', '', '', '']; ; yield) {
      const kept = page.all(...after) as unknown as readonly KeptSku[];
      const last = kept.at(-1);
      if (last === undefined) return;
      this.#atOnce(() => {
        for (const one of kept) this.#correct(one);
      });
      after = keyOf(last);
    }
  }

  /** How many there are, by provider and verdict, of those seen since then. */
  counts(sinceMs: number): readonly VerdictCount[] {
    const counted = this.#database.prepare(
      'SELECT provider, verdict, count(*) AS skus FROM charged WHERE seen_ms >= ? GROUP BY 1, 2 ORDER BY 1, 2',
    );
    return counted.all(sinceMs) as unknown as readonly VerdictCount[];
  }

  close(): void {
    this.#database.close();
  }

  #forget(sinceMs: number): void {
    this.#database.prepare('DELETE FROM charged WHERE seen_ms < ?').run(sinceMs);
    this.#database.exec(
      `DELETE FROM charged WHERE seen_ms < (SELECT seen_ms FROM charged ORDER BY seen_ms DESC LIMIT 1 OFFSET ${MOST})`,
    );
  }

  #correct(kept: KeptSku): void {
    const verdict = this.#judge(chargedOf(kept), kept.seen_ms);
    if (verdict !== kept.verdict) this.#update.run(verdict, ...keyOf(kept));
  }

  #judge(sku: ChargedSku, nowMs: number): Verdict {
    const at = Number.isFinite(sku.newestMs) ? sku.newestMs : nowMs;
    const provider = listProvider(sku.provider);
    const ids = JSON.stringify(idsOf(sku));
    const listed = this.#listed.all(provider, ids, at) as unknown as readonly Listed[];
    if (listed.length === 0) return 'unknown';
    const names = this.#names.all(provider, ids).map(({ name }) => String(name));
    return verdictOf(sku, listed, names);
  }

  #keep(sku: ChargedSku, verdict: Verdict, nowMs: number): void {
    const { provider, priceId, region, currency, meter, listPrice, newestMs } = sku;
    const key = [provider, sku.sku, priceId ?? '', region ?? '', currency ?? ''];
    const newest = Number.isFinite(newestMs) ? newestMs : 0;
    this.#put.run(...key, meter, listPrice, newest, nowMs, verdict);
  }

  #atOnce(work: () => void): void {
    // Not IMMEDIATE: that would lock the catalog, too.
    this.#database.exec('BEGIN');
    try {
      work();
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }
}

function opened(path: string): DatabaseSync {
  return naming(path, () => {
    const database = new DatabaseSync(path, { timeout: 5_000 });
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${SCHEMA}`);
    return database;
  });
}

function keyOf({ provider, sku, price_id, region, currency }: KeptSku): string[] {
  return [provider, sku, price_id, region, currency];
}

function chargedOf(kept: KeptSku): ChargedSku {
  return {
    provider: kept.provider,
    sku: kept.sku,
    priceId: kept.price_id === '' ? null : kept.price_id,
    meter: kept.meter,
    region: kept.region === '' ? null : kept.region,
    unit: null,
    currency: kept.currency === '' ? null : kept.currency,
    listPrice: kept.list_price,
    newestMs: kept.newest_ms === 0 ? Number.NaN : kept.newest_ms,
    charges: 0,
  };
}
