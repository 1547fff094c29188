/** What an agent loads before it knows what it is configured to do. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { spawnFocusd } from '../helpers/focusd-process.ts';

/** Files of a CommonJS package that are loaded with a module of ours. */
function loadedWith(module: string, name: string): number {
  const url = JSON.stringify(new URL(`../../${module}`, import.meta.url));
  const script = `
    import { createRequire } from 'node:module';
    await import(${url});
    const files = Object.keys(createRequire(${url}).cache);
    console.log(files.filter((file) => file.includes('/node_modules/${name}/')).length);`;
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = ['--input-type=module', '-e', script];
  return Number(execFileSync(process.execPath, args, { env, encoding: 'utf8' }));
}

t.test('the client of PostgreSQL is loaded only where it is used', async (t) => {
  t.ok(loadedWith('agent/state/postgres/open-shared.ts', 'pg') > 0, 'where it is, it is seen');
  t.equal(loadedWith('agent/agent.ts', 'pg'), 0);
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
