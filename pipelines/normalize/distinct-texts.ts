import type { Batch } from '../focus/batch.ts';

/** Where a text of a batch stands. */
export interface Place {
  /** Number of its first row in the part. */
  readonly row: number;
  /** Rows of the batch that have it. */
  readonly rows: number;
}

/** The distinct texts of a column of a batch. */
export function eachText(name: string, { columns, rows, rowNumbers }: Batch): Map<string, Place> {
  const found = new Map<string, Place>();
  const column = columns.get(name);
  if (column?.kind !== 'text') return found;
  const { codes, values } = column;
  const counts = new Uint32Array(values.size);
  const firsts = new Uint32Array(values.size);
  for (let row = 0; row < rows; row++) {
    const code = codes[row] as number;
    if (counts[code] === 0) firsts[code] = row;
    counts[code] = (counts[code] as number) + 1;
  }
  for (let code = 0; code < values.size; code++) {
    const text = counts[code] === 0 ? undefined : values.text(code);
    if (text === undefined) continue;
    const known = found.get(text);
    found.set(text, {
      row: known?.row ?? (rowNumbers[firsts[code] as number] as number),
      rows: (known?.rows ?? 0) + (counts[code] as number),
    });
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
