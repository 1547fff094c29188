import type { DatabaseSync } from 'node:sqlite';
import type { AskedMachine } from '../../../../pipelines/plugin/index.ts';

/** What a list asks for a machine. */
export interface ListedMachine {
  readonly list: string;
  readonly sku: string;
  readonly per: string;
  readonly price: string;
}

/** Looks up machines in a catalog: an operator's own files go before what sellers publish, the region before everywhere, the newest first. */
export function machineFinder(
  database: DatabaseSync,
): (asked: AskedMachine) => ListedMachine | undefined {
  const find = database.prepare(`
    SELECT series.list, sku, per, price FROM machines JOIN series ON series.id = machines.series JOIN prices ON prices.series = series.id
    WHERE machine = ?1 AND provider = ?2 AND region IN (?3, '') AND currency = ?4 AND tier_start = '0'
      AND valid_from <= ?5 AND (valid_to IS NULL OR ?5 < valid_to)
    ORDER BY series.list LIKE 'file:%' DESC, region DESC, valid_from DESC, sku LIMIT 1`);
  return ({ machine, provider, region, currency, atMs }) =>
    find.get(machine, provider, region, currency, atMs) as unknown as ListedMachine | undefined;
}
