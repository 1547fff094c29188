import type { RejectedRow, Source } from '../../pipelines/decode/source.ts';
import { cellText } from '../../pipelines/focus/batch.ts';

/** Everything a source gave. */
export interface Decoded {
  readonly columns: readonly string[];
  /** Cells of each row by column; null cells are left out. */
  readonly rows: readonly Readonly<Record<string, string>>[];
  readonly numbers: readonly number[];
  readonly rejected: readonly RejectedRow[];
  readonly repairs: Readonly<Record<string, number>>;
  /** Rows of each batch. */
  readonly batches: readonly number[];
  /** Columns that had a transient dictionary in the last batch. */
  readonly transient: readonly string[];
}

/** Reads a source to its end and closes it. */
export async function decoded(opening: Source | Promise<Source>): Promise<Decoded> {
  const source = await opening;
  const rows: Record<string, string>[] = [];
  const numbers: number[] = [];
  const rejected: RejectedRow[] = [];
  const batches: number[] = [];
  let transient: string[] = [];
  try {
    for await (const batch of source.batches()) {
      batches.push(batch.rows);
      transient = [];
      for (const [name, column] of batch.columns) if (column.values.transient) transient.push(name);
      for (let row = 0; row < batch.rows; row++) {
        const cells: Record<string, string> = {};
        for (const [name, column] of batch.columns) {
          const text = cellText(column, row);
          if (text !== undefined) cells[name] = text;
        }
        rows.push(cells);
        numbers.push(batch.rowNumbers[row] ?? Number.NaN);
      }
      rejected.push(...source.takeRejected());
    }
    rejected.push(...source.takeRejected());
    const repairs = Object.fromEntries(source.takeRepairs());
    return { columns: source.columns, rows, numbers, rejected, repairs, batches, transient };
  } finally {
    await source.close();
  }
}
