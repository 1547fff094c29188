import type { Batch, TextColumn } from '../focus/batch.ts';
import { BadPart } from '../plugin/errors.ts';
import type { BatchRows } from './batch-rows.ts';
import { openBytes } from './bytes.ts';
import type { Sniffed } from './sniff.ts';
import type { Source } from './source.ts';
import { readText } from './utf8.ts';
import { type Allocate, Window } from './window.ts';

/** Rows of a batch unless told otherwise. */
export const BATCH_ROWS = 4_096;

/** How a text is packed and written. */
export type TextForm = Pick<Sniffed, 'compression' | 'encoding'>;

/** Turns what is in the window into rows. */
export interface RowScanner {
  readonly columns: readonly ScannedColumn[];
  readonly rows: BatchRows;
  /** What the window has to keep: everything from here on. */
  readonly keep: number;
  /** Reads rows until the batch is full (true) or the window holds no complete row any more (false). */
  scan(): boolean;
  /** Everything in the window moved to the front by so many bytes. */
  moved(by: number): void;
  /** Prepares for the next batch. */
  restart(): void;
}

/** A column of the rows that a scanner has read. */
export interface ScannedColumn {
  readonly name: string;
  /** False: the column is skipped. */
  readonly wanted: boolean;
  /** Completes the column of a batch. */
  finish(rows: number): TextColumn;
}

/** Counts repairs by code until they are taken. */
export class Repairs {
  #counts = new Map<string, number>();

  /** Counts some more. */
  readonly add = (code: string, count = 1): void => {
    this.#counts.set(code, (this.#counts.get(code) ?? 0) + count);
  };

  /** What was counted since the last call. */
  take(): Map<string, number> {
    const taken = this.#counts;
    this.#counts = new Map();
    return taken;
  }
}

/** The text of a part as a window at its beginning. */
export async function openWindow(
  path: string,
  form: TextForm,
  options: {
    readonly repairs: Repairs;
    readonly windowBytes?: number | undefined;
    readonly allocate?: Allocate;
  },
): Promise<Window> {
  const bytes = await openBytes(path, form.compression);
  const text = readText(bytes, form.encoding, options.repairs.add);
  return new Window(text, options.windowBytes, options.allocate);
}

/** A source over a scanner; `columns` may grow. */
export function textSource(of: {
  readonly format: 'csv' | 'ndjson';
  readonly columns: readonly string[];
  readonly path: string;
  readonly window: Window;
  readonly scanner: RowScanner;
  readonly repairs: Repairs;
}): Source {
  return {
    format: of.format,
    columns: of.columns,
    batches: () => readBatches(of.scanner, of.window, of.path),
    takeRejected: () => of.scanner.rows.takeRejected(),
    takeRepairs: () => of.repairs.take(),
    close: () => of.window.close(),
  };
}

async function* readBatches(
  scanner: RowScanner,
  window: Window,
  path: string,
): AsyncGenerator<Batch, undefined> {
  for (;;) {
    if (scanner.scan()) {
      yield batchOf(scanner);
      scanner.restart();
    } else if (window.ended) break;
    else await readOn(scanner, window, path);
  }
  if (scanner.rows.count > 0) yield batchOf(scanner);
  return undefined;
}

async function readOn(scanner: RowScanner, window: Window, path: string): Promise<void> {
  try {
    scanner.moved(await window.fill(scanner.keep));
  } catch (error) {
    if (!(error instanceof BadPart)) throw error;
    const { number } = scanner.rows;
    const message = `${error.message} (after row ${number})`;
    throw new BadPart(message, { path, row: number + 1, cause: error });
  }
  if (window.ended) window.closeLastLine();
}

function batchOf({ columns, rows }: RowScanner): Batch {
  const cells = new Map<string, TextColumn>();
  for (const column of columns)
    if (column.wanted) cells.set(column.name, column.finish(rows.count));
  return { rows: rows.count, columns: cells, rowNumbers: rows.numbers };
}
