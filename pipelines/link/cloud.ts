/** The `cloud.*` attributes of the semantic conventions, on charges of the clouds that those know. */
import type { Batch, Column, TextColumn } from '../focus/batch.ts';
import { Dictionary } from '../focus/dictionary.ts';
import { cloudProvider } from './cloud-provider.ts';

/** Attribute → the FOCUS column it is. */
const CLOUD_ATTRIBUTES = {
  'cloud.account.id': 'SubAccountId',
  'cloud.region': 'RegionId',
  'cloud.availability_zone': 'AvailabilityZone',
  'cloud.resource_id': 'ResourceId',
} as const;

/** Columns that may name the cloud, the first that does wins. */
const PROVIDER_COLUMNS = ['ServiceProviderName', 'ProviderName', 'HostProviderName'] as const;

/** `cloud.provider` and what belongs to it; charges of others (CI, SaaS) get none of them. */
export function cloudLinks(batch: Batch): ReadonlyMap<string, Column> {
  const provider = providerColumn(batch);
  if (provider === undefined) return new Map();
  const links = new Map<string, Column>([['cloud.provider', provider]]);
  const everywhere = hasNoNull(provider, batch.rows);
  for (const [attribute, name] of Object.entries(CLOUD_ATTRIBUTES)) {
    const column = batch.columns.get(name);
    if (column?.kind !== 'text') continue;
    links.set(attribute, everywhere ? column : whereCloud(column, provider, batch.rows));
  }
  return links;
}

/** The cloud of each row; undefined when no row has one. */
function providerColumn(batch: Batch): TextColumn | undefined {
  const candidates = PROVIDER_COLUMNS.flatMap((name) => {
    const column = batch.columns.get(name);
    return column?.kind === 'text' ? [providers(column)] : [];
  }).filter((column) => !hasOnlyNull(column, batch.rows));
  const [first] = candidates;
  if (first === undefined || candidates.length === 1 || hasNoNull(first, batch.rows)) return first;
  return firstOf(candidates, batch.rows);
}

/** What a dictionary's entries are as `cloud.provider`, entry by entry. */
const known = new WeakMap<Dictionary, Dictionary>();

function providers({ codes, values }: TextColumn): TextColumn {
  let clouds = values.transient ? undefined : known.get(values);
  if (clouds === undefined) {
    clouds = new Dictionary({ transient: values.transient });
    if (!values.transient) known.set(values, clouds);
  }
  while (clouds.size < values.size) clouds.add(cloudProvider(values.text(clouds.size)));
  return { kind: 'text', codes, values: clouds };
}

function hasNoNull({ codes, values }: TextColumn, rows: number): boolean {
  if (values.size === 1) return !values.isNull(0);
  for (let row = 0; row < rows; row++) if (values.isNull(codes[row] as number)) return false;
  return true;
}

function hasOnlyNull({ codes, values }: TextColumn, rows: number): boolean {
  if (values.size === 1) return values.isNull(0);
  for (let row = 0; row < rows; row++) if (!values.isNull(codes[row] as number)) return false;
  return true;
}

/** Row by row the first that is not null: only where providers are mixed in one batch. */
function firstOf(columns: readonly TextColumn[], rows: number): TextColumn {
  const values = new Dictionary();
  values.add(undefined);
  const numbers = new Map<string, number>();
  const codes = new Uint32Array(rows);
  for (let row = 0; row < rows; row++) {
    for (const column of columns) {
      const text = column.values.text(column.codes[row] as number);
      if (text === undefined) continue;
      const number = numbers.get(text) ?? values.add(text);
      numbers.set(text, number);
      codes[row] = number;
      break;
    }
  }
  return { kind: 'text', codes, values };
}

/** Entries shifted by one behind a null entry. */
const shifted = new WeakMap<Dictionary, Dictionary>();

/** The column where the charge is a cloud's, null elsewhere: only where clouds and others are mixed in one batch. */
function whereCloud(column: TextColumn, provider: TextColumn, rows: number): TextColumn {
  const from = column.values;
  let values = from.transient ? undefined : shifted.get(from);
  if (values === undefined) {
    values = new Dictionary({ transient: from.transient });
    values.add(undefined);
    if (!from.transient) shifted.set(from, values);
  }
  for (let code = values.size - 1; code < from.size; code++) values.addEntry(from, code);
  const codes = new Uint32Array(rows);
  for (let row = 0; row < rows; row++)
    if (!provider.values.isNull(provider.codes[row] as number))
      codes[row] = (column.codes[row] as number) + 1;
  return { kind: 'text', codes, values };
}
