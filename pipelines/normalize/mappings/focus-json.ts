/** Cells that shall hold JSON objects, and what providers put there instead. */
import { isJsonObject, itemsOf, readJson, readPrintedMap } from '../json-cells.ts';

/** How a JSON cell had to be repaired. */
export type JsonRepair = 'wrapped' | 'from_list' | 'unquoted' | 'python' | 'printed' | 'invalid';

/**
 * A cell that shall hold a JSON object: as it stands when it does. Without braces it gets them, a list of keys and
 * values becomes an object, an object inside a JSON string is taken out, a Python literal is rewritten (pandas writes a
 * map as a list of tuples), and so is a map as Athena prints it (`{team=a}`); anything else is kept as `{"x_raw": …}`.
 */
export function jsonObjectText(cell: string): {
  readonly text?: string;
  readonly repair?: JsonRepair;
} {
  const text = cell.trim();
  const value = parsed(text);
  if (isJsonObject(value)) return { text };
  if (value === null) return {};
  if (Array.isArray(value)) {
    const pairs = pairsOf(value);
    if (pairs !== undefined) return { text: objectOfPairs(pairs), repair: 'from_list' };
  }
  if (typeof value === 'string' && isJsonObject(parsed(value)))
    return { text: value.trim(), repair: 'unquoted' };
  if (text.startsWith('"')) {
    const wrapped = `{${text.replace(/,\s*$/, '')}}`;
    if (isJsonObject(parsed(wrapped))) return { text: wrapped, repair: 'wrapped' };
  }
  const literal = /^[{[]/.test(text) ? readJson(text) : undefined;
  if (isJsonObject(literal)) return { text: JSON.stringify(literal), repair: 'python' };
  const listed = Array.isArray(literal) ? pairsOf(literal) : undefined;
  if (listed !== undefined) return { text: objectOfPairs(listed), repair: 'python' };
  const printed = readPrintedMap(text);
  if (printed !== undefined) return { text: JSON.stringify(printed), repair: 'printed' };
  return { text: JSON.stringify({ x_raw: cell }), repair: 'invalid' };
}

/** Entries of a list `[{"Key": …, "Value": …}, …]` (any case, `name` too) or `[["key", "value"], …]`; undefined when it is another list. */
export function pairsOf(value: unknown): readonly Pair[] | undefined {
  const pairs = itemsOf(value)?.map(pairOf);
  return pairs?.every((pair) => pair !== undefined) === true ? pairs : undefined;
}

/** A key with its value, and the namespace Google gives with tags. */
export interface Pair {
  readonly key: string;
  readonly value: unknown;
  readonly namespace?: string;
}

function pairOf(item: unknown): Pair | undefined {
  if (Array.isArray(item))
    return item.length === 2 && typeof item[0] === 'string'
      ? { key: item[0], value: item[1] }
      : undefined;
  if (!isJsonObject(item)) return undefined;
  const fields = new Map(Object.entries(item).map(([name, value]) => [fieldKey(name), value]));
  const key = fields.get('key') ?? fields.get('name');
  if (typeof key !== 'string') return undefined;
  const namespace = fields.get('namespace');
  return {
    key,
    value: fields.get('value') ?? null,
    ...(typeof namespace === 'string' && { namespace }),
  };
}

function fieldKey(name: string): string {
  return name.toLowerCase().replace(/^x_/, '');
}

function objectOfPairs(pairs: readonly Pair[]): string {
  return JSON.stringify(Object.fromEntries(pairs.map(({ key, value }) => [key, value])));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const SKU_PROPERTIES = new Set([
  'CoreCount',
  'DiskMaxIops',
  'DiskSpace',
  'DiskType',
  'GpuCount',
  'InstanceSeries',
  'InstanceType',
  'MemorySize',
  'NetworkMaxIops',
  'NetworkMaxThroughput',
  'OperatingSystem',
  'Redundancy',
  'StorageClass',
]);

/** A provider's own SKU details as SkuPriceDetails: keys that FOCUS does not define get the prefix `x_`. */
export function skuPriceDetails(cell: string): string | undefined {
  const value = parsed(jsonObjectText(cell).text ?? 'null');
  if (!isJsonObject(value)) return undefined;
  const entries = Object.entries(value).map(
    ([key, detail]) =>
      [SKU_PROPERTIES.has(key) || key.startsWith('x_') ? key : `x_${key}`, detail] as const,
  );
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
}
