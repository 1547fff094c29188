import type { Mapping } from './mapping.ts';

/** The first value of each setting. */
export function defaultSettings(mapping: Mapping): Record<string, string> {
  return Object.fromEntries(
    Object.entries(mapping.settings ?? {}).map(([name, { values }]) => [name, values[0] ?? '']),
  );
}

/** Header name → canonical name; of several headers with one canonical name the first counts, the others are a repair. */
export function renamedHeader(
  mapping: Mapping,
  header: readonly string[],
): { rename: Map<string, string>; repairs: Map<string, number> } {
  const rename = new Map<string, string>();
  const repairs = new Map<string, number>();
  const taken = new Set<string>();
  for (const name of header) {
    const canonical = mapping.rename(name);
    if (taken.has(canonical))
      repairs.set('duplicate_column', (repairs.get('duplicate_column') ?? 0) + 1);
    else rename.set(name, canonical);
    taken.add(canonical);
  }
  return { rename, repairs };
}
