import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { awsBill, awsLegacyBill } from './aws.ts';
import type { Bill, BillRequest } from './bill.ts';
import { azureFocusBill, genericFocusBill } from './focus.ts';
import { gcpBill } from './gcp.ts';
import { Random, seedFor } from './random.ts';
import { type Truth, TruthSums } from './truth.ts';
import { type BillFormat, writeBill } from './write-bill.ts';

/** Providers whose bills can be made. */
export const BILLS = {
  aws: awsBill,
  'aws-legacy': awsLegacyBill,
  azure: azureFocusBill,
  gcp: gcpBill,
  focus: genericFocusBill,
} as const satisfies Readonly<Record<string, (request: BillRequest) => Bill>>;

/** One of them. */
export type BillProvider = keyof typeof BILLS;

/** What is to be made. */
export interface GenerateRequest {
  readonly folder: string;
  readonly provider: BillProvider;
  readonly format: BillFormat;
  readonly rows: number;
  readonly seed: number;
  readonly month: string;
  readonly revision: number;
  readonly faults: number;
  readonly parts: number;
  readonly progress?: (rows: number) => void;
}

/** Rows that are never broken: the fees that the truth counts on. */
const SAFE_ROWS = 20;

/**
 * Writes one revision of a bill below the folder, with its truth beside it (`truth.json`). AWS bills come with the manifest of a data export.
 * Same request, same bytes.
 */
export async function generateBill(request: GenerateRequest): Promise<Truth> {
  const { folder, provider, format, rows, seed, month, revision, parts } = request;
  const bill = BILLS[provider]({ rows, seed, month, revision });
  const truth = new TruthSums();
  const broken = brokenRows(request);
  const paths = Array.from({ length: parts }, (_, part) => join(folder, partName(request, part)));
  for (const [part, path] of paths.entries()) {
    const from = Math.floor((rows * part) / parts);
    const to = Math.floor((rows * (part + 1)) / parts);
    await writeBill({
      path,
      format,
      bill,
      from,
      to,
      broken,
      seed,
      truth,
      progress: request.progress ?? (() => {}),
    });
  }
  const files = paths.map((path) => relative(folder, path));
  if (provider === 'aws') await writeManifest(request, files);
  const result = truth.truth({ provider, month, revision, seed, files });
  await mkdir(folder, { recursive: true });
  await writeFile(
    join(folder, `truth-${provider}-${month}.json`),
    `${JSON.stringify(result, null, 2)}\n`,
  );
  return result;
}

function brokenRows({ rows, seed, faults }: GenerateRequest): ReadonlySet<number> {
  const random = new Random(seedFor(seed, 4242));
  const broken = new Set<number>();
  const most = Math.min(faults, Math.max(0, rows - SAFE_ROWS));
  while (broken.size < most) broken.add(SAFE_ROWS + random.int(rows - SAFE_ROWS));
  return broken;
}

function partName({ provider, month, format, parts }: GenerateRequest, part: number): string {
  const number = parts > 1 ? `-${String(part + 1).padStart(5, '0')}` : '';
  if (provider === 'aws')
    return join(
      'data',
      `BILLING_PERIOD=${month}`,
      `cur2-${String(part + 1).padStart(5, '0')}.${format}`,
    );
  return `${provider}-${month}${number}.${format}`;
}

/** As AWS Data Exports lays it beside the data: the list of files of the newest execution. */
async function writeManifest(
  { folder, month, seed, revision }: GenerateRequest,
  files: readonly string[],
): Promise<void> {
  const path = join(folder, 'metadata', `BILLING_PERIOD=${month}`, 'cur2-Manifest.json');
  await mkdir(dirname(path), { recursive: true });
  const manifest = {
    exportName: 'cur2',
    executionId: new Random(seedFor(seed, revision, 1)).hex(32),
    dataFiles: files.map(
      (file) => `s3://example-billing/exports/cur2/data/BILLING_PERIOD=${month}/${basename(file)}`,
    ),
  };
  await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
