import { openSource } from '../decode/open.ts';
import type { Batch } from '../focus/batch.ts';
import type { Normalizer } from '../normalize/normalize.ts';
import { BadPart } from '../plugin/errors.ts';

/**
 * Before a batch is normalized: where it is the first with dates such as 9/1/26, reads all dates of the part ahead. Throws a `BadPart` that names
 * row and column where they do not tell day from month.
 */
export async function settleDates(
  { dates }: Normalizer,
  batch: Batch,
  path: string,
): Promise<void> {
  if (!dates.awaited(batch)) return;
  const source = await openSource({ path, project: (header) => dates.columns(header) });
  try {
    const found = await dates.read(source.batches());
    if ('fault' in found) throw new BadPart(found.fault, { path, ...found });
  } finally {
    await source.close();
  }
}
