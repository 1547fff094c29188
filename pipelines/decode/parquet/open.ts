import type { Batch, Column } from '../../focus/batch.ts';
import { BadPart, errorName } from '../../plugin/errors.ts';
import type { OpenOptions, RejectedRow, Source } from '../source.ts';
import { type ColumnReader, FlatColumn } from './flat-column.ts';
import { type Footer, footerOf, type RowGroupFacts, readFooter } from './footer.ts';
import { type Kernel, returnKernel, takeKernel } from './kernel.ts';
import { NestedColumn } from './nested-column.ts';
import { openPart, type PartFile } from './part-file.ts';
import { PassedColumn } from './passed-column.ts';
import { columnsOfSchema, type TopColumn } from './schema.ts';
import { scratch } from './scratch.ts';
import { TwinPages } from './twin-pages.ts';

export { type Footer, readFooter } from './footer.ts';

/** A fifteenth of a usual row group: what is done per batch and column weighs less than with fewer rows, memory grows with more. */
const BATCH_ROWS = 8192;

/** Rows and compressed bytes of each row group: what a part can be divided by. */
export async function parquetRowGroups(
  path: string,
): Promise<{ readonly rows: number; readonly bytes: number }[]> {
  const { rowGroups } = await readFooter(path);
  return rowGroups.map(({ rows, bytes }) => ({ rows, bytes }));
}

/** Opens a Parquet file; BadPart when it cannot be one. */
export async function openParquet(options: OpenOptions): Promise<Source> {
  const file = await openPart(options.path);
  const kernel = takeKernel(valuesAtOnce(options));
  let isOpen = true;
  const close = async () => {
    if (isOpen) returnKernel(kernel);
    isOpen = false;
    await file.close();
  };
  try {
    return source(file, { options, kernel, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Everything about one open part. */
interface Reading {
  readonly file: PartFile;
  readonly footer: Footer;
  readonly readers: readonly ColumnReader[];
  readonly groups: readonly { readonly number: number; readonly facts: RowGroupFacts }[];
  readonly batchRows: number;
  /** The row group and the first row of the batch that is under way. */
  readonly place: { group: number; row: number };
}

/** Values that a column reads at once, at most. */
function valuesAtOnce({ batchRows }: OpenOptions): number {
  return Math.max(batchRows ?? BATCH_ROWS, BATCH_ROWS);
}

interface Opening {
  readonly options: OpenOptions;
  readonly kernel: Kernel;
  close(): Promise<void>;
}

function source(file: PartFile, { options, kernel, close }: Opening): Source {
  const footer = footerOf(file);
  const table = tableOf(footer, file.path);
  const columns = table.map((column) => column.name);
  const reading: Reading = {
    file,
    footer,
    readers: readersOf(file, table, { options, kernel }),
    groups: groupsOf(footer, options),
    batchRows: options.batchRows ?? BATCH_ROWS,
    place: { group: 0, row: 1 },
  };
  return {
    format: 'parquet',
    columns,
    batches: (used) => batches(reading, used),
    takeRejected: (): RejectedRow[] => [],
    takeRepairs: () => repairsOf(reading.readers),
    close,
  };
}

function tableOf(footer: Footer, path: string): TopColumn[] {
  let columns: TopColumn[];
  try {
    columns = columnsOfSchema(footer.metadata.schema);
  } catch (cause) {
    throw new BadPart(`the footer is damaged: ${messageOf(cause)}`, { path, cause });
  }
  const names = new Set<string>();
  for (const { name } of columns) {
    if (names.has(name))
      throw new BadPart('two columns have the same name', { path, column: name });
    names.add(name);
  }
  return columns;
}

function readersOf(
  file: PartFile,
  table: readonly TopColumn[],
  { options, kernel }: Omit<Opening, 'close'>,
): ColumnReader[] {
  const wanted = new Set(options.project?.(table.map((column) => column.name)));
  const batchRows = options.batchRows ?? BATCH_ROWS;
  const shared = scratch(kernel, valuesAtOnce(options));
  const from = { file, scratch: shared, twins: new TwinPages(), batchRows };
  const readers: ColumnReader[] = [];
  for (const column of table) {
    if (options.project !== undefined && !wanted.has(column.name)) continue;
    const { shape, name } = column;
    try {
      readers.push(
        shape.kind === 'leaf'
          ? new FlatColumn(shape.leaf, { ...from, name })
          : new NestedColumn(column, from),
      );
    } catch (cause) {
      throw new BadPart(`the column cannot be read: ${messageOf(cause)}`, {
        path: file.path,
        column: name,
        cause,
      });
    }
  }
  return readers;
}

function groupsOf(footer: Footer, options: OpenOptions): Reading['groups'] {
  const [from, to] = options.span?.rowGroups ?? [0, footer.rowGroups.length];
  return footer.rowGroups
    .map((facts, number) => ({ number, facts }))
    .filter(({ number, facts }) => number >= from && number < to && facts.rows > 0);
}

async function* batches(reading: Reading, used?: ReadonlySet<string>): AsyncGenerator<Batch> {
  const { batchRows, footer, place } = reading;
  const readers = reading.readers.map((reader) => {
    if (used === undefined || used.has(reader.name)) return reader;
    const look = (read: () => Column) => guarded(reading, reader, read);
    return new PassedColumn(reader, { batchRows, look });
  });
  const rowNumbers = new Float64Array(batchRows);
  for (const { number, facts } of reading.groups) {
    place.group = number;
    place.row = facts.firstRow + 1;
    for (const reader of readers)
      guarded(reading, reader, () => reader.open(facts, footer.dataEnd));
    for (let done = 0; done < facts.rows; done += batchRows) {
      const rows = Math.min(batchRows, facts.rows - done);
      const columns = new Map<string, Column>();
      place.row = facts.firstRow + done + 1;
      for (const reader of readers)
        columns.set(
          reader.name,
          guarded(reading, reader, () => reader.read(rows)),
        );
      for (let i = 0; i < rows; i++) rowNumbers[i] = place.row + i;
      yield { rows, columns, rowNumbers };
    }
  }
}

/** Whatever goes wrong while a column is read is the fault of the part; the message says where. */
function guarded<T>({ file, place }: Reading, { name }: ColumnReader, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new BadPart(
      `column "${name}" cannot be read in row group ${place.group}: ${messageOf(cause)}`,
      { path: file.path, row: place.row, column: name, cause },
    );
  }
}

function repairsOf(readers: readonly ColumnReader[]): Map<string, number> {
  let replaced = 0;
  for (const reader of readers) replaced += reader.takeRepaired();
  return replaced === 0 ? new Map() : new Map([['utf8_replaced', replaced]]);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : errorName(error);
}
