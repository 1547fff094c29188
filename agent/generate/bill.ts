import type { Random } from './random.ts';
import type { RowTruth } from './truth.ts';

/** What is asked for. */
export interface BillRequest {
  readonly rows: number;
  readonly seed: number;
  /** `2026-10` */
  readonly month: string;
  /** From 1; later ones restate some charges, drop a few and add others. */
  readonly revision: number;
}

/** Type of a column where the file format has types (Parquet). */
export type CellType = 'string' | 'double' | 'timestamp' | 'map' | 'json';

/** A provider's bill: its columns, and rows one after the other. */
export interface Bill {
  readonly columns: readonly { readonly name: string; readonly type: CellType }[];
  /** Row `index` as texts in the order of the columns, empty for null; undefined when this revision no longer has the row. */
  row(index: number): { readonly cells: readonly string[]; readonly truth: RowTruth } | undefined;
  /** Breaks a row the way real exports break; answers the reason that a reader should give. */
  breakRow(cells: string[], random: Random): string;
}

/** First and last moment of a month, `2026-10` → `2026-10-01T00:00:00Z`, `2026-11-01T00:00:00Z`. */
export function monthBounds(month: string): {
  readonly start: string;
  readonly end: string;
  readonly days: number;
} {
  const [year = 2026, number = 1] = month.split('-').map(Number);
  const start = Date.UTC(year, number - 1, 1);
  const end = Date.UTC(year, number, 1);
  return { start: isoSeconds(start), end: isoSeconds(end), days: (end - start) / 86_400_000 };
}

/** `2026-10-01T00:00:00Z` */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Puts something that is no number where the cost stands, or something that is no time where the period starts. */
export function breakCell(
  cells: string[],
  random: Random,
  places: { readonly cost: number; readonly time: number },
): string {
  if (random.int(2) === 0) {
    cells[places.cost] = random.of(['n/a', '12,50,0', '#REF!', '1.2.3']);
    return 'invalid_number';
  }
  cells[places.time] = random.of(['2026-13-01T00:00:00Z', 'yesterday', '2026-10-01T30:00:00Z']);
  return 'invalid_time';
}
