import { BadPart } from '../plugin/errors.ts';
import type { Mapping } from './mapping.ts';
import { MAPPINGS, mappingNamed } from './mappings/index.ts';

/** A header fits a mapping when it scores at least this much of 100. */
const ENOUGH = 30;

/** The mapping for a part: the one named, or with `auto` the one that its header fits best. `BadPart` when none does or columns are missing. */
export function mappingFor(name: string, header: readonly string[], path: string): Mapping {
  const mapping = name === 'auto' ? detected(header, path) : named(name, path);
  const columns = new Set(header.map((column) => mapping.rename(column)));
  const missing = mapping.required.filter((column) => !columns.has(column));
  if (missing.length > 0)
    throw new BadPart(
      `as ${mapping.name} it lacks ${missing.length === 1 ? 'the column' : 'the columns'} ${missing.join(', ')}; it has ${sample(header)}`,
      { path },
    );
  return mapping;
}

function named(name: string, path: string): Mapping {
  const mapping = mappingNamed(name);
  if (mapping === undefined)
    throw new BadPart(
      `there is no mapping "${name}"; there are ${MAPPINGS.map((known) => known.name).join(', ')}`,
      { path },
    );
  return mapping;
}

function detected(header: readonly string[], path: string): Mapping {
  const scored = MAPPINGS.map((mapping) => ({
    mapping,
    score: mapping.fits(new Set(header.map((name) => mapping.rename(name))), header),
  }));
  const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
  if (best.score < ENOUGH)
    throw new BadPart(
      `its columns fit no known bill (${MAPPINGS.map((mapping) => mapping.name).join(', ')}); it has ${sample(header)}. Name the mapping if it is one of these`,
      { path },
    );
  return best.mapping;
}

function sample(header: readonly string[]): string {
  const names = header.slice(0, 8).map((name) => JSON.stringify(name.slice(0, 60)));
  return header.length > 8
    ? `${names.join(', ')} and ${header.length - 8} more`
    : names.join(', ') || 'no columns';
}
