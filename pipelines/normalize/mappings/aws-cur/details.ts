/** The JSON columns: price details, tags and discounts. Each is put together once per distinct combination of its inputs. */
import {
  derive,
  jsonEntry,
  jsonOf,
  map,
  nothing,
  type Test,
  type TextExpression,
  when,
} from '../../expressions.ts';
import { type Columns, type Entries, isUnreadable } from './columns.ts';

/** What other columns of a charge say already, or nearly every row differs in. */
const NO_DETAILS: ReadonlySet<string> = new Set([
  'sku',
  'servicecode',
  'servicename',
  'product_name',
  'region',
  'region_code',
  'location',
  'location_type',
  'usagetype',
]);

const PRICING = [
  'pricing_term',
  'pricing_purchase_option',
  'pricing_lease_contract_length',
  'pricing_offering_class',
] as const;

/** SkuPriceDetails: FOCUS's own keys where there are such facts, everything else of the product map under `x_`. */
export function skuPriceDetails(columns: Columns, priced: Test): TextExpression {
  const { input } = columns;
  const flat = input.columns
    .filter((name) => name.startsWith('product_'))
    .map((column) => ({ column, key: column.slice('product_'.length) }))
    .filter(({ key }) => !NO_DETAILS.has(key));
  const pricing = columns.those(...PRICING);
  if (flat.length + pricing.length === 0 && !input.has('product')) return nothing;
  const keys = [...flat.map(({ key }) => key), ...pricing];
  const details = derive(
    [
      columns.text('product'),
      ...flat.map(({ column }) => columns.text(column)),
      ...pricing.map((name) => columns.text(name)),
    ],
    (product: string | undefined, ...values: (string | undefined)[]) =>
      detailsJson({ ...columns.entries(product), ...withValues(keys, values) }),
  );
  return when(priced, details);
}

/** Tags: resource tags, cost categories as `costCategory/<name>`, and the combined map of newer exports. */
export function tags(columns: Columns): TextExpression {
  const flat = [
    ...columns.flattened('resource_tags').map(({ column, key }) => ({ column, key: tagKey(key) })),
    ...columns.flattened('tags').map(({ column, key }) => ({ column, key: tagKey(key) })),
    ...columns
      .flattened('cost_category')
      .map(({ column, key }) => ({ column, key: `costCategory/${key}` })),
  ];
  const maps = columns.those('resource_tags', 'tags', 'cost_category');
  if (flat.length + maps.length === 0) return nothing;
  const keys = flat.map(({ key }) => key);
  if (maps.length === 0 && new Set(keys).size === keys.length)
    return jsonOf(
      flat.map(({ column, key }) =>
        map(column, (value) => (value === '' ? undefined : jsonEntry(key, value))),
      ),
    );
  const names = keyNames();
  return derive(
    [
      columns.text('resource_tags'),
      columns.text('tags'),
      columns.text('cost_category'),
      ...flat.map(({ column }) => columns.text(column)),
    ],
    (resource, all, categories, ...values: (string | undefined)[]) => {
      const nested = nestedTags(names, {
        categories: entriesOrRaw(columns, categories),
        all: entriesOrRaw(columns, all),
        resource: entriesOrRaw(columns, resource),
      });
      return json(values.length === 0 ? nested : { ...nested, ...withValues(keys, values) });
    },
  );
}

/** What is no map is kept as it stands. */
function entriesOrRaw(columns: Columns, cell: string | undefined): Entries {
  const entries = columns.entries(cell);
  return isUnreadable(cell, entries) ? { x_raw: cell ?? '' } : entries;
}

/** What keys of tags and of cost categories are called. */
interface KeyNames {
  readonly tag: (key: string) => string;
  readonly category: (key: string) => string;
}

/** Remembers the names: the keys of all rows are much the same. */
function keyNames(): KeyNames {
  return { tag: remembering(tagKey), category: remembering((key) => `costCategory/${key}`) };
}

const MOST_REMEMBERED = 4096;

function remembering(name: (key: string) => string): (key: string) => string {
  const known = new Map<string, string>();
  return (key) => {
    let found = known.get(key);
    if (found === undefined) {
      if (known.size >= MOST_REMEMBERED) known.clear();
      found = name(key);
      known.set(key, found);
    }
    return found;
  };
}

/** The combined map has the resource tags and categories too, as they are spelled: it stands for both where it names some. */
function nestedTags(
  names: KeyNames,
  of: { readonly categories: Entries; readonly all: Entries; readonly resource: Entries },
): Entries {
  const combined = Object.keys(of.all);
  const states = (kind: string): boolean =>
    combined.length > 0 && combined.some((key) => key.startsWith(`${kind}/`));
  const tags: Record<string, string> = {};
  if (!states('costCategory')) putAll(tags, of.categories, names.category);
  putAll(tags, of.all, names.tag);
  if (!states('resourceTags')) putAll(tags, of.resource, names.tag);
  return tags;
}

/** Later entries of the same name win, in the place of the earlier. */
function putAll(
  into: Record<string, string>,
  entries: Entries,
  nameOf: (key: string) => string,
): void {
  for (const key of Object.keys(entries)) {
    const name = nameOf(key);
    const value = entries[key] as string;
    if (name !== '__proto__') into[name] = value;
    else
      Object.defineProperty(into, name, {
        value,
        enumerable: true,
        configurable: true,
        writable: true,
      });
  }
}

/** `user:Team`, `resourceTags/user:Team` and `user_team` are the customer's tags and lose the prefix; what AWS made keeps `aws:`. */
export function tagKey(name: string): string {
  const key = name.replace(/^resourceTags\//, '');
  const own = /^user[:_](.+)$/s.exec(key)?.[1];
  if (own !== undefined) return own;
  return key.startsWith('aws_') ? `aws:${key.slice(4)}` : key;
}

/** The discount map as JSON text. */
export function discounts(columns: Columns): TextExpression {
  const flat = columns.flattened('discount');
  if (flat.length === 0 && !columns.input.has('discount')) return nothing;
  const keys = flat.map(({ key }) => key);
  return derive(
    [columns.text('discount'), ...flat.map(({ column }) => columns.text(column))],
    (nested: string | undefined, ...values: (string | undefined)[]) =>
      json({ ...columns.entries(nested), ...withValues(keys, values) }),
  );
}

function withValues(keys: readonly string[], values: readonly (string | undefined)[]): Entries {
  const entries: Record<string, string> = {};
  keys.forEach((key, i) => {
    const value = values[i];
    if (value !== undefined && value !== '') entries[key] = value;
  });
  return entries;
}

function json(entries: Readonly<Record<string, string | number>>): string | undefined {
  return Object.keys(entries).length === 0 ? undefined : JSON.stringify(entries);
}

/** How an entry of the product map becomes one of FOCUS's keys; undefined: it stays under `x_`. */
const FOCUS_DETAILS: Readonly<
  Record<string, readonly [key: string, read: (value: string) => string | number | undefined]>
> = {
  vcpu: ['CoreCount', number],
  volume_max_iops: ['DiskMaxIops', number],
  max_iopsvolume: ['DiskMaxIops', number],
  storage: ['DiskSpace', diskSpace],
  storage_media: ['DiskType', (value) => /\b(SSD|HDD)\b/.exec(value)?.[1]],
  gpu: ['GpuCount', number],
  instance_type: ['InstanceType', (value) => value],
  memory: ['MemorySize', (value) => number(value.replace(/ GiB$/, ''))],
  network_performance: ['NetworkMaxThroughput', megabits],
  operating_system: ['OperatingSystem', (value) => (value === 'NA' ? undefined : value)],
  storage_class: ['StorageClass', (value) => value],
};

function detailsJson(product: Entries): string | undefined {
  const details: Record<string, string | number> = {};
  const custom: Record<string, string> = {};
  for (const [key, value] of Object.entries(product)) {
    if (NO_DETAILS.has(key)) continue;
    const rule = FOCUS_DETAILS[key];
    const read = rule?.[1](value);
    if (rule === undefined || read === undefined) custom[customKey(key)] = value;
    else details[rule[0]] = read;
    if (key === 'instance_type') addSeries(details, value);
  }
  return json({ ...details, ...custom });
}

/** `r4` of `r4.large`, `db.r4.large` and `r4.large.search`. */
function addSeries(details: Record<string, string | number>, instanceType: string): void {
  const series = /^(?:[a-z]+\.)?([a-z]+\d[a-z0-9-]*)\./.exec(instanceType)?.[1];
  if (series !== undefined) details.InstanceSeries = series;
}

/** `instance_family` is `x_InstanceFamily`. */
function customKey(key: string): string {
  const words = key.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return `x_${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('')}`;
}

function number(value: string): number | undefined {
  const plain = value.replace(/,/g, '');
  return /^\d{1,12}(\.\d{1,6})?$/.test(plain) ? Number(plain) : undefined;
}

/** Whole of the local disks, `2 x 900 NVMe SSD`. */
function diskSpace(value: string): number | undefined {
  const match = /^(\d+) x (\d[\d,]*)\b/.exec(value);
  return match === null ? undefined : Number(match[1]) * Number(match[2]?.replace(/,/g, ''));
}

/** `Up to 10 Gigabit` in Mbit/s. */
function megabits(value: string): number | undefined {
  const match = /^(?:Up to )?(\d+(?:\.\d+)?) (Gigabit|Megabit)$/.exec(value);
  return match === null ? undefined : Number(match[1]) * (match[2] === 'Gigabit' ? 1000 : 1);
}
