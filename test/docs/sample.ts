import { stringify } from 'yaml';
import { FORMATS, isSetting, type Schema, type Setting } from '../../config/formats.ts';
import { AGENT } from '../../config/schema.ts';
import type { Plugin, PluginKind } from '../../pipelines/plugin/index.ts';
import { KIND_FOLDERS } from './plugin-folders.ts';
import { writtenDefault } from './settings-table.ts';

const WIDTH = 100;

const HEAD = `# Every setting of every plugin, with its default. Written by \`npm run docs\`.
# A real configuration states only what differs: see the other examples beside this file.
# \${env:NAME}, \${env:NAME:-default} and \${file:PATH} stand for a variable or the content of a file.
`;

/** What stands for a setting that has no default. */
const PLACEHOLDERS: Readonly<Partial<Record<Setting['format'], unknown>>> = {
  path: './data',
  paths: ['./data'],
  url: 'http://localhost:4318',
  list: ['example'],
  flag: false,
  bytes: '1MiB',
  duration: '1m',
};

/** The sample configuration: every setting with its default and what it is for. */
export function sampleConfiguration(plugins: readonly Plugin[]): string {
  const { service, ...own } = AGENT;
  const types = (kind: PluginKind): readonly string[] =>
    plugins
      .filter((plugin) => plugin.kind === kind)
      .toSorted((a, b) => stageOf(a) - stageOf(b))
      .map(({ type }) => type);
  const sections = (Object.keys(KIND_FOLDERS) as PluginKind[]).map((kind) =>
    section(
      KIND_FOLDERS[kind],
      plugins.filter((plugin) => plugin.kind === kind),
    ),
  );
  const pipeline = [
    '# Ways from receivers to exporters, by name.',
    'pipelines:',
    '  costs:',
    `    receivers: [${types('receiver').join(', ')}]`,
    `    processors: [${types('processor').join(', ')}]`,
    `    exporters: [${types('exporter').join(', ')}]`,
  ];
  const { extensions, ...rest } = service;
  const services = [
    ...comment(extensions.doc),
    `extensions: [${types('extension').join(', ')}]`,
    ...pipeline,
    ...group(rest),
  ];
  return [HEAD, ...sections, ['service:', ...indented(services)].join('\n'), '', ...group(own)]
    .join('\n')
    .concat('\n');
}

/** Processors stand in the order of their stages. */
function stageOf(plugin: Plugin): number {
  return 'stage' in plugin ? ['normalize', 'attribute'].indexOf(plugin.stage) : 0;
}

function section(name: string, plugins: readonly Plugin[]): string {
  const lines = plugins.flatMap(({ type, summary, stability, config }) => {
    const settings = group(config);
    const empty = !settings.some((line) => !line.startsWith('#'));
    return [
      ...comment(`${summary} (${stability})`),
      `${type}:${empty ? ' {}' : ''}`,
      ...indented(settings),
    ];
  });
  return `${[`${name}:${lines.length === 0 ? ' {}' : ''}`, ...indented(lines)].join('\n')}\n`;
}

function group(schema: Schema): readonly string[] {
  return Object.entries(schema).flatMap(([name, entry]) => {
    if (isSetting(entry)) return setting(name, entry);
    const inner = group(entry);
    const empty = !inner.some((line) => !/^\s*#/.test(line));
    return [`${name}:${empty ? ' {}' : ''}`, ...indented(inner)];
  });
}

function setting(name: string, entry: Setting): readonly string[] {
  const doc = comment(`${entry.doc}${allowed(entry)}`);
  if (entry.default === null) return [...doc, `# ${name}:`];
  if (entry.default !== undefined) return [...doc, ...valueLines(name, defaultValue(entry))];
  const value = PLACEHOLDERS[entry.format] ?? entry.values?.[0] ?? entry.min ?? 'example';
  return [...comment(`Required. ${entry.doc}${allowed(entry)}`), ...valueLines(name, value)];
}

function allowed({ values = [] }: Setting): string {
  return values.length > 0 && values.length <= 12 ? ` One of: ${values.join(', ')}.` : '';
}

function defaultValue(entry: Setting): unknown {
  const { default: value, format } = entry;
  return typeof value === 'number' && FORMATS[format].write !== undefined
    ? writtenDefault(entry)
    : value;
}

function valueLines(name: string, value: unknown): readonly string[] {
  const text = stringify({ [name]: value }, { lineWidth: 0, collectionStyle: 'any' });
  return text.trimEnd().split('\n');
}

function comment(text: string): readonly string[] {
  const lines: string[] = [];
  let line = '#';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > WIDTH - 10 && line !== '#') {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => (line === '' ? '' : `  ${line}`));
}
