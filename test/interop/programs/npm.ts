import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { leash } from './leash.ts';

/** How a command has ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command runs; its environment is a clean one: nothing of the npm or the test runner that started this process. */
export interface Where {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** The environment of a person who uses this Node. */
export function cleanEnvironment(
  more: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const inherited = Object.entries(process.env).filter(
    ([name]) =>
      !/^(npm_(?!config_registry)|NODE_(OPTIONS|PATH|ENV|V8)|TAP|_TAP|INIT_CWD|OTLP_|FOCUSD_)/i.test(
        name,
      ),
  );
  const node = dirname(process.execPath);
  const all = { ...Object.fromEntries(inherited), ...more };
  const path = (more.PATH ?? process.env.PATH ?? '').split(delimiter);
  return {
    ...all,
    PATH: [node, ...path.filter((folder) => !folder.includes('node_modules'))].join(delimiter),
  };
}

/** Runs a command of a shell, or a program with its arguments, to its end. */
export async function run(
  command: string | readonly [string, ...string[]],
  where: Where,
): Promise<Ended> {
  const wanted = typeof command === 'string' ? ['sh', '-c', command] : command;
  // The test runner puts its loader into NODE_OPTIONS of whatever is spawned, whatever the environment says.
  const [program, ...args] = ['env', '-u', 'NODE_OPTIONS', ...wanted];
  const env = cleanEnvironment(where.env);
  const child = spawn(program, args, { cwd: where.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  leash(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve);
    child.once('error', reject);
  });
  return { code, stdout, stderr };
}

/** Runs a command that has to succeed; answers why not when the registry cannot be reached, throws when anything else is wrong. */
export async function attempt(
  command: string,
  where: Where,
): Promise<{ readonly skip: string } | Ended> {
  const ended = await run(command, where);
  if (ended.code === 0) return ended;
  if (UNREACHABLE.test(ended.stderr)) return { skip: `${command}: the registry cannot be reached` };
  throw new Error(`${command} ended with ${ended.code}:\n${ended.stdout}\n${ended.stderr}`);
}

const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|ENOTCACHED/;
