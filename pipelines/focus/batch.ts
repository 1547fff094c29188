import type { Amounts } from './amounts.ts';
import type { Dictionary } from './dictionary.ts';
import type { Times } from './times.ts';

/**
 * A column of a batch: for each row a code into its distinct values. `codes` may be longer than the batch has rows.
 * Columns derived from one source column share its `codes` array; that identity is what makes encoding fast.
 */
export type Column = TextColumn | AmountColumn | TimeColumn;

/** Text; also JSON as text. */
export interface TextColumn {
  readonly kind: 'text';
  readonly codes: Uint32Array;
  readonly values: Dictionary;
}

/** Exact decimals. */
export interface AmountColumn {
  readonly kind: 'amount';
  readonly codes: Uint32Array;
  readonly values: Amounts;
}

/** Points in time. */
export interface TimeColumn {
  readonly kind: 'time';
  readonly codes: Uint32Array;
  readonly values: Times;
}

/** Some thousand rows as columns: source rows before normalize, charges after it. A stage adds columns; none changes another's. */
export interface Batch {
  readonly rows: number;
  readonly columns: ReadonlyMap<string, Column>;
  /** Number of each row in its part, counted from 1 (the header is not counted). */
  readonly rowNumbers: Float64Array;
}

/** One cell as text; undefined when null (or not a valid amount or time). */
export function cellText(column: Column, row: number): string | undefined {
  return column.values.text(column.codes[row] as number);
}

/** Whether the first `rows` codes are the same. */
export function hasOneCode(codes: Uint32Array, rows: number): boolean {
  const only = codes[0];
  for (let row = 1; row < rows; row++) if (codes[row] !== only) return false;
  return true;
}
