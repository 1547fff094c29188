import { type JsonObject, textAt, textsAt } from '../../kit/json.ts';
import type { Field } from './presets.ts';

/** Reads the fields of a payload by their paths. */
export interface Payload {
  /** A text, a number or a flag as text; of a list its texts, joined by commas. */
  text(field: Field): string | undefined;
  /** The texts of a list, or the one text. */
  texts(field: Field): readonly string[];
}

/** A payload as a table of paths reads it. */
export function payloadOf(
  body: JsonObject,
  paths: Readonly<Partial<Record<Field, string>>>,
): Payload {
  const at = (field: Field): unknown => {
    const path = paths[field];
    return path === undefined ? undefined : valueAt(body, path);
  };
  const texts = (field: Field): readonly string[] => {
    const value = at(field);
    return Array.isArray(value) ? textsAt(value) : textsAt([value]);
  };
  return { texts, text: (field) => texts(field).join(',') || undefined };
}

/** Whether the values at all these paths are among those named. */
export function fits(body: JsonObject, when: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(when).every(([path, values]) =>
    values.includes(textAt(valueAt(body, path)) ?? ''),
  );
}

/** The value at a path: own properties and places in lists, nothing inherited. */
function valueAt(body: JsonObject, path: string): unknown {
  return path.split('.').reduce<unknown>((value, name) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name))
      return undefined;
    return (value as JsonObject)[name];
  }, body);
}
