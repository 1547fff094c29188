import { maskedYaml } from '../../config/show.ts';
import { configure } from '../configure.ts';

interface Options {
  readonly config: string;
  readonly print?: boolean;
}

/** Checks a configuration and its plugins; the error that is thrown lists every problem. */
export async function validate(options: Options): Promise<void> {
  const { configuration } = await configure(options.config, process.env);
  for (const { path, problem, hint } of configuration.warnings)
    process.stderr.write(`warning: ${path} ${problem}${hint === undefined ? '' : ` (${hint})`}\n`);
  if (options.print === true) {
    process.stdout.write(maskedYaml(configuration));
    return;
  }
  const parts = [
    count(configuration.pipelines.length, 'pipeline'),
    count(configuration.receivers.length, 'receiver'),
    count(configuration.exporters.length, 'exporter'),
  ];
  process.stdout.write(`${configuration.file} is good: ${parts.join(', ')}.\n`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
