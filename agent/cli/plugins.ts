import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import type { Schema, Setting } from '../../pipelines/plugin/settings.ts';
import { isSetting } from '../../pipelines/plugin/settings.ts';
import { configure } from '../configure.ts';
import { createCatalogue, type Listed } from '../load-plugin.ts';

interface Options {
  readonly config?: string;
  readonly json?: boolean;
}

/** Lists the plugins there are, or the settings of one. */
export async function plugins(type: string | undefined, options: Options): Promise<void> {
  const catalogue =
    options.config === undefined
      ? createCatalogue()
      : (await configure(options.config, process.env)).catalogue;
  const all = await catalogue.list();
  const listed = type === undefined ? all : all.filter(({ plugin }) => plugin.type === type);
  if (listed.length === 0)
    throw new Misconfigured(`there is no plugin "${type}"`, {
      hint: `there are: ${all.map(({ plugin }) => plugin.type).join(', ')}`,
    });
  if (options.json === true)
    process.stdout.write(`${JSON.stringify(listed.map(plain), null, 2)}\n`);
  else process.stdout.write(type === undefined ? table(listed) : listed.map(details).join('\n'));
}

function plain({ plugin, package: from }: Listed): Readonly<Record<string, unknown>> {
  const { kind, type, stability, summary, config } = plugin;
  return {
    kind,
    type,
    stability,
    summary,
    package: from ?? 'focusd',
    settings: settingsOf(config).map(([name, { doc, format, default: standard, values }]) => ({
      name,
      format,
      doc,
      ...(standard === undefined ? { required: true } : { default: standard }),
      ...(values === undefined ? {} : { values }),
    })),
  };
}

function table(listed: readonly Listed[]): string {
  const width = Math.max(...listed.map(({ plugin }) => plugin.type.length));
  const lines = listed.map(
    ({ plugin, package: from }) =>
      `${plugin.kind.padEnd(10)} ${plugin.type.padEnd(width)}  ${plugin.stability.padEnd(6)}  ${plugin.summary}${from === undefined ? '' : `  (${from})`}`,
  );
  return `${lines.join('\n')}\n\nfocusd plugins TYPE shows the settings of one.\n`;
}

function details({ plugin, package: from }: Listed): string {
  const lines = settingsOf(plugin.config).map(
    ([name, setting]) => `  ${name} (${describe(setting)})\n      ${setting.doc}\n`,
  );
  return `${plugin.kind} ${plugin.type}, ${plugin.stability}${from === undefined ? '' : `, from ${from}`}\n${plugin.summary}\n\n${lines.join('')}`;
}

function describe({ format, values, default: standard }: Setting): string {
  const type = values === undefined ? format : values.join(' | ');
  if (standard === undefined) return `${type}, required`;
  return standard === null ? `${type}, optional` : `${type}, default ${JSON.stringify(standard)}`;
}

function settingsOf(schema: Schema, prefix = ''): [string, Setting][] {
  return Object.entries(schema).flatMap(([name, entry]): [string, Setting][] =>
    isSetting(entry) ? [[`${prefix}${name}`, entry]] : settingsOf(entry, `${prefix}${name}.`),
  );
}
