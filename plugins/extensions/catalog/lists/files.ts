import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import {
  BadPart,
  errorMessage,
  errorName,
  Unavailable,
} from '../../../../pipelines/plugin/index.ts';
import { filePatterns, listFiles, type SeenFile } from '../../../kit/watch.ts';
import { awsCsv } from './aws-csv.ts';
import { awsJson, publishedOf } from './aws-json.ts';
import { azurePrices } from './azure-items.ts';
import { csvRows } from './csv-rows.ts';
import { exactJson } from './exact-json.ts';
import { googlePrices } from './google-skus.ts';
import { ownCsv } from './own-csv.ts';
import type { ListSource, PriceList, PriceRow } from './price-list.ts';

/** JSON is read whole; larger price lists are to be had as CSV or in pages. */
const MAX_JSON = 256 * 1024 * 1024;

/** Regions that are wanted, by whose list it is; empty: all. */
export interface WantedRegions {
  readonly aws: ReadonlySet<string>;
  readonly azure: ReadonlySet<string>;
  readonly google: ReadonlySet<string>;
}

/** One pattern of files is one list: all files together are what it states. */
export function filesSource(pattern: string, wanted: WantedRegions): ListSource {
  return {
    id: `file:${pattern}`,
    async find() {
      const files = await listFiles(await filePatterns([pattern]));
      if (files.length === 0) throw new Unavailable(`there is no price file ${pattern}`);
      let published: number | undefined;
      async function* rows(): AsyncGenerator<readonly PriceRow[]> {
        for (const file of files) {
          const list = fileList(file, wanted);
          yield* naming(file, list.rows);
          published = latest(published, list.publishedMs?.());
        }
      }
      return { version: versionOf(files, wanted), publishedMs: () => published, rows: rows() };
    },
  };
}

/** Other regions make it another list. */
function versionOf(files: readonly SeenFile[], wanted: WantedRegions): string {
  const seen = files.map(({ path, bytes, changedMs }) => [path, bytes, changedMs]);
  return JSON.stringify([Object.values(wanted).map((regions) => [...regions]), seen]);
}

function latest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.max(a, b);
}

/** The format is found by content: JSON of AWS, Azure or Google, CSV of AWS or of one's own. */
function fileList(file: SeenFile, wanted: WantedRegions): PriceList {
  let publishedMs: (() => number | undefined) | undefined;
  async function* rows(): AsyncGenerator<readonly PriceRow[]> {
    const start = await startOf(file.path);
    if (/^\ufeff?\s*\{/.test(start)) {
      const { published, prices } = await jsonPrices(file, wanted);
      publishedMs = () => published;
      yield* prices;
    } else if (/^"?FormatVersion"?,/.test(start)) {
      const list = awsCsv(createReadStream(file.path), wanted.aws);
      publishedMs = list.publishedMs;
      yield* list.rows;
    } else yield* ownCsv(csvRows(createReadStream(file.path)));
  }
  return { publishedMs: () => publishedMs?.(), rows: rows() };
}

async function startOf(path: string): Promise<string> {
  for await (const chunk of createReadStream(path, { end: 63 })) return String(chunk);
  return '';
}

async function jsonPrices(
  { path, bytes }: SeenFile,
  wanted: WantedRegions,
): Promise<{
  readonly published: number | undefined;
  readonly prices: Iterable<readonly PriceRow[]>;
}> {
  if (bytes > MAX_JSON)
    throw new BadPart(`${bytes} bytes of JSON are too large: take the CSV of the price list`);
  const file = exactJson((await readFile(path, 'utf8')).replace(/^\ufeff/, ''));
  const published = publishedOf(file);
  if ('Items' in file) return { published, prices: [azurePrices(file, wanted.azure)] };
  if ('skus' in file) return { published, prices: [googlePrices(file, wanted.google)] };
  return { published, prices: awsJson(file, wanted.aws) };
}

/** What is wrong with a file names it. */
async function* naming(
  { path }: SeenFile,
  rows: AsyncIterable<readonly PriceRow[]>,
): AsyncGenerator<readonly PriceRow[]> {
  try {
    yield* rows;
  } catch (cause) {
    const reason = errorMessage(cause);
    const options = { path, cause };
    throw errorName(cause) === 'BadPart'
      ? new BadPart(`${path}: ${reason}`, options)
      : new Unavailable(`${path} cannot be read: ${reason}`, { cause });
  }
}
