import { stat } from 'node:fs/promises';
import type { Part } from '../pipelines/plugin/delivery.ts';

/** Paths of raw parts that are gone or not what they were when they were read. */
export async function changedParts(parts: readonly Part[]): Promise<readonly string[]> {
  const same = await Promise.all(
    parts.map(async ({ path, bytes, modifiedMs }) => {
      const now = await stat(path).catch(() => undefined);
      return now?.size === bytes && now.mtimeMs === modifiedMs;
    }),
  );
  return parts.filter((_, i) => same[i] !== true).map(({ path }) => path);
}
