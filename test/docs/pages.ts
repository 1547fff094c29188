import { existsSync, readFileSync } from 'node:fs';
import { OWN_METRICS } from '../../agent/own-metrics.ts';
import type { Schema } from '../../config/formats.ts';
import { AGENT } from '../../config/schema.ts';
import type { Plugin, PluginKind } from '../../pipelines/plugin/index.ts';
import { alertsTable } from './alerts-table.ts';
import { metricsTable } from './metrics-table.ts';
import {
  KIND_FOLDERS,
  loadFolder,
  type PluginFolder,
  pluginFolders,
  ROOT,
} from './plugin-folders.ts';
import { sampleConfiguration } from './sample.ts';
import { settingsTable } from './settings-table.ts';

/** A file that is derived from the code, whole or in part. */
export interface Page {
  /** From the repository. */
  readonly path: string;
  /** As it should be. */
  readonly text: string;
  /** It is not as it should be. */
  readonly stale: boolean;
}

/** Everything that `npm run docs` writes. */
export async function pages(): Promise<readonly Page[]> {
  const folders = pluginFolders();
  const plugins: Plugin[] = [];
  for (const folder of folders) plugins.push(await loadFolder(folder));
  return [
    page('agent/catalogue.ts', catalogue(folders)),
    page('config/examples/all-settings.yaml', sampleConfiguration(plugins)),
    readme('config/README.md', '# config', AGENT),
    pageWith('agent/README.md', {
      title: '# agent',
      part: 'metrics',
      table: metricsTable(OWN_METRICS),
    }),
    pageWith('docker/README.md', {
      title: '# docker',
      part: 'alerts',
      table: alertsTable(current('docker/prometheus/alerts.yaml') ?? ''),
    }),
    ...folders.map(({ path, type }, i) =>
      readme(`${path}/README.md`, `# ${type}\n\n${plugins[i]?.summary}`, plugins[i]?.config ?? {}),
    ),
  ];
}

function page(path: string, text: string): Page {
  return { path, text, stale: current(path) !== text };
}

function current(path: string): string | undefined {
  const url = new URL(path, ROOT);
  return existsSync(url) ? readFileSync(url, 'utf8') : undefined;
}

/** A README with its settings table. */
function readme(path: string, title: string, schema: Schema): Page {
  return pageWith(path, { title, part: 'settings', table: settingsTable(schema) });
}

/** A README with a table between marks; one that has no place for the table gets it at its end. */
function pageWith(
  path: string,
  { title, part, table }: { readonly title: string; readonly part: string; readonly table: string },
): Page {
  const [opening, closing] = [`<!-- ${part} -->`, `<!-- /${part} -->`];
  const marked = `${opening}\n${table}\n${closing}`;
  const text = current(path) ?? `${title}\n`;
  const start = text.indexOf(opening);
  const end = text.indexOf(closing);
  if (start === -1 || end < start) return page(path, `${text.trimEnd()}\n\n${marked}\n`);
  return page(path, `${text.slice(0, start)}${marked}${text.slice(end + closing.length)}`);
}

function catalogue(folders: readonly PluginFolder[]): string {
  const kinds = (Object.keys(KIND_FOLDERS) as PluginKind[]).map((kind) => {
    const entries = folders
      .filter((folder) => folder.kind === kind)
      .map(({ type, path }) => `    ${key(type)}: () => import('../${path}/index.ts'),`);
    return entries.length === 0
      ? `  ${kind}: {},`
      : [`  ${kind}: {`, ...entries, '  },'].join('\n');
  });
  return `/** Every built-in plugin by kind and type. Written by \`npm run docs\` from the folders below plugins/. */
export const CATALOGUE = {
${kinds.join('\n')}
} as const;
`;
}

function key(type: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(type) ? type : `'${type}'`;
}
