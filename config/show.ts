import { stringify } from 'yaml';
import type { Component } from './components.ts';
import type { Configuration } from './validate.ts';

/** The configuration with every default filled in, as YAML; secrets are `****`. */
export function maskedYaml(configuration: Configuration): string {
  const section = (components: readonly Component[]): Readonly<Record<string, unknown>> =>
    Object.fromEntries(components.map(({ id, shown }) => [id, shown]));
  const { service, ...own } = configuration.shown as {
    readonly service?: Readonly<Record<string, unknown>>;
  };
  const pipelines = configuration.pipelines.map(({ name, ...members }) => [name, members]);
  return stringify(
    {
      receivers: section(configuration.receivers),
      processors: section(configuration.processors),
      exporters: section(configuration.exporters),
      extensions: section(configuration.extensions),
      ...own,
      workers: configuration.workers,
      service: { ...service, pipelines: Object.fromEntries(pipelines) },
    },
    { lineWidth: 0 },
  );
}
