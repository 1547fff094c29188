/** The WebAssembly in the sources is what the AssemblyScript beside it compiles to. `npm run kernels` writes it. */
import { glob, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { assemblyScript, compiled, moduleOf } from './programs/assemblyscript.ts';

const ROOT = join(import.meta.dirname, '../..');

t.test('every kernel is compiled from its source', async (t) => {
  const sources: string[] = [];
  for await (const source of glob('pipelines/**/assembly/*.ts', { cwd: ROOT }))
    sources.push(source);
  t.ok(sources.length > 0, 'there are kernels');
  const program = await assemblyScript();
  if ('skip' in program) return t.plan(0, program.skip);
  for (const source of sources.sort()) {
    const text = await compiled(program.path, join(ROOT, source), join(t.testdir(), 'out.wasm'));
    const path = moduleOf(join(ROOT, source));
    if (process.env.FOCUSD_GOLDEN === 'write') await writeFile(path, text);
    t.equal(await readFile(path, 'utf8'), text, `${source} (npm run kernels)`);
  }
  return undefined;
});
