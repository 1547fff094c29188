import { existsSync, readdirSync } from 'node:fs';
import type { Plugin, PluginKind } from '../../pipelines/plugin/index.ts';

/** The repository. */
export const ROOT = new URL('../../', import.meta.url);

/** The folder of each kind below `plugins/`. */
export const KIND_FOLDERS = {
  receiver: 'receivers',
  processor: 'processors',
  exporter: 'exporters',
  extension: 'extensions',
} as const satisfies Record<PluginKind, string>;

/** A built-in plugin as it lies on disk. */
export interface PluginFolder {
  readonly kind: PluginKind;
  /** Name of the folder. */
  readonly type: string;
  /** From the repository: `plugins/receivers/files`. */
  readonly path: string;
}

/** Every folder with a plugin in it, by kind and name. */
export function pluginFolders(): readonly PluginFolder[] {
  return (Object.keys(KIND_FOLDERS) as PluginKind[]).flatMap((kind) => {
    const parent = `plugins/${KIND_FOLDERS[kind]}`;
    const url = new URL(`${parent}/`, ROOT);
    const types = existsSync(url) ? readdirSync(url).toSorted() : [];
    return types
      .filter((type) => existsSync(new URL(`${type}/index.ts`, url)))
      .map((type) => ({ kind, type, path: `${parent}/${type}` }));
  });
}

/** The plugin in a folder. */
export async function loadFolder({ path }: PluginFolder): Promise<Plugin> {
  const module = (await import(new URL(`${path}/index.ts`, ROOT).href)) as {
    readonly default: Plugin;
  };
  return module.default;
}
