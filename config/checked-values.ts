import { resolve } from 'node:path';
import { FORMATS, isSetting, type Schema, type Setting } from './formats.ts';
import { below, type Node } from './tree.ts';

/** Stands for what is never shown. */
const MASK = '****';

/** As the plugin gets them: null is undefined, paths are absolute, maps are plain; frozen. */
export function finishedValues(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  folder: string,
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(schema).map(([name, entry]) => {
    const value = values[name];
    if (!isSetting(entry))
      return [name, finishedValues(entry, value as Record<string, unknown>, folder)];
    if (value === null || value === undefined) return [name, undefined];
    if (entry.format === 'path' || entry.format === 'paths') return [name, absolute(value, folder)];
    if (value instanceof Map) return [name, Object.freeze(Object.fromEntries(value))];
    return [name, Array.isArray(value) ? Object.freeze([...value]) : value];
  });
  return Object.freeze(Object.fromEntries(entries));
}

/** A path or a list of them, counted from the folder. */
function absolute(value: unknown, folder: string): string | readonly string[] {
  if (!Array.isArray(value)) return resolve(folder, String(value));
  return Object.freeze(value.map((path) => resolve(folder, String(path))));
}

/** Every text that is masked where settings are shown. */
export function secretTexts(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  given: ReadonlyMap<string, { readonly node: Node }>,
  group = '',
): readonly string[] {
  return Object.entries(schema).flatMap(([key, entry]): readonly string[] => {
    const name = below(group, key);
    const value = values[key];
    if (!isSetting(entry)) return secretTexts(entry, value as Record<string, unknown>, given, name);
    if (value === null || value === undefined) return [];
    return secretsIn(value, entry, given.get(name)?.node);
  });
}

/** What `shownValue` masks. */
function secretsIn(value: unknown, { format }: Setting, node: Node | undefined): string[] {
  const secret = FORMATS[format].secret === true;
  if (value instanceof Map)
    return [...value].flatMap(([name, text]) => {
      const entry = node?.kind === 'map' ? node.entries.get(name) : undefined;
      return secret || isHidden(entry) ? [String(text)] : [];
    });
  if (Array.isArray(value)) {
    const items = node?.kind === 'list' ? node.items : [node];
    return value.flatMap((text, i) => (isHidden(items[i]) ? [String(text)] : []));
  }
  if (secret || isHidden(node)) return [String(value)];
  return format === 'url' ? userOf(String(value)) : [];
}

/** What stands before the host of an URL, as a whole and its password. */
function userOf(url: string): string[] {
  const [, user] = /\/\/([^/@]*)@/.exec(url) ?? [];
  if (user === undefined) return [];
  const password = user.slice(user.indexOf(':') + 1);
  return [user, password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** As an operator would write them, with every default; secrets and what came from files are masked. */
export function shownValues(
  schema: Schema,
  values: Readonly<Record<string, unknown>>,
  given: ReadonlyMap<string, { readonly node: Node }>,
  group = '',
): Readonly<Record<string, unknown>> {
  const entries = Object.entries(schema).flatMap(([key, entry]): [string, unknown][] => {
    const name = below(group, key);
    const value = values[key];
    if (!isSetting(entry)) {
      const inner = shownValues(entry, value as Record<string, unknown>, given, name);
      return Object.keys(inner).length === 0 ? [] : [[key, inner]];
    }
    if (value === null || value === undefined) return [];
    return [[key, shownValue(value, entry, given.get(name)?.node)]];
  });
  return Object.fromEntries(entries);
}

function shownValue(value: unknown, { format }: Setting, node: Node | undefined): unknown {
  const { secret = false, write } = FORMATS[format];
  if (value instanceof Map)
    return Object.fromEntries(
      [...value].map(([name, text]) => {
        const entry = node?.kind === 'map' ? node.entries.get(name) : undefined;
        return [name, secret || isHidden(entry) ? MASK : text];
      }),
    );
  if (Array.isArray(value)) {
    const items = node?.kind === 'list' ? node.items : [node];
    return value.map((text, i) => (isHidden(items[i]) ? MASK : text));
  }
  if (secret || isHidden(node)) return MASK;
  if (format === 'url') return String(value).replace(/\/\/[^/@]*@/, `//${MASK}@`);
  return typeof value === 'number' && write !== undefined ? write(value) : value;
}

function isHidden(node: Node | undefined): boolean {
  return node?.kind === 'scalar' && node.hidden === true;
}
