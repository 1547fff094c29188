/** The OpenTelemetry Collector reading the same CSV: `filelog` with `csv_parser` → OTLP log records → an exporter that throws them away. */
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { collector, startCollector } from '../interop/programs/collector.ts';
import { csvConfig } from '../interop/programs/collector-config.ts';

/** What it took; undefined when the collector cannot be had here (said on stderr). */
export interface CollectorMeasured {
  readonly rows: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly rowsPerCpuSecond: number;
  readonly peakRssMb: number;
}

/** Runs the collector over one CSV file, header included. */
export async function collectorRun(file: string): Promise<CollectorMeasured | undefined> {
  const program = await collector();
  if ('skip' in program) {
    process.stderr.write(`collector left out: ${program.skip}\n`);
    return undefined;
  }
  const { header, rows } = await shape(file);
  const dir = await mkdtemp(join(tmpdir(), 'focusd-bench-collector-'));
  const started = performance.now();
  const running = await startCollector({
    dir,
    config: csvConfig({ file, header, exporter: { nop: {} }, batch: 1_000 }),
  });
  try {
    while (
      (await running.selfMetric('otelcol_receiver_accepted_log_records').catch(() => 0)) < rows
    )
      await delay(50);
    const seconds = (performance.now() - started) / 1_000;
    const usage = running.usage();
    if (usage === undefined) return undefined;
    return {
      rows,
      seconds,
      cpuSeconds: usage.cpuSeconds,
      rowsPerCpuSecond: Math.round(rows / usage.cpuSeconds),
      peakRssMb: Math.round(usage.peakBytes / 2 ** 20),
    };
  } finally {
    await running.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

async function shape(file: string): Promise<{ readonly header: string; readonly rows: number }> {
  let header = '';
  let rows = -1;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (rows < 0) header = line;
    rows++;
  }
  return { header, rows };
}
