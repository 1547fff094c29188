import type { RejectedRow } from '../source.ts';

/** How long things may be; tests make them small. */
export interface CsvLimits {
  /** Bytes of a cell. */
  readonly cell: number;
  /** Bytes of a row. */
  readonly row: number;
}

/** A cell of 64 MiB is no bill any more. */
export const CSV_LIMITS: CsvLimits = { cell: 64 * 1024 * 1024, row: 256 * 1024 * 1024 };

/** Why a row is refused, and where reading goes on. */
export interface Refusal extends Pick<RejectedRow, 'reason' | 'message' | 'column'> {
  readonly next: number;
}

/** A row with more or fewer fields than the header has. */
export function wrongCount(next: number, found: number, expected: number): Refusal {
  const reason = 'wrong_field_count';
  return { reason, message: `${found} fields where the header has ${expected}`, next };
}

/** A quote that is neither doubled nor the end of its cell, on a line where the cell does not end. */
export function malformedQuote(next: number, column = ''): Refusal {
  const message =
    'a quote within a quoted cell is not doubled, and the cell does not end on its line';
  return { reason: 'malformed_quote', message, column, next };
}

/** A quote that is opened and never closed. Only its line is refused. */
export function endless(next: number, column = ''): Refusal {
  const reason = 'unterminated_quote';
  return { reason, message: 'the quote that opens the cell is not closed', column, next };
}

/** A cell or row beyond the limits. */
export function tooLong(next: number, limits: CsvLimits, column = ''): Refusal {
  const message = `a cell of more than ${limits.cell} or a row of more than ${limits.row} bytes`;
  return { reason: 'cell_too_long', message, column, next };
}
