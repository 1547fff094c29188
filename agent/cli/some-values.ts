/** Values that are shown of a setting that has many, such as one of a currency. */
const SHOWN = 8;

/** The values that a setting can have, for a line of text: `off|allocate`; of very many the first ones and how many more there are. */
export function someValues(values: readonly string[], separator = '|'): string {
  if (values.length <= 2 * SHOWN) return values.join(separator);
  return `${values.slice(0, SHOWN).join(separator)} and ${values.length - SHOWN} more`;
}
