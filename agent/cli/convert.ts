import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { extname, resolve } from 'node:path';
import type { RejectedRow } from '../../pipelines/decode/source.ts';
import { type Delivered, deliver } from '../../pipelines/engine/deliver.ts';
import type { Refused } from '../../pipelines/engine/protocol.ts';
import { createWorkerPool } from '../../pipelines/engine/worker-pool.ts';
import type { OutputVersion } from '../../pipelines/focus/columns.ts';
import type { Delivery, Part } from '../../pipelines/plugin/delivery.ts';
import { errorMessage, Misconfigured, Unavailable } from '../../pipelines/plugin/errors.ts';
import type { LoadedMapping } from '../package-mapping.ts';
import { loadPackage, PackageProblem } from '../plugin-package.ts';
import { stageSettings } from '../stages.ts';
import { version } from '../version.ts';
import { type Account, accountJson, accountText } from './account.ts';
import { billFiles } from './bill-files.ts';
import { oneFile } from './one-file.ts';
import { progressLine } from './progress.ts';
import { mappingSettings, workerCount } from './settings-of.ts';

interface Options {
  readonly output?: string;
  readonly mapping: string;
  readonly focus: OutputVersion;
  readonly format?: Format;
  readonly plugin?: readonly string[];
  readonly set?: readonly string[];
  readonly rejected?: string;
  readonly strict?: boolean;
  readonly workers?: string;
  readonly json?: boolean;
}

type Format = 'csv' | 'ndjson' | 'parquet';

/** Rejected rows that are shown; all go to `--rejected`. */
const SHOWN_REJECTS = 5;

/** Converts bills to FOCUS; the account of rows and money goes to stderr. */
export async function convert(files: readonly string[], options: Options): Promise<void> {
  const format = formatOf(options);
  const output = options.output === undefined ? undefined : resolve(options.output);
  const brought = await mappingsOf(options.plugin);
  const delivery = await deliveryOf(files, { mapping: options.mapping, output });
  const pool = createWorkerPool({ workers: workerCount(options.workers) });
  const stop = new AbortController();
  const interrupt = (): void =>
    stop.abort(new Unavailable('stopped by Ctrl-C, nothing was written'));
  process.once('SIGINT', interrupt);
  const sink = await oneFile(output, { kind: 'focus', format, version: options.focus });
  const rejects = rejectLog(options.rejected);
  const progress = progressLine('converted');
  const started = performance.now();
  try {
    const delivered = await deliver({
      pool,
      pipeline: 'convert',
      receiver: 'convert',
      delivery,
      observedMs: 0,
      targets: [{ id: 'output', sink }],
      settings: stageSettings({
        normalize: {
          ...mappingSettings(
            options.set,
            brought.map(({ mapping }) => mapping),
          ),
          check: false,
        },
        mappings: brought.map(({ module }) => module),
        version: version(),
      }),
      events: {
        refusedPart: (part, refused) => process.stderr.write(refusedText(part, refused)),
        rejectedRows: rejects.add,
        restarted: rejects.restart,
        rejectedBatch: () => {},
        progress: progress.add,
      },
      signal: stop.signal,
      oneFile: true,
      needs: 'one',
    });
    progress.end();
    await rejects.close();
    if (delivered.setAside) {
      process.stderr.write('focusd: no file could be read, nothing was written\n');
      process.exitCode = 1;
    } else conclude(delivered, { options, format, rejects, ms: performance.now() - started });
  } finally {
    progress.end();
    process.off('SIGINT', interrupt);
    await sink.close();
    await pool.close();
  }
}

/** The mappings of packages, looked for from the working folder. */
async function mappingsOf(packages: readonly string[] = []): Promise<readonly LoadedMapping[]> {
  const found: LoadedMapping[] = [];
  for (const name of packages) {
    try {
      found.push(...(await loadPackage(name, process.cwd())).mappings);
    } catch (cause) {
      if (!(cause instanceof PackageProblem)) throw cause;
      throw new Misconfigured(`--plugin ${name}: ${cause.message}`, { hint: cause.hint, cause });
    }
  }
  return found;
}

function refusedText({ path }: Part, { reason, row, column }: Refused): string {
  const place = [
    ...(row === undefined ? [] : [`row ${row}`]),
    ...(column === undefined ? [] : [`column ${column}`]),
  ];
  const name = reason.includes(path) ? '' : `${path}: `;
  return `focusd: ${name}${reason}${place.length === 0 ? '' : ` (${place.join(', ')})`}\n`;
}

interface Conclusion {
  readonly options: Options;
  readonly format: Format;
  readonly rejects: RejectLog;
  readonly ms: number;
}

function conclude(delivered: Delivered, { options, format, rejects, ms }: Conclusion): void {
  const account: Account = {
    delivered,
    ms,
    output: {
      ...(options.output === undefined ? {} : { path: options.output }),
      format,
      focusVersion: options.focus,
    },
    rejected: rejects.first,
  };
  if (options.json === true)
    (options.output === undefined ? process.stderr : process.stdout).write(
      `${JSON.stringify(accountJson(account), null, 2)}\n`,
    );
  else process.stderr.write(accountText(account));
  const refused = delivered.parts.some(({ plan }) => !plan.ok);
  if (refused || (options.strict === true && delivered.rows.rejected > 0)) process.exitCode = 1;
}

function formatOf({ format, output }: Options): Format {
  const named =
    format ??
    ({ '.parquet': 'parquet', '.ndjson': 'ndjson', '.jsonl': 'ndjson' } as const)[
      extname(output ?? '').toLowerCase()
    ] ??
    'csv';
  if (named === 'parquet' && output === undefined)
    throw new Misconfigured('Parquet cannot be written to stdout', { hint: 'name a file with -o' });
  if (/\.(gz|zst|zip)$/i.test(output ?? ''))
    throw new Misconfigured(`${output}: compressed output is not written`, {
      hint: 'write to stdout and pipe it through gzip or zstd, or write Parquet, which is compressed',
    });
  return named;
}

interface Converting {
  readonly mapping: string;
  readonly output: string | undefined;
}

async function deliveryOf(
  files: readonly string[],
  { mapping, output }: Converting,
): Promise<Delivery> {
  const parts = new Map<string, Part>();
  for (const file of files)
    for (const part of await billFiles(file, output)) parts.set(part.path, part);
  if (output !== undefined && parts.has(output))
    throw new Misconfigured(`${output} is one of the bills`, {
      hint: 'name another file with -o: the bill stays as it is',
    });
  const hash = createHash('sha256');
  for (const { path, bytes } of parts.values()) hash.update(`${path}\n${bytes}\n`);
  return {
    scope: 'convert',
    revision: hash.digest('hex').slice(0, 16),
    mode: 'snapshot',
    mapping,
    parts: [...parts.values()],
    cursor: '',
  };
}

interface RejectLog {
  readonly add: (part: Part, rows: readonly RejectedRow[]) => void;
  /** Forgets what was noted so far. */
  readonly restart: () => void;
  readonly first: readonly (RejectedRow & { readonly path: string })[];
  close(): Promise<void>;
}

function rejectLog(path: string | undefined): RejectLog {
  const first: (RejectedRow & { readonly path: string })[] = [];
  const file = path === undefined ? undefined : openForRejects(path);
  return {
    first,
    add: (part, rows) => {
      for (const row of rows) {
        if (first.length < SHOWN_REJECTS) first.push({ ...row, path: part.path });
        if (file !== undefined) writeSync(file, `${JSON.stringify({ path: part.path, ...row })}\n`);
      }
    },
    restart: () => {
      first.length = 0;
      if (file !== undefined) ftruncateSync(file);
    },
    close: async () => {
      if (file !== undefined) closeSync(file);
    },
  };
}

/** Appending: a truncated file is written from its start again. */
function openForRejects(path: string): number {
  try {
    rmSync(path, { force: true });
    return openSync(path, 'a', 0o600);
  } catch (cause) {
    const reason = errorMessage(cause);
    throw new Misconfigured(`--rejected ${path} cannot be written: ${reason}`, { cause });
  }
}
