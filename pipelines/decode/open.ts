import { openCsv } from './csv/open.ts';
import { openNdjson } from './ndjson/open.ts';
import { sniff } from './sniff.ts';
import type { OpenOptions, Source } from './source.ts';

/** Opens a part of any format, found by its content. What cannot be read as a bill throws a `BadPart`. */
export async function openSource(options: OpenOptions): Promise<Source> {
  const sniffed = await sniff(options.path);
  if (sniffed.format === 'csv') return openCsv(options, sniffed);
  if (sniffed.format === 'ndjson') return openNdjson(options, sniffed);
  const { openParquet } = await import('./parquet/open.ts');
  return openParquet(options);
}
