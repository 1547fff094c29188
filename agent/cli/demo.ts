import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { type Configured, configure } from '../configure.ts';
import { type GenerateRequest, generateBill } from '../generate/generate-bill.ts';
import type { Committed } from '../state/state.ts';
import { freePort } from './free-port.ts';
import { progressLine } from './progress.ts';
import { formatReport, type ReportOptions } from './report.ts';
import { serve } from './run.ts';
import { showsColor } from './terminal.ts';

interface Options {
  readonly serve?: boolean;
  readonly folder?: string;
  readonly rows: string;
}

/** Bills for the demo: the month is read, restated by its provider, and read again. */
const MONTH = '2026-10';
const SEED = 2026;
const BROKEN_ROWS = 12;

/** Makes demo bills, runs the agent on them, reports. */
export async function demo(options: Options): Promise<void> {
  const rows = Number(options.rows);
  if (!Number.isSafeInteger(rows) || rows < 100)
    throw new Misconfigured(`--rows is "${options.rows}"`, {
      hint: 'give a whole number of at least 100',
    });
  const folder =
    options.folder === undefined
      ? await mkdtemp(join(tmpdir(), 'focusd-demo-'))
      : resolve(options.folder);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  say(`focusd demo in ${folder}\n`);
  say(
    `1. Writing bills: AWS CUR 2.0, Azure FOCUS 1.2, Google detailed export, and one with ${BROKEN_ROWS} broken rows`,
  );
  await writeBills(folder, rows);
  const ports = options.serve === true ? await servingPorts() : undefined;
  const configured = await demoConfiguration(folder, ports);
  say('2. The agent reads them: → FOCUS → owners → totals → OTLP');
  const committed: Committed[] = [];
  const begun = performance.now();
  await readOnce(configured, committed);
  say('3. AWS restates the month: its bill is written again, with other amounts');
  await generateBill({ ...billOf(folder, 'aws', rows), revision: 2 });
  const report = async (agent: Reported): Promise<void> => {
    say(`4. What the agent knows now\n`);
    say(
      await formatReport({
        state: agent.state,
        pipelines: ['costs'],
        committed,
        ms: performance.now() - begun,
        width: process.stdout.columns ?? 100,
        color: showsColor(process.stdout),
      }),
    );
  };
  if (ports !== undefined) await keepServing(configured, { committed, report, say, ports });
  else {
    await readOnce(configured, committed, report);
    say(whatNext(folder));
  }
}

function billOf(
  folder: string,
  provider: GenerateRequest['provider'],
  rows: number,
): GenerateRequest {
  return {
    folder: join(folder, 'bills', provider),
    provider,
    rows,
    seed: SEED,
    month: MONTH,
    revision: 1,
    faults: 0,
    parts: 1,
    format: 'csv.gz',
  };
}

async function writeBills(folder: string, rows: number): Promise<void> {
  const progress = progressLine('written');
  const some = Math.ceil(rows / 4);
  const bills: GenerateRequest[] = [
    billOf(folder, 'aws', rows),
    { ...billOf(folder, 'azure', some), format: 'csv' },
    { ...billOf(folder, 'gcp', some), format: 'ndjson.gz' },
    {
      ...billOf(folder, 'focus', Math.max(100, Math.ceil(rows / 20))),
      format: 'csv',
      faults: BROKEN_ROWS,
    },
  ];
  for (const bill of bills) await generateBill({ ...bill, progress: progress.add });
  progress.end();
}

/** Where the serving demo can be asked. */
interface Ports {
  readonly health: number;
  readonly metrics: number;
  readonly debug: number;
}

async function servingPorts(): Promise<Ports> {
  return {
    health: await freePort(13_133),
    metrics: await freePort(8_888),
    debug: await freePort(13_134),
  };
}

/** The configuration that the demo runs, left in its folder to be read and changed. */
async function demoConfiguration(folder: string, ports: Ports | undefined): Promise<Configured> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, 'focusd.yaml');
  await writeFile(
    path,
    `# The configuration of the demo. Try: focusd validate -c ${path}
receivers:
  files:
    paths: [./bills]
    exclude: ["**/truth-*.json"]
    settle: 0s

processors:
  normalize: {}
  attribute:
    tags: [team]

exporters:
  file:
    folder: ./otlp
    format: otlp-json

${ports === undefined ? '' : `extensions:\n  health: { endpoint: "127.0.0.1:${ports.health}" }\n  debug: { endpoint: "127.0.0.1:${ports.debug}" }\n\n`}storage:
  folder: ./state

service:
${ports === undefined ? '' : '  extensions: [health, debug]\n'}  pipelines:
    costs:
      receivers: [files]
      processors: [normalize, attribute]
      exporters: [file]
  telemetry:
    logs: { level: warn, encoding: console }
    metrics: { address: "${ports === undefined ? 'off' : `127.0.0.1:${ports.metrics}`}" }
`,
  );
  return await configure(path, process.env);
}

async function readOnce(
  configured: Configured,
  committed: Committed[],
  ended: Parameters<typeof serve>[1]['ended'] = () => {},
): Promise<void> {
  const progress = progressLine('read');
  await serve(configured, {
    once: true,
    events: {
      committed: (_, delivery) => committed.push(delivery),
      progress: (_, rows) => progress.add(rows),
    },
    ended: async (agent) => {
      progress.end();
      await ended(agent);
    },
  });
}

type Reported = Pick<ReportOptions, 'state'>;

interface Serving {
  readonly committed: Committed[];
  readonly report: (agent: Reported) => Promise<void>;
  readonly say: (text: string) => void;
  readonly ports: Ports;
}

async function keepServing(
  configured: Configured,
  { committed, report, say, ports }: Serving,
): Promise<void> {
  let known: Reported | undefined;
  let reported = false;
  const maybeReport = async (): Promise<void> => {
    if (
      reported ||
      known === undefined ||
      !committed.some(({ replaced }) => replaced !== undefined)
    )
      return;
    reported = true;
    await report(known);
    say(`The agent keeps running: put bills into the folder above, or change its focusd.yaml.
${steps([
  [`curl -s http://127.0.0.1:${ports.health}/`, 'health'],
  [`curl -s http://127.0.0.1:${ports.metrics}/metrics`, 'metrics'],
  [`http://127.0.0.1:${ports.debug}/debug`, 'what it is doing, in a browser'],
  [`${focusd()} top --url http://127.0.0.1:${ports.debug}`, 'the same, live in a terminal'],
])}
Ctrl-C ends it.`);
  };
  await serve(configured, {
    once: false,
    events: {
      committed: (_, delivery) => {
        committed.push(delivery);
        void maybeReport();
      },
    },
    started: (agent) => {
      known = agent;
      void maybeReport();
    },
  });
}

function whatNext(folder: string): string {
  const here = relative(process.cwd(), folder);
  const place = here.length < folder.length && !here.startsWith('..') ? here : folder;
  const serving = isCheckout() ? 'npm start -- --serve' : 'focusd demo --serve';
  return `OTLP: ${place}/otlp (logs: one file per bill; metrics.jsonl)\nTry next:\n${steps([
    [serving, 'the same agent, kept running'],
    [`${focusd()} audit -c ${place}/focusd.yaml`, 'prove the totals from the raw bills'],
    [`${focusd()} convert BILL.csv.gz -o focus.parquet`, 'your own bill as FOCUS'],
    [`${focusd()} --help`, 'everything else'],
  ])}`;
}

function isCheckout(): boolean {
  return process.env.npm_lifecycle_event !== undefined;
}

function focusd(): string {
  return isCheckout() ? 'npm run -s focusd --' : 'focusd';
}

function steps(list: readonly (readonly [command: string, what: string])[]): string {
  const width = Math.max(...list.map(([command]) => command.length));
  return list.map(([command, what]) => `  ${command.padEnd(width)}  ${what}`).join('\n');
}
