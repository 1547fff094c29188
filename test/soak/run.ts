/**
 * `npm run soak [-- --minutes N] [--rows N]`: an agent through a bad week in half an hour. Bills are restated again and again, charges are pushed,
 * the backend is slow, busy, away or cut off, the configuration is read again; Linux only. Prints a table, and fails when memory or file descriptors
 * of the process do not stay flat or when what was sent or is in the state is not the known truth.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type GenerateRequest, generateBill } from '../../agent/generate/generate-bill.ts';
import { Random } from '../../agent/generate/random.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, multiply } from '../../pipelines/focus/decimal.ts';
import { spawnFocusd } from '../helpers/focusd-process.ts';
import { addCosts, type Costs, committedCosts, deadLetters } from '../helpers/world.ts';
import { freePorts } from '../interop/programs/ports.ts';
import { type Mood, startMoodyBackend } from './backend.ts';
import { judge, type Sample } from './steady.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rows: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
  },
});
const minutes = Number(values.minutes);
const rows = Number(values.rows);
const random = new Random(Number(values.seed));

/** What may grow by how much of its median after the warm-up. */
const MOST = { rss: 0.1, descriptors: 0.05 };
const MOODS: readonly Mood[] = ['up', 'up', 'slow', 'busy', 'away', 'cut'];
const BILLS = {
  aws: { provider: 'aws', format: 'parquet', parts: 2 },
  azure: { provider: 'azure', format: 'csv.gz', parts: 1 },
  gcp: { provider: 'gcp', format: 'ndjson', parts: 1 },
  focus: { provider: 'focus', format: 'csv.zst', parts: 1 },
} as const satisfies Readonly<Record<string, Partial<GenerateRequest>>>;
const PUSHED_AT_A_TIME = 20;

const folder = mkdtempSync(join(tmpdir(), 'focusd-soak-'));
const backend = await startMoodyBackend();
const [pushPort = 0, metricsPort = 0] = await freePorts(2);
const revisions = new Map<string, number>();
const truths = new Map<string, Costs>();
let pushes = 0;
let reloads = 0;

for (const name of Object.keys(BILLS)) await restate(name);
configure();
const agent = spawnFocusd(['run', '-c', join(folder, 'focusd.yaml')]);
await agent.said('agent is ready');
const started = performance.now();
const rss: Sample[] = [];
const descriptors: Sample[] = [];
const isOver = (): boolean => performance.now() - started > minutes * 60_000;
console.log('minute  rss MB  descriptors  heap MB  waiting  deliveries  events  state MB  backend');
await Promise.all([
  every(3, () => restate(pick(Object.keys(BILLS)))),
  every(5, push),
  every(20, async () => {
    backend.mood = pick(MOODS);
  }),
  every(60, async () => {
    reloads++;
    configure();
  }),
  every(5, async () => sample()),
  every(Math.max(15, minutes * 2), report),
]);
backend.mood = 'up';
await quiet();
await report();
agent.kill('SIGTERM');
const { code, stderr } = await agent.ended;
await backend.close();
conclude();

function conclude(): void {
  const truth = addCosts([...truths.values(), pushedCosts()]);
  const restated = [...revisions.values()].reduce((sum, revision) => sum + revision, 0);
  const letters = deadLetters(folder).length;
  console.log(
    `${restated} revisions of ${rows} rows, ${pushes} pushes, ${reloads} reloads, answers ${JSON.stringify(backend.answers)}, ${backend.again()} events came again`,
  );
  const wrong = [
    ...steady('rss', rss, 1e6),
    ...steady('descriptors', descriptors, 1),
    ...differs('totals', committedCosts(folder), truth),
    ...differs('events', backend.costs(), truth),
    ...(code === 0 ? [] : [`the agent ended with ${code}`]),
    ...(letters === 0 ? [] : [`${letters} dead letters`]),
  ];
  for (const line of wrong) console.log(`WRONG: ${line}`);
  if (wrong.length === 0) {
    console.log('totals and events are the known truth');
    rmSync(folder, { recursive: true });
  } else {
    writeFileSync(join(folder, 'log.ndjson'), stderr);
    console.log(`what is left is in ${folder}`);
    process.exitCode = 1;
  }
}

function steady(name: keyof typeof MOST, samples: readonly Sample[], unit: number): string[] {
  const { median, growth, isSteady } = judge(samples, MOST[name]);
  const text = `${name}: median ${shown(median / unit)}, grew by ${shown(growth / unit)} after the warm-up (may: ${shown((median / unit) * MOST[name])})`;
  console.log(text);
  return isSteady ? [] : [text];
}

function differs(what: string, costs: Costs, truth: Costs): string[] {
  const [is, should] = [JSON.stringify(costs), JSON.stringify(truth)];
  return is === should ? [] : [`${what} are ${is}, the truth is ${should}`];
}

/** Does something again and again, as long as the soak lasts. */
async function every(seconds: number, work: () => Promise<void>): Promise<void> {
  while (!isOver()) {
    await work();
    await delay(seconds * 1000);
  }
}

function pick<T>(from: readonly T[]): T {
  return from[random.int(from.length)] as T;
}

async function restate(name: string): Promise<void> {
  const revision = (revisions.get(name) ?? 0) + 1;
  const of = { rows, seed: 3, month: '2026-09', revision, faults: 0 };
  const bill = BILLS[name as keyof typeof BILLS];
  const { costs } = await generateBill({ ...of, ...bill, folder: join(folder, 'bills', name) });
  revisions.set(name, revision);
  truths.set(name, costs);
}

async function push(): Promise<void> {
  const row = { BilledCost: '0.01', BillingCurrency: 'USD', ChargePeriodStart: '2026-09-17' };
  const body = Array.from({ length: PUSHED_AT_A_TIME }, () => JSON.stringify(row)).join('\n');
  const headers = {
    authorization: 'Bearer secret',
    'content-type': 'application/x-ndjson',
    'idempotency-key': String(pushes),
  };
  for (;;) {
    const url = `http://127.0.0.1:${pushPort}/v1/charges`;
    const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
    if (answer?.status === 202) break;
    await delay(200);
  }
  pushes++;
}

function pushedCosts(): Costs {
  const cost = formatDecimal(multiply(decimal('0.01'), decimal(String(pushes * PUSHED_AT_A_TIME))));
  return Object.fromEntries(COST_COLUMNS.map((column) => [column, cost]));
}

function sample(): void {
  const at = (performance.now() - started) / 1000;
  const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
  rss.push({ at, value: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1024 });
  descriptors.push({ at, value: readdirSync(`/proc/${agent.pid}/fd`).length });
}

async function report(): Promise<void> {
  const page = await metrics();
  const columns: readonly [string, number][] = [
    [((performance.now() - started) / 60_000).toFixed(1), 6],
    [shown((rss.at(-1)?.value ?? 0) / 1e6), 6],
    [String(descriptors.at(-1)?.value ?? 0), 11],
    [shown(page('focusd_process_memory_heap') / 1e6), 7],
    [String(page('focusd_queue_length', 'exporter="otlp"')), 7],
    [String(page('focusd_deliveries_total')), 10],
    [String(backend.events()), 6],
    [shown(stateBytes() / 1e6), 8],
    [backend.mood, 7],
  ];
  console.log(columns.map(([text, width]) => text.padStart(width)).join('  '));
}

function stateBytes(): number {
  const path = join(folder, 'state');
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + sizeOf(join(parentPath, name)), 0);
}

/** 0 when it is gone by now. */
function sizeOf(path: string): number {
  try {
    return readFileSync(path).length;
  } catch {
    return 0;
  }
}

/** Sums of the agent's own metrics by name, those of a label if it is given. */
async function metrics(): Promise<(name: string, label?: string) => number> {
  const page = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
  const lines = page.split('\n');
  return (name, label = '') =>
    lines
      .filter((line) => line.startsWith(name) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.split(' ')[1]), 0);
}

/** Waits until nothing is on its way any more. */
async function quiet(): Promise<void> {
  let before = -1;
  for (;;) {
    const page = await metrics();
    const done = page('focusd_deliveries_total');
    if (done === before && page('focusd_queue_length') === 0) return;
    before = done;
    await delay(20_000);
  }
}

function shown(value: number): string {
  return value.toFixed(1);
}

/** Every other one differs from the one before: an exporter and all receivers are started anew. */
function configure(): void {
  writeFileSync(
    join(folder, 'focusd.yaml'),
    `receivers:
  files: { paths: [./bills], settle: 1s }
  http: { endpoint: "127.0.0.1:${pushPort}", token: secret, seal_every: 2s }
exporters:
  otlp:
    endpoint: ${backend.url}
    protocol: http/protobuf
    logs: { restatement: rows, max_batch_bytes: 256KiB }
    metrics: { interval: ${10 + (reloads % 2)}s, periods: 24, daily_days: 400 }
    retry: { initial_interval: 200ms, max_interval: 1s, max_elapsed_time: 3s }
workers: 1
storage: { folder: ./state }
service:
  pipelines:
    costs: { receivers: [files, http], exporters: [otlp] }
  telemetry:
    metrics: { address: "127.0.0.1:${metricsPort}", level: detailed }
    logs: { level: info }
`,
  );
}
