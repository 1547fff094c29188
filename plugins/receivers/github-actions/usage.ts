import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Delivery, Unavailable } from '../../../pipelines/plugin/index.ts';
import type { Api } from './api.ts';

/** A month of an organisation's bill. */
export interface Month {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
}

/** The month of the time and those before it, oldest first. */
export function monthsUntil(nowMs: number, count: number): readonly Month[] {
  const now = new Date(nowMs);
  return Array.from({ length: count }, (_, i) => {
    const date = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - (count - 1 - i), 1));
    return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1 };
  });
}

/** A month's usage as a delivery that replaces what was known of it; undefined when it is empty. Older files of the month stay until `tidy`. */
export async function usageOf(
  api: Api,
  { org, folder, of }: { readonly org: string; readonly folder: string; readonly of: Month },
): Promise<Delivery | undefined> {
  const path = `/organizations/${encodeURIComponent(org)}/settings/billing/usage?year=${of.year}&month=${of.month}`;
  const { body } = await api.get(path);
  const lines = usageLines(body, path);
  if (lines === '') return undefined;
  const month = `${of.year}-${String(of.month).padStart(2, '0')}`;
  const revision = createHash('sha256').update(lines).digest('hex').slice(0, 32);
  const file = join(folder, `${month}.${revision}.ndjson`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const known = await stat(file).catch(() => undefined);
  if (known === undefined) await writeFile(file, lines, { mode: 0o600, flush: true });
  const { size, mtimeMs } = known ?? (await stat(file));
  return {
    scope: `${org}/${month}`,
    revision,
    mode: 'snapshot',
    mapping: 'github-usage',
    parts: [{ path: file, bytes: size, modifiedMs: mtimeMs }],
    cursor: `${month} ${revision}`,
  };
}

/** Removes the files that a committed delivery has replaced. */
export async function tidy(folder: string, { cursor }: Delivery): Promise<void> {
  const [month, revision] = cursor.split(' ');
  const old = (await readdir(folder)).filter(
    (name) => name.startsWith(`${month}.`) && name !== `${month}.${revision}.ndjson`,
  );
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
}

/** The fields that an item may have; each is on every line, so that all lines have the same columns. */
const FIELDS = [
  'date',
  'product',
  'sku',
  'quantity',
  'unitType',
  'pricePerUnit',
  'grossAmount',
  'discountAmount',
  'netAmount',
  'organizationName',
  'repositoryName',
] as const;

/** One line per item. Numbers become texts with the digits of the answer: money never passes through a float. */
function usageLines(body: Uint8Array, path: string): string {
  const keepDigits = (
    _: string,
    value: unknown,
    context?: { readonly source?: string },
  ): unknown => (typeof value === 'number' ? (context?.source ?? String(value)) : value);
  let answer: unknown;
  try {
    answer = JSON.parse(new TextDecoder().decode(body), keepDigits);
  } catch (cause) {
    throw new Unavailable(`GET ${path}: the answer is no JSON`, { cause });
  }
  const items = (answer as { readonly usageItems?: unknown } | null)?.usageItems;
  if (!Array.isArray(items)) throw new Unavailable(`GET ${path}: no usageItems in the answer`);
  return items
    .map((item: Readonly<Record<string, unknown>>) =>
      JSON.stringify(Object.fromEntries(FIELDS.map((name) => [name, item[name] ?? null]))),
    )
    .map((line) => `${line}\n`)
    .join('');
}
