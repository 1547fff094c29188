import { attributeName, COLUMNS, columnFact } from './columns.ts';

const PREFIX = 'focus.';
const FOCUS = new Map(Object.keys(COLUMNS).map((name) => [attributeName(name), name]));

/** Column of an attribute that `exactName` gave; undefined when it is none of a charge. */
export function columnOfAttribute(attribute: string): string | undefined {
  const known = FOCUS.get(attribute);
  if (known !== undefined || !attribute.startsWith(`${PREFIX}x_`)) return known;
  return attribute.slice(PREFIX.length);
}

/** Name of a column's attribute from which the column can be told: `attributeName` of those that FOCUS has, custom ones as they are written. */
export function exactName(column: string): string {
  return columnFact(column) === undefined ? `${PREFIX}${column}` : attributeName(column);
}
