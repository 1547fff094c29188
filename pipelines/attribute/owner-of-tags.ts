/**
 * A reader for tags as FOCUS has them (a JSON object): the value of the first of the given keys, matched without case, that has
 * one. Empty texts, null, true/false and nested values are no owner; undefined when there is none or the text is no JSON object.
 */
export function ownerOfTags(keys: readonly string[]): (json: string) => string | undefined {
  const wanted = new Map(keys.map((key, rank) => [key.trim().toLowerCase(), rank]).reverse() as [string, number][]);
  return (json) => {
    let found: { readonly rank: number; readonly owner: string } | undefined;
    for (const [key, value] of Object.entries(parsed(json))) {
      const rank = wanted.get(key.trim().toLowerCase());
      if (rank === undefined || (found !== undefined && found.rank <= rank)) continue;
      const owner = asOwner(value);
      if (owner !== undefined) found = { rank, owner };
    }
    return found?.owner;
  };
}

function parsed(json: string): object {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

function asOwner(value: unknown): string | undefined {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'string') return undefined;
  const owner = value.trim();
  return owner === '' ? undefined : owner;
}
