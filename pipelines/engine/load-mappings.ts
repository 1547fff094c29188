/** Mappings of packages, loaded by the URL of their modules in the thread that needs them. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Mapping } from '../normalize/mapping.ts';
import { mappingFault } from '../normalize/mapping-fault.ts';
import { Unavailable } from '../plugin/errors.ts';
import type { MappingModule } from '../plugin/mappings.ts';

/** What was loaded in this thread, by its bytes: the same module gives the same table. */
const loaded = new Map<string, Promise<Mapping>>();

/** The mappings, once per thread and version of their modules. Throws an `Error` that says which module cannot be used. */
export async function loadMappings(
  modules: readonly MappingModule[] = [],
): Promise<readonly Mapping[]> {
  return await Promise.all(
    modules.map((module) => {
      const key = `${module.url} ${module.sha256}`;
      let mapping = loaded.get(key);
      if (mapping === undefined) {
        mapping = load(module);
        mapping.catch(() => loaded.delete(key));
        loaded.set(key, mapping);
      }
      return mapping;
    }),
  );
}

/** A version of its own for each content: a thread that has the module of before loads the new one beside it. */
async function load({ name, url, sha256 }: MappingModule): Promise<Mapping> {
  if ((await hashOf(url)) !== sha256) throw new Error(changedText(name));
  const { default: exported } = (await import(`${url}?sha256=${sha256}`)) as {
    readonly default?: unknown;
  };
  const fault = mappingFault(exported, name);
  if (fault !== undefined) throw new Error(`the mapping ${name} cannot be used: ${fault}`);
  return exported as Mapping;
}

/** Throws `Unavailable` when a module is not what it was when the configuration was read: its charges would differ from thread to thread. */
export async function unchangedMappings(modules: readonly MappingModule[] = []): Promise<void> {
  for (const { name, url, sha256 } of modules)
    if ((await hashOf(url).catch(() => undefined)) !== sha256)
      throw new Unavailable(changedText(name));
}

function changedText(name: string): string {
  return `the module of the mapping ${name} is not what it was when the configuration was read; reload the agent (SIGHUP)`;
}

/** SHA-256 of a module's bytes, hexadecimal. */
export async function hashOf(url: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(new URL(url)))
    .digest('hex');
}
