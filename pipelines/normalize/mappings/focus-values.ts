/** Values as providers write them, put into the words and shapes of the specification. Pure functions of one or two texts. */
import { ALLOWED_VALUES, SERVICE_SUBCATEGORIES } from '../../focus/columns.ts';

/** Columns with a closed list of values. */
export type ListedColumn = keyof typeof ALLOWED_VALUES;

/** Other words for a listed value, by column; keys are as `wordKey` makes them. */
const SYNONYMS: Readonly<Partial<Record<ListedColumn, Readonly<Record<string, string>>>>> = {
  CommitmentDiscountStatus: { usedcommitment: 'Used', unusedcommitment: 'Unused' },
  PricingCategory: {
    ondemand: 'Standard',
    spot: 'Dynamic',
    commitmentbased: 'Committed',
    commitmentdiscount: 'Committed',
    reservation: 'Committed',
    savingsplan: 'Committed',
  },
  ServiceCategory: {
    aimachinelearning: 'AI and Machine Learning',
    database: 'Databases',
    iot: 'Internet of Things',
    managementgovernance: 'Management and Governance',
    network: 'Networking',
  },
};

const LISTS = new Map(
  Object.entries(ALLOWED_VALUES).map(([column, values]) => [
    column,
    new Map([
      ...values.map((value) => [wordKey(value), value] as const),
      ...Object.entries(SYNONYMS[column as ListedColumn] ?? {}),
    ]),
  ]),
);

/** The listed value that is meant, whatever its case, blanks and dashes; undefined when none is. */
export function listedValue(column: ListedColumn, value: string): string | undefined {
  return LISTS.get(column)?.get(wordKey(value));
}

/** The service category a subcategory belongs to. */
export function categoryOf(subcategory: string): string | undefined {
  return CATEGORY_BY_SUBCATEGORY.get(wordKey(subcategory))?.category;
}

/** The subcategory as listed under the category; undefined when it is not. */
export function listedSubcategory(category: string, subcategory: string): string | undefined {
  const found = CATEGORY_BY_SUBCATEGORY.get(wordKey(subcategory));
  return found?.category === category ? found.subcategory : undefined;
}

const CATEGORY_BY_SUBCATEGORY = new Map(
  Object.entries(SERVICE_SUBCATEGORIES).flatMap(([category, subcategories]) =>
    subcategories.map((subcategory) => [wordKey(subcategory), { category, subcategory }] as const),
  ),
);

function wordKey(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9]+/g, '');
}

/** How a JSON cell had to be repaired. */
export type JsonRepair = 'wrapped' | 'from_list' | 'unquoted' | 'invalid';

/**
 * A cell that shall hold a JSON object: as it stands when it does. Without braces it gets them, a list of keys and
 * values becomes an object, an object inside a JSON string is taken out; anything else is kept as `{"x_raw": …}`.
 */
export function jsonObjectText(cell: string): {
  readonly text?: string;
  readonly repair?: JsonRepair;
} {
  const text = cell.trim();
  const value = parsed(text);
  if (isObject(value)) return { text };
  if (value === null) return {};
  if (Array.isArray(value)) {
    const object = objectOfPairs(value);
    if (object !== undefined) return { text: JSON.stringify(object), repair: 'from_list' };
  }
  if (typeof value === 'string' && isObject(parsed(value)))
    return { text: value.trim(), repair: 'unquoted' };
  if (text.startsWith('"')) {
    const wrapped = `{${text.replace(/,\s*$/, '')}}`;
    if (isObject(parsed(wrapped))) return { text: wrapped, repair: 'wrapped' };
  }
  return { text: JSON.stringify({ x_raw: cell }), repair: 'invalid' };
}

/** Entries of a list `[{"Key": …, "Value": …}, …]` (any case, `name` too); undefined when it is another list. */
export function pairsOf(list: readonly unknown[]): readonly Pair[] | undefined {
  const pairs = list.map(pairOf);
  return pairs.every((pair) => pair !== undefined) ? pairs : undefined;
}

/** A key with its value, and the namespace Google gives with tags. */
export interface Pair {
  readonly key: string;
  readonly value: unknown;
  readonly namespace?: string;
}

function pairOf(item: unknown): Pair | undefined {
  if (!isObject(item)) return undefined;
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

function objectOfPairs(list: readonly unknown[]): Record<string, unknown> | undefined {
  const pairs = pairsOf(list);
  return pairs && Object.fromEntries(pairs.map(({ key, value }) => [key, value]));
}

/** The JSON value, or undefined when the text is not JSON. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is an object (no list, not null). */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value).map(
    ([key, detail]) =>
      [SKU_PROPERTIES.has(key) || key.startsWith('x_') ? key : `x_${key}`, detail] as const,
  );
  return entries.length === 0 ? undefined : JSON.stringify(Object.fromEntries(entries));
}

/** What a provider's name stands for; undefined for others. */
export type ProviderFamily = 'aws' | 'azure' | 'google' | 'oracle';

/** The family of a provider's name. */
export function providerFamily(name: string): ProviderFamily | undefined {
  const key = wordKey(name);
  if (key.startsWith('aws') || key.startsWith('amazon')) return 'aws';
  if (key.startsWith('microsoft') || key.startsWith('azure')) return 'azure';
  if (key.startsWith('google') || key === 'gcp') return 'google';
  if (key.startsWith('oracle') || key === 'oci') return 'oracle';
  return undefined;
}

/** Names of account kinds by provider family, for versions that do not state them. */
export const ACCOUNT_TYPES = {
  billing: {
    aws: 'Billing Account',
    azure: 'Billing Profile',
    google: 'Billing Account',
    oracle: 'Tenancy',
  },
  sub: { aws: 'Account', azure: 'Subscription', google: 'Project', oracle: 'Tenancy' },
} as const satisfies Record<string, Readonly<Record<ProviderFamily, string>>>;
