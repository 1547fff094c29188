import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { maskedYaml } from '../config/show.ts';
import type { Component, Configuration } from '../config/validate.ts';

/** What each part of the agent depends on, as text: equal text, nothing to restart. */
export interface Fingerprints {
  readonly exporters: ReadonlyMap<string, string>;
  readonly extensions: ReadonlyMap<string, string>;
  /** By `runKey`. */
  readonly runs: ReadonlyMap<string, string>;
}

/** Fingerprints of everything that a configuration wants to run. */
export function fingerprints(
  configuration: Configuration,
  options: { readonly withoutExporters: boolean },
): Fingerprints {
  const exporters = exporterPrints(configuration, options);
  const { extensions } = configuration;
  return {
    exporters,
    extensions: new Map(extensions.map(({ id, settings }) => [id, JSON.stringify(settings)])),
    runs: runPrints(configuration, exporters),
  };
}

function exporterPrints(
  { pipelines, exporters }: Configuration,
  { withoutExporters }: { readonly withoutExporters: boolean },
): ReadonlyMap<string, string> {
  if (withoutExporters) return new Map();
  const used = new Set(pipelines.flatMap((pipeline) => pipeline.exporters));
  return new Map(
    [...used].map((id) => {
      const users = pipelines.filter((pipeline) => pipeline.exporters.includes(id));
      const settings = named(exporters, id).settings;
      return [id, JSON.stringify([settings, users.map(({ name }) => name)])];
    }),
  );
}

function runPrints(
  { pipelines, receivers, processors, telemetry, mappings }: Configuration,
  exporters: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const prints = pipelines.flatMap((pipeline) =>
    pipeline.receivers.map((receiver): [string, string] => {
      const depends = [
        named(receivers, receiver).settings,
        pipeline.processors.map((id) => [id, named(processors, id).settings]),
        pipeline.exporters.map((id) => [id, exporters.get(id)]),
        telemetry.resource,
        mappings,
      ];
      return [runKey({ pipeline: pipeline.name, receiver }), JSON.stringify(depends)];
    }),
  );
  return new Map(prints);
}

/** SHA-256 of the configuration as `focusd validate --print` shows it: secrets are not in it. */
export function configurationHash(configuration: Configuration): string {
  return createHash('sha256').update(maskedYaml(configuration)).digest('hex');
}

/** Name of one receiver's way through one pipeline. */
export function runKey({
  pipeline,
  receiver,
}: {
  readonly pipeline: string;
  readonly receiver: string;
}): string {
  return `${pipeline}: ${receiver}`;
}

/** The component of that id; the configuration was checked, it is there. */
export function named(components: readonly Component[], id: string): Component {
  const component = components.find((candidate) => candidate.id === id);
  if (component === undefined) throw new Error(`no component ${id}`);
  return component;
}

/** Settings that differ, but that a running agent cannot go over to: they are used from its next start on. */
export function needRestart(before: Configuration, after: Configuration): readonly string[] {
  const fixed = ({
    storage,
    workers,
    telemetry,
  }: Configuration): Readonly<Record<string, unknown>> => ({
    storage,
    workers,
    'service.telemetry.metrics': telemetry.metrics,
    'service.telemetry.logs.encoding': telemetry.logs.encoding,
  });
  const then = fixed(before);
  return Object.entries(fixed(after))
    .filter(([name, value]) => !isDeepStrictEqual(value, then[name]))
    .map(([name]) => name);
}

/** Exporters that a pipeline did not have before. */
export function addedExporters(
  before: Configuration,
  after: Configuration,
): readonly { readonly pipeline: string; readonly exporter: string }[] {
  return after.pipelines.flatMap(({ name, exporters }) => {
    const had = before.pipelines.find((pipeline) => pipeline.name === name)?.exporters;
    if (had === undefined) return [];
    return exporters
      .filter((exporter) => !had.includes(exporter))
      .map((exporter) => ({ pipeline: name, exporter }));
  });
}
