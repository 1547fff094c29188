import { type ComponentKind, KINDS, type KnownPlugins, namedTypes } from '../config/components.ts';
import type { Problem } from '../config/problems.ts';
import type { RawConfiguration } from '../config/read.ts';
import { nodeAt } from '../config/tree.ts';
import type { Plugin } from '../pipelines/plugin/contract.ts';
import { Misconfigured } from '../pipelines/plugin/errors.ts';
import { mappingGroups } from '../plugins/processors/normalize/mapping-groups.ts';
import { CATALOGUE } from './catalogue.ts';
import type { LoadedMapping } from './package-mapping.ts';
import { loadPackage, PackageProblem } from './plugin-package.ts';

/** A plugin and where it comes from. */
export interface Listed {
  readonly plugin: Plugin;
  /** Name of its package; absent: built in. */
  readonly package?: string;
}

/** The plugins there are: those built in and those of the packages that a configuration names. Each is loaded when it is first needed. */
export interface Catalogue {
  /** Loads what a configuration names, its packages included; answers what it can be checked against. */
  prepare(raw: RawConfiguration): Promise<KnownPlugins>;
  /** A plugin that is loaded already. */
  find(kind: ComponentKind, type: string): Plugin | undefined;
  /** A plugin, loaded now if need be; `Misconfigured` when there is none. */
  load(kind: ComponentKind, type: string): Promise<Plugin>;
  /** Every plugin, loaded, by kind and type. */
  list(): Promise<readonly Listed[]>;
}

/** A catalogue that knows the built-in plugins. */
export function createCatalogue(): Catalogue {
  const loaded = new Map<string, Listed>();

  const load = async (kind: ComponentKind, type: string): Promise<Plugin | undefined> => {
    const known = loaded.get(key(kind, type));
    if (known !== undefined) return known.plugin;
    const plugin = await builtIn(kind, type);
    if (plugin !== undefined) loaded.set(key(kind, type), { plugin });
    return plugin;
  };

  return {
    async prepare(raw) {
      const { found, mappings, problems } = await loadPackages(raw, loaded);
      const named = namedTypes(raw.root);
      await Promise.all(KINDS.flatMap((kind) => [...named[kind]].map((type) => load(kind, type))));
      return {
        find: (kind, type) =>
          found.get(key(kind, type)) ??
          (isBuiltIn(kind, type)
            ? withMappings(loaded.get(key(kind, type))?.plugin, mappings)
            : undefined),
        mappings: mappings.map(({ module }) => module),
        types: (kind) => [
          ...Object.keys(CATALOGUE[kind]),
          ...[...found.values()].filter((plugin) => plugin.kind === kind).map(({ type }) => type),
        ],
        problems,
      };
    },
    find: (kind, type) => loaded.get(key(kind, type))?.plugin,
    async load(kind, type) {
      const plugin = await load(kind, type);
      if (plugin !== undefined) return plugin;
      throw new Misconfigured(`there is no ${kind} of the type ${type}`, {
        hint: `known: ${Object.keys(CATALOGUE[kind]).join(', ')}`,
      });
    },
    async list() {
      for (const kind of KINDS)
        await Promise.all(Object.keys(CATALOGUE[kind]).map((type) => load(kind, type)));
      return [...loaded.values()].toSorted(
        (a, b) =>
          KINDS.indexOf(a.plugin.kind) - KINDS.indexOf(b.plugin.kind) ||
          a.plugin.type.localeCompare(b.plugin.type),
      );
    },
  };
}

function key(kind: ComponentKind, type: string): string {
  return `${kind} ${type}`;
}

function isBuiltIn(kind: ComponentKind, type: string): boolean {
  return Object.hasOwn(CATALOGUE[kind], type);
}

async function builtIn(kind: ComponentKind, type: string): Promise<Plugin | undefined> {
  if (!isBuiltIn(kind, type)) return undefined;
  const modules: Readonly<Record<string, () => Promise<{ readonly default: unknown }>>> =
    CATALOGUE[kind];
  return (await modules[type]?.())?.default as Plugin | undefined;
}

/** Loads the packages under `plugins:` into `loaded`; answers their plugins and what is wrong with them. */
async function loadPackages(
  raw: RawConfiguration,
  loaded: Map<string, Listed>,
): Promise<{
  readonly found: ReadonlyMap<string, Plugin>;
  readonly mappings: readonly LoadedMapping[];
  readonly problems: readonly Problem[];
}> {
  const problems: Problem[] = [];
  const mappings: LoadedMapping[] = [];
  const found = new Map<string, Plugin>();
  const owners = new Map<string, string>();
  for (const [path, name] of packageNames(raw)) {
    try {
      const brought = await loadPackage(name, raw.folder);
      for (const mapping of brought.mappings) {
        refuseTwin(mapping, mappings);
        mappings.push(mapping);
      }
      for (const plugin of brought.plugins) {
        const id = key(plugin.kind, plugin.type);
        refuseCollision(plugin, owners.get(id));
        owners.set(id, name);
        found.set(id, plugin);
        loaded.set(id, { plugin, package: name });
      }
    } catch (error) {
      if (!(error instanceof PackageProblem)) throw error;
      problems.push({ path, problem: `names ${name}: ${error.message}`, hint: error.hint });
    }
  }
  return { found, mappings, problems };
}

function packageNames({ root }: RawConfiguration): readonly (readonly [string, string])[] {
  const node = nodeAt(root, 'plugins');
  const items = node?.kind === 'list' ? node.items : [node];
  return items.flatMap((item, i) => {
    if (item?.kind !== 'scalar' || item.value === null) return [];
    return [[node?.kind === 'list' ? `plugins[${i}]` : 'plugins', item.text] as const];
  });
}

function refuseTwin({ module }: LoadedMapping, others: readonly LoadedMapping[]): void {
  if (others.some((other) => other.module.name === module.name))
    throw new PackageProblem(
      `its mapping ${module.name} is in another package too`,
      'remove one of the two packages from plugins',
    );
}

/** The processor `normalize` has a group of settings for each mapping that leaves a choice. */
function withMappings(
  plugin: Plugin | undefined,
  mappings: readonly LoadedMapping[],
): Plugin | undefined {
  if (plugin?.kind !== 'processor' || plugin.type !== 'normalize') return plugin;
  const groups = mappingGroups(mappings.map(({ mapping }) => mapping));
  return { ...plugin, config: { ...plugin.config, ...groups } };
}

function refuseCollision({ kind, type }: Plugin, owner: string | undefined): void {
  if (isBuiltIn(kind, type))
    throw new PackageProblem(
      `its ${kind} ${type} has the name of a built-in one`,
      'ask its author to rename it; a built-in plugin cannot be replaced',
    );
  if (owner !== undefined)
    throw new PackageProblem(
      `its ${kind} ${type} is in ${owner} too`,
      'remove one of the two packages from plugins',
    );
}
