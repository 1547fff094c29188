import { basename } from 'node:path';

/** A provider's list of the files that make up one bill. */
export interface Manifest {
  /** What the bill is about: export and billing period. */
  readonly scope: string;
  /** Identifies this run of the export. */
  readonly revision: string;
  /** Billing period `YYYY-MM`, where it is told. */
  readonly period: string | undefined;
  /** What the bill is of, where it is told: an account, a subscription. */
  readonly account?: string | undefined;
  /** What is exported of it, as the provider names it: `FocusCost`, `ActualCost`, … */
  readonly type?: string | undefined;
  /** Keys of the data files as the provider names them, with their sizes where it says so. */
  readonly files: readonly { readonly key: string; readonly bytes?: number }[];
}

/** Manifests are small; anything larger is not one. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

/** Whether a file or object may be a manifest, by its name alone. */
export function isManifestName(path: string): boolean {
  const name = basename(path).toLowerCase();
  return name === 'manifest.json' || name.endsWith('-manifest.json');
}

/** Where an export lies, by the path of a manifest: `exports/focus` and its period `2026-09`, `costs/daily` and `20260901`. */
export function exportOf(
  path: string,
): { readonly folder: string; readonly period: string } | undefined {
  const [, folder, month, start] =
    /^(.+?)\/(?:metadata\/billing_period=(\d{4}-\d{2})|(\d{8})-\d{8})\//i.exec(path) ?? [];
  const period = month ?? start;
  return folder === undefined || period === undefined ? undefined : { folder, period };
}

/**
 * Reads the text of a manifest: AWS Data Exports (`dataFiles`), legacy AWS CUR (`reportKeys`), Azure Cost Management (`blobs`). Undefined when
 * it is something else or still being written. Sources: the providers' pages on export delivery.
 */
export function parseManifest(path: string, content: string): Manifest | undefined {
  const value = parsed(content);
  if (value === undefined) return undefined;
  return awsDataExport(path, value) ?? awsCostAndUsageReport(value) ?? azureExport(value);
}

type Json = Readonly<Record<string, unknown>>;

function parsed(content: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(content.replace(/^\uFEFF/, ''));
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
    scope: `${name}/${period}`,
    revision: text(value.executionId) ?? text(value.queryExecutionId) ?? JSON.stringify(files),
    period: monthOf(period),
    account: accountOf(text(value.exportArn)),
    files: files.map((key) => ({ key: key.replace(/^s3:\/\/[^/]+\//, '') })),
  };
}

/** The account of `arn:aws:bcm-data-exports:us-east-1:111111111111:export/…`. */
function accountOf(arn: string | undefined): string | undefined {
  return text(arn?.split(':')[4]);
}

/** `{ reportName, assemblyId, billingPeriod: { start, end }, reportKeys: ["prefix/…"], … }`. */
function awsCostAndUsageReport(value: Json): Manifest | undefined {
  const keys = texts(value.reportKeys);
  const period = isObject(value.billingPeriod) ? text(value.billingPeriod.start) : undefined;
  if (keys === undefined || period === undefined) return undefined;
  return {
    scope: `${text(value.reportName) ?? 'report'}/${period.slice(0, 8)}`,
    revision: text(value.assemblyId) ?? JSON.stringify(keys),
    period: monthOf(period),
    account: text(value.account),
    files: keys.map((key) => ({ key })),
  };
}

/** `{ blobs: [{ blobName, byteCount }], runInfo: { runId, startDate }, exportConfig: { exportName } }`. */
function azureExport(value: Json): Manifest | undefined {
  if (!Array.isArray(value.blobs) || !isObject(value.runInfo)) return undefined;
  const files = value.blobs.filter(isObject).flatMap((blob) => {
    const key = text(blob.blobName);
    return key === undefined
      ? []
      : [{ key, ...(typeof blob.byteCount === 'number' ? { bytes: blob.byteCount } : {}) }];
  });
  const config = isObject(value.exportConfig) ? value.exportConfig : {};
  const name = text(config.exportName);
  const start = text(value.runInfo.startDate)?.slice(0, 10) ?? '';
  return {
    scope: `${name ?? 'export'}/${start}`,
    revision: text(value.runInfo.runId) ?? JSON.stringify(files),
    period: monthOf(start),
    account: azureScope(text(config.resourceId)),
    type: text(config.type),
    files,
  };
}

/** The scope of `/subscriptions/…/providers/Microsoft.CostManagement/exports/…`. */
function azureScope(id: string | undefined): string | undefined {
  return text(id?.toLowerCase().replace(/\/providers\/microsoft\.costmanagement\/.*/, ''));
}

/** `2026-09`, `2026-09-01…` and `20260901…` are `2026-09`. */
function monthOf(date: string): string | undefined {
  const [, year, month] = /^(\d{4})-?(\d{2})/.exec(date) ?? [];
  return year === undefined ? undefined : `${year}-${month}`;
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
