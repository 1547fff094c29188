/**
 * One peer on one CSV file, in a process of its own: `node test/bench/peer.ts papaparse|csv-parse|duckdb FILE` prints one JSON line.
 * papaparse and csv-parse only split; DuckDB scans and projects the columns that a charge needs.
 */
import { createReadStream } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { createGunzip } from 'node:zlib';

const [peer = '', file = ''] = process.argv.slice(2);
const run = { papaparse, 'csv-parse': csvParse, duckdb }[peer];
if (run === undefined) throw new Error(`no such peer: ${peer}`);
const cpu = process.cpuUsage();
const started = performance.now();
const rows = await run(file);
const { user, system } = process.cpuUsage(cpu);
const cpuSeconds = (user + system) / 1e6;
console.log(
  JSON.stringify({
    rows,
    seconds: Math.round(performance.now() - started) / 1_000,
    cpuSeconds,
    rowsPerCpuSecond: Math.round(rows / cpuSeconds),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);

function input(path: string): NodeJS.ReadableStream {
  const raw = createReadStream(path, { highWaterMark: 1 << 18 });
  return path.endsWith('.gz') ? raw.pipe(createGunzip({ chunkSize: 1 << 18 })) : raw;
}

async function papaparse(path: string): Promise<number> {
  const { default: papa } = await import('papaparse');
  let rows = -1;
  return await new Promise((resolve, reject) => {
    papa.parse(input(path), {
      chunk: ({ data }) => {
        rows += data.length;
      },
      complete: () => resolve(rows),
      error: reject,
      skipEmptyLines: true,
    });
  });
}

async function csvParse(path: string): Promise<number> {
  const { parse } = await import('csv-parse');
  let rows = -1;
  for await (const _ of input(path).pipe(parse())) rows++;
  return rows;
}

/** All columns as text, the costs as exact decimals, every value touched by an aggregate. */
async function duckdb(path: string): Promise<number> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  const source = path.endsWith('.parquet')
    ? `read_parquet('${path}')`
    : `read_csv('${path}', all_varchar = true, header = true)`;
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${source}`);
  const columns = described.getRows().map(([name]) => `"${String(name)}"`);
  const touched = columns.map((name) =>
    /_cost"$/.test(name)
      ? `sum(TRY_CAST(${name} AS DECIMAL(38, 10)))`
      : `max(CAST(${name} AS VARCHAR))`,
  );
  const result = await connection.runAndReadAll(
    `SELECT count(*), ${touched.join(', ')} FROM ${source}`,
  );
  return Number(result.getRows()[0]?.[0]);
}
