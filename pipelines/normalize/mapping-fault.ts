/** What is wrong with a mapping of somebody else's making, before a bill is read by it. */

import { COLUMNS, COST_COLUMNS, columnFact } from '../focus/columns.ts';
import { errorMessage } from '../plugin/errors.ts';
import { defaultSettings } from './header.ts';
import type { Mapping, MappingTable } from './mapping.ts';

/** What keeps a module's default export from being the mapping of that name; undefined: nothing. */
export function mappingFault(exported: unknown, name: string): string | undefined {
  if (!isObject(exported)) return 'its default export is not made by defineMapping';
  const { rename, fits, build, required, settings = {} } = exported;
  if (exported.name !== name) return `it names itself ${String(exported.name)}`;
  for (const [key, value] of Object.entries({ rename, fits, build }))
    if (typeof value !== 'function') return `it has no ${key}()`;
  if (typeof exported.summary !== 'string') return 'it has no summary';
  if (!Array.isArray(required) || !required.every((column) => typeof column === 'string'))
    return 'required is no list of column names';
  if (!isObject(settings)) return 'settings is no object';
  for (const [setting, of] of Object.entries(settings))
    if (!isSetting(of)) return `its setting ${setting} has no doc or no values`;
  return tableFault(exported as unknown as Mapping);
}

function isSetting(value: unknown): boolean {
  if (!isObject(value) || typeof value.doc !== 'string') return false;
  const { values } = value;
  return (
    Array.isArray(values) && values.length > 0 && values.every((one) => typeof one === 'string')
  );
}

/** Builds the table for a part that has just the required columns. */
function tableFault(mapping: Mapping): string | undefined {
  const columns = [...mapping.required];
  let table: MappingTable;
  try {
    table = mapping.build({
      columns,
      has: (column) => columns.includes(column),
      settings: defaultSettings(mapping),
    });
  } catch (error) {
    return `build() fails on the required columns: ${errorMessage(error)}`;
  }
  const { templates, measures } = table;
  if (!Array.isArray(templates) || templates.length === 0) return 'its table has no row templates';
  if (!isObject(measures)) return 'its table has no measures';
  for (const measure of Object.keys(measures))
    if (!(COST_COLUMNS as readonly string[]).includes(measure))
      return `its table measures ${measure}, which is no cost column`;
  return templates.map(({ columns: of }) => columnsFault(of)).find((fault) => fault !== undefined);
}

function columnsFault(columns: Readonly<Record<string, unknown>>): string | undefined {
  if (!isObject(columns)) return 'a row template has no columns';
  const missing = NEEDED.filter((column) => columns[column] === undefined);
  if (missing.length > 0) return `a row template gives no ${missing.join(', no ')}`;
  for (const [column, expression] of Object.entries(columns)) {
    const fact = columnFact(column);
    if (fact === undefined && !/^x_[A-Za-z]\w*$/.test(column))
      return `a row template gives ${column}, which is neither a column of FOCUS nor begins with x_`;
    const wanted = fact?.kind === 'json' ? 'text' : fact?.kind;
    if (!isExpression(expression)) return `${column} is no expression`;
    if (wanted !== undefined && expression.kind !== wanted && !isTest(expression.kind, wanted))
      return `${column} is ${expression.kind}, it has to be ${wanted}`;
  }
  return undefined;
}

/** Columns that no charge of 1.2 may lack. */
const NEEDED = Object.entries(COLUMNS)
  .filter(([, fact]) => fact.level === 'mandatory' && !fact.nullable && fact.since === '1.0')
  .map(([column]) => column);

const EXPRESSIONS: ReadonlySet<unknown> = new Set(['text', 'amount', 'time', 'test']);

function isExpression(value: unknown): value is { readonly kind: string } {
  return isObject(value) && EXPRESSIONS.has(value.kind) && Array.isArray(value.inputs);
}

/** A test is a text: `1` or null. */
function isTest(kind: string, wanted: string): boolean {
  return kind === 'test' && wanted === 'text';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
