import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import { NO_TIME, progress, type Recipe, timeToBuild, unavailable } from './cache.ts';
import { leash } from './leash.ts';

/** A command of a Go module, as `go install` builds it. */
export interface GoCommand {
  readonly name: string;
  readonly version: string;
  /** Import path of the command, without a version. */
  readonly package: string;
  /** Version of the module, where it differs from the program's own. */
  readonly module: string;
  readonly flags: readonly string[];
}

/** One run of a build tool. */
export interface Step {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The recipe of a command that `go install` can build by itself. */
export function goRecipe(command: GoCommand): Recipe {
  const args = ['install', ...command.flags, `${command.package}@${command.module}`];
  return {
    name: command.name,
    version: command.version,
    source: JSON.stringify(args),
    build: (folder) => go(args, folder),
  };
}

/** `go` with its results in `folder`; throws `Unavailable` without Go or without the modules. */
export async function go(args: readonly string[], folder: string): Promise<void> {
  await step({ command: 'go', args, cwd: folder, env: { GOBIN: folder, CGO_ENABLED: '0' } });
}

/**
 * Runs a build tool in the background's priority, telling every 20 seconds where it is. Throws `Unavailable` once the time for builds is
 * over.
 */
export async function step({ command, args, cwd, env }: Step): Promise<void> {
  const start = performance.now();
  const left = timeToBuild();
  const child = spawn('nice', ['-n', '10', command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  leash(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = `${output}${text}`.slice(-20_000);
    });
  }
  const heartbeat = setInterval(() => {
    const seconds = Math.round((performance.now() - start) / 1000);
    progress(`${basename(command)}: ${seconds} s, ${lastLine(output)}`);
  }, 20_000);
  let late = false;
  const limit = setTimeout(
    () => {
      late = true;
      child.kill('SIGTERM');
    },
    Math.min(left, LONGEST_TIMER),
  );
  try {
    const code = await exitCode(child);
    if (late) throw unavailable(NO_TIME);
    if (code !== 0) throw failure(`${command} ${args.join(' ')}`, code, output);
  } finally {
    clearInterval(heartbeat);
    clearTimeout(limit);
  }
}

const LONGEST_TIMER = 2 ** 31 - 1;

function exitCode(child: ReturnType<typeof spawn>): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', (cause) => reject(unavailable(`no builds here: ${cause.message}`)));
  });
}

/** What `go` and `nice` say when the machine, not the recipe, is at fault. */
const MACHINE: Readonly<Record<string, RegExp>> = {
  'Go is not installed (no "go" on the PATH)': /nice: .*No such file/,
  'the installed Go is too old': /requires go >= |toolchain not available/,
  'the Go modules cannot be fetched':
    /dial tcp|no such host|i\/o timeout|connection refused|TLS handshake|\b(40[34]|410|50[234]) [A-Z]|module lookup disabled|could not resolve/i,
};

function failure(command: string, code: number | null, output: string): Error {
  const [reason] = Object.entries(MACHINE).find(([, said]) => said.test(output)) ?? [];
  if (reason !== undefined) return unavailable(`${reason}: ${lastLine(output)}`);
  return new Error(`"${command}" ended with ${code}:\n${output.slice(-4000)}`);
}

function lastLine(output: string): string {
  return (output.trim().split('\n').at(-1) ?? '').slice(0, 200) || 'compiling';
}
