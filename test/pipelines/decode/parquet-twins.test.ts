/** Columns whose pages are equal to the byte follow one another, and unused ones are passed over; each must be as if it were read alone. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import t, { type Test } from 'tap';
import { openParquet } from '../../../pipelines/decode/parquet/open.ts';
import { TwinPages } from '../../../pipelines/decode/parquet/twin-pages.ts';
import { type Column, cellText } from '../../../pipelines/focus/batch.ts';
import { duckdb, readPart } from '../../helpers/parquet.ts';

const folder = t.testdir();
const db = await duckdb();
t.teardown(() => db.close());

/** How often a page was taken over from another column. */
let followed = 0;
const { leaderOf } = TwinPages.prototype;
TwinPages.prototype.leaderOf = function (column) {
  const leader = leaderOf.call(this, column);
  if (leader !== undefined) followed++;
  return leader;
};
t.teardown(() => {
  TwinPages.prototype.leaderOf = leaderOf;
});

/** Reads the part as a whole, and each column alone; answers how many pages were followed in the whole. */
async function asAlone(t: Test, path: string, batchRows: number): Promise<number> {
  followed = 0;
  const whole = await readPart({ path, batchRows });
  const pages = followed;
  for (const column of whole.columns) {
    const alone = await readPart({ path, batchRows, project: () => [column] });
    t.strictSame(whole.texts[column], alone.texts[column], `${column} of ${path}`);
  }
  return pages;
}

const VALUE = 'hash(r) % 40';
const COLUMNS = {
  code: `'code-' || (${VALUE})`,
  name: `'the name of ' || (${VALUE})`,
  coarse: `'kind ' || (${VALUE} // 4)`,
  /** Two words that count as null where the others have two values. */
  worded: `CASE ${VALUE} WHEN 3 THEN 'NULL' WHEN 5 THEN '\\N' ELSE 'word ' || (${VALUE}) END`,
  /** In the first rows fewer values than the others: then their codes differ. */
  late: `CASE WHEN r < 5000 THEN 'late ' || (${VALUE} // 2) ELSE 'late ' || (${VALUE}) END`,
  rate: `(${VALUE})::DOUBLE / 8`,
  at: `TIMESTAMP '2026-09-01' + INTERVAL 1 HOUR * (${VALUE})`,
  constant: `'always'`,
  same: `'the same'`,
  nothing: `NULL::VARCHAR`,
  none: `NULL::DOUBLE`,
  maybe: `CASE WHEN r % 3 > 0 THEN 'maybe ' || (${VALUE}) END`,
  perhaps: `CASE WHEN r % 3 > 0 THEN 'perhaps ' || (${VALUE}) END`,
  other_nulls: `CASE WHEN r % 4 > 0 THEN 'maybe ' || (${VALUE}) END`,
  flag: `${VALUE} < 20`,
  flag_text: `CASE WHEN ${VALUE} < 20 THEN 'yes' ELSE 'no' END`,
  unique_text: `'id-' || r`,
  other_unique: `'id-' || r`,
};

t.test('in files of DuckDB', async (t) => {
  for (const [codec, version, groupRows] of [
    ['zstd', 'V1', 6000],
    ['snappy', 'V2', 4096],
    ['uncompressed', 'V1', 20_000],
  ] as const) {
    const path = join(folder, `${codec}.parquet`);
    const columns = Object.entries(COLUMNS).map(([name, value]) => `${value} AS ${name}`);
    await db.run(
      `COPY (SELECT ${columns} FROM range(20000) t(r)) TO '${path}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE ${groupRows})`,
    );
    for (const batchRows of [4096, 1000]) t.ok((await asAlone(t, path, batchRows)) > 3, codec);
  }
});

t.test('where pages end within a batch, and only some are equal', async (t) => {
  const rows = 12_000;
  const column = (name: string, value: (row: number) => string | undefined): ColumnSource => ({
    name,
    type: 'STRING',
    nullable: true,
    encoding: 'RLE_DICTIONARY',
    data: Array.from({ length: rows }, (_, row) => value(row) ?? null),
  });
  const code = (row: number) => (row * 7919) % 50;
  const path = join(folder, 'pages.parquet');
  const columnData = [
    column('code', (row) => `code ${code(row)}`),
    column('name', (row) => `name ${code(row)}`),
    column('half', (row) => `name ${row < rows / 2 ? code(row) : (code(row) + 1) % 50}`),
    column('holed', (row) => (row === 8000 ? undefined : `name ${code(row)}`)),
    column('swapped', (row) => `name ${row === 100 ? code(101) : code(row)}`),
  ];
  const file = parquetWriteBuffer({ columnData, rowGroupSize: [rows], pageSize: 700 });
  writeFileSync(path, new Uint8Array(file));
  for (const batchRows of [4096, 333]) t.ok((await asAlone(t, path, batchRows)) > 3);
});

t.test('a page that is the last of its column and the same as the one before', async (t) => {
  const path = join(folder, 'again.parquet');
  const data = Array.from({ length: 6000 }, (_, row) => `v${(row % 3000) % 7}`);
  const file = parquetWriteBuffer({
    columnData: [{ name: 'only', type: 'STRING', data, encoding: 'RLE_DICTIONARY' }],
    rowGroupSize: [3000],
  });
  writeFileSync(path, new Uint8Array(file));
  const { texts } = await readPart({ path });
  t.strictSame(texts.only, data);
  const source = await openParquet({ path });
  t.same(source.columns, ['only']);
  await source.close();
});

t.test('unused columns are decoded where they are looked at, as if all were', async (t) => {
  const path = join(folder, 'unused.parquet');
  const nested = {
    tags: `MAP {'a': 'x' || (r % 7), 'b': 'y' || r}`,
    list: `[r % 3, r % 11][1:(r % 3)]`,
  };
  const columns = Object.entries({ ...COLUMNS, ...nested });
  await db.run(
    `COPY (SELECT ${columns.map(([name, value]) => `${value} AS ${name}`)} FROM range(20000) t(r)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 6000)`,
  );
  const { texts } = await readPart({ path });
  let state = 1;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  for (let trial = 0; trial < 12; trial++) {
    const source = await openParquet({ path, batchRows: [4096, 700, 64][trial % 3] ?? 1 });
    const used = new Set(source.columns.filter(() => random(3) > 0));
    const sometimes = random(8);
    const wrong: string[] = [];
    let row = 0;
    for await (const batch of source.batches(used)) {
      t.same([...batch.columns.keys()], source.columns, 'in order');
      for (const [name, column] of batch.columns) {
        if (!used.has(name) && random(8) < sometimes) continue;
        for (let at = 0; at < batch.rows; at++)
          if (cellText(column, at) !== texts[name]?.[row + at]) wrong.push(`${name} ${row + at}`);
      }
      row += batch.rows;
    }
    await source.close();
    t.equal(row, 20_000);
    t.same(wrong.slice(0, 3), [], `trial ${trial}`);
  }
});

t.test('damage of an unused column is told to those who look at it', async (t) => {
  const path = join(folder, 'damaged.parquet');
  const column = (name: string): ColumnSource => ({
    name,
    type: 'STRING',
    data: Array.from({ length: 100 }, (_, row) => `${name} ${row}`),
  });
  const bytes = new Uint8Array(
    parquetWriteBuffer({ columnData: [column('good'), column('bad')], codec: 'SNAPPY' }),
  );
  const at = Buffer.from(bytes).indexOf('bad 0');
  bytes.fill(0xff, at - 6, at + 200);
  writeFileSync(path, bytes);
  const source = await openParquet({ path });
  for await (const batch of source.batches(new Set(['good']))) {
    t.equal(cellText(batch.columns.get('good') as Column, 99), 'good 99');
    t.throws(() => batch.columns.get('bad')?.codes, { name: 'BadPart', column: 'bad', path });
  }
  await source.close();
});
