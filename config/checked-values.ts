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
