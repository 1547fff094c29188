import type { Batch } from '../focus/batch.ts';
import { type CheckerOptions, createChecker } from './checker.ts';
import type { CheckReport, Note } from './report.ts';

/** What is needed of an opened part. */
export interface CheckedSource {
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
    const checker = createChecker({ ...options, columns: source.columns });
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

function unread(rows: number): Note {
  return {
    id: 'focusd.unreadable-rows',
    message: `${rows} ${rows === 1 ? 'row' : 'rows'} could not be read and were not checked`,
  };
}
