/** A folder with bills, a configuration and what the agent makes of them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { parse } from 'csv-parse/sync';
import type { Test } from 'tap';
import { type Agent, startAgent } from '../../agent/agent.ts';
import { configure } from '../../agent/configure.ts';
import type { DeadLetter } from '../../agent/dead-letters.ts';
import { type GenerateRequest, generateBill } from '../../agent/generate/generate-bill.ts';
import type { Truth } from '../../agent/generate/truth.ts';
import { createLog } from '../../agent/log.ts';
import type { RunEvents } from '../../agent/pipeline-run.ts';
import { openState } from '../../agent/state/sqlite-state.ts';
import { startTelemetry } from '../../agent/telemetry.ts';
import type { WorkerPool } from '../../pipelines/engine/worker-pool.ts';
import { COST_COLUMNS } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, sum } from '../../pipelines/focus/decimal.ts';
import type { Clock } from '../../pipelines/plugin/contract.ts';
import { systemClock } from '../../plugins/kit/clock.ts';

/** Sums of the cost columns, canonical decimals. */
export type Costs = Readonly<Record<string, string>>;

/** Settings that differ from test to test; YAML flow style. */
export interface Written {
  /** Settings of the receiver `files`, besides its paths. */
  readonly files?: string;
  readonly exporters?: Readonly<Record<string, string>>;
  readonly attribute?: string;
  /** Further lines below `service.telemetry`. */
  readonly telemetry?: string;
  /** Further sections. */
  readonly more?: string;
  readonly extensions?: string;
  readonly workers?: number;
}

/** The configuration as text: bills in ./bills, output in ./out, state in ./state. */
export function configuration(written: Written = {}): string {
  const exporters = written.exporters ?? { 'file/csv': '{ folder: ./out, format: focus-csv }' };
  return `receivers:
  files: { paths: [./bills], settle: 0s${written.files === undefined ? '' : `, ${written.files}`} }
processors:
  attribute: ${written.attribute ?? '{ tags: [team] }'}
exporters:
${Object.entries(exporters)
  .map(([id, settings]) => `  ${id}: ${settings}\n`)
  .join('')}workers: ${written.workers ?? 1}
storage: { folder: ./state }
${written.more ?? ''}
service:
  extensions: [${written.extensions ?? ''}]
  pipelines:
    costs:
      receivers: [files]
      processors: [attribute]
      exporters: [${Object.keys(exporters).join(', ')}]
  telemetry:
    metrics: { address: "off" }
${written.telemetry ?? ''}
`;
}

/** Writes the configuration and files (by path) below a new folder; answers the folder. */
export function worldFolder(
  t: Test,
  written: Written = {},
  files: Readonly<Record<string, string | Uint8Array>> = {},
): string {
  const folder = t.testdir({ bills: {}, 'focusd.yaml': configuration(written) });
  for (const [path, content] of Object.entries(files)) put(folder, path, content);
  return folder;
}

/** Writes a file below a folder. */
export function put(folder: string, path: string, content: string | Uint8Array): string {
  const target = join(folder, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
  return target;
}

/** A generated bill below `bills/`. */
export function bill(
  folder: string,
  request: Partial<GenerateRequest> & Pick<GenerateRequest, 'provider'>,
): Promise<Truth> {
  return generateBill({
    folder: join(folder, 'bills'),
    format: 'csv',
    rows: 60,
    seed: 7,
    month: '2026-09',
    revision: 1,
    faults: 0,
    parts: 1,
    ...request,
  });
}

/** What the log said, with its fields. */
export type Logged = Readonly<Record<string, unknown>> & { readonly message: string };

/** An agent in this process. */
export interface Started {
  readonly agent: Agent;
  readonly logs: Logged[];
}

/** What an agent of a test is given. */
export interface AgentWorld {
  readonly clock?: Clock;
  readonly events?: RunEvents;
  readonly pool?: WorkerPool;
}

/** Starts an agent on the folder's configuration. */
export async function startWorld(
  t: Pick<Test, 'teardown'>,
  folder: string,
  options: AgentWorld & { readonly once?: boolean; readonly logs?: Logged[] } = {},
): Promise<Started> {
  const { logs = [] } = options;
  const clock = options.clock ?? systemClock;
  const write = (line: string): void => void logs.push(JSON.parse(line) as Logged);
  const log = createLog({ level: 'debug', encoding: 'json', write });
  const { configuration: checked, catalogue } = await configure(join(folder, 'focusd.yaml'), {});
  const agent = await startAgent({
    configuration: checked,
    catalogue,
    version: '0.0.0',
    clock,
    log,
    telemetry: await startTelemetry({ settings: checked.telemetry, log, clock, version: '0.0.0' }),
    once: options.once === true,
    ...(options.events && { events: options.events }),
    ...(options.pool && { pool: options.pool }),
  });
  t.teardown(() => agent.stop());
  return { agent, logs };
}

/** Reads everything that is there now; answers what the log said and whether all went well. */
export async function readOnce(
  t: Test,
  folder: string,
  options: AgentWorld = {},
): Promise<{ readonly ok: boolean; readonly logs: readonly Logged[] }> {
  const { agent, logs } = await startWorld(t, folder, { ...options, once: true });
  const ended = await agent.ended();
  await agent.stop();
  return { ok: ended.every(({ ok }) => ok), logs };
}

/** The committed deliveries and their sums. */
export function committed(folder: string) {
  if (!existsSync(join(folder, 'state/state/state.sqlite'))) return [];
  const state = openState(join(folder, 'state/state'));
  try {
    return state.deliveries().map((delivery) => {
      const totals = state.totalsOf(delivery.id);
      const costs = COST_COLUMNS.map((column) => [
        column,
        formatDecimal(sum(totals.map((total) => total.costs[column]))),
      ]);
      const charges = totals.reduce((all, total) => all + total.charges, 0);
      return { ...delivery, charges, costs: Object.fromEntries(costs) as Costs };
    });
  } finally {
    state.close();
  }
}

/** Sums over all committed deliveries. */
export function committedCosts(folder: string): Costs {
  return addCosts(committed(folder).map(({ costs }) => costs));
}

/** Adds sums column by column, exactly. */
export function addCosts(all: readonly Costs[]): Costs {
  return Object.fromEntries(
    COST_COLUMNS.map((column) => [
      column,
      formatDecimal(sum(all.map((costs) => decimal(costs[column] ?? '0')))),
    ]),
  );
}

/** Files below a folder with their content, temporary ones included. */
export function filesBelow(folder: string): Readonly<Record<string, Buffer>> {
  if (!existsSync(folder)) return {};
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(
    entries.map((path) => [path.slice(folder.length + 1), readFileSync(path)]),
  );
}

/** Sums over every FOCUS or OTLP JSON file that a file exporter left below a folder. */
export async function exportedCosts(folder: string): Promise<Costs> {
  const files = Object.entries(filesBelow(folder)).filter(
    ([path]) => !path.endsWith('metrics.jsonl'),
  );
  return addCosts(await Promise.all(files.map(([path, bytes]) => costsIn(folder, path, bytes))));
}

async function costsIn(folder: string, path: string, bytes: Buffer): Promise<Costs> {
  if (path.endsWith('.csv')) return costsOfRows(parse(bytes, { columns: true }) as object[]);
  if (path.endsWith('.ndjson'))
    return costsOfRows(
      bytes
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as object),
    );
  if (path.endsWith('.parquet')) return await costsOfParquet(join(folder, path));
  if (path.endsWith('.jsonl')) return costsOfOtlp(bytes.toString());
  throw new Error(`${path}: what is this?`);
}

/** DuckDB adds decimals exactly. */
async function costsOfParquet(path: string): Promise<Costs> {
  const connection = await (await DuckDBInstance.fromCache(':memory:')).connect();
  const sums = COST_COLUMNS.map((column) => `coalesce(sum("${column}"), 0)::VARCHAR`);
  const reader = await connection.runAndReadAll(
    `SELECT ${sums.join(', ')} FROM read_parquet('${path.replaceAll("'", "''")}')`,
  );
  connection.closeSync();
  const [row = []] = reader.getRows();
  return addCosts([Object.fromEntries(COST_COLUMNS.map((column, i) => [column, String(row[i])]))]);
}

function costsOfRows(rows: readonly object[]): Costs {
  return addCosts(
    rows.map((row) =>
      Object.fromEntries(
        COST_COLUMNS.map((column) => {
          const value = (row as Readonly<Record<string, unknown>>)[column];
          return [
            column,
            value === null || value === undefined || value === '' ? '0' : String(value),
          ];
        }),
      ),
    ),
  );
}

/** The doubles as they are written: bills of the tests have few enough digits. */
function costsOfOtlp(text: string): Costs {
  const of = (name: string): string => {
    const written = text.matchAll(
      new RegExp(`"focus\\.${name}","value":\\{"doubleValue":([^}]+)\\}`, 'g'),
    );
    return formatDecimal(sum([...written].map(([, value = '']) => decimal(value))));
  };
  return {
    BilledCost: of('billed_cost'),
    EffectiveCost: of('effective_cost'),
    ListCost: of('list_cost'),
    ContractedCost: of('contracted_cost'),
  };
}

/** Columns of `focusRow`. */
export const FOCUS_HEADER =
  'BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,BillingPeriodStart,BillingPeriodEnd,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,BillingAccountId,ProviderName,ServiceCategory,ServiceName,Tags';

/** A row of a small bill in native FOCUS; cells as they are to stand there. */
export function focusRow(
  amount: number | string,
  cells: { readonly service?: string; readonly tags?: string; readonly start?: string } = {},
): string {
  const { service = 'Blob', tags = '', start = '2026-09-02T00:00:00Z' } = cells;
  return `${amount},${amount},${amount},${amount},EUR,2026-09-01T00:00:00Z,2026-10-01T00:00:00Z,${start},2026-09-03T00:00:00Z,Usage,acc,Microsoft,Storage,${service},${tags}`;
}

/** A small bill in native FOCUS. */
export function focusCsv(rows: readonly (number | string)[]): string {
  const lines = rows.map((row) => (typeof row === 'number' ? focusRow(row) : row));
  return `${[FOCUS_HEADER, ...lines].join('\n')}\n`;
}

/** All dead letters, in the order of their files and lines. */
export function deadLetters(folder: string): readonly DeadLetter[] {
  return Object.values(filesBelow(join(folder, 'state/deadletters'))).flatMap((bytes) =>
    bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DeadLetter),
  );
}
