import { DuckDBInstance } from '@duckdb/node-api';
import { openParquet } from '../../pipelines/decode/parquet/open.ts';
import type { OpenOptions } from '../../pipelines/decode/source.ts';
import { cellText } from '../../pipelines/focus/batch.ts';

/** A table as texts: columns by name, cells by row. */
export type Texts = Readonly<Record<string, readonly (string | undefined)[]>>;

/** What a part holds, read the way the engine reads it. */
export interface ReadPart {
  readonly rows: number;
  readonly columns: readonly string[];
  readonly texts: Texts;
  readonly kinds: Readonly<Record<string, string>>;
  readonly rowNumbers: readonly number[];
  readonly repairs: ReadonlyMap<string, number>;
}

/** Reads a Parquet part to its end. */
export async function readPart(options: OpenOptions): Promise<ReadPart> {
  const source = await openParquet(options);
  const texts: Record<string, (string | undefined)[]> = {};
  const kinds: Record<string, string> = {};
  const rowNumbers: number[] = [];
  let rows = 0;
  try {
    for await (const batch of source.batches()) {
      for (const [name, column] of batch.columns) {
        texts[name] ??= [];
        kinds[name] = column.kind;
        for (let row = 0; row < batch.rows; row++) texts[name].push(cellText(column, row));
      }
      rowNumbers.push(...batch.rowNumbers.subarray(0, batch.rows));
      rows += batch.rows;
    }
    return {
      rows,
      columns: source.columns,
      texts,
      kinds,
      rowNumbers,
      repairs: source.takeRepairs(),
    };
  } finally {
    await source.close();
  }
}

/** An independent reader and writer of Parquet. */
export async function duckdb() {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  return {
    /** Runs a statement. */
    async run(sql: string): Promise<void> {
      await connection.run(sql);
    },
    /** The answer as rows of JavaScript values. */
    async rows(sql: string): Promise<unknown[][]> {
      return (await connection.runAndReadAll(sql)).getRowsJS();
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}
