/** Batches for tests, from rows of strings and back. */
import { type Batch, type Column, cellText } from '../../pipelines/focus/batch.ts';
import { Dictionary } from '../../pipelines/focus/dictionary.ts';
import type { SourceRow } from './interpret.ts';

/** Rows as batches of text columns under the header's names, as a decoder gives them. */
export function toBatches(
  header: readonly string[],
  rows: readonly SourceRow[],
  batchRows = 4096,
): readonly Batch[] {
  const batches: Batch[] = [];
  for (let from = 0; from < rows.length; from += batchRows) {
    const slice = rows.slice(from, from + batchRows);
    const columns = new Map<string, Column>();
    for (const name of header)
      columns.set(name, textColumn(slice.map((row) => (row[name] === '' ? undefined : row[name]))));
    batches.push({
      rows: slice.length,
      columns,
      rowNumbers: Float64Array.from(slice, (_, i) => from + i + 1),
    });
  }
  return batches;
}

/** The rows of a batch: every cell that is not null. */
export function fromBatch(batch: Batch): readonly Readonly<Record<string, string>>[] {
  return Array.from({ length: batch.rows }, (_, row) =>
    Object.fromEntries(
      [...batch.columns].flatMap(([name, column]) => {
        const text = cellText(column, row);
        return text === undefined ? [] : [[name, text]];
      }),
    ),
  );
}

/** Several batches one after the other, as a reader gives them. */
export async function* eachBatch(batches: readonly Batch[]): AsyncGenerator<Batch> {
  yield* batches;
}

function textColumn(texts: readonly (string | undefined)[]): Column {
  const values = Dictionary.of([]);
  const known = new Map<string, number>();
  const codes = Uint32Array.from(texts, (text) => {
    if (text === undefined) return 0;
    const code = known.get(text) ?? values.add(text);
    known.set(text, code);
    return code;
  });
  return { kind: 'text', codes, values };
}
