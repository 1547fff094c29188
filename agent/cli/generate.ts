import { join, resolve } from 'node:path';
import { Misconfigured } from '../../pipelines/plugin/errors.ts';
import { BILLS, type BillProvider, generateBill } from '../generate/generate-bill.ts';
import type { Truth } from '../generate/truth.ts';
import type { BillFormat } from '../generate/write-bill.ts';
import { progressLine } from './progress.ts';

interface Options {
  readonly provider: BillProvider | 'all';
  readonly format: BillFormat;
  readonly rows: string;
  readonly seed: string;
  readonly month: string;
  readonly revisions: string;
  readonly faults: string;
  readonly parts: string;
  readonly json?: boolean;
}

/** Writes bills with known truth; with several revisions each goes to a folder of its own. */
export async function generate(folder: string, options: Options): Promise<void> {
  const request = {
    rows: count('rows', options.rows),
    seed: count('seed', options.seed),
    faults: count('faults', options.faults),
    parts: count('parts', options.parts, 1),
    format: options.format,
    month: month(options.month),
  };
  if (request.faults > 0 && request.format === 'parquet')
    throw new Misconfigured('--faults goes with text formats only', {
      hint: 'Parquet columns have types, a cost that is no number cannot be written; take csv or ndjson',
    });
  const revisions = count('revisions', options.revisions, 1);
  const providers =
    options.provider === 'all' ? (Object.keys(BILLS) as BillProvider[]) : [options.provider];
  const truths: Truth[] = [];
  const progress = progressLine('generated', request.rows * revisions * providers.length);
  for (let revision = 1; revision <= revisions; revision++) {
    for (const provider of providers) {
      const target = join(
        resolve(folder),
        providers.length > 1 ? provider : '',
        revisions > 1 ? `revision-${revision}` : '',
      );
      truths.push(
        await generateBill({
          ...request,
          folder: target,
          provider,
          revision,
          progress: progress.add,
        }),
      );
    }
  }
  progress.end();
  if (options.json === true) process.stdout.write(`${JSON.stringify(truths, null, 2)}\n`);
  else for (const truth of truths) process.stdout.write(`${describe(truth)}\n`);
}

function describe({
  provider,
  month: of,
  revision,
  rows,
  charges,
  costs,
  faults,
  files,
}: Truth): string {
  const broken = Object.values(faults).reduce((sum, number) => sum + number, 0);
  return `${provider} ${of} revision ${revision}: ${rows} rows in ${files.length} file${files.length === 1 ? '' : 's'}, ${charges} charges, BilledCost ${costs.BilledCost}, EffectiveCost ${costs.EffectiveCost}${broken === 0 ? '' : `, ${broken} broken rows`}`;
}

function count(name: string, text: string, least = 0): number {
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < least)
    throw new Misconfigured(`--${name} is "${text}"`, {
      hint: `give a whole number of at least ${least}`,
    });
  return value;
}

function month(text: string): string {
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(text))
    throw new Misconfigured(`--month is "${text}"`, { hint: 'give a month such as 2026-10' });
  return text;
}
