import { pathToFileURL } from 'node:url';
import { hashOf, loadMappings } from '../pipelines/engine/load-mappings.ts';
import type { Mapping } from '../pipelines/normalize/mapping.ts';
import { MAPPINGS } from '../pipelines/normalize/mappings/index.ts';
import type { MappingModule } from '../pipelines/plugin/mappings.ts';

/** A mapping of a package, loaded in this thread too: its settings are checked here. */
export interface LoadedMapping {
  readonly module: MappingModule;
  readonly mapping: Mapping;
}

/** Loads the module as a worker will. Throws an `Error` that says what is wrong with it. */
export async function loadedMapping(name: string, url: unknown): Promise<LoadedMapping> {
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(name) || name === 'auto')
    throw new Error('its name is not made of small letters, digits and dashes');
  if (MAPPINGS.some((known) => known.name === name))
    throw new Error('it has the name of a built-in one');
  const href = moduleHref(url);
  if (href === undefined) throw new Error('its module is not named by a file: URL');
  const module = { name, url: href, sha256: await hashOf(href) };
  const [mapping] = await loadMappings([module]);
  if (mapping === undefined) throw new Error('it cannot be loaded');
  return { module, mapping };
}

function moduleHref(url: unknown): string | undefined {
  if (url instanceof URL) return url.protocol === 'file:' ? url.href : undefined;
  if (typeof url !== 'string') return undefined;
  return url.startsWith('file:') ? url : url.startsWith('/') ? pathToFileURL(url).href : undefined;
}
