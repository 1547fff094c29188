/**
 * The whole way in one process: part → FOCUS → owners → totals + OTLP log bytes → a sink that throws them away.
 * `node test/bench/pipeline.ts FILE [--workers N] [--compression none|gzip|zstd]` prints one JSON line.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { keepCompiledCode } from '../../agent/compile-cache.ts';
import { useFrugalMalloc } from '../../agent/frugal-malloc.ts';
import { boundYoungGeneration } from '../../agent/young-generation.ts';
import type { Sink } from '../../pipelines/plugin/contract.ts';

// As the agent's start does; what is imported before that would be compiled anew each time.
keepCompiledCode(process.env);
useFrugalMalloc(process.env);
boundYoungGeneration();
const { stageSettings } = await import('../../agent/stages.ts');
const { deliver } = await import('../../pipelines/engine/deliver.ts');
const { createWorkerPool } = await import('../../pipelines/engine/worker-pool.ts');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    workers: { type: 'string', default: '2' },
    compression: { type: 'string', default: 'none' },
    check: { type: 'boolean', default: false },
  },
});
const parts = positionals.map((file) => {
  const path = resolve(file);
  const { size, mtimeMs } = statSync(path);
  return { path, bytes: size, modifiedMs: mtimeMs };
});
const compression =
  values.compression === 'gzip' || values.compression === 'zstd' ? values.compression : 'none';
let rawBytes = 0;
const sink: Sink = {
  encoding: { kind: 'otlp-logs', compression, maxBytes: 3_670_016 },
  write: async (batch) => {
    rawBytes += batch.rawBytes;
    return {};
  },
  commit: async () => {},
  abort: async () => {},
  close: async () => {},
};
const pool = createWorkerPool({ workers: Number(values.workers) });
let peakRss = 0;
const watch = setInterval(() => {
  peakRss = Math.max(peakRss, process.memoryUsage.rss());
}, 20);
const idle = performance.eventLoopUtilization();
const cpu = process.cpuUsage();
const started = performance.now();
const delivered = await deliver({
  pool,
  pipeline: 'bench',
  receiver: 'bench',
  delivery: { scope: 'bench', revision: '1', mode: 'snapshot', mapping: 'auto', parts, cursor: '' },
  observedMs: 0,
  targets: [{ id: 'null', sink }],
  settings: stageSettings({
    normalize: { check: values.check },
    attribute: { tags: ['team'], accounts: {}, fallback: 'unowned' },
    version: '0.0.0',
  }),
  events: {
    refusedPart: (part, { reason }) => console.error(part.path, reason),
    rejectedRows: () => {},
    rejectedBatch: () => {},
    progress: () => {},
  },
  signal: new AbortController().signal,
});
const seconds = (performance.now() - started) / 1_000;
const { user, system } = process.cpuUsage(cpu);
const utilization = performance.eventLoopUtilization(idle).utilization;
clearInterval(watch);
await pool.close();
const cpuSeconds = (user + system) / 1e6;
const { rows } = delivered;
console.log(
  JSON.stringify({
    rows: rows.read,
    seconds: round(seconds),
    cpuSeconds: round(cpuSeconds),
    rowsPerSecond: Math.round(rows.read / seconds),
    rowsPerCpuSecond: Math.round(rows.read / cpuSeconds),
    mainThread: round(utilization),
    peakRssMb: Math.round(peakRss / 2 ** 20),
    bytesPerRow: Math.round(rawBytes / rows.written),
    stages: delivered.stages,
  }),
);

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
