/** A configuration as written: YAML after substitution, with the line of everything. */
export type Node = ScalarNode | ListNode | MapNode | BrokenNode;

/** A text, number, flag or nothing. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As it was written; for texts that look like numbers. */
  readonly text: string;
  readonly line: number;
  /** The whole value was put in: `${env:PORT}`. */
  readonly origin?: string;
  /** Something was put in: not repeated in messages. */
  readonly changed?: boolean;
  /** Something from a file was put in: never shown. */
  readonly hidden?: boolean;
}

export interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly line: number;
}

export interface MapNode {
  readonly kind: 'map';
  /** The line of a value is that of its key. */
  readonly entries: ReadonlyMap<string, Node>;
  readonly line: number;
}

/** Something that could not be read; its problem is reported already. */
export interface BrokenNode {
  readonly kind: 'broken';
  readonly line: number;
}

/** The path of an entry below another. */
export function below(path: string, name: string): string {
  if (path === '' || name === '') return `${path}${name}`;
  return `${path}.${name}`;
}

/** Whether nothing is written there (`health:`). */
export function isEmpty(node: Node | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}

/** The entries of a map; none of anything else. */
export function entriesOf(node: Node | undefined): ReadonlyMap<string, Node> {
  return node?.kind === 'map' ? node.entries : new Map<string, Node>();
}

/** The entry at that way below a node. */
export function nodeAt(root: Node | undefined, ...way: readonly string[]): Node | undefined {
  return way.reduce<Node | undefined>((node, name) => entriesOf(node).get(name), root);
}

/** What a node is, for people; the content only where it may be seen. */
export function describeNode(node: Node, secret = false): string {
  if (node.kind === 'map') return 'a group of settings';
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'broken') return 'unreadable';
  if (node.origin !== undefined) return `the value of ${node.origin}`;
  if (node.value === null) return 'nothing';
  if (node.changed === true) return 'the text with what was put in';
  if (secret) return 'the value';
  const text = node.text.length > 60 ? `${node.text.slice(0, 60)}…` : node.text;
  return typeof node.value === 'string' ? JSON.stringify(text) : text;
}
