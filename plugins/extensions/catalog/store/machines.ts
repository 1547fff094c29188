import type { DatabaseSync } from 'node:sqlite';
import {
  add,
  type Decimal,
  decimal,
  divide,
  formatDecimal,
  multiply,
} from '../../../../pipelines/focus/index.ts';
import type { AskedMachine } from '../../../../pipelines/plugin/index.ts';
import { googleShape } from '../lists/google-machine.ts';

/** What a list asks for an hour of a machine. */
export interface ListedMachine {
  readonly list: string;
  /** Of one that is sold in parts those of all, `A + B`. */
  readonly sku: string;
  readonly hourly: Decimal;
}

/** Looks up machines in a catalog: an operator's own files go before what sellers publish, the region before everywhere, the newest first. */
export function machineFinder(
  database: DatabaseSync,
): (asked: AskedMachine) => ListedMachine | undefined {
  const statement = database.prepare(`
    SELECT series.list, sku, per, price FROM machines JOIN series ON series.id = machines.series JOIN prices ON prices.series = series.id
    WHERE machine = ?1 AND provider = ?2 AND region IN (?3, '') AND currency = ?4 AND tier_start = '0'
      AND valid_from <= ?5 AND (valid_to IS NULL OR ?5 < valid_to)
    ORDER BY series.list LIKE 'file:%' DESC, region DESC, valid_from DESC, sku LIMIT 1`);
  const find = ({ machine, provider, region, currency, atMs }: AskedMachine) => {
    const row = statement.get(machine, provider, region, currency, atMs);
    if (row === undefined) return undefined;
    const hourly = divide(decimal(String(row.price)), decimal(String(row.per)));
    return hourly && { list: String(row.list), sku: String(row.sku), hourly };
  };
  return (asked) => find(asked) ?? (asked.provider === GOOGLE ? inParts(asked, find) : undefined);
}

const GOOGLE = 'Google Cloud';

/** Cores and memory, each at its price. */
function inParts(
  asked: AskedMachine,
  find: (asked: AskedMachine) => ListedMachine | undefined,
): ListedMachine | undefined {
  const shape = googleShape(asked.machine);
  if (shape === undefined) return undefined;
  const core = find({ ...asked, machine: shape.core });
  const ram = find({ ...asked, machine: shape.ram });
  if (core === undefined || ram === undefined) return undefined;
  return {
    list: core.list,
    sku: `${core.sku} + ${ram.sku}`,
    hourly: add(
      multiply(core.hourly, decimal(shape.cores)),
      multiply(ram.hourly, decimal(shape.gib)),
    ),
  };
}

/** For the source of a price. */
export function saidMachine({ list, sku, hourly }: ListedMachine): {
  readonly hourly: string;
  readonly source: string;
} {
  return { hourly: formatDecimal(hourly), source: `catalog: ${list} ${sku}` };
}
