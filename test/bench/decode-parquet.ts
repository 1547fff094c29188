/**
 * Rows per CPU-second of our Parquet decoder beside DuckDB (every column scanned natively, one thread) and hyparquet
 * (columns of JavaScript values), taken in turns in one run. Every column is decoded.
 *
 *   node test/bench/decode-parquet.ts [rows] [file.parquet …]
 *
 * Without files: a synthetic cost report of 54 columns, written by DuckDB with zstd and with snappy, and one with two map
 * columns beside.
 */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetRead } from 'hyparquet';
import { openParquet } from '../../pipelines/decode/parquet/open.ts';

const [rowsText = '500000', ...given] = process.argv.slice(2);
const ROUNDS = 3;
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const connection = await instance.connect();
const folder = await mkdtemp(join(tmpdir(), 'focusd-bench-'));
try {
  const paths = given.length > 0 ? given : await synthetic(Number(rowsText));
  for (const path of paths) await compare(path);
} finally {
  connection.closeSync();
  instance.closeSync();
  await rm(folder, { recursive: true });
}

async function compare(path: string): Promise<void> {
  const readers = { focusd: readFocusd, duckdb: readDuckdb, hyparquet: readHyparquet };
  const rates = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++)
    for (const [name, read] of Object.entries(readers)) {
      const before = process.cpuUsage();
      const rows = await read(path);
      const { user, system } = process.cpuUsage(before);
      rates.set(name, [...(rates.get(name) ?? []), (rows * 1000) / (user + system)]);
    }
  process.stdout.write(`${path}, ${(statSync(path).size / 1e6).toFixed(0)} MB\n`);
  const own = Math.max(...(rates.get('focusd') ?? [0]));
  for (const [name, all] of rates) {
    const best = Math.max(...all);
    const ratio = (own / best).toFixed(2);
    process.stdout.write(
      `  ${name.padEnd(10)} ${best.toFixed(0).padStart(5)} k rows/cpu-s  ${ratio} x\n`,
    );
  }
  process.stdout.write(`  resident set ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB\n`);
}

async function readFocusd(path: string): Promise<number> {
  const source = await openParquet({ path });
  let rows = 0;
  for await (const batch of source.batches()) rows += batch.rows;
  await source.close();
  return rows;
}

/** The largest value of every column: each value is looked at, none leaves DuckDB. */
async function readDuckdb(path: string): Promise<number> {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM '${path}'`);
  const largest = described.getRowsJS().map(([name]) => `max("${name}")`);
  const answer = await connection.runAndReadAll(`SELECT count(*), ${largest} FROM '${path}'`);
  return Number(answer.getRowsJS()[0]?.[0]);
}

async function readHyparquet(path: string): Promise<number> {
  const file = openSync(path, 'r');
  let rows = 0;
  try {
    await parquetRead({
      file: {
        byteLength: statSync(path).size,
        slice(start, end = statSync(path).size) {
          const bytes = new Uint8Array(end - start);
          readSync(file, bytes, 0, bytes.length, start);
          return bytes.buffer;
        },
      },
      compressors: { ZSTD: (input) => zstdDecompressSync(input) },
      onChunk({ columnName, columnData }) {
        if (columnName === 'line_id') rows += columnData.length;
      },
    });
  } finally {
    closeSync(file);
  }
  return rows;
}

async function synthetic(rows: number): Promise<string[]> {
  const files = [
    { name: 'zstd', codec: 'zstd', maps: '' },
    { name: 'snappy', codec: 'snappy', maps: '' },
    {
      name: 'maps-zstd',
      codec: 'zstd',
      maps: `, MAP {'region': 'r' || (hash(r * 3) % 8), 'family': 'f' || (hash(r * 5) % 24), 'os': 'linux', 'operation': 'o' || (hash(r * 11) % 9)} AS product,
        MAP {'team': 't' || (hash(r * 31) % 60), 'app': 'a' || (hash(r * 37) % 120)} AS resource_tags`,
    },
  ];
  const paths: string[] = [];
  for (const { name, codec, maps } of files) {
    const path = join(folder, `${name}.parquet`);
    await connection.run(
      `COPY (SELECT ${columns()}${maps} FROM range(${rows}) t(r)) TO '${path}' (FORMAT parquet, COMPRESSION ${codec})`,
    );
    paths.push(path);
  }
  return paths;
}

/** 54 columns like those of a cost report: constants, nulls, few and many distinct texts, amounts, times. */
function columns(): string {
  const distinct = [3, 8, 24, 120, 500, 24, 8, 16, 64, 250, 900, 12];
  const amounts = [100_000, 5000, 1e9, 300, 100_000, 1000, 77_777, 24, 1e8];
  const places = [5, 3, 10, 2, 6, 4, 5, 0, 8];
  const list = (count: number, column: (i: number) => string) =>
    Array.from({ length: count }, (_, i) => column(i)).join(', ');
  return [
    `'line' || md5(r::VARCHAR) || 'abcdefghijklmnop' AS line_id`,
    `'arn:aws:ec2:eu-west-1:123456789012:instance/i-' || (hash(r) % 38000) AS resource_id`,
    list(14, (i) => `'constant-${i}' AS constant_${i}`),
    list(8, (i) => `NULL::VARCHAR AS null_${i}`),
    list(12, (i) => `'value-' || (hash(r * ${i + 3}) % ${distinct[i]}) AS low_${i}`),
    list(
      9,
      (i) =>
        `round((hash(r + ${i * 7919}) % ${amounts[i]}) / 1e${places[i]}, 10)::DOUBLE AS amount_${i}`,
    ),
    `TIMESTAMP '2026-09-01' + INTERVAL 1 HOUR * (r % 720) AS period_start`,
    `TIMESTAMP '2026-09-01' + INTERVAL 1 HOUR * (r % 720 + 1) AS period_end`,
    `TIMESTAMP '2026-09-01' AS bill_start, TIMESTAMP '2026-10-01' AS bill_end`,
    `'{"team":"t' || (hash(r * 31) % 60) || '","app":"a' || (hash(r * 37) % 120) || '"}' AS tags`,
    `CASE WHEN r % 3 = 0 THEN 'x' || (r % 50) END AS optional_a`,
    `CASE WHEN r % 11 = 0 THEN 'y' || (r % 7) END AS optional_b`,
    `CASE WHEN r % 2 = 0 THEN (r % 97)::DOUBLE / 8 END AS optional_c`,
    `CASE WHEN r % 5 = 0 THEN 'z' || (r % 3) END AS optional_d`,
  ].join(', ');
}
