/**
 * One, two and four agents on the same bills and one state on PostgreSQL, beside one agent with SQLite:
 * `node test/bench/agents.ts [--bills 24] [--rows 50000] [--agents 0,1,2,4]` (0: one agent with SQLite). Each agent has one worker, has read some bills before it is measured, and sends
 * nothing. Where there are fewer cores than agents, or others use them, only rows per second of processor time say something.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generateBill } from '../../agent/generate/generate-bill.ts';
import { postgres, startPostgres } from '../interop/programs/postgres.ts';

const { values } = parseArgs({
  options: {
    bills: { type: 'string', default: '24' },
    rows: { type: 'string', default: '50000' },
    agents: { type: 'string', default: '0,1,2,4' },
  },
});
const [bills, rows] = [Number(values.bills), Number(values.rows)];
/** Bills that each agent reads before it is measured. */
const WARM = 2;
const WARM_ROWS = 10_000;
const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

const program = await postgres();
if ('skip' in program) throw new Error(program.skip);
const folder = mkdtempSync(join(tmpdir(), 'focusd-bench-agents-'));
const server = await startPostgres();
try {
  for (const count of values.agents.split(',').map(Number))
    if (count === 0) await measure('one agent, SQLite', [undefined]);
    else await measure(`${count} on PostgreSQL`, Array<string>(count).fill(await server.url()));
} finally {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(name: string, states: readonly (string | undefined)[]): Promise<void> {
  const home = join(folder, name.replaceAll(/\W/g, '-'));
  await writeBills(join(home, 'bills', 'warm'), { count: WARM * states.length, rows: WARM_ROWS });
  await writeBills(join(home, 'measured'), { count: bills, rows });
  const fleet = states.map((state, agent) => start(home, agent, state));
  try {
    await committed(fleet, WARM * states.length);
    const before = cpuOf(fleet);
    const started = performance.now();
    renameSync(join(home, 'measured'), join(home, 'bills', 'measured'));
    await committed(fleet, WARM * states.length + bills);
    const seconds = (performance.now() - started) / 1_000;
    const cpuSeconds = cpuOf(fleet) - before;
    const all = bills * rows;
    console.log(
      JSON.stringify({
        name,
        rows: all,
        seconds: Math.round(seconds * 10) / 10,
        rowsPerSecond: Math.round(all / seconds),
        cpuSeconds: Math.round(cpuSeconds * 10) / 10,
        rowsPerCpuSecond: Math.round(all / cpuSeconds),
        byAgent: fleet.map((agent) => agent.committed()),
      }),
    );
  } finally {
    await Promise.all(fleet.map((agent) => agent.stop()));
  }
}

async function writeBills(
  into: string,
  { count, rows }: { readonly count: number; readonly rows: number },
): Promise<void> {
  mkdirSync(into, { recursive: true });
  for (let bill = 0; bill < count; bill++)
    await generateBill({
      folder: join(into, String(bill)),
      ...{ provider: 'focus', format: 'csv', rows, seed: bill + 1 },
      ...{ month: '2026-09', revision: 1, faults: 0, parts: 1 },
    });
}

interface Agent {
  readonly child: ChildProcess;
  committed(): number;
  stop(): Promise<void>;
}

function start(home: string, agent: number, state: string | undefined): Agent {
  const config = join(home, `${agent}.yaml`);
  const shared = state === undefined ? '' : `, state: '${state}', lease: 10s`;
  writeFileSync(
    config,
    `receivers: { files: { paths: ['${join(home, 'bills')}'], settle: 0s } }
exporters: { console: }
storage: { folder: '${join(home, `agent-${agent}`)}'${shared} }
workers: 1
service:
  pipelines: { costs: { receivers: [files], exporters: [console] } }
  telemetry: { metrics: { address: "off" } }
`,
  );
  const child = spawn(process.execPath, [MAIN, 'run', '-c', config], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  return {
    child,
    committed: () => log.match(/"delivery committed"/g)?.length ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function committed(fleet: readonly Agent[], wanted: number): Promise<void> {
  while (fleet.reduce((sum, agent) => sum + agent.committed(), 0) < wanted) {
    if (fleet.some(({ child }) => child.exitCode !== null)) throw new Error('an agent has ended');
    await delay(20);
  }
}

/** Processor time of all, seconds. Linux counts it in hundredths of a second. */
function cpuOf(fleet: readonly Agent[]): number {
  const ticks = fleet.map(({ child }) => {
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(fields[11]) + Number(fields[12]);
  });
  return ticks.reduce((sum, one) => sum + one, 0) / 100;
}
