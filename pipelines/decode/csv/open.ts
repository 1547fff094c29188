import { Cells } from '../cells.ts';
import type { OpenOptions, Source } from '../source.ts';
import { BATCH_ROWS, openWindow, Repairs, type TextForm, textSource } from '../text-source.ts';
import { shortFieldCount } from './field-count.ts';
import { readHeader } from './header.ts';
import { CSV_LIMITS, type CsvLimits } from './refusals.ts';
import { CsvScanner } from './scanner.ts';

/** Sizes that tests make small. */
export interface CsvTuning {
  readonly windowBytes?: number | undefined;
  readonly limits?: CsvLimits | undefined;
}

/**
 * Opens a csv part. A batch may hold fewer rows than asked for, even none, where rows are very long or many are refused.
 * Cells are null when empty, `NULL`, `null` or `\N`.
 */
export async function openCsv(
  options: OpenOptions,
  form: TextForm,
  tuning: CsvTuning = {},
): Promise<Source> {
  const { path, batchRows = BATCH_ROWS, project } = options;
  const repairs = new Repairs();
  const window = await openWindow(path, form, { repairs, windowBytes: tuning.windowBytes });
  try {
    const header = await readHeader(window, { path, repaired: repairs.add });
    if (window.ended) window.closeLastLine();
    const shortFields = await shortFieldCount(window, header);
    const wanted = new Set(project === undefined ? header.names : project(header.names));
    const scanner = new CsvScanner(window, header, {
      columns: header.names.map((name) => new Cells(name, batchRows, wanted.has(name))),
      batchRows,
      shortFields,
      limits: tuning.limits ?? CSV_LIMITS,
      repaired: repairs.add,
    });
    return textSource({ format: 'csv', columns: header.names, path, window, scanner, repairs });
  } catch (error) {
    await window.close();
    throw error;
  }
}
