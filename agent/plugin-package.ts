import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { KINDS } from '../config/components.ts';
import { FORMATS, isSetting, type Schema } from '../config/formats.ts';
import { CONTRACT, type Plugin } from '../pipelines/plugin/contract.ts';
import { errorMessage } from '../pipelines/plugin/errors.ts';
import type { MappingPackage } from '../pipelines/plugin/mappings.ts';
import type { LoadedMapping } from './package-mapping.ts';

/** Why a package cannot be used, and what the operator can do. */
export class PackageProblem extends Error {
  override readonly name = 'PackageProblem';
  readonly hint: string;
  constructor(message: string, hint: string, options?: ErrorOptions) {
    super(message, options);
    this.hint = hint;
  }
}

/** What a package brings. */
export interface Loaded {
  readonly plugins: readonly Plugin[];
  readonly mappings: readonly LoadedMapping[];
}

/** The plugins and mappings of an npm package, or of a module when `name` is a path. Looked for from the folder, then from where the agent was started, then beside the agent. */
export async function loadPackage(name: string, folder: string): Promise<Loaded> {
  const entry = findEntry(name, folder);
  const exported = await importDefault(entry, name);
  const all: readonly unknown[] = Array.isArray(exported) ? exported : [exported];
  if (all.length === 0)
    throw new PackageProblem('its default export is an empty list', 'ask its author for a release');
  const plugins = all.filter((one) => !isMappings(one));
  for (const plugin of plugins) checkPlugin(plugin);
  return { plugins: plugins as readonly Plugin[], mappings: await packageMappings(all) };
}

function isMappings(exported: unknown): exported is MappingPackage {
  return (exported as Partial<MappingPackage> | null | undefined)?.kind === 'mappings';
}

async function packageMappings(exported: readonly unknown[]): Promise<readonly LoadedMapping[]> {
  const found: LoadedMapping[] = [];
  for (const { contract, mappings } of exported.filter(isMappings)) {
    if (contract !== CONTRACT) throw wrongContract(contract);
    for (const [name, url] of Object.entries(mappings)) found.push(await packageMapping(name, url));
  }
  return found;
}

async function packageMapping(name: string, url: unknown): Promise<LoadedMapping> {
  try {
    // With all built-in mappings, which the main thread needs for nothing else.
    const { loadedMapping } = await import('./package-mapping.ts');
    return await loadedMapping(name, url);
  } catch (cause) {
    const [message] = errorMessage(cause).split('\n', 1);
    const hint = /package 'focusd'/.test(message ?? '')
      ? 'it needs focusd beside it: npm install focusd'
      : 'ask its author for a release made with defineMapping of focusd/mapping';
    throw new PackageProblem(`its mapping ${name} cannot be used: ${message}`, hint, { cause });
  }
}

async function importDefault(entry: string, name: string): Promise<unknown> {
  try {
    const module = (await import(pathToFileURL(entry).href)) as { readonly default?: unknown };
    return module.default;
  } catch (cause) {
    const [message] = errorMessage(cause).split('\n', 1);
    const hint = /package 'focusd'/.test(message ?? '')
      ? `it needs focusd beside it: npm install focusd ${name}`
      : 'install it again, or report this to its author';
    throw new PackageProblem(`it cannot be loaded: ${message}`, hint, { cause });
  }
}

function findEntry(name: string, folder: string): string {
  if (name.startsWith('.') || isAbsolute(name)) return moduleAt(resolve(folder, name));
  const here = dirname(fileURLToPath(import.meta.url));
  for (const start of [folder, process.cwd(), here])
    for (const parent of parents(start)) {
      const found = join(parent, 'node_modules', name);
      if (isFile(join(found, 'package.json'))) return entryOf(found);
    }
  throw new PackageProblem(
    `it is not installed (looked from ${folder})`,
    `run npm install ${name} in the folder of the configuration`,
  );
}

function moduleAt(path: string): string {
  if (isFile(path)) return path;
  if (isFile(join(path, 'package.json'))) return entryOf(path);
  throw new PackageProblem(
    `there is no module ${path}`,
    'a path counts from the folder of the configuration',
  );
}

function entryOf(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    readonly exports?: unknown;
    readonly main?: unknown;
  };
  const entry = exported(manifest.exports) ?? manifest.main ?? 'index.js';
  const path = join(folder, String(entry));
  if (isFile(path)) return path;
  throw new PackageProblem(
    `its entry ${String(entry)} is not there`,
    'install it again, or report this to its author',
  );
}

/** The module that `exports` of a package.json gives for an import of the package itself. */
function exported(exports: unknown): unknown {
  if (typeof exports === 'string' || exports === undefined) return exports;
  if (Array.isArray(exports)) return exports.map(exported).find((entry) => entry !== undefined);
  if (typeof exports !== 'object' || exports === null) return undefined;
  if ('.' in exports) return exported(exports['.']);
  const conditions = new Set(['node', 'import', 'module-sync', 'default']);
  for (const [condition, entry] of Object.entries(exports))
    if (conditions.has(condition)) return exported(entry);
  return undefined;
}

function* parents(start: string): Generator<string> {
  for (let folder = start; ; folder = dirname(folder)) {
    yield folder;
    if (folder === dirname(folder)) return;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

const CALLS = { receiver: 'receive', exporter: 'open', extension: 'open' } as const;

function checkPlugin(plugin: unknown): void {
  const broken = (what: string): PackageProblem =>
    new PackageProblem(
      what,
      'ask its author for a release made with defineReceiver, defineExporter, …',
    );
  if (typeof plugin !== 'object' || plugin === null)
    throw broken('its default export is neither a plugin nor a list of them');
  const { kind, type, contract, config, ...rest } = plugin as Readonly<Record<string, unknown>>;
  if (contract !== CONTRACT) throw wrongContract(contract);
  const known = KINDS.find((candidate) => candidate === kind);
  if (known === undefined) throw broken(`it has a plugin of the unknown kind ${String(kind)}`);
  if (typeof type !== 'string' || !/^[a-z0-9][a-z0-9_.-]*$/.test(type))
    throw broken(`it has a ${known} without a proper type: ${String(type)}`);
  if (typeof config !== 'object' || config === null)
    throw broken(`its ${known} ${type} declares no settings (config)`);
  const fault = schemaFault(config as Schema);
  if (fault !== undefined) throw broken(`the settings of its ${known} ${type} are wrong: ${fault}`);
  if (known !== 'processor' && typeof rest[CALLS[known]] !== 'function')
    throw broken(`its ${known} ${type} has no ${CALLS[known]}()`);
}

function wrongContract(contract: unknown): PackageProblem {
  if (typeof contract !== 'number')
    return new PackageProblem(
      'its default export is not made by defineReceiver, defineExporter, defineExtension or defineProcessor',
      'name a focusd plugin, or ask its author for a release',
    );
  return new PackageProblem(
    `it was made for version ${contract} of the plugin contract; this focusd has version ${CONTRACT}`,
    contract > CONTRACT ? 'update focusd' : 'update the package, or ask its author for a release',
  );
}

/** What is wrong with a declaration of settings. */
function schemaFault(schema: Schema, group = ''): string | undefined {
  for (const [name, entry] of Object.entries(schema)) {
    const path = group === '' ? name : `${group}.${name}`;
    if (typeof entry !== 'object' || entry === null) return `${path} is no setting`;
    if (name.includes('.') || name === '') return `${path} has a dot in its name`;
    if (!isSetting(entry)) {
      const fault = schemaFault(entry, path);
      if (fault !== undefined) return fault;
    } else if (!Object.hasOwn(FORMATS, entry.format))
      return `${path} has the unknown format ${entry.format}`;
    else if (entry.format === 'choice' && (entry.values ?? []).length === 0)
      return `${path} is a choice without values`;
  }
  return undefined;
}
