/** The fast way for tests: rows of strings through the product's normalizer, in the order of the slow twin. */
import { readAhead } from '../../pipelines/engine/read-ahead.ts';
import type { Batch } from '../../pipelines/focus/batch.ts';
import type { Mapping } from '../../pipelines/normalize/mapping.ts';
import { Normalizer } from '../../pipelines/normalize/normalize.ts';
import { eachBatch, fromBatch, toBatches } from './batches.ts';
import type { ChargeRow, SourceRow } from './interpret.ts';

/** Normalizes rows; charges come by row and template, without `x_Repairs`. */
export async function normalizeRows(
  mapping: Mapping,
  header: readonly string[],
  rows: readonly SourceRow[],
  settings: Readonly<Record<string, string>> = {},
): Promise<{ readonly rows: readonly ChargeRow[]; readonly counts: Normalizer['counts'] }> {
  const batches = toBatches(header, rows, 256);
  const normalizer = new Normalizer(mapping, header, { settings });
  const read = () => eachBatch(batches);
  await orderDates(normalizer, batches);
  const charges = await chargesOf(normalizer, normalizer.table.rewrite?.(read) ?? read());
  return { rows: charges, counts: normalizer.counts };
}

/** The batches of a part, read ahead where its dates and numbers ask for it. */
export async function* aheadBatches(
  normalizer: Normalizer,
  batches: AsyncIterable<Batch>,
  path: string,
): AsyncGenerator<Batch> {
  for await (const batch of batches) {
    await readAhead(normalizer, batch, path);
    yield batch;
  }
}

/** Tells the normalizer how the short dates of a whole part are read, as the engine does before the first one. */
export async function orderDates(normalizer: Normalizer, batches: readonly Batch[]): Promise<void> {
  if (batches.some((batch) => normalizer.dates.awaited(batch)))
    await normalizer.dates.read(eachBatch(batches));
}

/** The charges of batches, by row and template, without `x_Repairs`; at most `limit`. */
export async function chargesOf(
  normalizer: Normalizer,
  batches: AsyncIterable<Batch>,
  limit = Number.POSITIVE_INFINITY,
): Promise<readonly ChargeRow[]> {
  const found: { readonly at: readonly [number, number]; readonly charge: ChargeRow }[] = [];
  for await (const source of batches) {
    for (const { batch, template } of normalizer.normalize(source).charges) {
      if (found.length >= limit) continue;
      fromBatch(batch).forEach(({ x_Repairs, ...charge }, i) => {
        found.push({ at: [batch.rowNumbers[i] ?? 0, template], charge: sortedColumns(charge) });
      });
    }
  }
  found.sort(({ at: [a, b] }, { at: [c, d] }) => a - c || b - d);
  return found.map(({ charge }) => charge);
}

/** The same charge with its columns in alphabetical order. */
export function sortedColumns(row: ChargeRow): ChargeRow {
  return Object.fromEntries(Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1)));
}
