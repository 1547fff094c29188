import type { SchemaElement } from 'hyparquet';
import { columnFact } from '../../focus/columns.ts';
import type { FocusFileOptions } from '../focus-columns.ts';
import { focusFileColumns } from '../focus-columns.ts';
import type { LeafFacts } from './chunk-writer.ts';
import { PRECISION, placesOf } from './decimal-bytes.ts';

/** What values of a column are in the file. */
export type StoredType = 'text' | 'time' | 'decimal' | 'double' | 'int64' | 'map';

/** How amounts are stored. */
export type StoredAmounts = 'decimal' | 'string' | 'double';

/** A column of a file. */
export interface StoredColumn {
  readonly name: string;
  readonly type: StoredType;
}

/** The columns of a FOCUS file and how they are stored. */
export function focusColumns(
  options: FocusFileOptions & { readonly amounts?: StoredAmounts },
): StoredColumn[] {
  return focusFileColumns(options).map((name) => ({ name, type: typeOf(name, options.amounts) }));
}

function typeOf(name: string, amounts: StoredAmounts = 'decimal'): StoredType {
  const kind = columnFact(name)?.kind;
  if (kind === 'time') return 'time';
  if (kind !== 'amount' || amounts === 'string') return 'text';
  return amounts;
}

/** The schema of a file with these columns; every column is optional. */
export function schemaOf(columns: readonly StoredColumn[]): SchemaElement[] {
  return [
    { name: 'schema', num_children: columns.length },
    ...columns.flatMap(({ name, type }) => ELEMENTS[type](name)),
  ];
}

/** The stored columns that make up a column. */
export function leavesOf({ name, type }: StoredColumn): LeafFacts[] {
  if (type !== 'map')
    return [{ path: [name], type: PHYSICAL[type], maxDefinition: 1, maxRepetition: 0 }];
  const path = [name, 'key_value'];
  return [
    { path: [...path, 'key'], type: 'BYTE_ARRAY', maxDefinition: 2, maxRepetition: 1 },
    { path: [...path, 'value'], type: 'BYTE_ARRAY', maxDefinition: 3, maxRepetition: 1 },
  ];
}

const PHYSICAL = {
  text: 'BYTE_ARRAY',
  time: 'INT64',
  decimal: 'FIXED_LEN_BYTE_ARRAY',
  double: 'DOUBLE',
  int64: 'INT64',
} as const;

const ELEMENTS: Readonly<Record<StoredType, (name: string) => SchemaElement[]>> = {
  text: (name) => [textElement(name, 'OPTIONAL')],
  time: (name) => [
    {
      name,
      type: 'INT64',
      repetition_type: 'OPTIONAL',
      converted_type: 'TIMESTAMP_MICROS',
      logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MICROS' },
    },
  ],
  decimal: (name) => [
    {
      name,
      type: 'FIXED_LEN_BYTE_ARRAY',
      type_length: 16,
      repetition_type: 'OPTIONAL',
      converted_type: 'DECIMAL',
      scale: placesOf(name),
      precision: PRECISION,
      logical_type: { type: 'DECIMAL', scale: placesOf(name), precision: PRECISION },
    },
  ],
  double: (name) => [{ name, type: 'DOUBLE', repetition_type: 'OPTIONAL' }],
  int64: (name) => [{ name, type: 'INT64', repetition_type: 'OPTIONAL' }],
  map: (name) => [
    {
      name,
      repetition_type: 'OPTIONAL',
      num_children: 1,
      converted_type: 'MAP',
      logical_type: { type: 'MAP' },
    },
    { name: 'key_value', repetition_type: 'REPEATED', num_children: 2 },
    textElement('key', 'REQUIRED'),
    textElement('value', 'OPTIONAL'),
  ],
};

function textElement(name: string, repetition: 'OPTIONAL' | 'REQUIRED'): SchemaElement {
  return {
    name,
    type: 'BYTE_ARRAY',
    repetition_type: repetition,
    converted_type: 'UTF8',
    logical_type: { type: 'STRING' },
  };
}
