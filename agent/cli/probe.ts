import { writeFile } from 'node:fs/promises';
import type { BackendProbe, Exporter } from '../../pipelines/plugin/contract.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { configure } from '../configure.ts';
import { createMask } from '../mask.ts';
import { safeText } from './terminal.ts';
import { inThrowAwayWorld } from './throw-away-world.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
  readonly output?: string;
}

/** Sends throw-away records to the backend of an exporter and shows what it took, with the settings that keep to it. No charge is sent. */
export async function probe(id: string, options: Options): Promise<void> {
  const { configuration, catalogue } = await configure(options.config, process.env);
  const component = configuration.exporters.find((exporter) => exporter.id === id);
  if (component === undefined)
    throw new Misconfigured(`${configuration.file} has no exporter ${id} that a pipeline uses`, {
      hint: `there are: ${configuration.exporters.map((exporter) => exporter.id).join(', ')}`,
    });
  const plugin = (await catalogue.load('exporter', component.type)) as unknown as Exporter;
  const { probe: look } = plugin;
  if (look === undefined)
    throw new Misconfigured(`the exporter ${component.type} has no backend to probe`, {
      hint: 'focusd run --once --dry-run shows what it would be given',
    });
  const found = await inThrowAwayWorld(component, configuration, (context) =>
    look.call(plugin, context),
  );
  const mask = createMask(configuration.secrets);
  const json = mask(`${JSON.stringify(found, null, 2)}\n`);
  if (options.output !== undefined) await writeFile(options.output, json);
  process.stdout.write(options.json === true ? json : mask(text(id, found)));
}

function text(id: string, { backend, findings, settings }: BackendProbe): string {
  const taken = findings.filter((finding) => finding.taken).length;
  const lines = findings.map(({ what, taken: isTaken, reason = '' }) =>
    safeText(isTaken ? `  taken    ${what}` : `  refused  ${what}: ${reason}`),
  );
  const settingLines = Object.entries(settings).map(([path, value]) => `  ${path}: ${value}`);
  return `${[
    `${id} at ${backend}: ${taken} of ${findings.length} taken (some backends drop silently what they say they took)`,
    ...lines,
    ...(settingLines.length === 0 ? [] : ['Settings that keep to it:', ...settingLines]),
  ].join('\n')}\n`;
}
