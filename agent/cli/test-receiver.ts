import type { Probe, Receiver } from '../../pipelines/plugin/contract.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { configure } from '../configure.ts';
import { inThrowAwayWorld } from './throw-away-world.ts';

interface Options {
  readonly config: string;
  readonly json?: boolean;
}

/**
 * Connects to the source of a receiver and shows what it sees and would read; no charge is read, nothing is stored. Throws what stands in the
 * way, with what to do about it. Exit code 1 when something stands in the way of some bills only.
 */
export async function testReceiver(id: string, options: Options): Promise<void> {
  const { configuration, catalogue } = await configure(options.config, process.env);
  const component = configuration.receivers.find((receiver) => receiver.id === id);
  if (component === undefined)
    throw new Misconfigured(`${configuration.file} has no receiver ${id} that a pipeline uses`, {
      hint: `there are: ${configuration.receivers.map((receiver) => receiver.id).join(', ')}`,
    });
  const plugin = (await catalogue.load('receiver', component.type)) as unknown as Receiver;
  const { probe: look } = plugin;
  if (look === undefined)
    throw new Misconfigured(`the receiver ${component.type} cannot be tested without reading`, {
      hint: 'focusd run --once --dry-run reads everything and sends nothing',
    });
  const probe = await inThrowAwayWorld(component, configuration, (context) =>
    look.call(plugin, context),
  );
  process.stdout.write(options.json === true ? `${JSON.stringify(probe)}\n` : text(id, probe));
  if (probe.problems.length > 0) process.exitCode = 1;
}

function text(id: string, { source, bills, problems }: Probe): string {
  const width = Math.max(0, ...bills.map(({ scope }) => scope.length));
  const lines = bills.map(
    ({ scope, revision, files, bytes }) =>
      `  ${scope.padEnd(width)}  ${files} ${files === 1 ? 'file' : 'files'}, ${bytes.toLocaleString('en-US')} bytes, revision ${revision.slice(0, 40)}`,
  );
  const count = `${bills.length} ${bills.length === 1 ? 'bill' : 'bills'} would be read${bills.length > 0 ? ':' : '.'}`;
  const warnings = problems.map((problem) => `  ! ${problem}`);
  return `${[`${id} sees ${source}`, count, ...lines, ...warnings].join('\n')}\n`;
}
