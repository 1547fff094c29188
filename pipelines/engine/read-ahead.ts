import { openSource } from '../decode/open.ts';
import type { Batch } from '../focus/batch.ts';
import type { PartFault } from '../normalize/distinct-texts.ts';
import type { Normalizer } from '../normalize/normalize.ts';
import { BadPart } from '../plugin/errors.ts';

/**
 * Before a batch is normalized: where it is the first with dates such as 9/1/26, or with numbers such as 1,234, reads all of the part ahead. Throws a
 * `BadPart` that names row and column where they do not tell what they mean.
 */
export async function readAhead(normalizer: Normalizer, batch: Batch, path: string): Promise<void> {
  const { dates, numbers } = normalizer;
  if (dates.awaited(batch)) await hear(dates, path);
  if (normalizer.awaitsNumbers(batch)) await hear(numbers, path);
}

/** What reads some columns of a part as a whole. */
interface Hearing {
  columns(header: Iterable<string>): readonly string[];
  read(part: AsyncIterable<Batch>): Promise<object | PartFault>;
}

async function hear(hearing: Hearing, path: string): Promise<void> {
  const source = await openSource({ path, project: (header) => hearing.columns(header) });
  try {
    const found = await hearing.read(source.batches());
    if ('fault' in found) throw new BadPart(found.fault, { path, ...found });
  } finally {
    await source.close();
  }
}
