/**
 * What `restatement: rows` costs beside `totals`: two revisions of a generated bill, from its files to the commit, into a sink that throws
 * batches away. `node test/bench/restatement.ts [--rows N] [--rounds N]` prints medians and ratios; each measurement is a process of its own.
 */
import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs, promisify } from 'node:util';
import { openDeadLetters } from '../../agent/dead-letters.ts';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { createLog } from '../../agent/log.ts';
import { takeDelivery } from '../../agent/pipeline-run.ts';
import { stageSettings } from '../../agent/stages.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { ALONE } from '../../agent/turns.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import type { Sink } from '../../pipelines/plugin/contract.ts';
import type { Restatement } from '../../pipelines/plugin/delivery.ts';
import { systemClock } from '../../plugins/kit/clock.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    measure: { type: 'string' },
  },
});
const rows = Number(values.rows);
/** Both with the invoice's number, which turns every charge into another one. */
const REVISIONS = [2, 3];

/** One revision, as it was taken. */
interface Taken {
  readonly rowsPerCpuSecond: number;
  readonly seconds: number;
  readonly sent: number;
}

interface Measured {
  readonly revisions: readonly Taken[];
  readonly peakRssMb: number;
  readonly keptBytes: number;
}

if (values.measure === undefined) await compare();
else
  process.stdout.write(
    JSON.stringify(await measure(values.measure === 'rows' ? 'rows' : 'totals')),
  );

async function compare(): Promise<void> {
  for (const revision of REVISIONS) await bill(revision);
  const found: Record<Restatement, Measured[]> = { totals: [], rows: [] };
  for (let round = 0; round < Number(values.rounds); round++)
    for (const restatement of ['totals', 'rows'] as const) {
      const args = [import.meta.filename, '--measure', restatement, '--rows', String(rows)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      found[restatement].push(JSON.parse(stdout) as Measured);
      process.stderr.write(`round ${round + 1}: ${restatement}: ${stdout}\n`);
    }
  console.log('| restatement | revision | rows per CPU-second | events sent | peak RSS, MB |');
  console.log('| --- | ---: | ---: | ---: | ---: |');
  for (const [name, all] of Object.entries(found))
    for (const i of [0, 1])
      console.log(
        `| ${name} | ${i + 1} | ${Math.round(perCpu(all, i)).toLocaleString('en-US')} | ${all[0]?.revisions[i]?.sent} | ${median(all.map(({ peakRssMb }) => peakRssMb))} |`,
      );
  for (const i of [0, 1])
    console.log(
      `revision ${i + 1}: rows / totals: ${(perCpu(found.rows, i) / perCpu(found.totals, i)).toFixed(2)} x rows per CPU-second`,
    );
  console.log(`kept: ${((found.rows[0]?.keptBytes ?? 0) / rows).toFixed(0)} bytes per charge`);
}

function perCpu(all: readonly Measured[], revision: number): number {
  return median(all.map(({ revisions }) => revisions[revision]?.rowsPerCpuSecond ?? Number.NaN));
}

function median(all: readonly number[]): number {
  const sorted = all.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Both revisions, one after the other, in a new state. */
async function measure(restatement: Restatement): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'focusd-restatement-'));
  let peakRss = 0;
  const watch = setInterval(() => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss());
  }, 20);
  const pool = createWorkerPool({ workers: 2 });
  const state = openState(join(folder, 'state'));
  let sent = 0;
  const sink: Sink = {
    encoding: { kind: 'otlp-logs', compression: 'gzip', maxBytes: 3_670_016, restatement },
    write: async (batch) => {
      sent += batch.rows;
      return {};
    },
    abort: async () => {},
    close: async () => {},
  };
  const revisions: Taken[] = [];
  for (const revision of REVISIONS) {
    const parts = (await bill(revision)).map((path) => {
      const { size, mtimeMs } = statSync(path);
      return { path, bytes: size, modifiedMs: mtimeMs };
    });
    const cpu = process.cpuUsage();
    const started = performance.now();
    sent = 0;
    await takeDelivery(
      {
        id: { pipeline: 'bench', receiver: 'bench' },
        pool,
        state,
        deadLetters: openDeadLetters(join(folder, 'deadletters'), 1 << 20),
        kept: join(folder, 'kept'),
        linkers: () => [],
        skuListeners: () => [],
        targets: [{ id: 'null', sink }],
        settings: stageSettings({
          normalize: { check: false },
          attribute: { tags: ['team'], accounts: {}, fallback: 'unowned' },
          version: '0.0.0',
        }),
        clock: systemClock,
        log: createLog({ level: 'error', encoding: 'json', write: console.error }),
        events: {},
        signal: new AbortController().signal,
        turns: ALONE,
      },
      {
        scope: 'bench',
        revision: String(revision),
        mode: 'snapshot',
        mapping: 'auto',
        parts,
        cursor: '',
      },
    );
    const { user, system } = process.cpuUsage(cpu);
    revisions.push({
      rowsPerCpuSecond: rows / ((user + system) / 1e6),
      seconds: (performance.now() - started) / 1_000,
      sent,
    });
  }
  clearInterval(watch);
  const kept = globSync('kept/**/*.kept', { cwd: folder });
  const keptBytes = kept.reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
  state.close();
  await pool.close();
  rmSync(folder, { recursive: true });
  return { revisions, peakRssMb: Math.round(peakRss / 2 ** 20), keptBytes };
}

/** The files of a revision of the bill; kept in the system's temporary folder. */
async function bill(revision: number): Promise<string[]> {
  const folder = join(tmpdir(), `focusd-bench-restatement-${rows}-${revision}`);
  if (!existsSync(join(folder, 'truth-aws-2026-10.json'))) {
    process.stderr.write(`writing revision ${revision} of ${rows.toLocaleString('en-US')} rows\n`);
    const of = { provider: 'aws', format: 'parquet', seed: 1, month: '2026-10' } as const;
    await generateBill({ ...of, folder, rows, revision, faults: 0, parts: 2 });
  }
  return globSync('**/*.parquet', { cwd: folder }).map((path) => join(folder, path));
}
