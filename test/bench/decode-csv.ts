/**
 * Rows per CPU-second of our csv decoder beside csv-parse and papaparse (arrays of strings), each in a process of its own
 * and warmed up, one after the other in one run.
 *
 *   node test/bench/decode-csv.ts [rows] [file.csv|file.csv.gz …]
 *
 * Without files: a synthetic cost report of 54 columns and about 800 bytes a row, plain and gzipped.
 */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { createGunzip, createGzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { openSource } from '../../pipelines/decode/open.ts';

/** It comes without types. */
const papaparse: {
  parse(input: Readable, options: Readonly<Record<string, unknown>>): void;
} = createRequire(import.meta.url)('papaparse');

const ROUNDS = 4;
const READERS = { focusd: readFocusd, papaparse: readPapaparse, 'csv-parse': readCsvParse };
const [first = '200000', ...given] = process.argv.slice(2);

if (first in READERS) await measure(first as keyof typeof READERS, given[0] ?? '');
else await compareAll(Number(first), given);

async function compareAll(rows: number, files: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'focusd-bench-'));
  try {
    for (const path of files.length > 0 ? files : await synthetic(folder, rows)) compare(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function compare(path: string): void {
  process.stdout.write(`${path}\n`);
  let ours = 0;
  for (const name of Object.keys(READERS)) {
    const script = fileURLToPath(import.meta.url);
    const rate = Number(execFileSync(process.execPath, [script, name, path]));
    if (ours === 0) ours = rate;
    process.stdout.write(
      `  ${name.padEnd(10)} ${rate.toFixed(0).padStart(5)} k rows/cpu-s  ${(ours / rate).toFixed(1)} x\n`,
    );
  }
}

/** Prints the best of some rounds in thousand rows per CPU-second. */
async function measure(name: keyof typeof READERS, path: string): Promise<void> {
  let best = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    const rows = await READERS[name](path);
    const { user, system } = process.cpuUsage(before);
    best = Math.max(best, (rows * 1000) / (user + system));
  }
  process.stdout.write(String(best));
}

async function readFocusd(path: string): Promise<number> {
  const source = await openSource({ path });
  let rows = 0;
  for await (const batch of source.batches()) rows += batch.rows;
  await source.close();
  return rows;
}

async function readPapaparse(path: string): Promise<number> {
  let rows = -1;
  await new Promise<void>((resolve, reject) => {
    papaparse.parse(text(path), {
      step: () => void rows++,
      complete: () => resolve(),
      error: reject,
      skipEmptyLines: true,
    });
  });
  return rows;
}

async function readCsvParse(path: string): Promise<number> {
  let rows = -1;
  for await (const _ of text(path).pipe(parse({ relax_column_count: true, bom: true }))) rows++;
  return rows;
}

function text(path: string): Readable {
  const size = 256 * 1024;
  const file = createReadStream(path, { highWaterMark: size });
  return path.endsWith('.gz') ? file.pipe(createGunzip({ chunkSize: size })) : file;
}

async function synthetic(folder: string, rows: number): Promise<readonly string[]> {
  const plain = join(folder, 'cur2.csv');
  const packed = join(folder, 'cur2.csv.gz');
  await pipeline(Readable.from(costReport(rows)), createWriteStream(plain));
  await pipeline(createReadStream(plain), createGzip({ level: 6 }), createWriteStream(packed));
  return [plain, packed];
}

/** Random order, so that few cells equal the one above: harder than a real bill, which is sorted. */
function* costReport(rows: number): Generator<string> {
  const random = randomFrom(7);
  const pick = (count: number) => Math.floor(random() * count);
  const hex = (length: number) => Array.from({ length }, () => pick(16).toString(16)).join('');
  const resources = Array.from({ length: 38_000 }, () => `i-${hex(17)}`);
  const tags = Array.from(
    { length: 6_500 },
    (_, i) =>
      `"{""user:team"":""team-${i % 40}"",""user:owner"":""owner-${i}"",""user:env"":""prod""}"`,
  );
  const head = Array.from({ length: 54 }, (_, i) => `line_item_column_${i}`);
  yield `${head.join(',')}\n`;
  for (let done = 0; done < rows; ) {
    const lines: string[] = [];
    for (; lines.length < 1000 && done < rows; done++) {
      const family = pick(24);
      const account = pick(120);
      const region = pick(8);
      const hour = pick(720);
      const day = `2026-09-${String(1 + Math.floor(hour / 24)).padStart(2, '0')}`;
      const start = `${day}T${String(hour % 24).padStart(2, '0')}:00:00.000Z`;
      const amount = () => (random() * 10).toFixed(10);
      lines.push(
        [
          '123456789012',
          'Anniversary',
          '2026-10-01T00:00:00.000Z',
          '2026-09-01T00:00:00.000Z',
          'AWS',
          '',
          'Purchase',
          `${start}/${day}T23:00:00.000Z`,
          `${hex(20)}${hex(20)}${hex(12)}`,
          account % 3 === 0 ? 'Usage' : 'DiscountedUsage',
          `Usage account number ${account}`,
          String(100_000_000_000 + account * 7919),
          start,
          `${day}T23:59:59.000Z`,
          `AmazonFamily${family}`,
          `REG${region}-BoxUsage:m${family}.xlarge`,
          `RunInstances:00${family % 7}`,
          `us-region-${region}a`,
          resources[pick(resources.length)],
          amount(),
          'USD',
          amount(),
          amount(),
          amount(),
          amount(),
          String(1 + (family % 4)),
          `"$0.${family}96 per On Demand Linux m${family}.xlarge Instance Hour, region ${region}"`,
          '',
          '',
          'Amazon Web Services, Inc.'.replace(',', ''),
          `Family ${family} Compute Cloud`,
          `m${family}.xlarge`,
          `m${family}`,
          'NA',
          `us-region-${region}`,
          `SKU${family}X${region}QZ`,
          'hrs',
          `RATE${family}.${region}.JRTCKXETXF.6YS6EN2CT7`,
          'OnDemand',
          'Standard',
          amount(),
          amount(),
          'Hrs',
          '',
          '',
          '',
          '',
          '',
          '',
          tags[pick(tags.length)],
          '{}',
          '',
          `cost category ${account % 12}`,
          '',
        ].join(','),
      );
    }
    yield `${lines.join('\n')}\n`;
  }
}

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}
