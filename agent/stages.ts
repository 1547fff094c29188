import type { Component, Configuration, Pipeline } from '../config/validate.ts';
import type { StageSettings } from '../pipelines/engine/deliver.ts';
import type { MappingModule } from '../pipelines/plugin/mappings.ts';
import { named } from './fingerprints.ts';

/** Groups of totals per task and delivery; beyond, they fold into overflow and keep the money. */
const MAX_GROUPS = 200_000;

/** Settings of a pipeline's stages; those of a pipeline without processors when it is no longer configured. */
export function pipelineSettings(
  configuration: Configuration,
  pipeline: Pipeline | undefined,
  version: string,
): StageSettings {
  const processors = (pipeline?.processors ?? []).map((id) => named(configuration.processors, id));
  const of = (type: string): Component | undefined =>
    processors.find((component) => component.type === type);
  return stageSettings({
    normalize: of('normalize')?.settings,
    attribute: of('attribute')?.settings,
    mappings: configuration.mappings,
    resource: configuration.telemetry.resource,
    version,
  });
}

/** Without the processor `attribute` nobody owns anything. */
const NO_OWNER: StageSettings['attribute'] = { tags: [], accounts: {}, fallback: '' };

/** Settings of the stages from those of the processors. */
export function stageSettings(of: {
  readonly normalize?: Readonly<Record<string, unknown>> | undefined;
  readonly attribute?: Readonly<Record<string, unknown>> | undefined;
  /** Mappings of packages. */
  readonly mappings?: readonly MappingModule[];
  readonly resource?: Readonly<Record<string, string>>;
  readonly version: string;
}): StageSettings {
  const { check = true, ...mappings } = of.normalize ?? {};
  return {
    mappingSettings: mappings as StageSettings['mappingSettings'],
    ...(of.mappings !== undefined && of.mappings.length > 0 && { mappings: of.mappings }),
    attribute: (of.attribute ?? NO_OWNER) as unknown as StageSettings['attribute'],
    check: check === true,
    resource: { 'service.name': 'focusd', 'service.version': of.version, ...of.resource },
    maxGroups: MAX_GROUPS,
    scopeVersion: of.version,
  };
}
