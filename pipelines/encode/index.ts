import type { Amounts } from '../focus/amounts.ts';
import type { Encoding } from '../plugin/delivery.ts';
import { createCloudEventEncoder } from './cloud-events/index.ts';
import type { BatchEncoder, EncoderOptions } from './encoder.ts';
import { createCsvEncoder } from './focus-csv/index.ts';
import { createNdjsonEncoder } from './focus-ndjson/index.ts';
import { createJsonLogEncoder } from './otlp-json/index.ts';
import { createLogEncoder } from './otlp-logs/index.ts';

export { returnBuffer } from './buffers.ts';
export { uidTexts } from './charge-uid.ts';
export type { BatchEncoder, ChargeExtras, EncodedChunk, EncoderOptions } from './encoder.ts';

/** Whether entry `code` of an amount column can be written. */
export type Fit = (column: string, amounts: Amounts, code: number) => boolean;

/** What all these encodings can write; undefined when that is everything. */
export async function fitOf(encodings: readonly Encoding[]): Promise<Fit | undefined> {
  const bounded = encodings.some((one) => one.kind === 'focus' && one.format === 'parquet');
  return bounded ? (await import('./parquet/index.ts')).fitsDecimal : undefined;
}

/** The encoder for what an exporter asked for. Parquet is loaded when it is first needed. */
export async function createEncoder(
  encoding: Encoding,
  options: EncoderOptions,
): Promise<BatchEncoder> {
  if (encoding.kind === 'otlp-logs') return createLogEncoder({ ...options, ...encoding });
  if (encoding.kind === 'otlp-json') return createJsonLogEncoder(options);
  if (encoding.kind === 'cloudevents') return createCloudEventEncoder({ ...options, ...encoding });
  const { version, format } = encoding;
  switch (format) {
    case 'csv':
      return createCsvEncoder({ ...options, version });
    case 'ndjson':
      return createNdjsonEncoder({ ...options, version });
    case 'parquet': {
      const { parquetEncoder } = await import('./parquet/index.ts');
      return parquetEncoder({ ...options, version });
    }
  }
}
