import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { SeenFile } from '../../kit/watch.ts';

/** A provider's list of the files that make up one bill. */
export interface Manifest {
  readonly path: string;
  /** What the bill is about: export and billing period. */
  readonly scope: string;
  /** Identifies this run of the export. */
  readonly revision: string;
  /** Keys of the data files as the provider names them, with their sizes where it says so. */
  readonly files: readonly { readonly key: string; readonly bytes?: number }[];
}

/** Manifests are small; anything larger is not one. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Whether a file may be a manifest, by its name alone. */
export function isManifestName(path: string): boolean {
  const name = basename(path).toLowerCase();
  return name === 'manifest.json' || name.endsWith('-manifest.json');
}

/**
 * Reads a manifest: AWS Data Exports (`dataFiles`), legacy AWS CUR (`reportKeys`), Azure Cost Management (`blobs`). Undefined when the file is
 * something else or still being written. Sources: the providers' pages on export delivery.
 */
export async function readManifest(file: SeenFile): Promise<Manifest | undefined> {
  if (file.bytes > MAX_BYTES) return undefined;
  const value = parsed(await readFile(file.path, 'utf8').catch(() => ''));
  if (value === undefined) return undefined;
  return (
    awsDataExport(file.path, value) ??
    awsCostAndUsageReport(file.path, value) ??
    azureExport(file.path, value)
  );
}

type Json = Readonly<Record<string, unknown>>;

function parsed(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `{ executionId, dataFiles: ["s3://bucket/…"], … }` below `metadata/BILLING_PERIOD=2026-09/`. */
function awsDataExport(path: string, value: Json): Manifest | undefined {
  const files = texts(value.dataFiles);
  if (files === undefined) return undefined;
  const period = /billing_period=(\d{4}-\d{2})/i.exec(path)?.[1] ?? text(value.billingPeriod) ?? '';
  const name =
    text(value.exportName) ??
    text(value.exportArn) ??
    basename(path).replace(/-manifest\.json$/i, '');
  return {
    path,
    scope: `${name}/${period}`,
    revision: text(value.executionId) ?? text(value.queryExecutionId) ?? JSON.stringify(files),
    files: files.map((key) => ({ key: key.replace(/^s3:\/\/[^/]+\//, '') })),
  };
}

/** `{ reportName, assemblyId, billingPeriod: { start, end }, reportKeys: ["prefix/…"], … }`. */
function awsCostAndUsageReport(path: string, value: Json): Manifest | undefined {
  const keys = texts(value.reportKeys);
  const period = isObject(value.billingPeriod) ? text(value.billingPeriod.start) : undefined;
  if (keys === undefined || period === undefined) return undefined;
  return {
    path,
    scope: `${text(value.reportName) ?? 'report'}/${period.slice(0, 8)}`,
    revision: text(value.assemblyId) ?? JSON.stringify(keys),
    files: keys.map((key) => ({ key })),
  };
}

/** `{ blobs: [{ blobName, byteCount }], runInfo: { runId, startDate }, exportConfig: { exportName } }`. */
function azureExport(path: string, value: Json): Manifest | undefined {
  if (!Array.isArray(value.blobs) || !isObject(value.runInfo)) return undefined;
  const files = value.blobs.filter(isObject).flatMap((blob) => {
    const key = text(blob.blobName);
    return key === undefined
      ? []
      : [{ key, ...(typeof blob.byteCount === 'number' ? { bytes: blob.byteCount } : {}) }];
  });
  const name = isObject(value.exportConfig) ? text(value.exportConfig.exportName) : undefined;
  const start = text(value.runInfo.startDate)?.slice(0, 10) ?? '';
  return {
    path,
    scope: `${name ?? 'export'}/${start}`,
    revision: text(value.runInfo.runId) ?? JSON.stringify(files),
    files,
  };
}

/**
 * The local copies of a manifest's files: the key's longest tail that exists below one of the manifest's parent folders. `missing` names the
 * first that is not there, or not as long as it should be.
 */
export function partsOf(
  manifest: Manifest,
  present: ReadonlyMap<string, SeenFile>,
): { readonly parts: readonly SeenFile[]; readonly missing: string | undefined } {
  const parts: SeenFile[] = [];
  let missing: string | undefined;
  for (const { key, bytes } of manifest.files) {
    const part = locate(manifest.path, key, present);
    if (part !== undefined) parts.push(part);
    if (part === undefined) missing ??= key;
    else if (bytes !== undefined && part.bytes !== bytes)
      missing ??= `${key} (has ${part.bytes} of ${bytes} bytes)`;
  }
  return { parts, missing };
}

function locate(
  manifest: string,
  key: string,
  present: ReadonlyMap<string, SeenFile>,
): SeenFile | undefined {
  const segments = key
    .split('/')
    .filter((segment) => segment !== '' && segment !== '.' && segment !== '..');
  for (let from = 0; from < segments.length; from++) {
    const tail = segments.slice(from);
    for (let folder = dirname(manifest); ; folder = dirname(folder)) {
      const found = present.get(join(folder, ...tail));
      if (found !== undefined) return found;
      if (dirname(folder) === folder) break;
    }
  }
  return undefined;
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
    ? value
    : undefined;
}
