import { type Compression, openBytes } from '../decode/bytes.ts';
import { openSource } from '../decode/open.ts';
import { sniff } from '../decode/sniff.ts';
import { mappingFor } from '../normalize/detect.ts';
import { customColumns, Normalizer } from '../normalize/normalize.ts';
import { type BadPart, errorName } from '../plugin/errors.ts';
import { loadMappings } from './load-mappings.ts';
import type { PartPlan, PlanRequest, Refused } from './protocol.ts';

/** Looks at a part before it is read: format, mapping, row groups. What cannot be read is answered, not thrown. */
export async function planPart(request: PlanRequest): Promise<PartPlan> {
  try {
    return await plan(request);
  } catch (error) {
    return refusedBy(error);
  }
}

/**
 * A `BadPart` as a value: errors lose their class on the way out of a worker. So is a charge that an exporter's format cannot hold
 * (`Misconfigured`). Anything else is thrown.
 */
export function refusedBy(error: unknown): Refused {
  if (!['BadPart', 'Misconfigured'].includes(errorName(error))) throw error;
  const { message, row, column } = error as BadPart;
  return {
    ok: false,
    reason: message,
    ...(row === undefined ? {} : { row }),
    ...(column === undefined ? {} : { column }),
  };
}

async function plan({
  path,
  mapping: name,
  mappingSettings,
  mappings,
  verify,
}: PlanRequest): Promise<PartPlan> {
  const { format, compression } = await sniff(path);
  const source = await openSource({ path });
  try {
    const mapping = mappingFor(name, source.columns, path, {
      more: await loadMappings(mappings),
      settings: mappingSettings,
    });
    const { table } = new Normalizer(mapping, source.columns, {
      settings: mappingSettings[mapping.name] ?? {},
      titles: source.titles,
    });
    if (verify && compression !== 'none') await unpackToEnd(path, compression);
    const whole = table.rewrite !== undefined;
    const rowGroups = format === 'parquet' && !whole ? await rowsOfGroups(path) : [];
    return {
      ok: true,
      format,
      compression,
      mapping: mapping.name,
      ...(table.version === undefined ? {} : { focusVersion: table.version }),
      customColumns: customColumns(table),
      rowGroups,
    };
  } finally {
    await source.close();
  }
}

async function rowsOfGroups(path: string): Promise<readonly number[]> {
  const { parquetRowGroups } = await import('../decode/parquet/open.ts');
  return (await parquetRowGroups(path)).map(({ rows }) => rows);
}

/** Proves that a compressed part is whole. Where it is not, its rows are read to say after which one it breaks off. */
async function unpackToEnd(path: string, compression: Compression): Promise<void> {
  const bytes = await openBytes(path, compression);
  const thrownAway = new Uint8Array(UNPACKED_BYTES);
  try {
    while ((await bytes.read(thrownAway, 0)) > 0);
  } catch (error) {
    await readToEnd(path);
    throw error;
  } finally {
    await bytes.close();
  }
}

const UNPACKED_BYTES = 256 * 1024;

async function readToEnd(path: string): Promise<void> {
  const source = await openSource({ path, project: () => [] });
  try {
    for await (const _ of source.batches());
  } finally {
    await source.close();
  }
}
