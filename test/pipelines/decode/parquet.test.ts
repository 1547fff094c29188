import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type ColumnMetaData, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { ByteWriter, type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer';
import { writeMetadata } from 'hyparquet-writer/src/metadata.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import t, { type Test } from 'tap';
import {
  openParquet,
  parquetRowGroups,
  readFooter,
} from '../../../pipelines/decode/parquet/open.ts';
import { ChunkWriter } from '../../../pipelines/encode/parquet/chunk-writer.ts';
import { joinChunks } from '../../../pipelines/encode/parquet/file-frame.ts';
import { type TableType, writeParquetTable } from '../../../pipelines/encode/parquet/table.ts';
import { decimal, formatDecimal } from '../../../pipelines/focus/decimal.ts';
import { errorName } from '../../../pipelines/plugin/errors.ts';
import { duckdb, readPart } from '../../helpers/parquet.ts';

const folder = t.testdir();
const db = await duckdb();
t.teardown(() => db.close());

/** Columns of every type that DuckDB can write, with nulls in most of them. */
const TYPES = {
  low: `CASE WHEN r % 3 = 0 THEN NULL ELSE 'text-' || (r % 10) END`,
  constant: `'always'`,
  unique_text: `'unique-' || r`,
  unicode: `'ünï-☃-' || repeat('ß', (r % 40)::INT) || r`,
  long_text: `repeat('x', ((r * 37) % 2000 + 1)::INT)`,
  flag: `r % 3 = 0`,
  maybe: `CASE WHEN r % 5 = 0 THEN NULL ELSE r % 2 = 0 END`,
  tiny: `(r % 100)::TINYINT`,
  small: `(r - 3000)::SMALLINT`,
  int: `(r * 1234 - 99999)::INT`,
  big: `CASE WHEN r % 7 = 0 THEN NULL ELSE r * 1844674407370955 - 4611686018427387904 END`,
  unsigned: `4294967295::UINTEGER - r::UINTEGER`,
  decimal9: `((r - 900) * 0.01)::DECIMAL(9,2)`,
  decimal18: `CASE WHEN r % 4 = 0 THEN NULL ELSE (-r * 0.000001)::DECIMAL(18,6) END`,
  decimal38: `CASE WHEN r % 11 = 0 THEN NULL ELSE (r - 500)::DECIMAL(38,24) * 12345678901 END::DECIMAL(38,24) + 0.000000000000000000000001::DECIMAL(38,24)`,
  decimal10: `((r - 1000) * 1.5)::DECIMAL(38,10)`,
  double: `CASE WHEN r % 9 = 0 THEN NULL ELSE (r - 700) / 7.0 END::DOUBLE`,
  price: `((r % 17) * 0.0001)::DOUBLE`,
  float: `((r - 100) / 7.0)::FLOAT`,
  date: `DATE '1969-06-01' + (r % 1000)::INT`,
  seconds: `TIMESTAMP_S '1960-01-01 00:00:00' + INTERVAL 1 HOUR * r`,
  millis: `(TIMESTAMP '2026-01-01 00:00:00.5' + INTERVAL 1 SECOND * r)::TIMESTAMP_MS`,
  micros: `TIMESTAMP '2026-01-01 00:00:00.25' + INTERVAL 1 SECOND * (r % 50)`,
  nanos: `(TIMESTAMP '2026-01-01 00:00:00.125' + INTERVAL 1 SECOND * r)::TIMESTAMP_NS`,
  zoned: `(TIMESTAMP '2026-01-01 00:00:00' + INTERVAL 1 SECOND * r)::TIMESTAMPTZ`,
  uuid: `('00000000-0000-4000-8000-' || lpad(r::VARCHAR, 12, '0'))::UUID`,
  clock: `TIME '01:02:03' + INTERVAL 1 SECOND * (r % 60)`,
  nothing: `NULL::VARCHAR`,
  map: `MAP {'k' || (r % 3): 'v' || (r % 5), 'q"': 'é'}`,
  map_of_doubles: `CASE r % 4 WHEN 0 THEN NULL WHEN 1 THEN MAP {}::MAP(VARCHAR, DOUBLE) ELSE MAP {'a': r / 8, 'b': NULL} END`,
  map_of_int: `MAP {r: r % 2 = 0}`,
  list: `[r, NULL, r + 1]`,
  lists: `CASE r % 3 WHEN 0 THEN [] WHEN 1 THEN NULL ELSE [['a' || r], [], NULL, ['b', NULL]] END`,
  struct: `CASE WHEN r % 6 = 0 THEN NULL ELSE {'a': r, 'b': CASE WHEN r % 2 = 0 THEN NULL ELSE 'x' END, 'c': [{'Key': 'k', 'Value': r % 7}]} END`,
  pairs: `[{'Key': 'k1', 'Value': (r % 20)::VARCHAR}, {'Key': 'k2', 'Value': NULL}]`,
} as const;

type TypeName = keyof typeof TYPES;
const NAMES = Object.keys(TYPES) as readonly TypeName[];
const SELECT = NAMES.map((name) => `${TYPES[name]} AS "${name}"`).join(', ');

/** How DuckDB says what our reader should say. */
function expectedSql(name: TypeName, kind: string | undefined): string {
  if (kind === 'time') return `epoch_ms("${name}")::VARCHAR`;
  if (/map|list|struct|pairs/.test(name)) return `to_json("${name}")::VARCHAR`;
  return `"${name}"::VARCHAR`;
}

/** Reads a part to its end without making texts. */
async function everyCodeHasAnEntry(path: string): Promise<boolean> {
  const source = await openParquet({ path, batchRows: 200 });
  try {
    for await (const { rows, columns } of source.batches())
      for (const { codes, values } of columns.values())
        if (codes.subarray(0, rows).some((code) => code >= values.size)) return false;
    return true;
  } finally {
    await source.close();
  }
}

/** Long columns are compared up to the first difference. */
function sameCells(
  t: Test,
  found: readonly unknown[] | undefined,
  expected: unknown,
  name: string,
): void {
  const wanted = expected as readonly unknown[];
  const row = wanted.findIndex((cell, i) => JSON.stringify(cell) !== JSON.stringify(found?.[i]));
  if (row >= 0) t.same(found?.[row], wanted[row], `${name}, row ${row}`);
  t.equal(found?.length, wanted.length, name);
}

function normal(text: unknown, kind: string | undefined, name: string): unknown {
  if (text === undefined || text === null) return undefined;
  if (kind === 'amount') return formatDecimal(decimal(String(text)));
  if (kind === 'time') return Number(text);
  return /map|list|struct|pairs/.test(name) ? JSON.parse(String(text)) : text;
}

t.test('reads every type, codec and page version as DuckDB does', async (t) => {
  const variants = [
    ['zstd', 'V1', 2048],
    ['snappy', 'V1', 100_000],
    ['gzip', 'V1', 2048],
    ['uncompressed', 'V1', 4096],
    ['brotli', 'V1', 100_000],
    ['lz4_raw', 'V1', 2048],
    ['zstd', 'V2', 2048],
    ['snappy', 'V2', 100_000],
    ['uncompressed', 'V2', 4096],
  ] as const;
  for (const [codec, version, groupRows] of variants) {
    const path = join(folder, `types-${codec}-${version}.parquet`);
    await db.run(
      `COPY (SELECT ${SELECT} FROM range(2500) t(r)) TO '${path}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version}, ROW_GROUP_SIZE ${groupRows})`,
    );
    const read = await readPart({ path, batchRows: 1000 });
    t.same(read.columns, NAMES);
    t.equal(read.rows, 2500);
    const sql = NAMES.map((name) => expectedSql(name, read.kinds[name])).join(', ');
    const rows = await db.rows(`SELECT ${sql} FROM read_parquet('${path}')`);
    for (const [position, name] of NAMES.entries()) {
      const kind = read.kinds[name];
      const expected = rows.map((row) => normal(row[position], kind, name));
      const found = (read.texts[name] ?? []).map((text) =>
        kind === 'time' && text !== undefined ? Date.parse(text) : normal(text, kind, name),
      );
      sameCells(t, found, expected, `${name}, ${codec} ${version}`);
    }
  }
  const path = join(folder, 'types-zstd-V1.parquet');
  const { kinds } = await readPart({ path });
  t.match(kinds, {
    low: 'text',
    flag: 'text',
    big: 'amount',
    decimal38: 'amount',
    float: 'amount',
  });
  t.match(kinds, { date: 'time', nanos: 'time', uuid: 'text', map: 'text', struct: 'text' });
});

t.test('reads what hyparquet reads', async (t) => {
  const path = join(folder, 'types-snappy-V1.parquet');
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const names = ['low', 'unicode', 'flag', 'int', 'double', 'map', 'list', 'struct'];
  const objects = await parquetReadObjects({ file, columns: names, compressors });
  const { texts } = await readPart({ path, project: () => names });
  t.same(Object.keys(texts).sort(), [...names].sort(), 'only what was asked for');
  const plain = (value: unknown): unknown =>
    JSON.parse(
      JSON.stringify(value ?? null, (_, item) => (typeof item === 'bigint' ? Number(item) : item)),
    );
  for (const name of names)
    sameCells(
      t,
      texts[name]?.map((text) =>
        text !== undefined && !['low', 'unicode'].includes(name)
          ? JSON.parse(text)
          : (text ?? null),
      ),
      objects.map((row) => plain(row[name])),
      name,
    );
});

t.test('reads the rarer encodings and many small pages', async (t) => {
  const rows = 3000;
  const texts = Array.from({ length: rows }, (_, i) => `prefix-${Math.floor(i / 7)}-${i}`);
  const numbers = Array.from({ length: rows }, (_, i) => (i * i * 31) % 100_003);
  const columnData: ColumnSource[] = [
    { name: 'delta_byte_array', data: texts, type: 'STRING', encoding: 'DELTA_BYTE_ARRAY' },
    { name: 'delta_length', data: texts, type: 'STRING', encoding: 'DELTA_LENGTH_BYTE_ARRAY' },
    { name: 'plain', data: texts, type: 'STRING', encoding: 'PLAIN' },
    {
      name: 'with_nulls',
      data: texts.map((text, i) => (i % 3 === 0 ? null : text)),
      type: 'STRING',
      nullable: true,
      encoding: 'DELTA_BYTE_ARRAY',
    },
    { name: 'delta32', data: numbers, type: 'INT32', encoding: 'DELTA_BINARY_PACKED' },
    {
      name: 'delta64',
      data: numbers.map((n) => BigInt(n) * -9_007_199_254n),
      type: 'INT64',
      encoding: 'DELTA_BINARY_PACKED',
    },
    {
      name: 'split',
      data: numbers.map((n) => n / 8),
      type: 'DOUBLE',
      encoding: 'BYTE_STREAM_SPLIT',
    },
    { name: 'flags', data: numbers.map((n) => n % 3 === 0), type: 'BOOLEAN', encoding: 'RLE' },
  ];
  const path = join(folder, 'encodings.parquet');
  const buffer = parquetWriteBuffer({ columnData, pageSize: 700, rowGroupSize: 1100 });
  writeFileSync(path, new Uint8Array(buffer));
  const read = await readPart({ path, batchRows: 333 });
  for (const { name, data } of columnData)
    sameCells(
      t,
      read.texts[name],
      [...data].map((value) => (value === null ? undefined : String(value))),
      name,
    );
  const expected = await db.rows(`SELECT sum(split)::VARCHAR, count(with_nulls) FROM '${path}'`);
  t.equal(
    Number(expected[0]?.[0]),
    numbers.reduce((sum, n) => sum + n / 8, 0),
    'DuckDB agrees',
  );
});

t.test('a double is the decimal of its shortest text', async (t) => {
  const doubles = Array.from({ length: 4000 }, (_, i) => {
    const digits = ((i * 7_368_787) % 99_991) / 99_991 - 0.5;
    return i % 2 === 0 ? digits * 10 ** ((i % 50) - 30) : Number(digits.toFixed(i % 18));
  });
  const path = join(folder, 'doubles.parquet');
  const columnData: ColumnSource[] = [
    { name: 'plain', data: doubles, type: 'DOUBLE', encoding: 'PLAIN' },
    { name: 'listed', data: doubles, type: 'DOUBLE', encoding: 'RLE_DICTIONARY' },
    { name: 'odd', data: doubles.map((_, i) => [Number.NaN, -0, 1 / 0][i % 3]), type: 'DOUBLE' },
  ];
  writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData })));
  const { texts } = await readPart({ path });
  const expected = doubles.map((value) => formatDecimal(decimal(String(value))));
  sameCells(t, texts.plain, expected, 'plain');
  sameCells(t, texts.listed, expected, 'with a dictionary');
  t.same(texts.odd?.slice(0, 3), [undefined, '0', undefined]);
});

/** What Arrow writes of a table without rows: a row group of none, with chunks that have no place. */
const NO_ROWS =
  'UEFSMRUEFQAVAkwVABUAEgAAABUEFQAVAkwVABUAEgAAABUEGTw1ABgGc2NoZW1hFQQAFQolAhgKQmlsbGVkQ29z' +
  'dAAVDCUCGAF4JQBMHAAAABYAGRwZLCYAHBUKGSUABhkYCkJpbGxlZENvc3QVAhYAFhwWHiYAJggpHBUEFQAVAgAA' +
  'ACYAHBUMGSUABhkYAXgVAhYAFhwWHiYAJiYpHBUEFQAVAgAAABY4FgAmCBY8ACggcGFycXVldC1jcHAtYXJyb3cg' +
  'dmVyc2lvbiAyNi4wLjEZLBwAABwAAAC7AAAAUEFSMQ==';

t.test('a table without rows has a row group without pages', async (t) => {
  const path = join(folder, 'no-rows.parquet');
  writeFileSync(path, Buffer.from(NO_ROWS, 'base64'));
  t.match(await readPart({ path }), { rows: 0, columns: ['BilledCost', 'x'] });
});

t.test(
  'empty texts and the word NULL are null; broken UTF-8 is replaced and counted',
  async (t) => {
    const bytes = (...values: number[]) => new Uint8Array(values);
    const broken = bytes(0x61, 0xff, 0x62);
    const good = new TextEncoder().encode('gut é');
    for (const encoding of ['PLAIN', 'RLE_DICTIONARY'] as const) {
      const data = Array.from({ length: 9000 }, (_, i) =>
        i % 3 === 0 ? broken : i % 3 === 1 ? good : bytes(0x4e, 0x55, 0x4c, 0x4c),
      );
      data[5] = bytes();
      const unique = data.map((_, i) =>
        i % 9 === 0
          ? bytes(0xc3, 0x28, ...new TextEncoder().encode(String(i)))
          : new TextEncoder().encode(`ok ${i}`),
      );
      const path = join(folder, `utf8-${encoding}.parquet`);
      const columnData: ColumnSource[] = [
        { name: 'repeated', data, type: 'BYTE_ARRAY', encoding },
        { name: 'unique', data: unique, type: 'BYTE_ARRAY', encoding: 'PLAIN' },
      ];
      writeFileSync(path, new Uint8Array(parquetWriteBuffer({ columnData, rowGroupSize: 2500 })));
      const { texts, repairs } = await readPart({ path });
      t.equal(texts.repeated?.[0], 'a\ufffdb');
      t.equal(texts.repeated?.[1], 'gut é');
      t.equal(texts.repeated?.[2], undefined);
      t.equal(texts.repeated?.[5], undefined);
      t.equal(texts.unique?.[9], '\ufffd(9');
      t.equal(texts.unique?.[8999], 'ok 8999');
      t.same([...repairs], [['utf8_replaced', 3000 + 1000]], encoding);
    }
  },
);

t.test('row groups are read alone, counted over the whole file', async (t) => {
  const path = join(folder, 'groups.parquet');
  await db.run(
    `COPY (SELECT 'g' || (r % 13) AS g, r AS n, MAP {'a': 'b' || (r % 5)} AS m FROM range(20000) t(r)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
  );
  const groups = await parquetRowGroups(path);
  t.equal(groups.length, 10);
  t.equal(
    groups.reduce((sum, { rows }) => sum + rows, 0),
    20_000,
  );
  t.ok(groups.every(({ bytes }) => bytes > 0));
  const whole = await readPart({ path, batchRows: 500 });
  t.same(
    whole.rowNumbers,
    Array.from({ length: 20_000 }, (_, row) => row + 1),
  );
  const spans = [
    [0, 3],
    [3, 4],
    [4, 10],
    [10, 12],
  ] as const;
  const parts = await Promise.all(
    spans.map((rowGroups) => readPart({ path, span: { rowGroups } })),
  );
  sameCells(
    t,
    parts.flatMap(({ rowNumbers }) => rowNumbers),
    whole.rowNumbers,
    'row numbers',
  );
  for (const name of ['g', 'n', 'm'])
    sameCells(
      t,
      parts.flatMap(({ texts }) => texts[name] ?? []),
      whole.texts[name] ?? [],
      name,
    );
  const none = await readPart({ path, project: () => [] });
  t.equal(none.rows, 20_000, 'no column is needed to count rows');
  t.equal((await readFooter(path)).rowGroups[3]?.firstRow, 3 * 2048);
});

t.test('dictionaries outlive row groups while values repeat', async (t) => {
  const path = join(folder, 'memory.parquet');
  await db.run(
    `COPY (SELECT 'service-' || (r % 40) AS low, 'id-' || hash(r) AS high, 'res-' || ((r * 7919) % 90000) AS middle, (r % 5) * 0.25 AS amount FROM range(200000) t(r))
     TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 20480, DICTIONARY_SIZE_LIMIT 18000)`,
  );
  const source = await openParquet({ path });
  const seen = {
    low: new Set<object>(),
    high: new Set<object>(),
    middle: new Set<object>(),
    amount: new Set<object>(),
  };
  let largest = 0;
  let high = 0;
  for await (const batch of source.batches()) {
    for (const [name, values] of Object.entries(seen))
      values.add(batch.columns.get(name)?.values as object);
    largest = Math.max(largest, batch.columns.get('middle')?.values.size ?? 0);
    if (batch.columns.get('high')?.values.transient) high++;
  }
  await source.close();
  t.equal(seen.low.size, 1, 'one dictionary for the whole part');
  t.equal(seen.amount.size, 1);
  t.ok(largest <= 65_537 + 20_480, 'what is remembered is bounded');
  t.ok(seen.middle.size > 1, 'beyond the bound, row groups have dictionaries of their own');
  t.ok(high > 20, 'texts that never repeat are not remembered');
  const { texts } = await readPart({ path });
  const [row] = await db.rows(
    `SELECT list(middle ORDER BY file_row_number), list(high ORDER BY file_row_number) FROM read_parquet('${path}', file_row_number = true)`,
  );
  sameCells(t, texts.middle, row?.[0], 'middle');
  sameCells(t, texts.high, row?.[1], 'high');
});

t.test(
  'the first dictionary of a column is found again where others follow, and is not where values never repeat',
  async (t) => {
    const path = join(folder, 'first-dictionaries.parquet');
    const random = (row: number) => Number(BigInt.asUintN(32, BigInt(row) * 0x9e3779b97f4a7c15n));
    const columns: Record<string, readonly [TableType, (row: number) => string]> = {
      middle: ['string', (row) => `res-${random(row % 3000)}`],
      accented: ['string', (row) => `r\u00e9s-${random(row % 3000)}`],
      worded: ['string', (row) => (row % 3000 === 7 ? 'null' : `w${random(row % 3000)}`)],
      rate: ['double', (row) => String((row % 3000) / 8)],
      exact: ['decimal', (row) => String((row % 3000) / 8)],
      at: ['timestamp', (row) => new Date((row % 3000) * 3_600_000).toISOString()],
      tags: ['map', (row) => `{"a":"${row % 3000}"}`],
      id: ['string', (row) => `id-${random(row)}`],
      cost: ['double', (row) => String(row / 8 - 3)],
      hour: ['timestamp', (row) => new Date(row * 60_000).toISOString()],
      /** Values come back only after they were taken for such as never do. */
      back: ['double', (row) => String((row % 50_000) / 8)],
      rarely: ['string', (row) => (row < 39_000 ? `x${row % 2000}` : `y${row}`)],
    };
    const rows = 120_000;
    await writeParquetTable({
      path,
      columns: Object.entries(columns).map(([name, [type]]) => ({ name, type })),
      chunks: [
        Array.from({ length: rows }, (_, row) =>
          Object.values(columns).map(([, cell]) => cell(row)),
        ),
      ],
      rowGroupRows: 60_000,
    });
    const { texts } = await readPart({ path });
    for (const [name, [type, cell]] of Object.entries(columns)) {
      const wrong = (texts[name] ?? []).findIndex((text, row) => {
        const expected = cell(row) === 'null' ? undefined : cell(row);
        if (type === 'timestamp') return Date.parse(text ?? '') !== Date.parse(expected ?? '');
        return text !== expected;
      });
      t.equal(texts[name]?.length, rows);
      t.equal(wrong, -1, `${name}: ${texts[name]?.[wrong]}`);
    }
    const source = await openParquet({ path });
    const sizes: Record<string, Set<string>> = {};
    for await (const batch of source.batches())
      for (const [name, { values }] of batch.columns) {
        sizes[name] ??= new Set();
        sizes[name].add(values.transient ? 'transient' : `${values.size}`);
      }
    await source.close();
    for (const name of ['middle', 'accented', 'rate', 'exact', 'at', 'tags'])
      t.same([...(sizes[name] ?? [])], ['3001'], `${name}: one dictionary, each value once`);
    t.same([...(sizes.worded ?? [])], ['3000']);
    for (const name of ['id', 'cost', 'hour', 'back']) t.ok(sizes[name]?.has('transient'), name);
  },
);

t.test('nested values that never repeat stay right and bounded', async (t) => {
  const path = join(folder, 'nested.parquet');
  await db.run(
    `COPY (SELECT MAP {'id': 'i' || hash(r), 'n': (r % 3)::VARCHAR} AS m, [r, r * 2] AS l, {'s': 'x' || (r % 9)} AS s FROM range(150000) t(r)) TO '${path}' (FORMAT parquet, ROW_GROUP_SIZE 40960)`,
  );
  const { texts } = await readPart({ path });
  const rows = await db.rows(
    `SELECT to_json(m)::VARCHAR, to_json(l)::VARCHAR, to_json(s)::VARCHAR FROM '${path}'`,
  );
  sameCells(
    t,
    texts.m,
    rows.map((row) => row[0]),
    'm',
  );
  sameCells(
    t,
    texts.l,
    rows.map((row) => row[1]),
    'l',
  );
  sameCells(
    t,
    texts.s,
    rows.map((row) => row[2]),
    's',
  );
});

t.test('lists as older writers store them', async (t) => {
  const text = (value: string) => {
    const bytes = new TextEncoder().encode(value.padEnd(value.length + 8));
    return { bytes, view: new DataView(bytes.buffer), start: 0, end: value.length };
  };
  const type = 'BYTE_ARRAY' as const;
  const twoLevels = new ChunkWriter(
    { path: ['two', 'array'], type, maxDefinition: 2, maxRepetition: 1 },
    'none',
  );
  const repeated = new ChunkWriter(
    { path: ['bare'], type, maxDefinition: 1, maxRepetition: 1 },
    'none',
  );
  for (const list of [['a', 'b'], [], undefined, ['c']]) {
    const items = list ?? [];
    if (items.length === 0) twoLevels.putNulls(1, list === undefined ? 0 : 1);
    if (items.length === 0) repeated.putNulls(1);
    for (const [i, item] of items.entries()) {
      twoLevels.put(text(item), Math.min(i, 1));
      repeated.put(text(item), Math.min(i, 1));
    }
  }
  const { bytes, rowGroup } = joinChunks([], [twoLevels.finish(), repeated.finish()], 4);
  const behindMagic = (offset: bigint | undefined) => (offset ?? 0n) + 4n;
  const columns = rowGroup.group.columns.map((chunk) => ({
    ...chunk,
    meta_data: {
      ...(chunk.meta_data as ColumnMetaData),
      data_page_offset: behindMagic(chunk.meta_data?.data_page_offset),
      dictionary_page_offset: behindMagic(chunk.meta_data?.dictionary_page_offset),
    },
  }));
  const writer = new ByteWriter();
  writeMetadata(writer, {
    version: 1,
    schema: [
      { name: 'root', num_children: 2 },
      { name: 'two', repetition_type: 'OPTIONAL', num_children: 1, converted_type: 'LIST' },
      { name: 'array', repetition_type: 'REPEATED', type },
      { name: 'bare', repetition_type: 'REPEATED', type },
    ],
    num_rows: 4n,
    row_groups: [{ ...rowGroup.group, columns }],
    metadata_length: 0,
  });
  const path = join(folder, 'older.parquet');
  const magic = Buffer.from('PAR1');
  writeFileSync(path, Buffer.concat([magic, bytes, writer.getBytes(), magic]));
  const { texts } = await readPart({ path });
  t.same(texts.two, ['["a","b"]', '[]', undefined, '["c"]']);
  t.same(texts.bare, ['["a","b"]', '[]', '[]', '["c"]']);
});

t.test('a page that is not what its checksum says', async (t) => {
  const page = Buffer.from([3, 0, 0, 0, ...Buffer.from('abc')]);
  const path = join(folder, 'checked.parquet');
  const write = (stored: Uint8Array, crc: number): void => {
    const bytes = new ByteWriter();
    serializeTCompactProtocol(bytes, {
      field_1: 0,
      field_2: stored.length,
      field_3: stored.length,
      field_4: crc,
      field_5: { field_1: 1, field_2: 0, field_3: 3, field_4: 3 },
    });
    bytes.appendBytes(stored);
    const end = bytes.offset;
    writeMetadata(bytes, {
      version: 1,
      num_rows: 1n,
      metadata_length: 0,
      schema: [
        { name: 'root', num_children: 1 },
        { name: 'ServiceName', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
      ],
      row_groups: [
        {
          total_byte_size: BigInt(end),
          num_rows: 1n,
          columns: [
            {
              file_offset: 4n,
              meta_data: {
                type: 'BYTE_ARRAY',
                encodings: ['PLAIN'],
                path_in_schema: ['ServiceName'],
                codec: 'UNCOMPRESSED',
                num_values: 1n,
                total_uncompressed_size: BigInt(end),
                total_compressed_size: BigInt(end),
                data_page_offset: 4n,
              },
            },
          ],
        },
      ],
    });
    const magic = Buffer.from('PAR1');
    writeFileSync(path, Buffer.concat([magic, bytes.getBytes(), magic]));
  };
  write(page, crc32(page) | 0);
  t.same((await readPart({ path })).texts.ServiceName, ['abc']);
  write(Buffer.from([3, 0, 0, 0, ...Buffer.from('abd')]), crc32(page) | 0);
  await t.rejects(readPart({ path }), {
    name: 'BadPart',
    column: 'ServiceName',
    message: /damaged, its CRC-32/,
  });
});

t.test('what is torn, damaged or unreadable is a BadPart that says where', async (t) => {
  for (const [name, codec, version] of [
    ['zstd', 'zstd', 'V1'],
    ['plain', 'uncompressed', 'V1'],
    ['second', 'uncompressed', 'V2'],
    ['snappy', 'snappy', 'V2'],
    ['lz4', 'lz4_raw', 'V1'],
  ] as const)
    await db.run(
      `COPY (SELECT ${SELECT} FROM range(500) t(r)) TO '${join(folder, `few-${name}.parquet`)}' (FORMAT parquet, COMPRESSION ${codec}, PARQUET_VERSION ${version})`,
    );
  const whole = readFileSync(join(folder, 'few-zstd.parquet'));
  const path = join(folder, 'torn.parquet');
  const outcome = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(path, bytes);
    try {
      return (await everyCodeHasAnEntry(path)) ? 'read' : 'a code without an entry';
    } catch (error) {
      return errorName(error) === 'BadPart' ? 'BadPart' : String((error as Error).stack);
    }
  };
  const torn = new Set<string>();
  for (let part = 0; part < 60; part++)
    torn.add(await outcome(whole.subarray(0, Math.floor((whole.length * part) / 60))));
  for (const cut of [1, 4, 8, 9, 100])
    torn.add(await outcome(whole.subarray(0, whole.length - cut)));
  t.same([...torn], ['BadPart'], 'truncated anywhere');

  const changed = new Set<string>();
  let state = 12_345;
  const random = (below: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state % below;
  };
  for (const source of ['few-plain', 'few-second', 'few-snappy', 'few-lz4', 'few-zstd']) {
    const original = readFileSync(join(folder, `${source}.parquet`));
    for (let trial = 0; trial < 120; trial++) {
      const bytes = new Uint8Array(original);
      const from = trial % 2 === 0 ? Math.max(0, original.length - 12_000) : 0;
      for (let i = 0; i < 3; i++) bytes[from + random(original.length - from)] = random(256);
      changed.add(await outcome(bytes));
    }
  }
  changed.delete('read');
  t.same([...changed], ['BadPart'], 'changed anywhere');

  const failure = async (bytes: Uint8Array) => {
    writeFileSync(path, bytes);
    return readPart({ path }).then(
      () => undefined,
      (error: unknown) => error as { message: string; path: string; column?: string },
    );
  };
  t.match(await failure(new Uint8Array(0)), { message: /not a Parquet file/, path });
  t.match(await failure(Buffer.from('PAR1 and then something else')), { message: /torn/ });
  t.match(await failure(Buffer.from('PAR1....\xff\xff\xff\x7fPAR1', 'latin1')), {
    message: /footer/,
  });
  t.match(await failure(Buffer.from('PARE............PARE')), { message: /encrypted/ });
  const holed = new Uint8Array(whole);
  holed.fill(0xff, 4, whole.length / 4);
  t.match(await failure(holed), {
    message: /column "\w+" cannot be read in row group 0/,
    column: /\w/,
  });

  const lz4 = join(folder, 'lz4.parquet');
  await db.run(
    `COPY (SELECT 'a' AS amount_column) TO '${lz4}' (FORMAT parquet, COMPRESSION lz4_raw)`,
  );
  // Field 4 of the chunk's facts, the codec: LZ4_RAW (7) becomes LZO (3), which nobody can read.
  const lzo = readFileSync(lz4);
  lzo.set([0x15, 0x06], lzo.lastIndexOf(Buffer.from([0x15, 0x0e])));
  t.match(await failure(lzo), {
    message: /amount_column.*LZO is not supported/,
    column: 'amount_column',
  });
});
