/** What an agent loads before it knows what it is configured to do, and what it keeps of its start. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
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
