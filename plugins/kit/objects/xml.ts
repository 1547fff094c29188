import { XMLParser } from 'fast-xml-parser';

/** An element of an answer: text, or its children by name. */
export type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] };

const parser = new XMLParser({
  ignoreAttributes: true,
  ignoreDeclaration: true,
  parseTagValue: false,
  trimValues: false,
});

/** Parses an answer; an empty tree when it is not XML. */
export function parseXml(text: string): XmlNode {
  try {
    return parser.parse(text) as XmlNode;
  } catch {
    return {};
  }
}

/** The text at a path of names; undefined when there is none. */
export function xmlText(node: XmlNode | undefined, ...path: readonly string[]): string | undefined {
  let at: XmlNode | undefined = node;
  for (const name of path) at = xmlAll(at, name)[0];
  return typeof at === 'string' ? at : undefined;
}

/** All children of a name. */
export function xmlAll(node: XmlNode | undefined, name: string): readonly XmlNode[] {
  if (node === undefined || typeof node === 'string') return [];
  const found = node[name];
  if (found === undefined) return [];
  return Array.isArray(found) ? (found as readonly XmlNode[]) : [found as XmlNode];
}
