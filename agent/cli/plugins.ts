import { fileURLToPath } from 'node:url';
import { loadMappings } from '../../pipelines/engine/load-mappings.ts';
import type { Mapping } from '../../pipelines/normalize/mapping.ts';
import { MAPPINGS } from '../../pipelines/normalize/mappings/index.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import type { Schema, Setting } from '../../pipelines/plugin/settings.ts';
import { isSetting } from '../../pipelines/plugin/settings.ts';
import { mappingGroups } from '../../plugins/processors/normalize/mapping-groups.ts';
import { configure } from '../configure.ts';
import { type Catalogue, createCatalogue, type Listed } from '../load-plugin.ts';
import { someValues } from './some-values.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** Lists the plugins and mappings there are, or the settings of one. */
export async function plugins(type: string | undefined, options: Options): Promise<void> {
  const { catalogue, mappings } = await known(options.config);
  const all: readonly Entry[] = [
    ...(await catalogue.list()).map(entryOf),
    ...MAPPINGS.map((mapping) => mappingEntry(mapping)),
    ...mappings.map(({ mapping, url }) => mappingEntry(mapping, url)),
  ];
  const listed = type === undefined ? all : all.filter((entry) => entry.type === type);
  if (listed.length === 0)
    throw new Misconfigured(`there is no plugin "${type}"`, {
      hint: `there are: ${[...new Set(all.map((entry) => entry.type))].join(', ')}`,
    });
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(listed.map(plain), null, 2)}\n`);
  else process.stdout.write(type === undefined ? table(listed) : listed.map(details).join('\n'));
}

/** What is listed: a plugin, or a mapping, which is of no stability and has all its settings under the processor `normalize`. */
interface Entry {
  readonly kind: string;
  readonly type: string;
  readonly stability?: string;
  readonly summary: string;
  readonly settings: readonly [string, Setting][];
  /** Of a plugin or mapping that is not built in. */
  readonly from?: string | undefined;
}

interface Known {
  readonly catalogue: Catalogue;
  readonly mappings: readonly { readonly mapping: Mapping; readonly url: string }[];
}

async function known(config: string | undefined): Promise<Known> {
  if (config === undefined) return { catalogue: createCatalogue(), mappings: [] };
  const { catalogue, configuration } = await configure(config, process.env);
  const loaded = await loadMappings(configuration.mappings);
  return {
    catalogue,
    mappings: loaded.map((mapping, i) => ({ mapping, url: configuration.mappings[i]?.url ?? '' })),
  };
}

function entryOf({ plugin, package: from }: Listed): Entry {
  const { kind, type, stability, summary, config } = plugin;
  return { kind, type, stability, summary, settings: settingsOf(config), from };
}

function mappingEntry(mapping: Mapping, url?: string): Entry {
  const { name, summary } = mapping;
  const groups = mappingGroups([mapping])[name] ?? {};
  return {
    kind: 'mapping',
    type: name,
    summary,
    settings: isSetting(groups) ? [] : settingsOf(groups),
    from: url === undefined ? undefined : fileURLToPath(url),
  };
}

function plain({ from, settings, ...entry }: Entry): Readonly<Record<string, unknown>> {
  return {
    ...entry,
    package: from ?? 'focusd',
    settings: settings.map(([name, { doc, format, default: standard, values }]) => ({
      name,
      format,
      doc,
      ...(standard === undefined ? { required: true } : { default: standard }),
      ...(values === undefined ? {} : { values }),
    })),
  };
}

function table(listed: readonly Entry[]): string {
  const width = Math.max(...listed.map(({ type }) => type.length));
  const lines = listed.map(
    ({ kind, type, stability = '', summary, from }) =>
      `${kind.padEnd(10)} ${type.padEnd(width)}  ${stability.padEnd(6)}  ${summary}${from === undefined ? '' : `  (${from})`}`,
  );
  return `${lines.join('\n')}\n\nfocusd plugins TYPE shows the settings of one.\n`;
}

function details({ kind, type, stability, summary, settings, from }: Entry): string {
  const lines = settings.map(
    ([name, setting]) => `  ${name} (${describe(setting)})\n      ${setting.doc}\n`,
  );
  const title = [`${kind} ${type}`, ...(stability === undefined ? [] : [stability])].join(', ');
  const where = kind === 'mapping' && lines.length > 0 ? IN_NORMALIZE(type) : '';
  return `${title}${from === undefined ? '' : `, from ${from}`}\n${summary}\n\n${where}${lines.join('')}`;
}

const IN_NORMALIZE = (mapping: string): string =>
  `In the processor normalize under ${mapping}:, or focusd convert --set ${mapping}.SETTING=VALUE\n\n`;

function describe({ format, values, default: standard }: Setting): string {
  const type = values === undefined ? format : someValues(values, ' | ');
  if (standard === undefined) return `${type}, required`;
  return standard === null ? `${type}, optional` : `${type}, default ${JSON.stringify(standard)}`;
}

function settingsOf(schema: Schema, prefix = ''): [string, Setting][] {
  return Object.entries(schema).flatMap(([name, entry]): [string, Setting][] =>
    isSetting(entry) ? [[`${prefix}${name}`, entry]] : settingsOf(entry, `${prefix}${name}.`),
  );
}
