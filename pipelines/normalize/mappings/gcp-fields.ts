/** Reads fields of the billing export in any of its shapes: a JSON column per record, or a column per field. */

import { parseDecimal } from '../../focus/decimal.ts';
import {
  type AmountExpression,
  amount,
  deriveAmount,
  first,
  firstAmount,
  jsonObject,
  map,
  noAmount,
  nothing,
  type TextExpression,
  text,
} from '../expressions.ts';
import { isJsonObject, rememberingReader, textOf } from '../json-cells.ts';
import type { MappingInput } from '../mapping.ts';

/** The fields of one part. */
export interface GcpFields {
  readonly input: MappingInput;
  /** The field as text. */
  text(record: string, field: string): TextExpression;
  /** The field as an exact decimal. */
  amount(record: string, field: string): AmountExpression;
  /** A list of records as JSON text; of a flattened list the one entry that its columns hold. */
  list(name: string, fields: readonly string[]): TextExpression;
  /** The record as JSON text. */
  record(name: string, fields: readonly string[]): TextExpression;
  /** JSON of a cell, remembered. */
  readonly read: (cell: string) => unknown;
}

/** The fields of a part with these columns. */
export function gcpFields(input: MappingInput): GcpFields {
  const read = rememberingReader();
  const known = new Map<string, TextExpression>();
  const given = (column: string): TextExpression[] => (input.has(column) ? [text(column)] : []);
  const field = (record: string, name: string): TextExpression => {
    const path = `${record}.${name}`;
    const expression = known.get(path) ?? fieldExpression(record, name);
    known.set(path, expression);
    return expression;
  };
  const fieldExpression = (record: string, name: string): TextExpression => {
    const nested = input.has(record) ? [map(record, (cell) => fieldOf(read(cell), name))] : [];
    return firstOf([...nested, ...given(`${record}.${name}`)]);
  };
  const flattened = (record: string, names: readonly string[]): TextExpression[] => {
    const present = names.filter((name) => input.has(`${record}.${name}`));
    if (present.length === 0) return [];
    return [
      jsonObject(Object.fromEntries(present.map((name) => [name, text(`${record}.${name}`)]))),
    ];
  };
  return {
    input,
    read,
    text: field,
    amount: (record, name) => {
      const nested = input.has(record)
        ? [deriveAmount([text(record)], (cell = '') => decimalOf(fieldOf(read(cell), name)))]
        : [];
      const flat = input.has(`${record}.${name}`) ? [amount(`${record}.${name}`)] : [];
      const all = [...nested, ...flat];
      return all.length === 0 ? noAmount : firstAmount(...all);
    },
    list: (name, fields) =>
      input.has(name)
        ? text(name)
        : firstOf(flattened(name, fields).map((record) => map(record, (json) => `[${json}]`))),
    record: (name, fields) => firstOf([...given(name), ...flattened(name, fields)]),
  };
}

function firstOf(of: readonly TextExpression[]): TextExpression {
  return of.length === 0 ? nothing : first(...of);
}

function fieldOf(record: unknown, field: string): string | undefined {
  return isJsonObject(record) ? textOf(record[field]) : undefined;
}

function decimalOf(value: string | undefined) {
  return value === undefined ? undefined : parseDecimal(value);
}
