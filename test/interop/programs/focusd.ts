import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { leash } from './leash.ts';
import { type Running, start } from './running.ts';

/** How a focusd run has ended. */
export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A focusd that runs until it ends by itself. */
export interface Once {
  readonly finished: Promise<Finished>;
  /** Waits until it has logged something; throws with its log when it ends without. */
  until(logged: RegExp): Promise<void>;
  /** Stops it: asks it to, or makes it. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<Finished>;
}

/** One pipeline from bills to exporters. */
export interface OnePipeline {
  /** Where the configuration and the state go. */
  readonly dir: string;
  /** Folders and files of the receiver. */
  readonly bills: readonly string[];
  /** By id, such as `otlp/grpc`. */
  readonly exporters: Readonly<Record<string, object>>;
  /** By id; without it only `normalize`. */
  readonly processors?: Readonly<Record<string, object>>;
  readonly extensions?: Readonly<Record<string, object>>;
  /** Attributes of the resource of logs. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Where the agent's own metrics are served. */
  readonly metrics?: string;
}

const MAIN = fileURLToPath(new URL('../../../agent/main.ts', import.meta.url));

/** Writes the configuration of a pipeline; answers its path. */
export async function writeConfiguration(of: OnePipeline): Promise<string> {
  const { dir, bills, exporters, processors = { normalize: {} }, resource = {} } = of;
  const extensions = of.extensions ?? {};
  await mkdir(dir, { recursive: true });
  const path = join(dir, 'focusd.yaml');
  const configuration = {
    receivers: { files: { paths: bills, settle: '20ms' } },
    processors,
    exporters,
    extensions,
    storage: { folder: join(dir, 'data') },
    service: {
      extensions: Object.keys(extensions),
      pipelines: {
        costs: {
          receivers: ['files'],
          processors: Object.keys(processors),
          exporters: Object.keys(exporters),
        },
      },
      telemetry: { resource, metrics: { address: of.metrics ?? 'off' } },
    },
  };
  await writeFile(path, JSON.stringify(configuration, null, 2));
  return path;
}

/** Runs the real agent over what is there, to its end. */
export async function runOnce(of: OnePipeline): Promise<Finished> {
  return await (await startOnce(of)).finished;
}

/** Starts the real agent over what is there. */
export async function startOnce(of: OnePipeline): Promise<Once> {
  return focusd(['run', '--once', '-c', await writeConfiguration(of)]);
}

/** Starts the real agent and answers once it is ready. */
export async function startAgent(of: OnePipeline): Promise<Running> {
  const args = [MAIN, 'run', '-c', await writeConfiguration(of)];
  return await start({ path: process.execPath, args, cwd: of.dir, ready: /agent is ready/ });
}

/** Runs focusd with these arguments; it never outlives this process. */
export function focusd(args: readonly string[]): Once {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  leash(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close');
  const finished = closed.then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return {
    finished,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      return await finished;
    },
    async until(logged) {
      while (!logged.test(stderr)) {
        const more = await Promise.race([once(child.stderr, 'data'), finished]);
        if (!Array.isArray(more) && !logged.test(stderr))
          throw new Error(`it ended with ${child.exitCode} before it logged ${logged}:\n${stderr}`);
      }
    },
  };
}

/** A dead letter, as far as the tests look. */
export interface DeadLetter {
  readonly kind: string;
  readonly rows?: number;
}

/** The dead letters of the agent that was run in a folder. */
export function deadLetters(dir: string): DeadLetter[] {
  const folder = join(dir, 'data', 'deadletters');
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as DeadLetter),
  );
}
