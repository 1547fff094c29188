import type { Schema } from './formats.ts';
import { knownNames } from './nearest.ts';
import type { Problem } from './problems.ts';
import { type CheckedSettings, checkSettings } from './settings.ts';
import { below, describeNode, entriesOf, isEmpty, type Node, nodeAt } from './tree.ts';

export type ComponentKind = 'receiver' | 'processor' | 'exporter' | 'extension';

/** The section of each kind. */
export const SECTIONS = {
  receiver: 'receivers',
  processor: 'processors',
  exporter: 'exporters',
  extension: 'extensions',
} as const satisfies Record<ComponentKind, string>;

export const KINDS = Object.keys(SECTIONS) as readonly ComponentKind[];

/** What has to be known of a plugin to check its settings. */
export interface KnownPlugin {
  readonly type: string;
  readonly config: Schema;
  /** Of a processor: the stage that it sets. */
  readonly stage?: string;
  /** What will not work as it is meant although the settings are valid; paths count from the component. */
  advise?(settings: never): readonly Problem[];
}

/** A mapping of a package: its module, as it was when it was looked at. */
export interface KnownMapping {
  readonly name: string;
  readonly url: string;
  readonly sha256: string;
}

/** The plugins that a configuration can name. */
export interface KnownPlugins {
  /** Mappings that packages bring. */
  readonly mappings?: readonly KnownMapping[];
  find(kind: ComponentKind, type: string): KnownPlugin | undefined;
  /** Every type of that kind, found or not. */
  types(kind: ComponentKind): readonly string[];
  /** What went wrong while they were loaded. */
  readonly problems?: readonly Problem[];
}

/** A configured instance of a plugin. */
export interface Component {
  readonly kind: ComponentKind;
  /** `type` or `type/name`. */
  readonly id: string;
  readonly type: string;
  readonly name?: string;
  /** Checked, typed, with defaults, frozen. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** The same as an operator would write them, secrets masked. */
  readonly shown: Readonly<Record<string, unknown>>;
  /** Every text that is masked in it. */
  readonly secrets: readonly string[];
  /** What will not work as it is meant although the settings are valid. */
  readonly advice: readonly Problem[];
  /** Line in the file. */
  readonly line: number;
}

/** Components by kind and id, as far as they could be checked, and what is wrong with the others. */
export type Components = Readonly<Record<ComponentKind, ReadonlyMap<string, Component | 'broken'>>>;

/** What the sections are checked with. */
export interface ComponentsCheck {
  readonly root: Node;
  readonly folder: string;
  readonly plugins: KnownPlugins;
  readonly report: (problem: Problem) => void;
}

const ID = /^([a-z0-9][a-z0-9_.-]*)(?:\/([A-Za-z0-9_][A-Za-z0-9_.-]*))?$/;

/** Checks the sections `receivers`, `processors`, `exporters` and `extensions`. */
export function checkComponents(check: ComponentsCheck): Components {
  const section = (kind: ComponentKind): ReadonlyMap<string, Component | 'broken'> => {
    const node = nodeAt(check.root, SECTIONS[kind]);
    if (node !== undefined && node.kind !== 'map' && !isEmpty(node) && node.kind !== 'broken')
      check.report({
        path: SECTIONS[kind],
        problem: `is ${describeNode(node)}, not a group of components`,
        hint: `write each ${kind} below it, indented, as type: or type/name:`,
        line: node.line,
      });
    return new Map(
      [...entriesOf(node)].map(([id, entry]) => [id, checkComponent(check, kind, id, entry)]),
    );
  };
  return {
    receiver: section('receiver'),
    processor: section('processor'),
    exporter: section('exporter'),
    extension: section('extension'),
  };
}

function checkComponent(
  { folder, plugins, report }: ComponentsCheck,
  kind: ComponentKind,
  id: string,
  node: Node,
): Component | 'broken' {
  const path = `${SECTIONS[kind]}.${id}`;
  const { line } = node;
  const [, type, name] = ID.exec(id) ?? [];
  if (type === undefined) {
    const hint = 'write type or type/name; a name is made of letters, digits, . _ and -';
    report({ path, problem: 'is no name for a component', hint, line });
    return 'broken';
  }
  const plugin = plugins.find(kind, type);
  if (plugin === undefined) {
    report({
      path,
      problem: `is of the type ${type}, and there is no such ${kind}`,
      hint: unknownType(plugins, kind, type),
      line,
    });
    return 'broken';
  }
  const before: Problem[] = [];
  const checked: CheckedSettings = checkSettings({
    schema: plugin.config,
    node,
    path,
    folder,
    report: (problem) => before.push(problem),
  });
  for (const problem of before) report(problem);
  if (before.length > 0 || node.kind === 'broken') return 'broken';
  return Object.freeze({
    kind,
    id,
    type,
    ...(name === undefined ? {} : { name }),
    ...checked,
    advice: (plugin.advise?.(checked.settings as never) ?? []).map((one) => ({
      ...one,
      path: below(path, one.path),
      line: nodeAt(node, ...one.path.split('.'))?.line ?? line,
    })),
    line,
  });
}

function unknownType(plugins: KnownPlugins, kind: ComponentKind, type: string): string {
  const other = KINDS.find((candidate) => plugins.types(candidate).includes(type));
  if (other !== undefined) return `${type} is a type of ${other}: move it to ${SECTIONS[other]}`;
  const known = knownNames(type, plugins.types(kind), `known ${SECTIONS[kind]}`);
  return known.endsWith('?')
    ? known
    : `${known}; for a type from an npm package, name the package under plugins`;
}

/** The types that a configuration names, whether or not they exist. */
export function namedTypes(root: Node): Readonly<Record<ComponentKind, readonly string[]>> {
  const types = (kind: ComponentKind): readonly string[] => [
    ...new Set(
      [...entriesOf(nodeAt(root, SECTIONS[kind])).keys()].map((id) => id.split('/')[0] ?? id),
    ),
  ];
  return {
    receiver: types('receiver'),
    processor: types('processor'),
    exporter: types('exporter'),
    extension: types('extension'),
  };
}
