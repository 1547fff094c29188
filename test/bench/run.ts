/**
 * `npm run bench [-- --help]`: focusd and its peers on the same generated bills, taken in turns in one run; prints medians and ratios. Machines are
 * shared and noisy: trust the ratios. Bills are kept in the system's temporary folder. `stores.ts` and `hooks.ts` are run by themselves.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import type { BillFormat } from '../../agent/generate/write-bill.ts';
import { collectorRun } from './collector.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    large: { type: 'boolean', default: false },
    collector: { type: 'boolean', default: true },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowNegative: true,
});
if (values.help) {
  console.log(`npm run bench [-- OPTIONS]: focusd and its peers on the same generated bills, in turns; medians and ratios.

  --rows N         of each bill (default 1000000)
  --rounds N       how often each is measured (default 3)
  --large          bills of five times as many rows, too
  --no-collector   without the OpenTelemetry Collector, which is built for it the first time
`);
  process.exit();
}
const rows = Number(values.rows);
const rounds = Number(values.rounds);
const run = promisify(execFile);

interface Measured {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rowsPerCpuSecond: number;
  readonly peakRssMb: number;
  readonly mainThread?: number;
}

const parquet = await bill('parquet', rows);
const gzip = await bill('csv.gz', rows);
const few = await bill('csv.gz', Math.min(rows, 200_000));
const plain = await bill('csv', rows);
/** The collector and csv-parse are slow and as fast on a smaller file. */
const fewPlain = await bill('csv', Math.min(rows, 200_000));
const contenders: Record<string, () => Promise<Measured | undefined>> = {
  'focusd parquet': () => node('pipeline.ts', ...parquet),
  'focusd parquet, gzip out': () => node('pipeline.ts', ...parquet, '--compression=gzip'),
  'focusd csv.gz': () => node('pipeline.ts', ...gzip),
  'focusd csv': () => node('pipeline.ts', ...plain, '--workers=1'),
  'papaparse csv, splits only': () => node('peer.ts', 'papaparse', ...plain),
  'csv-parse csv, splits only': () => node('peer.ts', 'csv-parse', ...fewPlain),
  'duckdb csv, projects only': () => node('peer.ts', 'duckdb', ...plain),
  'duckdb csv.gz, projects only': () => node('peer.ts', 'duckdb', ...few),
  'duckdb parquet, projects only': () => node('peer.ts', 'duckdb', ...parquet),
  ...(values.collector
    ? { 'opentelemetry collector csv': () => collectorRun(fewPlain[0] ?? '') }
    : {}),
};
if (values.large) {
  const large = await bill('parquet', rows * 5);
  const largeGzip = await bill('csv.gz', rows * 5);
  contenders['focusd parquet, 5 x rows'] = () => node('pipeline.ts', ...large);
  contenders['focusd csv.gz, 5 x rows'] = () => node('pipeline.ts', ...largeGzip);
}

const results = new Map<string, Measured[]>();
for (let round = 0; round < rounds; round++) {
  for (const [name, measure] of Object.entries(contenders)) {
    const measured = await measure();
    if (measured === undefined) continue;
    results.set(name, [...(results.get(name) ?? []), measured]);
    process.stderr.write(
      `round ${round + 1}: ${name}: ${measured.rowsPerCpuSecond.toLocaleString('en-US')} rows per CPU-second\n`,
    );
  }
}
print();

function print(): void {
  const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`);
  line(['what', 'rows per CPU-second', 'rows per second', 'peak RSS, MB', 'main thread busy']);
  line(['---', '---:', '---:', '---:', '---:']);
  for (const [name, all] of results) {
    const perSecond = median(all.map((one) => one.rows / one.seconds));
    const main =
      all[0]?.mainThread === undefined
        ? ''
        : `${Math.round(100 * median(all.map(({ mainThread = 0 }) => mainThread)))} %`;
    line([
      name,
      number(perCpu(name)),
      number(perSecond),
      number(median(all.map(({ peakRssMb }) => peakRssMb))),
      main,
    ]);
  }
  console.log('');
  for (const [name, peer] of [
    ['focusd csv', 'papaparse csv, splits only'],
    ['focusd csv', 'csv-parse csv, splits only'],
    ['focusd csv', 'duckdb csv, projects only'],
    ['focusd csv', 'opentelemetry collector csv'],
    ['focusd csv.gz', 'duckdb csv.gz, projects only'],
    ['focusd parquet', 'duckdb parquet, projects only'],
  ] as const) {
    if (results.has(name) && results.has(peer))
      console.log(
        `${name} / ${peer}: ${(perCpu(name) / perCpu(peer)).toFixed(2)} x rows per CPU-second`,
      );
  }
}

function perCpu(name: string): number {
  return median((results.get(name) ?? []).map(({ rowsPerCpuSecond }) => rowsPerCpuSecond));
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function node(script: string, ...args: readonly string[]): Promise<Measured> {
  const { stdout } = await run(
    process.execPath,
    [new URL(script, import.meta.url).pathname, ...args],
    { maxBuffer: 1 << 24 },
  );
  return JSON.parse(stdout) as Measured;
}

/** The files of a generated CUR 2.0; two of them where one cannot be shared out among two workers. */
async function bill(format: BillFormat, count: number): Promise<string[]> {
  const folder = join(tmpdir(), `focusd-bench-${format}-${count}`);
  if (!existsSync(join(folder, 'truth-aws-2026-10.json'))) {
    process.stderr.write(`writing ${count.toLocaleString('en-US')} rows as ${format}\n`);
    await generateBill({
      folder,
      provider: 'aws',
      format,
      rows: count,
      seed: 1,
      month: '2026-10',
      revision: 1,
      faults: 0,
      parts: format === 'csv.gz' && count > 200_000 ? 2 : 1,
    });
  }
  return globSync(join(folder, 'data', '*', `*.${format}`)).toSorted();
}
