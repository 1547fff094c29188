import type { DatabaseSync } from 'node:sqlite';
import { BadPart } from '../../../../pipelines/plugin/index.ts';
import type { PriceList, PriceRow } from '../lists/price-list.ts';
import { mergeStaged, type Taken } from './merge.ts';
import { transaction } from './open.ts';

/** What is told of a list beside its rows. */
export interface Taking {
  readonly id: string;
  readonly list: PriceList;
  readonly nowMs: number;
  /** Share of the prices in force, in percent, that a list may lose before it is refused. */
  readonly maxLoss: number;
  /** Lets others have the thread for a moment. */
  readonly pause: () => Promise<void>;
}

/** Fewer prices than this may vanish at will: small lists change a lot. */
const SMALL = 100;

/**
 * Reads a list to its end, then takes it over, all of it or nothing. Undefined when this version of it was taken before.
 * Throws what the reading throws, and `BadPart` when too much is missing; what was known then stays.
 */
export async function takeList(
  database: DatabaseSync,
  { id, list, nowMs, maxLoss, pause }: Taking,
): Promise<Taken | undefined> {
  const known = database.prepare('SELECT version FROM lists WHERE id = ?').get(id);
  if (list.version !== undefined && known?.version === list.version) {
    database.prepare('UPDATE lists SET read_ms = ? WHERE id = ?').run(nowMs, id);
    return undefined;
  }
  database.exec('DELETE FROM staged.rows; DROP INDEX IF EXISTS staged.rows_key;');
  await stage(database, list.rows);
  database.exec('CREATE INDEX staged.rows_key ON rows (key);');
  refuseLoss(database, id, maxLoss);
  const publishedMs = list.publishedMs?.();
  return await transaction(database, async () => {
    const merging = { list: id, atMs: publishedMs ?? nowMs, nowMs };
    const taken = await inSlices(mergeStaged(database, merging), pause);
    takeMachines(database, id);
    database
      .prepare(`
        INSERT OR REPLACE INTO lists SELECT ?1, ?2, ?3, ?4, count(*)
        FROM series JOIN prices ON prices.series = series.id AND valid_to IS NULL WHERE list = ?1`)
      .run(id, list.version ?? null, publishedMs ?? null, nowMs);
    database.exec('DELETE FROM staged.rows');
    return taken;
  });
}

function takeMachines(database: DatabaseSync, list: string): void {
  database.prepare('DELETE FROM machines WHERE list = ?').run(list);
  database
    .prepare(`
      INSERT OR IGNORE INTO machines SELECT machine, series.id, ?1
      FROM staged.rows CROSS JOIN series ON series.list = ?1 AND series.key = rows.key WHERE machine IS NOT NULL`)
    .run(list);
}

/** Does work that yields now and then, with a pause wherever it does. */
export async function inSlices<T>(
  work: Generator<void, T>,
  pause: () => Promise<void>,
): Promise<T> {
  try {
    for (;;) {
      const { done, value } = work.next();
      if (done === true) return value;
      await pause();
    }
  } finally {
    work.return(undefined as never);
  }
}

async function stage(database: DatabaseSync, rows: PriceList['rows']): Promise<void> {
  const insert = database.prepare('INSERT INTO staged.rows VALUES (?, ?, ?, ?, ?, ?)');
  for await (const piece of rows)
    await transaction(database, () => {
      for (const row of piece)
        insert.run(keyOf(row), row.name, row.machine ?? null, row.price, row.from, row.to ?? null);
    });
}

function keyOf(row: PriceRow): string {
  const { provider, sku, priceId, region, unit, per, tierStart, currency } = row;
  return JSON.stringify([provider, sku, priceId, region, unit, per, tierStart, currency]);
}

/** A list that was cut off between two rows looks whole: it only lacks much of what it had. */
function refuseLoss(database: DatabaseSync, list: string, maxLoss: number): void {
  const { open, gone } = database
    .prepare(`
      SELECT count(*) AS open, count(*) FILTER (WHERE NOT EXISTS (SELECT 1 FROM staged.rows WHERE rows.key = series.key)) AS gone
      FROM series JOIN prices ON prices.series = series.id AND prices.valid_to IS NULL WHERE series.list = ?`)
    .get(list) as { readonly open: number; readonly gone: number };
  if (gone < SMALL || gone * 100 <= open * maxLoss) return;
  throw new BadPart(
    `${gone} of ${open} prices are missing in it: is it cut off? (extensions.catalog.max_loss is ${maxLoss})`,
  );
}
