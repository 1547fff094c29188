/**
 * Around `npm pack`: `prepare` builds dist/ and takes out of package.json what only a checkout needs (Node itself, scripts of development);
 * `restore` puts package.json back. An interrupted pack leaves package.json.checkout behind: `node .ci/package.mjs restore` mends it.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';

const KEPT = 'package.json.checkout';

if (process.argv[2] === 'restore') {
  if (existsSync(KEPT)) renameSync(KEPT, 'package.json');
} else {
  rmSync('dist', { recursive: true, force: true });
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
  chmodSync('dist/agent/main.js', 0o755);
  copyFileSync('package.json', KEPT);
  const { scripts, devDependencies, optionalDependencies, allowScripts, ...rest } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync('package.json', `${JSON.stringify({ ...rest, engines: { node: '>=22.19' } }, null, 2)}\n`);
}
