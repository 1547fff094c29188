import { isDeepStrictEqual } from 'node:util';
import { SECTIONS } from './components.ts';
import type { Configuration } from './validate.ts';

/** What became of one kind of thing, by id. */
export interface Change {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** There before and after, but with other settings. */
  readonly changed: readonly string[];
}

/** How one configuration differs from another. */
export interface Difference {
  readonly receivers: Change;
  readonly processors: Change;
  readonly exporters: Change;
  readonly extensions: Change;
  /** By name; one is changed when its members are, or the settings of one of its processors. */
  readonly pipelines: Change;
  /** The agent's own settings that differ: `workers`, `storage`, `telemetry`, `plugins`. */
  readonly agent: readonly ('workers' | 'storage' | 'telemetry' | 'plugins')[];
  /** Nothing differs. */
  readonly none: boolean;
}

const OWN = ['workers', 'storage', 'telemetry', 'plugins'] as const;

/** What has to be started, stopped or restarted to get from one configuration to the other. */
export function difference(before: Configuration, after: Configuration): Difference {
  const components = (section: (typeof SECTIONS)[keyof typeof SECTIONS]): Change =>
    compare(
      new Map(before[section].map(({ id, settings }) => [id, settings])),
      new Map(after[section].map(({ id, settings }) => [id, settings])),
    );
  const changes = {
    receivers: components(SECTIONS.receiver),
    processors: components(SECTIONS.processor),
    exporters: components(SECTIONS.exporter),
    extensions: components(SECTIONS.extension),
    pipelines: compare(pipelinesOf(before), pipelinesOf(after)),
  };
  const agent = OWN.filter((name) => !isDeepStrictEqual(before[name], after[name]));
  const none =
    agent.length === 0 &&
    Object.values(changes).every(
      ({ added, removed, changed }) => added.length + removed.length + changed.length === 0,
    );
  return { ...changes, agent, none };
}

/** Each pipeline with the settings of its processors, which have no life of their own. */
function pipelinesOf({ pipelines, processors }: Configuration): ReadonlyMap<string, unknown> {
  const settings = new Map(processors.map((processor) => [processor.id, processor.settings]));
  return new Map(
    pipelines.map((pipeline) => [
      pipeline.name,
      { ...pipeline, settings: pipeline.processors.map((id) => settings.get(id)) },
    ]),
  );
}

function compare(
  before: ReadonlyMap<string, unknown>,
  after: ReadonlyMap<string, unknown>,
): Change {
  return {
    added: [...after.keys()].filter((id) => !before.has(id)),
    removed: [...before.keys()].filter((id) => !after.has(id)),
    changed: [...after.keys()].filter(
      (id) => before.has(id) && !isDeepStrictEqual(before.get(id), after.get(id)),
    ),
  };
}
