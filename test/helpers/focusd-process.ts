/** The real process: `agent/main.ts` as a child of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

const MAIN = fileURLToPath(new URL('../../agent/main.ts', import.meta.url));

/** How a process ended. */
export interface Ran {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the agent's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly message: string };

/** A process under way. */
export interface Running {
  readonly pid: number | undefined;
  readonly ended: Promise<Ran>;
  /** Lines of the log so far. */
  logs(): readonly LogLine[];
  /** Resolves with the first line of the log that fits, past or to come; fails when the process ends before. */
  until(fits: (line: LogLine) => boolean): Promise<LogLine>;
  /** Resolves with all of stdout once it fits. */
  wrote(text: RegExp): Promise<string>;
  /** The same of stderr. */
  warned(text: RegExp): Promise<string>;
  /** The same by message, from the given line on. */
  said(message: string, from?: number): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** Nobody reads its stdout from now on. */
  closeStdout(): void;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly node?: readonly string[];
}

/** Starts `focusd …`; it does not outlive the test. */
export function startFocusd(
  t: Test,
  args: readonly string[],
  options: ProcessOptions = {},
): Running {
  const running = spawnFocusd(args, options);
  t.teardown(() => running.kill('SIGKILL'));
  return running;
}

/** Starts `focusd …`; whoever does has to see to its end. */
export function spawnFocusd(
  args: readonly string[],
  { cwd = process.cwd(), env = {}, node = [] }: ProcessOptions = {},
): Running {
  const child = spawn(process.execPath, [...node, MAIN, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8');
    child[name].on('data', (text: string) => {
      output[name] += text;
    });
  }
  const logs = () => logLines(output.stderr);
  const until = (fits: (line: LogLine) => boolean) =>
    firstLine(child, { logs, fits, story: () => output.stderr });
  return {
    pid: child.pid,
    ended: ended(child, output),
    logs,
    until,
    wrote: (text) => firstOutput(child, text, { output, name: 'stdout' }),
    warned: (text) => firstOutput(child, text, { output, name: 'stderr' }),
    said: (message, from = 0) =>
      until((line) => line.message === message && logs().indexOf(line) >= from),
    kill: (signal) => void child.kill(signal),
    closeStdout: () => child.stdout.destroy(),
  };
}

/** Runs `focusd …` to its end. */
export function focusd(t: Test, args: readonly string[], options?: ProcessOptions): Promise<Ran> {
  return startFocusd(t, args, options).ended;
}

async function ended(
  child: ChildProcess,
  output: { readonly stdout: string; readonly stderr: string },
): Promise<Ran> {
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { code, signal, ...output };
}

interface Waiting {
  readonly logs: () => readonly LogLine[];
  readonly fits: (line: LogLine) => boolean;
  readonly story: () => string;
}

async function firstLine(child: ChildProcess, { logs, fits, story }: Waiting): Promise<LogLine> {
  const { promise, resolve, reject } = Promise.withResolvers<LogLine>();
  const look = (): void => {
    const line = logs().find(fits);
    if (line !== undefined) resolve(line);
  };
  const close = (): void => {
    look();
    reject(new Error(`the process ended before it said so:\n${story()}`));
  };
  child.stderr?.on('data', look);
  child.once('close', close);
  look();
  if (child.exitCode !== null && child.stderr?.readableEnded === true) close();
  try {
    return await promise;
  } finally {
    child.stderr?.off('data', look);
    child.off('close', close);
  }
}

async function firstOutput(
  child: ChildProcess,
  text: RegExp,
  {
    output,
    name,
  }: { readonly output: Readonly<Record<string, string>>; readonly name: 'stdout' | 'stderr' },
): Promise<string> {
  const ended = once(child, 'close');
  while (!text.test(output[name] ?? '')) {
    const stream = child[name];
    const more = stream === null ? ended : once(stream, 'data');
    if ((await Promise.race([more.then(() => true), ended.then(() => false)])) === false)
      throw new Error(`the process ended before it wrote so:\n${output.stdout}${output.stderr}`);
  }
  return output[name] ?? '';
}

const parsed = new Map<string, LogLine | undefined>();

/** Whole lines only; the same text is the same object. */
function logLines(text: string): readonly LogLine[] {
  return text
    .split('\n')
    .slice(0, -1)
    .flatMap((line, i) => {
      const key = `${i} ${line}`;
      if (!parsed.has(key)) parsed.set(key, logLine(line));
      return parsed.get(key) ?? [];
    });
}

function logLine(line: string): LogLine | undefined {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return undefined;
  }
}
