/** Azure's JSON cells: tags and additional information, which the enterprise export writes without braces. */
import { isJsonObject, type JsonObject, readBracelessObject, textOf } from '../json-cells.ts';

/** Tags as a JSON object; keys that differ only in blanks become one, the first that has a value. Null when there are none or the cell is unreadable. */
export function azureTags(cell: string): string | undefined {
  const tags = trimmedTags(readBracelessObject(cell) ?? {});
  return tags.size === 0 ? undefined : JSON.stringify(Object.fromEntries(tags));
}

/** Whether keys of the cell differ only in blanks. */
export function hasTwinTags(cell: string): boolean {
  const object = readBracelessObject(cell) ?? {};
  return trimmedTags(object).size < Object.keys(object).length;
}

/** Whether the cell holds no JSON object, with or without braces. */
export function isUnreadable(cell: string): boolean {
  return readBracelessObject(cell) === undefined;
}

/** A field of an additional information cell. */
export function additionalField(cell: string, key: string): string | undefined {
  return textOf(readBracelessObject(cell)?.[key]);
}

/** The cell's fields as properties of SkuPriceDetails: custom ones carry `x_`. */
export function priceDetails(cell: string): string | undefined {
  const fields = Object.entries(readBracelessObject(cell) ?? {}).flatMap(([key, value]) => {
    const text = isNested(value) ? JSON.stringify(value) : textOf(value);
    const name = key.replace(/\W+/g, '');
    return text === undefined || name === ''
      ? []
      : [[`x_${name.charAt(0).toUpperCase()}${name.slice(1)}`, text] as const];
  });
  return fields.length === 0 ? undefined : JSON.stringify(Object.fromEntries(fields));
}

function trimmedTags(object: JsonObject): Map<string, string> {
  const tags = new Map<string, string>();
  for (const [key, value] of Object.entries(object)) {
    const name = key.trim();
    const text = isNested(value) ? JSON.stringify(value) : (textOf(value) ?? '');
    if (name !== '' && (tags.get(name) ?? '') === '') tags.set(name, text);
  }
  return tags;
}

function isNested(value: unknown): boolean {
  return Array.isArray(value) || isJsonObject(value);
}
