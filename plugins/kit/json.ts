declare global {
  /** Numbers as they are written; a later TypeScript knows them. Source: TC39 proposal JSON.parse source text access, in Node.js 22. */
  interface JSON {
    rawJSON(text: string): object;
    isRawJSON(value: unknown): boolean;
  }
}

/** A JSON object whose fields are not known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object that the bytes are; undefined when they are anything else. */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    return objectAt(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
  } catch {
    return undefined;
  }
}

/** The value, when it is an object and no list. */
export function objectAt(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

/** A text that is not empty, or a number or flag as text; undefined for everything else. */
export function textAt(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** The texts of a list; none when it is no list. */
export function textsAt(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.flatMap((one) => textAt(one) ?? []) : [];
}

/** What the text is as JSON; undefined when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the text is as JSON, each number as a raw one that `JSON.stringify` writes with the same digits. Throws what `JSON.parse` throws. */
export function parseExactly(text: string): unknown {
  return JSON.parse(text, asWritten);
}

/** Keeps a number as it stands in the text. */
function asWritten(_: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' && context?.source !== undefined
    ? JSON.rawJSON(context.source)
    : value;
}
