/**
 * A large month of CUR 2.0 Parquet out of an S3 server on this machine (moto), beside the same files from the local disk; exact totals, no log records:
 * `node test/bench/stores.ts [--rows 10000000] [--parts 100] [--no-disk]`. A tenth of the parts is generated, each is there ten times under keys of its own.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { committed } from '../helpers/world.ts';
import { moto, startMoto } from '../interop/programs/moto.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '10000000' },
    parts: { type: 'string', default: '100' },
    disk: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const COPIES = 10;
const [rows, parts] = [Number(values.rows), Number(values.parts)];
const BUCKET = 'bench';
const DATA = 'cur2/data/BILLING_PERIOD=2026-10';
const MANIFEST = 'cur2/metadata/BILLING_PERIOD=2026-10/cur2-Manifest.json';
const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

const program = await moto();
if ('skip' in program) throw new Error(program.skip);
const dir = mkdtempSync(join(tmpdir(), 'focusd-bench-stores-'));
const store = await startMoto(dir);
try {
  const files = await bill();
  const local = join(dir, 'local');
  mkdirSync(join(local, DATA), { recursive: true });
  mkdirSync(join(local, MANIFEST, '..'), { recursive: true });
  await store.put(BUCKET, '', '');
  const keys: string[] = [];
  for (let copy = 0; copy < COPIES; copy++)
    for (const [index, file] of files.entries()) {
      const key = `${DATA}/part-${copy}-${index}.parquet`;
      copyFileSync(file, join(local, key));
      await store.put(BUCKET, key, readFileSync(file));
      keys.push(key);
    }
  const dataFiles = keys.map((key) => `s3://${BUCKET}/${key}`);
  const manifest = JSON.stringify({ executionId: '1', exportName: 'cur2', dataFiles });
  writeFileSync(join(local, MANIFEST), manifest);
  await store.put(BUCKET, MANIFEST, manifest);
  const bytes = files.reduce((sum, file) => sum + readFileSync(file).length, 0) * COPIES;
  console.log(`${whole(rows)} rows, ${keys.length} parts, ${whole(bytes / 1e6)} MB`);
  const disk = values.disk ? await agent('files', { paths: [local] }) : undefined;
  const s3 = await agent('aws-data-exports', {
    bucket: BUCKET,
    endpoint: store.url,
    look_back: 120,
    credentials: { access_key_id: 'bench', secret_access_key: 'bench' },
  });
  if (disk !== undefined) {
    const [time, cpu] = [s3.seconds / disk.seconds, s3.cpuSeconds / disk.cpuSeconds];
    console.log(
      `S3 takes ${time.toFixed(2)} x the time and ${cpu.toFixed(2)} x the CPU of the disk`,
    );
  }
} finally {
  await store.stop();
  rmSync(dir, { recursive: true, force: true });
}

/** The parts that are there once. */
async function bill(): Promise<readonly string[]> {
  const folder = join(dir, 'bill');
  const count = Math.max(1, Math.round(parts / COPIES));
  await generateBill({
    ...{ folder, provider: 'aws', format: 'parquet', rows: rows / COPIES, parts: count },
    ...{ seed: 1, month: '2026-10', revision: 1, faults: 0 },
  });
  return globSync(join(folder, '**/*.parquet')).toSorted();
}

/** Runs an agent over the bill. */
async function agent(
  type: string,
  settings: object,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const home = join(dir, type);
  mkdirSync(home);
  const config = join(home, 'focusd.json');
  const telemetry = { metrics: { address: 'off' } };
  const pipelines = { costs: { receivers: [type], exporters: ['console'] } };
  writeFileSync(
    config,
    JSON.stringify({
      receivers: { [type]: settings },
      exporters: { console: {} },
      storage: { folder: join(home, 'state') },
      service: { pipelines, telemetry },
    }),
  );
  const started = performance.now();
  const child = spawn(process.execPath, [MAIN, 'run', '--once', '-c', config], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  let used: Used | undefined;
  while (child.exitCode === null && child.signalCode === null) {
    used = usedBy(child.pid) ?? used;
    await Promise.race([ended, delay(100)]);
  }
  const seconds = (performance.now() - started) / 1000;
  const charges = committed(home).reduce((all, one) => all + one.charges, 0);
  const { cpuSeconds = Number.NaN, peakBytes = Number.NaN } = used ?? {};
  console.log(
    `${type}: ${whole(charges)} charges in ${seconds.toFixed(1)} s, ${whole(charges / seconds)} rows/s, ${whole(charges / cpuSeconds)} rows per CPU-second, peak RSS ${whole(peakBytes / 1e6)} MB`,
  );
  return { seconds, cpuSeconds };
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

interface Used {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** What a living process has used so far; Linux counts processor time in hundredths of a second. */
function usedBy(pid: number | undefined): Used | undefined {
  try {
    const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / 100;
    return peak === undefined ? undefined : { cpuSeconds, peakBytes: Number(peak) * 1024 };
  } catch {
    return undefined;
  }
}
