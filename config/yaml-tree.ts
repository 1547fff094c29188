import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  parseDocument,
  Scalar,
} from 'yaml';
import { Misconfigured, type Problem } from './problems.ts';
import { type Sources, substitute } from './substitute.ts';
import { below, entriesOf, type MapNode, type Node, type ScalarNode } from './tree.ts';

/** Most values in a configuration, those repeated by aliases counted each time. */
const MOST_NODES = 50_000;
/** Deepest nesting. */
const DEEPEST = 40;

/** What the walk over a document needs. */
export interface TreeOptions {
  /** Its name for messages. */
  readonly file: string;
  readonly sources: Sources;
  readonly lineOf: (offset: number) => number;
}

interface Walk extends TreeOptions {
  readonly anchors: Map<string, unknown>;
  readonly problems: Problem[];
  nodes: number;
}

/** Where the walk stands. */
interface Place {
  readonly path: string;
  /** Line of the key. */
  readonly line: number | undefined;
  readonly depth: number;
}

/** A parsed document as a tree: aliases followed, substitutions made, duplicate keys found. Throws `Misconfigured` when it is far too large. */
export async function toTree(
  document: Document.Parsed,
  options: TreeOptions,
): Promise<{ readonly root: Node; readonly problems: readonly Problem[] }> {
  const walk: Walk = { ...options, anchors: new Map(), problems: [], nodes: 0 };
  const root = await visit(document.contents, { path: '', line: undefined, depth: 0 }, walk);
  return { root, problems: walk.problems };
}

async function visit(item: unknown, place: Place, walk: Walk): Promise<Node> {
  const line = place.line ?? lineOf(item, walk) ?? 1;
  walk.nodes++;
  if (walk.nodes > MOST_NODES || place.depth > DEEPEST) throw tooMuch(line, walk);
  if (isAlias(item)) return visitAlias(item.source, { ...place, line }, walk);
  if ((isMap(item) || isSeq(item) || isScalar(item)) && item.anchor !== undefined)
    walk.anchors.set(item.anchor, item);
  if (isMap(item)) return visitMap(item.items, { ...place, line }, walk);
  if (isSeq(item)) {
    const items: Node[] = [];
    for (const [i, entry] of item.items.entries())
      items.push(
        await visit(
          entry,
          { path: `${place.path}[${i}]`, line: undefined, depth: place.depth + 1 },
          walk,
        ),
      );
    return { kind: 'list', items, line };
  }
  if (isScalar(item)) return visitScalar(item, { ...place, line }, walk);
  return { kind: 'scalar', value: null, text: '', line };
}

async function visitAlias(anchor: string, place: Place, walk: Walk): Promise<Node> {
  if (walk.anchors.has(anchor))
    return visit(walk.anchors.get(anchor), { ...place, depth: place.depth + 1 }, walk);
  const problem = `refers to *${anchor}, and there is no &${anchor} before it`;
  report(
    walk,
    { path: place.path, problem, hint: 'put quotes around a text that starts with *' },
    place.line,
  );
  return { kind: 'broken', line: place.line ?? 1 };
}

async function visitMap(pairs: readonly Pair[], place: Place, walk: Walk): Promise<MapNode> {
  const entries = new Map<string, Node>();
  const merged: Node[] = [];
  for (const pair of pairs) {
    const line = lineOf(pair.key, walk) ?? place.line;
    const key = keyText(pair.key);
    const path = below(place.path, key ?? '?');
    const value = await visit(pair.value, { path, line, depth: place.depth + 1 }, walk);
    if (key === '<<') merged.push(...(value.kind === 'list' ? value.items : [value]));
    else if (key === undefined)
      report(
        walk,
        { path, problem: 'has a key that is no text', hint: 'a key is a plain word' },
        line,
      );
    else if (entries.has(key)) report(walk, duplicate(path, entries.get(key)?.line), line);
    else entries.set(key, value);
  }
  for (const map of merged)
    for (const [key, value] of entriesOf(map)) if (!entries.has(key)) entries.set(key, value);
  return { kind: 'map', entries, line: place.line ?? 1 };
}

async function visitScalar(item: Scalar, place: Place, walk: Walk): Promise<Node> {
  const line = place.line ?? 1;
  const { value } = item;
  if (typeof value !== 'string' || !value.includes('$')) return { ...written(item), line };
  const { text, origin, changed, hidden, problems } = await substitute(value, walk.sources);
  if (problems.length > 0) {
    for (const problem of problems) report(walk, { path: place.path, ...problem }, line);
    return { kind: 'broken', line };
  }
  if (origin === undefined) return { kind: 'scalar', value: text, text, line, changed, hidden };
  return { kind: 'scalar', value: typed(text), text, line, origin, changed, hidden };
}

/** A scalar without substitutions. */
function written({ value, source }: Scalar): Omit<ScalarNode, 'line'> {
  if (typeof value === 'string') return { kind: 'scalar', value, text: value };
  const text = source ?? String(value ?? '');
  if (typeof value === 'number' || typeof value === 'boolean' || value === null)
    return { kind: 'scalar', value, text };
  return { kind: 'scalar', value: text, text };
}

/** A value that was put in has the type it would have had in the file: `8888` is a number, `true` a flag, nothing is nothing. */
function typed(text: string): string | number | boolean | null {
  if (text.length > 40) return text;
  const { contents, errors } = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  if (contents === null) return text.trim() === '' ? null : text;
  if (errors.length > 0 || !isScalar(contents) || contents.type !== Scalar.PLAIN) return text;
  const { value, source } = contents;
  if (source !== text) return text;
  return typeof value === 'number' || typeof value === 'boolean' || value === null ? value : text;
}

function keyText(key: unknown): string | undefined {
  if (!isScalar(key) || key.value === null) return undefined;
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function lineOf(item: unknown, { lineOf: at }: Walk): number | undefined {
  const range = (item as { readonly range?: readonly number[] | null } | null | undefined)?.range;
  return range?.[0] === undefined ? undefined : at(range[0]);
}

function tooMuch(line: number, { file }: Walk): Misconfigured {
  const hint = `at most ${MOST_NODES} values, ${DEEPEST} levels deep; aliases count each time`;
  return new Misconfigured(file, [
    { path: '', problem: 'is too large or too deeply nested', hint, line },
  ]);
}

function duplicate(path: string, first: number | undefined): Omit<Problem, 'line'> {
  const where = first === undefined ? '' : `; the first is on line ${first}`;
  return { path, problem: 'is there twice', hint: `remove or rename one${where}` };
}

function report(walk: Walk, problem: Omit<Problem, 'line'>, line: number | undefined): void {
  walk.problems.push(line === undefined ? problem : { ...problem, line });
}
