import type { Batch, Column } from '../focus/batch.ts';
import type { OutputVersion } from '../focus/columns.ts';
import { columnFact, columnsOf } from '../focus/columns.ts';
import { Dictionary } from '../focus/dictionary.ts';
import type { NamedColumn } from './field.ts';
import { keyOf } from './field.ts';

/** What a FOCUS file has. */
export interface FocusFileOptions {
  readonly version: OutputVersion;
  /** Custom columns, in order, behind those of the version. */
  readonly extraColumns?: readonly string[];
}

/** Names of the columns of a FOCUS file, in order. */
export function focusFileColumns(options: FocusFileOptions): readonly string[] {
  return [...columnsOf(options.version), ...(options.extraColumns ?? [])];
}

/** Picks the columns of a file from batches, in order; those that a batch lacks are null on every row. `key` gives the bytes that go with every cell. */
export function columnPicker(
  names: readonly string[],
  key: (name: string, position: number) => string,
): (batch: Batch) => readonly NamedColumn[] {
  const encoder = new TextEncoder();
  const keys = names.map((name, i) =>
    keyOf(name, encoder.encode(key(name, i)), columnFact(name)?.kind === 'json'),
  );
  const values = new Dictionary();
  values.add(undefined);
  const nothing: Column = { kind: 'text', codes: new Uint32Array(1), values };
  return (batch) => keys.map((key) => ({ key, column: batch.columns.get(key.name) ?? nothing }));
}
