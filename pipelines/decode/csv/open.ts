import type { OpenOptions, Source } from '../source.ts';
import { BATCH_ROWS, openWindow, Repairs, type TextForm, textSource } from '../text-source.ts';
import { KernelColumn } from './columns.ts';
import { shortFieldCount } from './field-count.ts';
import { readHeader } from './header.ts';
import { returnKernel, takeKernel } from './kernel.ts';
import { CSV_LIMITS, type CsvLimits } from './refusals.ts';
import { CsvScanner } from './scanner.ts';

/** Sizes that tests make small. */
export interface CsvTuning {
  readonly windowBytes?: number | undefined;
  readonly limits?: CsvLimits | undefined;
  /** False: the kernel reads no rows. */
  readonly plainRows?: boolean;
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
  const kernel = takeKernel();
  const window = await openWindow(path, form, {
    repairs,
    windowBytes: tuning.windowBytes,
    allocate: kernel.allocate,
  });
  let closed = false;
  const close = async () => {
    if (closed) return;
    closed = true;
    await window.close();
    returnKernel(kernel);
  };
  try {
    const header = await readHeader(window, { path, repaired: repairs.add });
    if (window.ended) window.closeLastLine();
    const shortFields = await shortFieldCount(window, header);
    const { names } = header;
    const wanted = new Set(project === undefined ? names : project(names));
    kernel.open(names.length);
    const columns = names.map(
      (name, column) =>
        new KernelColumn(name, kernel, { column, rows: batchRows, wanted: wanted.has(name) }),
    );
    const scanner = new CsvScanner(window, header, {
      columns,
      kernel,
      batchRows,
      shortFields,
      limits: tuning.limits ?? CSV_LIMITS,
      repaired: repairs.add,
      plainRows: tuning.plainRows ?? true,
    });
    const source = textSource({ format: 'csv', columns: names, path, window, scanner, repairs });
    return { ...source, titles: header.titles, close };
  } catch (error) {
    await close();
    throw error;
  }
}
