/** What an agent loads before it knows what it is configured to do, and what it keeps of its start. */
import { execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FRUGAL } from '../../agent/frugal-malloc.ts';
import { giveBackMemory } from '../../agent/give-back-memory.ts';
import { tooOld } from '../../agent/node-version.ts';
import { spawnFocusd } from '../helpers/focusd-process.ts';

/** What a script of its own process prints, as JSON. */
function printed(script: string): unknown {
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = ['--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
}

function urlOf(module: string): string {
  return JSON.stringify(new URL(`../../${module}`, import.meta.url));
}

/** Files in a folder of that name that are loaded with a module of ours. */
function loadedWith(module: string, folder: string): number {
  const loaded = printed(`
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${urlOf(module)});
    console.log(JSON.stringify(loaded));`);
  return (loaded as readonly string[]).filter((url) => url.includes(`/${folder}/`)).length;
}

t.test('a Node that is too old is told so, not shown a syntax error', async (t) => {
  for (const version of ['18.20.8', '20.20.2', '22.18.9'])
    t.match(tooOld(version), `needs Node.js 22.19 or newer; this is ${version}`);
  for (const version of ['22.19.0', '22.100.0', '24.1.0', process.versions.node])
    t.equal(tooOld(version), undefined, version);
  t.equal(loadedWith('agent/node-version.ts', 'agent'), 1, 'which imports nothing');
});

t.test('what not every agent needs is loaded only where it is used', async (t) => {
  const used = {
    'node_modules/pg': 'agent/state/postgres/open-shared.ts',
    'node_modules/@grpc/grpc-js': 'node_modules/@grpc/grpc-js/build/src/index.js',
    'node_modules/undici': 'node_modules/undici/index.js',
    'pipelines/normalize/mappings': 'agent/package-mapping.ts',
  };
  for (const [folder, module] of Object.entries(used)) {
    t.ok(loadedWith(module, folder) > 0, `${folder}: where it is, it is seen`);
    t.equal(loadedWith('agent/cli/run.ts', folder), 0, `${folder}: not by every agent`);
  }
});

t.test('an import of http does not load the HTTP client inside Node', async (t) => {
  const clients = (first: string): unknown =>
    printed(`
      import { leanHttp } from ${urlOf('agent/lean-http.ts')};
      ${first}
      const { createServer } = await import('node:http');
      createServer();
      console.log(process.moduleLoadList.filter((name) => name.endsWith('/undici')).length);`);
  t.equal(clients(''), 1, 'it would');
  t.equal(clients('leanHttp();'), 0);
});

t.test('what nobody uses any more is given back', async (t) => {
  const MIB = 2 ** 20;
  let kept: number[][] = Array.from({ length: 64 }, () => Array<number>(MIB / 8).fill(0.5));
  t.equal(kept.length, 64);
  const before = process.memoryUsage().heapTotal;
  t.ok(before > 64 * MIB);
  kept = [];
  giveBackMemory();
  t.ok(process.memoryUsage().heapTotal < before - 48 * MIB, 'at once');
  t.notOk('gc' in globalThis, 'and nobody else can');
});

const ON_LINUX = process.platform === 'linux' ? {} : { skip: 'glibc is on Linux only' };

t.test('malloc is told to give freed buffers back, in the same process', ON_LINUX, async (t) => {
  const names = Object.keys(FRUGAL);
  const others = Object.entries(process.env).filter(([name]) => !names.includes(name));
  const env = { ...Object.fromEntries(others), NODE_OPTIONS: '' };
  const folder = t.testdir({
    'main.mjs': `
      import { useFrugalMalloc } from ${urlOf('agent/frugal-malloc.ts')};
      useFrugalMalloc(process.env);
      const { pid, argv, execArgv, env } = process;
      const settings = ${JSON.stringify(names)}.filter((name) => name in env);
      const told = { pid, argv: argv.slice(2), execArgv, env: settings.map((name) => [name, env[name]]) };
      if (process.send) process.send(told);
      else console.log(JSON.stringify(told));`,
  });
  const main = join(folder, 'main.mjs');
  const told = async (more: NodeJS.ProcessEnv = {}): Promise<object> => {
    const args = ['--no-warnings', main, 'run', '-c', 'a b'];
    const child = spawn(process.execPath, args, { env: { ...env, ...more } });
    const out = await child.stdout.setEncoding('utf8').toArray();
    const { pid, env: settings, ...rest } = JSON.parse(out.join(''));
    t.same(rest, { argv: args.slice(2), execArgv: args.slice(0, 1) });
    t.equal(pid, child.pid);
    return Object.fromEntries(settings);
  };
  t.same(await told(), FRUGAL);
  const own = { MALLOC_ARENA_MAX: '4' };
  t.same(await told(own), own, 'not where the operator did');
  const child = fork(main, [], { env, execArgv: [] });
  const [{ env: settings }] = await once(child, 'message');
  t.same(settings, [], 'not where a parent would be cut off');
});

t.test('an agent that runs is told so, other commands are not', ON_LINUX, async (t) => {
  for (const name of Object.keys(FRUGAL)) delete process.env[name];
  const says = 'process.stdout.write(String(process.env.MALLOC_ARENA_MAX) + " ")';
  const node = ['--import', `data:text/javascript,${says}`];
  const { stdout: ran } = await spawnFocusd(['run', '-c', 'nowhere.yaml'], { node }).ended;
  t.equal(ran, `undefined ${FRUGAL.MALLOC_ARENA_MAX} `);
  const { stdout: listed } = await spawnFocusd(['plugins'], { node }).ended;
  t.match(listed, /^undefined \w/);
});

t.test('compiled code is kept in the cache of the user, where there can be one', async (t) => {
  const cache = t.testdir({});
  const { code } = await spawnFocusd(['plugins'], { env: { XDG_CACHE_HOME: cache } }).ended;
  t.equal(code, 0);
  t.ok(readdirSync(join(cache, 'focusd', 'compiled'), { recursive: true }).length > 10);
  const nowhere = { XDG_CACHE_HOME: '/dev/null' };
  const without = await spawnFocusd(['plugins'], { env: nowhere }).ended;
  t.match(without, { code: 0, stderr: '' });
});

t.test('the young generation stays small, in the main thread and in others', async (t) => {
  const sizes = printed(`
    import { once } from 'node:events';
    import { setImmediate } from 'node:timers/promises';
    import { Worker } from 'node:worker_threads';
    import { boundYoungGeneration, youngBytes } from ${urlOf('agent/young-generation.ts')};
    const busy = async () => {
      let kept = [];
      for (let i = 1; i <= 4_000_000; i++) {
        kept.push({ i });
        if (i % 200_000 === 0) kept = [];
        if (i % 20_000 === 0) await setImmediate();
      }
    };
    boundYoungGeneration();
    await busy();
    const worker = new Worker(
      \`const { parentPort } = require('node:worker_threads');
       const { setImmediate } = require('node:timers/promises');
       const { getHeapSpaceStatistics } = require('node:v8');
       (\${busy})().then(() => parentPort.postMessage(
         getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size));\`,
      { eval: true, execArgv: [] },
    );
    const [ofWorker] = await once(worker, 'message');
    console.log(JSON.stringify([youngBytes(), ofWorker]));`) as readonly number[];
  t.equal(sizes.length, 2);
  for (const bytes of sizes) t.ok(bytes > 0 && bytes <= 16 * 2 ** 20, `${bytes} bytes`);
});
