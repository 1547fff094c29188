import { BadPart } from '../../../../pipelines/plugin/index.ts';
import { amountText, badCell, type PriceRow, timeMs } from './price-list.ts';

/** Prices that the operator wrote down: negotiated rates, or of a seller without a list. */

/** Columns of such a file; the first five are needed. */
export const OWN_COLUMNS = [
  'provider',
  'sku',
  'price',
  'currency',
  'valid_from',
  'valid_to',
  'price_id',
  'region',
  'unit',
  'per',
  'tier_start',
  'name',
] as const;

type Column = (typeof OWN_COLUMNS)[number];
const NEEDED: readonly Column[] = OWN_COLUMNS.slice(0, 5);

/** Reads rows after the column names; `BadPart` names the row and column of what is no price. */
export async function* ownCsv(
  rows: AsyncIterable<readonly (readonly string[])[]>,
): AsyncGenerator<readonly PriceRow[]> {
  let places: ReadonlyMap<string, number> | undefined;
  let row = 0;
  for await (const piece of rows) {
    const prices: PriceRow[] = [];
    for (const cells of piece) {
      row += 1;
      if (places === undefined) places = placesOf(cells);
      else prices.push(priceOf(cells, { places, row }));
    }
    if (prices.length > 0) yield prices;
  }
  if (places === undefined) throw new BadPart('it is empty');
}

function placesOf(header: readonly string[]): ReadonlyMap<string, number> {
  const names = header.map((name) =>
    name
      .replace(/^\ufeff/, '')
      .trim()
      .toLowerCase(),
  );
  const missing = NEEDED.filter((column) => !names.includes(column));
  if (missing.length > 0)
    throw new BadPart(`it is no price file that is known: no column ${missing.join(', ')}`);
  return new Map(names.map((name, place) => [name, place]));
}

function priceOf(
  cells: readonly string[],
  { places, row }: { readonly places: ReadonlyMap<string, number>; readonly row: number },
): PriceRow {
  if (cells.length !== places.size)
    throw new BadPart(`row ${row} has ${cells.length} cells, not ${places.size}`, { row });
  const cell = (column: Column): string => cells[places.get(column) ?? -1]?.trim() ?? '';
  const at = (column: Column) => ({ row, column });
  for (const column of NEEDED) if (cell(column) === '') throw badCell('it is empty', at(column));
  const from = timeMs(cell('valid_from'), at('valid_from'));
  const to = cell('valid_to') === '' ? undefined : timeMs(cell('valid_to'), at('valid_to'));
  if (to !== undefined && to <= from) throw badCell('it is not after valid_from', at('valid_to'));
  return {
    provider: cell('provider'),
    sku: cell('sku'),
    machine: cell('sku'),
    priceId: cell('price_id') || cell('sku'),
    region: cell('region'),
    unit: cell('unit'),
    per: amountText(cell('per') || '1', at('per')),
    tierStart: amountText(cell('tier_start') || '0', at('tier_start')),
    currency: cell('currency'),
    name: cell('name'),
    price: amountText(cell('price'), at('price')),
    from,
    ...(to === undefined ? {} : { to }),
  };
}
