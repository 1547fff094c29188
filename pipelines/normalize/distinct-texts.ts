import type { Batch } from '../focus/batch.ts';

/** The distinct texts of a column of a batch, each with the number of its first row in the part. */
export function eachText(name: string, { columns, rows, rowNumbers }: Batch): Map<string, number> {
  const found = new Map<string, number>();
  const column = columns.get(name);
  if (column?.kind !== 'text') return found;
  const { codes, values } = column;
  const seen = new Uint8Array(values.size);
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    if (seen[code] === 1) continue;
    seen[code] = 1;
    const text = values.text(code);
    if (text !== undefined) found.set(text, rowNumbers[row] as number);
  }
  return found;
}

/** Why the texts of a part cannot be read, and where the first of them stands. */
export interface PartFault {
  readonly fault: string;
  readonly row: number;
  readonly column: string;
}

/** A text as messages show it. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, LONGEST_SHOWN));
}

const LONGEST_SHOWN = 40;
