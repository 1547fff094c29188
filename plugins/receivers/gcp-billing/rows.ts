import { Unavailable } from '../../../pipelines/plugin/errors.ts';

/** A column of a table or a result, as the REST API states it. */
export interface Field {
  readonly name: string;
  readonly type: string;
  readonly repeated: boolean;
  readonly fields: readonly Field[];
}

/** The columns of a `schema`; throws `Unavailable` when it is none. */
export function fieldsOf(schema: unknown): readonly Field[] {
  return listUnder(schema, 'fields').map((field) => {
    const { name, type, mode } = objectOf(field);
    if (typeof name !== 'string' || typeof type !== 'string') throw odd('a column without a name');
    const nested = type === 'RECORD' || type === 'STRUCT';
    return { name, type, repeated: mode === 'REPEATED', fields: nested ? fieldsOf(field) : [] };
  });
}

/**
 * Rows of an answer (`{f: [{v: …}]}`) as objects: records nested, repeated columns as lists, points in time as ISO 8601, every number the text
 * that BigQuery wrote. Source: the REST reference on `rows`; times are asked for as microseconds.
 */
export function rowsOf(rows: unknown, fields: readonly Field[]): readonly Row[] {
  if (rows === undefined) return [];
  if (!Array.isArray(rows)) throw odd('rows that are no list');
  return rows.map((row) => recordOf(row, fields));
}

/** One row. */
export type Row = Readonly<Record<string, unknown>>;

function recordOf(record: unknown, fields: readonly Field[]): Row {
  const cells = listUnder(record, 'f');
  if (cells.length !== fields.length)
    throw odd(`a row of ${cells.length} cells for ${fields.length} columns`);
  return Object.fromEntries(
    fields.map((field, i) => [field.name, cellOf(objectOf(cells[i]).v, field)]),
  );
}

function cellOf(value: unknown, field: Field): unknown {
  if (!field.repeated) return scalarOf(value, field);
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) throw odd(`${field.name} is no list`);
  return value.map((item) => scalarOf(objectOf(item).v, field));
}

function scalarOf(value: unknown, field: Field): unknown {
  if (value === null || value === undefined) return null;
  if (field.fields.length > 0) return recordOf(value, field.fields);
  if (typeof value !== 'string') throw odd(`${field.name} is no text`);
  if (field.type === 'TIMESTAMP') return isoOf(value, field.name);
  return field.type === 'BOOLEAN' || field.type === 'BOOL' ? value === 'true' : value;
}

/** Microseconds since 1970 as ISO 8601; zeros at the end are left out down to whole seconds. */
function isoOf(micros: string, name: string): string {
  if (!/^-?\d{1,18}$/.test(micros))
    throw odd(`${name} is no point in time: ${micros.slice(0, 40)}`);
  const all = BigInt(micros);
  const rest = ((all % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = new Date(Number((all - rest) / 1000n)).toISOString().slice(0, 19);
  const fraction = String(rest).padStart(6, '0').replace(/0+$/, '');
  return fraction === '' ? `${seconds}Z` : `${seconds}.${fraction}Z`;
}

/** The object, or an empty one. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function listUnder(value: unknown, name: string): readonly unknown[] {
  const list = objectOf(value)[name];
  if (!Array.isArray(list)) throw odd(`no list "${name}"`);
  return list;
}

/** The other side answered something that is no answer. */
function odd(what: string): Unavailable {
  return new Unavailable(`BigQuery answered with ${what}`);
}
