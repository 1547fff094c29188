import { type ComponentKind, type Components, type KnownPlugins, SECTIONS } from './components.ts';
import { knownNames, nearest } from './nearest.ts';
import type { Problem } from './problems.ts';
import { describeNode, entriesOf, isEmpty, type Node, nodeAt } from './tree.ts';

/** The way from receivers to exporters; names are ids of components. */
export interface Pipeline {
  readonly name: string;
  readonly receivers: readonly string[];
  readonly processors: readonly string[];
  readonly exporters: readonly string[];
}

/** What the pipelines are checked with. */
export interface PipelinesCheck {
  readonly root: Node;
  readonly components: Components;
  readonly plugins: KnownPlugins;
  readonly report: (problem: Problem) => void;
}

const NONE: readonly string[] = Object.freeze([]);
const MEMBERS = ['receiver', 'processor', 'exporter'] as const;
const EXAMPLE = 'for example costs: { receivers: [files], exporters: [otlp] }';

/** Checks `service.pipelines`: every pipeline has receivers and exporters, and names only what is configured. */
export function checkPipelines(check: PipelinesCheck): readonly Pipeline[] {
  const { root, report } = check;
  const path = 'service.pipelines';
  const node = nodeAt(root, 'service', 'pipelines');
  const line = node?.line ?? nodeAt(root, 'service')?.line;
  const at = line === undefined ? { path } : { path, line };
  if (node?.kind === 'broken') return [];
  if (node !== undefined && !isEmpty(node) && node.kind !== 'map') {
    report({ ...at, problem: `is ${describeNode(node)}, not a group of pipelines`, hint: EXAMPLE });
    return [];
  }
  if (entriesOf(node).size === 0)
    report({ ...at, problem: 'is missing: nothing would run', hint: `add a pipeline, ${EXAMPLE}` });
  return [...entriesOf(node)].map(([name, pipeline]) => checkPipeline(check, name, pipeline));
}

function checkPipeline(check: PipelinesCheck, name: string, node: Node): Pipeline {
  const { report } = check;
  const path = `service.pipelines.${name}`;
  const known: readonly string[] = MEMBERS.map((kind) => SECTIONS[kind]);
  if (!/^[A-Za-z0-9][A-Za-z0-9_./-]*$/.test(name))
    report({
      path,
      problem: 'is no name for a pipeline',
      hint: 'use letters, digits, . _ / and -',
      line: node.line,
    });
  if (node.kind !== 'map' && node.kind !== 'broken')
    report({
      path,
      problem: `is ${describeNode(node)}, not a pipeline`,
      hint: EXAMPLE,
      line: node.line,
    });
  for (const [key, entry] of entriesOf(node))
    if (!known.includes(key))
      report({
        path: `${path}.${key}`,
        problem: 'is not a part of a pipeline',
        hint: knownNames(key, known, 'a pipeline has'),
        line: entry.line,
      });
  const members = (kind: (typeof MEMBERS)[number]): readonly string[] => {
    const found = references(
      check,
      kind,
      nodeAt(node, SECTIONS[kind]),
      `${path}.${SECTIONS[kind]}`,
    );
    if (found.empty && kind !== 'processor' && node.kind === 'map')
      report({
        path,
        problem: `has no ${SECTIONS[kind]}`,
        hint: `add ${SECTIONS[kind]}: [${[...check.components[kind].keys()][0] ?? 'type'}]`,
        line: node.line,
      });
    return found.ids;
  };
  const pipeline = {
    name,
    receivers: members('receiver'),
    processors: members('processor'),
    exporters: members('exporter'),
  };
  oneProcessorPerStage(check, path, pipeline.processors, nodeAt(node, 'processors'));
  return Object.freeze(pipeline);
}

/** The ids that a list names; those that are not configured are reported. */
export function references(
  { components, report }: Pick<PipelinesCheck, 'components' | 'report'>,
  kind: ComponentKind,
  node: Node | undefined,
  path: string,
): { readonly ids: readonly string[]; readonly empty: boolean } {
  if (node === undefined || isEmpty(node)) return { ids: NONE, empty: true };
  const items = node.kind === 'list' ? node.items : [node];
  const ids: string[] = [];
  for (const [i, item] of items.entries()) {
    const at = { path: node.kind === 'list' ? `${path}[${i}]` : path, line: item.line };
    if (item.kind === 'broken') continue;
    if (item.kind !== 'scalar' || item.value === null) {
      report({
        ...at,
        problem: `is ${describeNode(item)}, not a name`,
        hint: `write it as it stands under ${SECTIONS[kind]}`,
      });
      continue;
    }
    if (ids.includes(item.text))
      report({ ...at, problem: `names ${item.text} twice`, hint: 'remove one' });
    else if (!components[kind].has(item.text))
      report({
        ...at,
        problem: `names ${item.text}, which is not configured`,
        hint: missing(components, kind, item.text),
      });
    ids.push(item.text);
  }
  return { ids: Object.freeze(ids), empty: items.length === 0 };
}

function missing(components: Components, kind: ComponentKind, id: string): string {
  const configured = [...components[kind].keys()];
  const named = configured.filter((other) => other.startsWith(`${id}/`));
  if (named.length > 0) return `write it in full: ${named.join(' or ')}`;
  const near = nearest(id, configured);
  if (near !== undefined) return `did you mean ${near}?`;
  return `add it under ${SECTIONS[kind]}${configured.length === 0 ? '' : `, or use ${configured.join(' or ')}`}`;
}

function oneProcessorPerStage(
  { plugins, report }: PipelinesCheck,
  path: string,
  processors: readonly string[],
  node: Node | undefined,
): void {
  const taken = new Map<string, string>();
  for (const id of new Set(processors)) {
    const stage = plugins.find('processor', id.split('/')[0] ?? id)?.stage;
    if (stage === undefined) continue;
    const other = taken.get(stage);
    if (other !== undefined)
      report({
        path: `${path}.processors`,
        problem: `has two processors for one stage: ${other} and ${id}`,
        hint: 'keep one of them',
        ...(node === undefined ? {} : { line: node.line }),
      });
    taken.set(stage, id);
  }
}
