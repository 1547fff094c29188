import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ConfigOf,
  type Context,
  type DeliveryInfo,
  defineExporter,
  type Encoding,
  errorMessage,
  Misconfigured,
  type Schema,
  type Sink,
  type TotalsView,
  Unavailable,
} from '../../../pipelines/plugin/index.ts';
import { metricSettings, pointSettings } from '../../kit/metric-settings.ts';
import { createCostMetrics } from '../../kit/points.ts';
import { beginDelivery, type DeliveryFolder, type DeliveryFolders } from './delivery-folder.ts';
import type { Frame } from './part-file.ts';
import { safeName } from './paths.ts';

const settings = {
  folder: { doc: 'Folder of the files; each file exporter needs its own.', format: 'path' },
  format: {
    doc: 'What is written: OTLP logs as JSON lines, or FOCUS files.',
    format: 'choice',
    values: ['otlp-json', 'focus-csv', 'focus-ndjson', 'focus-parquet'],
    default: 'otlp-json',
  },
  focus_version: {
    doc: 'FOCUS version of the columns; not for otlp-json.',
    format: 'choice',
    values: ['1.2', '1.3', '1.4'],
    default: '1.2',
  },
  keep_revisions: {
    doc: 'Keep the files of older revisions of a scope. They hold the same charges: adding them up counts twice.',
    format: 'flag',
    default: false,
  },
  restatement: {
    doc: 'What is written of a restated scope, only for otlp-json. totals: all of its charges, in place of the older revision; rows: beside it those that are new, and corrections of those that vanished.',
    format: 'choice',
    values: ['totals', 'rows'],
    default: 'totals',
  },
  metrics: metricSettings,
} as const satisfies Schema;

type Settings = ConfigOf<typeof settings>;

export default defineExporter({
  type: 'file',
  summary: 'Charges as files on disk: OTLP JSON lines, FOCUS CSV, JSON lines or Parquet.',
  stability: 'beta',
  config: settings,

  async open(context, totals): Promise<Sink> {
    const { folder, format } = context.config;
    if (context.config.restatement === 'rows' && format !== 'otlp-json')
      throw new Misconfigured(`${format} files hold all charges of a revision`, {
        path: `exporters.${context.id}.restatement`,
        hint: 'restatement: rows is for format: otlp-json',
      });
    const incomplete = join(folder, `.incomplete-${safeName(context.id)}`);
    await emptyFolder(incomplete, `exporters.${context.id}.folder`);
    const deliveries = openDeliveries({
      folder,
      incomplete,
      extension: FORMATS[format].extension,
      frame: await frameOf(context.config),
      keepRevisions: context.config.keep_revisions,
    });
    return {
      encoding: encodingOf(context.config),
      ...deliveries,
      ...(format === 'otlp-json' && { flush: snapshots(context, { totals, incomplete }) }),
      async close() {
        await deliveries.close();
        await rm(incomplete, { recursive: true, force: true });
      },
    };
  },
});

/** Also the first proof that the folder can be written to. */
async function emptyFolder(folder: string, path: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new Misconfigured(`cannot write to ${folder}: ${errorMessage(cause)}`, { path, cause });
  }
}

/** A full disk or a lost mount may come right: `Unavailable`, so that it is tried again. */
async function onDisk<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause)) throw cause;
    throw new Unavailable(cause.message, { cause });
  }
}

const FORMATS = {
  'otlp-json': { extension: 'jsonl' },
  'focus-csv': { extension: 'csv' },
  'focus-ndjson': { extension: 'ndjson' },
  'focus-parquet': { extension: 'parquet' },
} as const;

function encodingOf({ format, focus_version: version, restatement }: Settings): Encoding {
  switch (format) {
    case 'otlp-json':
      return { kind: 'otlp-json', restatement };
    case 'focus-csv':
      return { kind: 'focus', format: 'csv', version };
    case 'focus-ndjson':
      return { kind: 'focus', format: 'ndjson', version };
    case 'focus-parquet':
      return { kind: 'focus', format: 'parquet', version };
  }
}

/** Only Parquet has something around its batches. */
async function frameOf({ format }: Settings): Promise<Frame> {
  if (format !== 'focus-parquet') return {};
  const { parquetFrame } = await import('./parquet-frame.ts');
  return parquetFrame();
}

function openDeliveries(options: DeliveryFolders) {
  const open = new Map<string, Promise<DeliveryFolder>>();

  function started(delivery: DeliveryInfo): Promise<DeliveryFolder> {
    const known = open.get(delivery.id);
    if (known !== undefined) return known;
    const begun = beginDelivery(options, delivery);
    open.set(delivery.id, begun);
    begun.catch(() => open.delete(delivery.id));
    return begun;
  }

  async function end(id: string, how: 'commit' | 'abort'): Promise<void> {
    const folder = await open.get(id);
    await folder?.[how]();
    open.delete(id);
  }

  return {
    begin: (delivery) =>
      onDisk(async () => {
        await end(delivery.id, 'abort');
        await started(delivery);
      }),
    write: (batch, delivery) =>
      onDisk(async () => {
        await (await started(delivery)).write(batch);
        return {};
      }),
    commit: (delivery) =>
      onDisk(async () => {
        await started(delivery);
        await end(delivery.id, 'commit');
      }),
    abort: (delivery) => onDisk(() => end(delivery.id, 'abort')),
    async close() {
      for (const id of [...open.keys()]) await end(id, 'abort');
    },
  } satisfies Partial<Sink>;
}

/** Writes the totals as one ExportMetricsServiceRequest to metrics.jsonl, in place of the last one. */
function snapshots(
  { config, clock }: Context<Settings>,
  { totals, incomplete }: { readonly totals: TotalsView; readonly incomplete: string },
): () => Promise<void> {
  const costs = createCostMetrics(totals, pointSettings(config.metrics));
  const write = async () => {
    const { metricsJson } = await import('./metrics-json.ts');
    const pending = join(incomplete, 'metrics.jsonl');
    const file = await open(pending, 'w');
    try {
      await file.writeFile(metricsJson(costs.at(clock.now())));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(pending, join(config.folder, 'metrics.jsonl'));
  };
  return () => onDisk(write);
}
