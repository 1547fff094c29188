import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { cached, type Program, unavailable } from './cache.ts';
import { attempt, run } from './npm.ts';

const VERSION = '0.28.20';
const INSTALL = `npm install --ignore-scripts --omit=dev --no-audit --no-fund assemblyscript@${VERSION}`;
const ENTRY = 'node_modules/assemblyscript/bin/asc.js';
const OPTIONS = [
  ...['-O3', '--noAssert', '--runtime', 'stub', '--importMemory'],
  ...['--use', 'abort=', '--enable', 'simd'],
];

/** The AssemblyScript compiler from npm. It is no dependency of the project: with binaryen it takes 100 MB. */
export function assemblyScript(): Promise<Program> {
  return cached({ name: 'asc', version: VERSION, source: INSTALL, build: install });
}

async function install(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const installed = await attempt(INSTALL, { cwd: folder });
  if ('skip' in installed) throw unavailable(installed.skip);
  await writeFile(join(folder, 'asc'), `#!/bin/sh\nexec node "$(dirname "$0")/${ENTRY}" "$@"\n`);
}

/** The module beside the folder `assembly` that holds a source: `x/assembly/records.ts` → `x/records-wasm.ts`. */
export function moduleOf(source: string): string {
  return join(dirname(dirname(source)), `${basename(source, '.ts')}-wasm.ts`);
}

/** The text of that module: the compiled source in base64. A line `// asc: OPTION …` in the source adds options. `output`: a file that may be written over. */
export async function compiled(asc: string, source: string, output: string): Promise<string> {
  const compiler = join(dirname(asc), ENTRY);
  const cwd = dirname(dirname(source));
  const from = relative(cwd, source);
  const more = /^\/\/ asc: (.+)$/m.exec(await readFile(source, 'utf8'))?.[1]?.split(' ') ?? [];
  const options = ['-o', resolve(output), ...OPTIONS, ...more];
  const ended = await run([process.execPath, compiler, from, ...options], { cwd });
  if (ended.code !== 0) throw new Error(`asc ${source}:\n${ended.stdout}\n${ended.stderr}`);
  const bytes = await readFile(output);
  const name = `${basename(source, '.ts').toUpperCase().replaceAll('-', '_')}_WASM`;
  return `/** \`${from}\`, compiled by AssemblyScript ${VERSION}: \`npm run kernels\` writes it. */
export const ${name} =
  '${bytes.toString('base64')}';
`;
}
