import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { leash } from './leash.ts';

/** How a server is started. */
export interface Start {
  readonly path: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Who it runs as; absent: who runs the tests. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** What the server writes once it serves, or how to find out. */
  readonly ready: RegExp | (() => Promise<boolean>);
  /** How long it may take; on a busy machine the first start of a large program is slow. */
  readonly within?: number;
}

/** What a process has cost so far. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

/** A server that runs; it never outlives this process. */
export interface Running {
  readonly pid: number;
  /** All it has written to its standard output and error so far. */
  logs(): string;
  /** Processor time and peak memory of the living process; undefined where there is no /proc. */
  usage(): Usage | undefined;
  /** Stops it and waits until it is gone; SIGKILL for a crash. */
  stop(signal?: 'SIGTERM' | 'SIGKILL' | 'SIGQUIT'): Promise<void>;
}

/** Starts a server and answers once it says that it serves. */
export async function start(how: Start): Promise<Running> {
  const child = spawn(how.path, how.args, {
    cwd: how.cwd,
    env: { ...process.env, ...how.env },
    ...how.user,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  leash(child);
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const output = await served(child, how);
  return {
    pid: child.pid ?? 0,
    logs: output,
    usage: () => usageOf(child.pid ?? 0),
    stop: (signal = 'SIGTERM') => stop(child, gone, signal),
  };
}

/** Waits for the ready line; answers how to read the output, or throws with what was written. */
function served(child: ChildProcess, how: Start): Promise<() => string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`${how.path} ${why}:\n${output.slice(-4000)}`));
    };
    const within = how.within ?? 60_000;
    const timer = setTimeout(() => fail(`was not ready after ${within} ms`), within);
    child.once('error', (error) => fail(error.message));
    child.once('close', (code) => fail(`ended with ${code} before it was ready`));
    const { ready } = how;
    const serves = () => {
      clearTimeout(timer);
      resolve(() => output);
    };
    const read = (text: string) => {
      output += text;
      if (ready instanceof RegExp && ready.test(output)) serves();
    };
    child.stdout?.setEncoding('utf8').on('data', read);
    child.stderr?.setEncoding('utf8').on('data', read);
    if (!(ready instanceof RegExp)) whenReady(child, ready).then((is) => is && serves(), fail);
  });
}

/** Asks again and again; false when the child has ended before. */
async function whenReady(child: ChildProcess, ready: () => Promise<boolean>): Promise<boolean> {
  while (child.exitCode === null) {
    if (await ready()) return true;
    await delay(100);
  }
  return false;
}

async function stop(child: ChildProcess, gone: Promise<void>, signal: NodeJS.Signals) {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(timer);
}

/** Linux counts processor time in hundredths of a second on every architecture. */
const TICKS_PER_SECOND = 100;

function usageOf(pid: number): Usage | undefined {
  const stat = procFile(pid, 'stat');
  const peak = /VmHWM:\s+(\d+) kB/.exec(procFile(pid, 'status') ?? '')?.[1];
  if (stat === undefined || peak === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { cpuSeconds: ticks / TICKS_PER_SECOND, peakBytes: Number(peak) * 1024 };
}

function procFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
