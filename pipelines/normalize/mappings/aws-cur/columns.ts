/**
 * The columns of a Cost and Usage Report under one set of names: legacy CSV headers (`lineItem/UnblendedCost`) become those of
 * Athena and CUR 2.0 (`line_item_unblended_cost`); maps are read whole (CUR 2.0, JSON text) or from their flattened columns.
 */
import {
  type AmountExpression,
  always,
  amount,
  first,
  map,
  noAmount,
  nothing,
  type TextExpression,
  text,
} from '../../expressions.ts';
import { isJsonObject, readJson, readPrintedMap } from '../../json-cells.ts';
import type { MappingInput } from '../../mapping.ts';
import { saysNothing } from '../../null-words.ts';
import { namedCurrency } from '../currency.ts';

/** Categories whose names are keys the customer chose: they keep their spelling behind the slash. */
const KEYED: Readonly<Record<string, string>> = {
  resourcetags: 'resource_tags',
  costcategory: 'cost_category',
};

const KEYED_PREFIX = /^(resource_tags|cost_category|tags)_/i;

/** The canonical name of a header: `reservation/ReservationARN` is `reservation_reservation_a_r_n`, `resourceTags/user:Team` is `resource_tags/user:Team`. */
export function canonicalName(header: string): string {
  const name = header.replace(/^\uFEFF/, '').trim();
  const slash = name.indexOf('/');
  if (slash > 0) {
    const category = name.slice(0, slash);
    const rest = name.slice(slash + 1);
    const keyed = KEYED[category.toLowerCase()];
    return keyed === undefined ? `${snakeCase(category)}_${snakeCase(rest)}` : `${keyed}/${rest}`;
  }
  const prefix = KEYED_PREFIX.exec(name)?.[0];
  return prefix === undefined
    ? name.toLowerCase()
    : prefix.toLowerCase() + name.slice(prefix.length);
}

/** As Athena does it: split before every capital, lower case, `_` for what is neither letter nor digit. */
function snakeCase(name: string): string {
  return name
    .replace(/(?<=.)[A-Z]/g, '_$&')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_');
}

/** A part's columns, by canonical name. */
export interface Columns {
  readonly input: MappingInput;
  /** The first of these columns that is not null; null on every row when the part has none of them. */
  text(...names: readonly string[]): TextExpression;
  /** Currency of the row: the one it states, else the one that the operator named. */
  readonly currency: TextExpression;
  /** The column's amounts; null on every row when the part lacks it. */
  amount(name: string): AmountExpression;
  /** The names of those columns that the part has. */
  those(...names: readonly string[]): readonly string[];
  /** An entry of the product map, flattened or not. */
  product(key: string): TextExpression;
  /** Columns of a flattened map with the key each stands for: `resource_tags_user_team` is `user_team`. */
  flattened(name: string): readonly { readonly column: string; readonly key: string }[];
  /** The entries of a cell of a map column; remembered, as neighbours ask for the same. */
  entries(cell: string | undefined): Entries;
}

/** Entries of a map cell, nulls left out. */
export type Entries = Readonly<Record<string, string>>;

/** The columns of a part. */
export function columnsOf(input: MappingInput): Columns {
  const those = (...names: readonly string[]): readonly string[] =>
    names.filter((name) => input.has(name));
  const read = (...names: readonly string[]): TextExpression => {
    const present = those(...names);
    return present.length === 0 ? nothing : first(...present.map((name) => text(name)));
  };
  const entries = entriesReader();
  const stated = read('line_item_currency_code');
  const named = namedCurrency(input.settings.currency);
  return {
    input,
    those,
    text: read,
    currency: named === undefined ? stated : first(stated, always(named)),
    amount: (name) => (input.has(name) ? amount(name) : noAmount),
    product: (key) => {
      const flat = read(`product_${key}`);
      if (!input.has('product')) return flat;
      const nested = map('product', (cell) => entries(cell)[key]);
      return input.has(`product_${key}`) ? first(flat, nested) : nested;
    },
    flattened: (name) =>
      input.columns.flatMap((column) =>
        column.startsWith(`${name}/`) || column.startsWith(`${name}_`)
          ? [{ column, key: column.slice(name.length + 1) }]
          : [],
      ),
    entries,
  };
}

const MOST_REMEMBERED = 8192;
const NO_ENTRIES: Entries = {};

/** Whether a cell of a map column holds something that is no map. */
export function isUnreadable(cell: string | undefined, entries: Entries): boolean {
  return entries === NO_ENTRIES && cell !== undefined && cell !== '{}' && !saysNothing(cell);
}

function entriesReader(): (cell: string | undefined) => Entries {
  const known = new Map<string, Entries>();
  return (cell) => {
    if (cell === undefined || cell === '{}') return NO_ENTRIES;
    let entries = known.get(cell);
    if (entries === undefined) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      entries = parseEntries(cell);
      known.set(cell, entries);
    }
    return entries;
  };
}

/**
 * The entries of a map cell: a JSON object or Python literal, a list of `{key, value}`, `[key, value]` or tuples as Parquet readers give maps,
 * or as Athena prints it (`{team=a, env=b}`). What is none of these has no entries.
 */
export function parseEntries(cell: string): Entries {
  const value = readJson(cell) ?? readPrintedMap(cell);
  if (typeof value !== 'object' || value === null) return NO_ENTRIES;
  if (isJsonObject(value) && Object.values(value).every((entry) => typeof entry === 'string'))
    return value as Entries;
  const pairs = Array.isArray(value) ? value.map(pairOf) : Object.entries(value);
  return Object.fromEntries(
    pairs.flatMap(([key, entry]) =>
      key === undefined || entry === null || entry === undefined
        ? []
        : [[String(key), typeof entry === 'object' ? JSON.stringify(entry) : String(entry)]],
    ),
  );
}

function pairOf(item: unknown): readonly [unknown, unknown] {
  if (Array.isArray(item)) return [item[0], item[1]];
  return isJsonObject(item) ? [item.key, item.value] : [undefined, undefined];
}
