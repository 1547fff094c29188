/**
 * Runs the tests: `node test/run.ts [--interop] [file…]`. Prints a line per file, the whole story of those that failed, why something was
 * skipped, and last `N passed, N failed, N skipped`.
 */
import { spawn } from 'node:child_process';
import { globSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const arguments_ = process.argv.slice(2);
const interop = arguments_.includes('--interop');
const named = arguments_.filter((argument) => !argument.startsWith('--'));

const tap = createRequire(import.meta.url)
  .resolve('tap/package.json')
  .replace(/package\.json$/, 'dist/esm/run.mjs');
if (needsBuild()) {
  rmSync('.tap/plugins', { recursive: true, force: true });
  await ended(spawn(process.execPath, [tap, 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }));
}
// Builds that a slow machine cannot end in time are left out with a reason; what is built is kept for the next run.
process.env.FOCUSD_BUILD_UNTIL ??= String(
  Date.now() + Number(process.env.FOCUSD_BUILD_MINUTES ?? 10) * 60_000,
);
// Named tests build what they need by themselves.
if (interop && named.length === 0)
  await ended(spawn(process.execPath, ['test/interop/programs/install.ts'], { stdio: 'inherit' }));
const files =
  named.length > 0 ? named : interop ? globSync('test/interop/**/*.test.ts').toSorted() : [];
const slow = interop ? ['--jobs=1', '--timeout=1200'] : [];
// tap would remove a test's folder before its teardowns, under agents that still run there.
process.env.TAP_SAVE_FIXTURE = '1';
const child = spawn(process.execPath, [tap, 'run', '--reporter=tap', ...slow, ...files], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
const counts = await follow(child.stdout);
const code = await ended(child);
if (counts === undefined) process.stdout.write('no test was run\n');
else
  process.stdout.write(
    `${counts.pass} passed, ${counts.fail} failed${counts.skip === 0 ? '' : `, ${counts.skip} skipped`}\n`,
  );
process.exitCode =
  code === 0 && counts !== undefined && counts.pass > 0 && counts.fail === 0 ? 0 : 1;

/** tap's build is part of the installed packages: a new installation needs a new one. */
function needsBuild(): boolean {
  const built = statSync('.tap/plugins', { throwIfNoEntry: false })?.mtimeMs;
  const installed = statSync('node_modules/.package-lock.json', { throwIfNoEntry: false })?.mtimeMs;
  return built === undefined || (installed ?? 0) > built;
}

interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
}

/** Passes on what a person wants to see of TAP; answers the final counts. */
async function follow(output: NodeJS.ReadableStream): Promise<Counts | undefined> {
  let story: string[] = [];
  let counts: Counts | undefined;
  for await (const line of createInterface({ input: output })) {
    const total = /^# \{ total: (\d+).*\}$/.exec(line);
    if (total !== null) counts = countsOf(line);
    if (/^\s+(not )?ok .*# (SKIP|TODO)/.test(line)) process.stdout.write(`${line.trim()}\n`);
    if (/^not ok/.test(line)) process.stdout.write(`${story.join('\n')}\n${line}\n`);
    else if (/^ok/.test(line)) process.stdout.write(`${line}\n`);
    const [, file] = /^(?:not )?ok \d+ - (\S+)/.exec(line) ?? [];
    if (file !== undefined) removeFolders(file);
    if (/^(not )?ok/.test(line)) story = [];
    else story.push(line);
  }
  return counts;
}

/** What the tests of a file have written. */
function removeFolders(file: string): void {
  for (const folder of globSync(`.tap/fixtures/${file.replaceAll('/', '-')}*`))
    try {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // Something has outlived its test; the next run removes what is there.
    }
}

function countsOf(line: string): Counts {
  const number = (name: string): number =>
    Number(new RegExp(`${name}: (\\d+)`).exec(line)?.[1] ?? 0);
  return { pass: number('pass'), fail: number('fail'), skip: number('skip') + number('todo') };
}

function ended(process_: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    process_.on('error', reject);
    process_.on('close', (exitCode) => resolve(exitCode ?? 1));
  });
}
