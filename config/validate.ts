import { availableParallelism } from 'node:os';
import {
  type Component,
  type ComponentKind,
  type Components,
  checkComponents,
  KINDS,
  type KnownMapping,
  type KnownPlugins,
  SECTIONS,
} from './components.ts';
import { checkPipelines, type Pipeline, references } from './pipelines.ts';
import { Misconfigured, type Problem } from './problems.ts';
import type { RawConfiguration } from './read.ts';
import { AGENT, type AgentSettings, BESIDE } from './schema.ts';
import { checkSettings } from './settings.ts';
import { isEmpty, type Node, nodeAt } from './tree.ts';

export type { Component, ComponentKind } from './components.ts';
export type { Pipeline } from './pipelines.ts';

/** A checked configuration, frozen. Components that nothing uses are left out and warned of. */
export interface Configuration {
  readonly file: string;
  readonly folder: string;
  readonly receivers: readonly Component[];
  readonly processors: readonly Component[];
  readonly exporters: readonly Component[];
  /** Those that `service.extensions` names, in its order. */
  readonly extensions: readonly Component[];
  readonly pipelines: readonly Pipeline[];
  readonly plugins: readonly string[];
  /** Mappings that they bring. */
  readonly mappings: readonly KnownMapping[];
  readonly storage: AgentSettings['storage'];
  readonly periods: AgentSettings['periods'];
  /** Threads that turn parts into charges. */
  readonly workers: number;
  readonly telemetry: AgentSettings['service']['telemetry'];
  /** The agent's own settings as an operator would write them, secrets masked. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** Every text that is masked where the configuration is shown, unused components included. */
  readonly secrets: readonly string[];
  readonly warnings: readonly Problem[];
}

/** Most workers unless the operator says otherwise. */
const ENOUGH_WORKERS = 4;

/** Checks a configuration against the plugins there are. Throws one `Misconfigured` that lists every problem. */
export function validateConfiguration(raw: RawConfiguration, plugins: KnownPlugins): Configuration {
  const problems: Problem[] = [...raw.problems];
  const report = (problem: Problem): void => void problems.push(problem);
  for (const problem of plugins.problems ?? []) report(withLine(problem, raw.root));
  if (isEmpty(raw.root)) {
    const hint = 'it needs receivers, exporters and service.pipelines; look at config/examples';
    throw new Misconfigured(raw.file, [{ path: '', problem: 'is empty', hint }]);
  }
  const { root, folder } = raw;
  const own = checkSettings({
    schema: AGENT,
    node: root,
    path: '',
    folder,
    elsewhere: BESIDE,
    report,
  });
  if (root.kind !== 'map') throw new Misconfigured(raw.file, problems);
  const components = checkComponents({ root, folder, plugins, report });
  const pipelines = checkPipelines({ root, components, plugins, report });
  const extensions = references(
    { components, report },
    'extension',
    nodeAt(root, 'service', 'extensions'),
    'service.extensions',
  ).ids;
  if (problems.length > 0) throw new Misconfigured(raw.file, problems);
  const mappings = Object.freeze([...(plugins.mappings ?? [])]);
  return assemble({ raw, own, components, pipelines, extensions, mappings });
}

interface Checked {
  readonly raw: RawConfiguration;
  readonly own: ReturnType<typeof checkSettings>;
  readonly components: Components;
  readonly pipelines: readonly Pipeline[];
  readonly extensions: readonly string[];
  readonly mappings: readonly KnownMapping[];
}

function assemble({
  raw,
  own,
  components,
  pipelines,
  extensions,
  mappings,
}: Checked): Configuration {
  const settings = own.settings as AgentSettings;
  const used: Readonly<Record<ComponentKind, readonly string[]>> = {
    receiver: distinct(pipelines.flatMap(({ receivers }) => receivers)),
    processor: distinct(pipelines.flatMap(({ processors }) => processors)),
    exporter: distinct(pipelines.flatMap(({ exporters }) => exporters)),
    extension: extensions,
  };
  const pick = (kind: ComponentKind): readonly Component[] =>
    Object.freeze(used[kind].map((id) => components[kind].get(id)).filter(isComponent));
  return Object.freeze({
    file: raw.file,
    folder: raw.folder,
    receivers: pick('receiver'),
    processors: pick('processor'),
    exporters: pick('exporter'),
    extensions: pick('extension'),
    pipelines: Object.freeze([...pipelines]),
    plugins: settings.plugins,
    mappings,
    storage: settings.storage,
    periods: settings.periods,
    workers: settings.workers ?? Math.min(availableParallelism(), ENOUGH_WORKERS),
    telemetry: settings.service.telemetry,
    shown: own.shown,
    secrets: Object.freeze(distinct([...own.secrets, ...allSecrets(components)])),
    warnings: Object.freeze([
      ...unused(components, used),
      ...KINDS.flatMap((kind) => pick(kind).flatMap(({ advice }) => advice)),
    ]),
  });
}

function allSecrets(components: Components): readonly string[] {
  return KINDS.flatMap((kind) =>
    [...components[kind].values()].filter(isComponent).flatMap(({ secrets }) => secrets),
  );
}

function distinct(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)];
}

function isComponent(component: Component | 'broken' | undefined): component is Component {
  return component !== undefined && component !== 'broken';
}

function unused(
  components: Components,
  used: Readonly<Record<ComponentKind, readonly string[]>>,
): Problem[] {
  return KINDS.flatMap((kind) =>
    [...components[kind].values()]
      .filter(isComponent)
      .filter(({ id }) => !used[kind].includes(id))
      .map(({ id, line }) => ({
        path: `${SECTIONS[kind]}.${id}`,
        problem: 'is configured but not used: it is not started',
        hint:
          kind === 'extension'
            ? 'name it under service.extensions, or remove it'
            : 'name it in a pipeline, or remove it',
        line,
      })),
  );
}

/** Problems with plugins know no lines: that of the path is looked up. */
function withLine(problem: Problem, root: Node): Problem {
  const [name = '', index] = problem.path.split(/[[\]]/);
  const node = nodeAt(root, ...name.split('.'));
  const item = node?.kind === 'list' && index !== undefined ? node.items[Number(index)] : node;
  return item === undefined ? problem : { ...problem, line: item.line };
}
