import { BadPart } from '../plugin/errors.ts';
import { foreignTable } from './foreign-tables.ts';
import type { Mapping } from './mapping.ts';
import { MAPPINGS } from './mappings/index.ts';

/** A header fits a mapping when it scores at least this much of 100. */
const ENOUGH = 30;

/** What mappings there are beside the built-in ones, and what is set. */
export interface Choice {
  /** Mappings of packages. */
  readonly more?: readonly Mapping[];
  /** Settings by mapping. */
  readonly settings?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * The mapping for a part: the one named, or with `auto` the one that its header fits best; of those that fit as well a built-in one.
 * `BadPart` when none does or columns are missing.
 */
export function mappingFor(
  name: string,
  header: readonly string[],
  path: string,
  { more = [], settings = {} }: Choice = {},
): Mapping {
  const all = [...MAPPINGS, ...more];
  const mapping = name === 'auto' ? detected(all, header, path) : named(all, name, path);
  const columns = new Set(header.map((column) => mapping.rename(column)));
  const missing = mapping.required.filter(
    (column) => !columns.has(column) && !standsIn(mapping, column, settings[mapping.name]),
  );
  if (missing.length > 0)
    throw new BadPart(
      `as ${mapping.name} it lacks ${missing.length === 1 ? 'the column' : 'the columns'} ${missing.join(', ')}${standInHint(mapping, missing)}; it has ${sample(header)}`,
      { path },
    );
  return mapping;
}

function standsIn(
  { settings, standIns }: Mapping,
  column: string,
  given: Readonly<Record<string, string>> = {},
): boolean {
  const setting = standIns?.[column]?.setting;
  if (setting === undefined || given[setting] === undefined) return false;
  return given[setting] !== settings?.[setting]?.values[0];
}

function standInHint({ name, standIns }: Mapping, missing: readonly string[]): string {
  const settings = missing.flatMap((column) => {
    const standIn = standIns?.[column];
    return standIn === undefined ? [] : [`${name}.${standIn.setting}=${standIn.example}`];
  });
  return settings.length === 0
    ? ''
    : ` (the processor normalize can say it; when converting: --set ${settings.join(' ')})`;
}

function named(mappings: readonly Mapping[], name: string, path: string): Mapping {
  const mapping = mappings.find((known) => known.name === name);
  if (mapping === undefined)
    throw new BadPart(
      `there is no mapping "${name}"; there are ${mappings.map((known) => known.name).join(', ')}`,
      { path },
    );
  return mapping;
}

function detected(mappings: readonly Mapping[], header: readonly string[], path: string): Mapping {
  const scored = mappings.map((mapping) => ({
    mapping,
    score: mapping.fits(new Set(header.map((name) => mapping.rename(name))), header),
  }));
  const best = scored.reduce((a, b) => (b.score > a.score ? b : a));
  if (best.score < ENOUGH)
    throw new BadPart(
      `its columns fit no known bill (${mappings.map((mapping) => mapping.name).join(', ')}); it has ${sample(header)}. ${foreignTable(header) ?? 'Its first line is read as the header; name the mapping if it is one of these. For any other bill a package can bring one, a table from its columns to FOCUS (plugins/README.md, "A mapping of your own"; --plugin PACKAGE)'}`,
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
