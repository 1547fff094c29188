import { sniff } from './sniff.ts';
import type { OpenOptions, Source } from './source.ts';

/**
 * Opens a part of any format, found by its content. What cannot be read as a bill throws a `BadPart`. A format is loaded when a part has it.
 */
export async function openSource(options: OpenOptions): Promise<Source> {
  const sniffed = await sniff(options.path);
  switch (sniffed.format) {
    case 'csv': {
      const { openCsv } = await import('./csv/open.ts');
      return openCsv(options, sniffed);
    }
    case 'ndjson': {
      const { openNdjson } = await import('./ndjson/open.ts');
      return openNdjson(options, sniffed);
    }
    case 'parquet': {
      const { openParquet } = await import('./parquet/open.ts');
      return openParquet(options);
    }
  }
}
