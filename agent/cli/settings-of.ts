import { availableParallelism } from 'node:os';
import type { Mapping } from '../../pipelines/normalize/mapping.ts';
import { MAPPINGS } from '../../pipelines/normalize/mappings/index.ts';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { someValues } from './some-values.ts';

/** `--set aws-cur.split_rows=allocate` as settings by mapping; every name and value is checked. */
export function mappingSettings(
  given: readonly string[] = [],
  more: readonly Mapping[] = [],
): Record<string, Record<string, string>> {
  const all = [...MAPPINGS, ...more];
  const settings: Record<string, Record<string, string>> = {};
  for (const text of given) {
    const match = /^([\w-]+)\.(\w+)=(.*)$/.exec(text);
    const [, mapping = '', name = '', value = ''] = match ?? [];
    const known = all.find((candidate) => candidate.name === mapping)?.settings?.[name];
    if (known === undefined)
      throw new Misconfigured(`--set ${text}: there is no such setting`, {
        hint: `known: ${knownSettings(all)}`,
      });
    if (!known.values.includes(value))
      throw new Misconfigured(`--set ${text}: not one of its values`, {
        hint: `values: ${known.values.join(', ')}`,
      });
    settings[mapping] = { ...settings[mapping], [name]: value };
  }
  return settings;
}

function knownSettings(mappings: readonly Mapping[]): string {
  return mappings
    .flatMap(({ name, settings = {} }) =>
      Object.entries(settings).map(
        ([setting, { values }]) => `${name}.${setting}=${someValues(values)}`,
      ),
    )
    .join(', ');
}

/** Number of worker threads: as asked for, or one per core. */
export function workerCount(text: string | undefined): number {
  if (text === undefined) return Math.max(1, availableParallelism());
  const workers = Number(text);
  if (!Number.isInteger(workers) || workers < 1 || workers > 64)
    throw new Misconfigured(`--workers is "${text}"`, { hint: 'give a whole number from 1 to 64' });
  return workers;
}
