import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Configuration } from '../../config/validate.ts';
import { add, decimal, formatDecimal } from '../../pipelines/focus/decimal.ts';
import type { DeadLetter } from '../dead-letters.ts';

/** Which dead letters; every filter that is given must fit. */
export interface LetterFilter {
  readonly receiver?: string;
  readonly scope?: string;
  readonly delivery?: string;
  /** Only letters with this code, and deliveries that have such. */
  readonly reason?: string;
}

/** The letters of one delivery, by reason. */
export interface LetterFile {
  readonly path: string;
  readonly delivery: string;
  readonly receiver: string;
  readonly scope: string;
  readonly revision: string;
  readonly kind: DeadLetter['kind'];
  /** Letters. */
  readonly reasons: Readonly<Record<string, number>>;
  /** What is lost with them as far as it is known: exact sums by cost column. */
  readonly costs: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Letters whose cost is not known. */
  readonly unknown: Readonly<Record<string, number>>;
}

/** Files of dead letters that have a letter that fits. */
export async function letterFiles(
  { storage }: Configuration,
  filter: LetterFilter = {},
): Promise<LetterFile[]> {
  const folder = join(storage.folder, 'deadletters');
  const names = existsSync(folder) ? readdirSync(folder).sort() : [];
  const files: LetterFile[] = [];
  for (const name of names) {
    const delivery = /-([0-9a-f]+)\.ndjson$/.exec(name)?.[1];
    if (delivery === undefined) continue;
    if (filter.delivery !== undefined && filter.delivery !== delivery) continue;
    const file = await readFile(join(folder, name), delivery, filter);
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** The letters of a file, those of one reason or all. */
export async function* lettersIn(path: string, reason?: string): AsyncIterable<DeadLetter> {
  for await (const line of createInterface({ input: createReadStream(path) })) {
    if (line === '') continue;
    const letter = JSON.parse(line) as DeadLetter;
    if (reason === undefined || letter.reason === reason) yield letter;
  }
}

async function readFile(
  path: string,
  delivery: string,
  filter: LetterFilter,
): Promise<LetterFile | undefined> {
  const reasons: Record<string, number> = {};
  const unknown: Record<string, number> = {};
  const costs: Record<string, Record<string, string>> = {};
  let first: DeadLetter | undefined;
  for await (const letter of lettersIn(path, filter.reason)) {
    first ??= letter;
    const { reason } = letter;
    reasons[reason] = (reasons[reason] ?? 0) + 1;
    if (letter.costs === undefined) unknown[reason] = (unknown[reason] ?? 0) + 1;
    else costs[reason] = summed(costs[reason] ?? {}, letter.costs);
  }
  if (first === undefined) return undefined;
  const { receiver, scope, revision, kind } = first;
  if ((filter.receiver ?? receiver) !== receiver || (filter.scope ?? scope) !== scope)
    return undefined;
  return { path, delivery, receiver, scope, revision, kind, reasons, costs, unknown };
}

function summed(
  sums: Readonly<Record<string, string>>,
  more: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = { ...sums };
  for (const [column, cost] of Object.entries(more))
    all[column] = formatDecimal(add(decimal(all[column] ?? '0'), decimal(cost)));
  return all;
}
