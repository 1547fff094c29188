import type { Batch } from '../focus/batch.ts';
import { columnFact, columnsOf } from '../focus/columns.ts';
import { type CheckerOptions, createChecker } from './checker.ts';
import { identify } from './header.ts';
import type { CheckReport, Note } from './report.ts';

/** What is needed of an opened part. */
export interface CheckedSource {
  readonly format: string;
  readonly columns: readonly string[];
  batches(): AsyncIterable<Batch>;
  takeRejected(): readonly { readonly reason: string; readonly row: number }[];
  close(): Promise<void>;
}

/** How a file is checked. */
export interface CheckFileOptions extends Omit<CheckerOptions, 'columns'> {
  /** Opens the file; its cells come as they stand. */
  readonly openSource: (path: string) => Promise<CheckedSource>;
}

/** Checks a whole file. Rows that cannot be read at all are noted; errors of opening or reading travel. */
export async function checkFile(path: string, options: CheckFileOptions): Promise<CheckReport> {
  const source = await options.openSource(path);
  try {
    const columns =
      source.format === 'ndjson' ? withOmitted(source.columns, options) : source.columns;
    const checker = createChecker({ ...options, columns });
    let unreadable = 0;
    for await (const batch of source.batches()) {
      checker.add(batch);
      unreadable += source.takeRejected().length;
    }
    unreadable += source.takeRejected().length;
    const report = checker.finish();
    return unreadable === 0
      ? report
      : { ...report, ok: false, notes: [...report.notes, unread(unreadable)] };
  } finally {
    await source.close();
  }
}

/** A member that no object of a JSON file has is null on all rows: with the columns of the version that may be. */
function withOmitted(columns: readonly string[], options: CheckFileOptions): readonly string[] {
  const found = identify(columns);
  const names = new Set(columns.map((name) => name.trim().toLowerCase()));
  if (
    (options.dataset ?? found.dataset) !== 'CostAndUsage' ||
    !names.has('billedcost') ||
    !names.has('chargeperiodstart')
  )
    return columns;
  const omitted = columnsOf(options.version ?? found.version).filter(
    (name) => !names.has(name.toLowerCase()) && columnFact(name)?.nullable === true,
  );
  return [...columns, ...omitted];
}

function unread(rows: number): Note {
  return {
    id: 'focusd.unreadable-rows',
    message: `${rows} ${rows === 1 ? 'row' : 'rows'} could not be read and were not checked`,
  };
}
