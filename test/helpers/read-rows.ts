/** Small readers for tests, independent of the product's decoders. */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';

/** A file read as a whole. */
export interface RowFile {
  /** Header names as they stand. */
  readonly header: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** Where the sample data lies, seen from the repository's root. */
export const DATA = new URL('../../../shared/data/', import.meta.url);

/** A file of the sample data; undefined when it is not there. */
export function dataFile(name: string): URL | undefined {
  const url = new URL(name, DATA);
  return existsSync(url) ? url : undefined;
}

/** Reads CSV, also gzipped (at most `limit` rows); of equal header names the first keeps its cells. */
export function readCsv(path: string | URL, limit?: number): RowFile {
  const [header = [], ...records] = parse(readBytes(path), {
    bom: true,
    relax_column_count: true,
    skip_empty_lines: true,
    ...(limit !== undefined && { to: limit + 1 }),
  }) as string[][];
  const rows = records.map((cells) => {
    const row: Record<string, string> = {};
    header.forEach((name, i) => {
      if (!Object.hasOwn(row, name)) row[name] = cells[i] ?? '';
    });
    return row;
  });
  return { header, rows };
}

/** Reads JSON objects, one after the other (NDJSON or pretty-printed). Numbers keep their text; objects and arrays stay JSON. */
export function readJson(path: string | URL): RowFile {
  const objects = splitJson(readBytes(path).toString('utf8')).map(
    (text) => JSON.parse(text, keepNumberText) as Record<string, unknown>,
  );
  const rows = objects.map((object) =>
    Object.fromEntries(Object.entries(object).map(([name, value]) => [name, cellOf(value)])),
  );
  return { header: [...new Set(rows.flatMap((row) => Object.keys(row)))], rows };
}

function readBytes(path: string | URL): Buffer {
  const bytes = readFileSync(path);
  return bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes;
}

/** A number as its text (JSON.rawJSON, which TypeScript does not know yet). */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown };

function keepNumberText(_key: string, value: unknown, context?: { readonly source?: string }) {
  return typeof value === 'number' ? rawJson(context?.source ?? String(value)) : value;
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** The objects of a text that holds several, split where the braces close. */
function splitJson(text: string): string[] {
  const objects: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === '\\') i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === '{' && depth++ === 0) start = i;
    else if (char === '}' && --depth === 0) objects.push(text.slice(start, i + 1));
  }
  return objects;
}
