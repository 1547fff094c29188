import type { Amounts } from '../focus/amounts.ts';
import type { Encoding } from '../plugin/delivery.ts';
import type { BatchEncoder, EncoderOptions } from './encoder.ts';

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

/** The encoder for what an exporter asked for; it is loaded when it is first needed. */
export async function createEncoder(
  encoding: Encoding,
  options: EncoderOptions,
): Promise<BatchEncoder> {
  switch (encoding.kind) {
    case 'otlp-logs': {
      const { createLogEncoder } = await import('./otlp-logs/index.ts');
      return createLogEncoder({ ...options, ...encoding });
    }
    case 'otlp-json': {
      const { createJsonLogEncoder } = await import('./otlp-json/index.ts');
      return createJsonLogEncoder(options);
    }
    case 'cloudevents': {
      const { createCloudEventEncoder } = await import('./cloud-events/index.ts');
      return createCloudEventEncoder({ ...options, ...encoding });
    }
    case 'focus':
      return await createFocusEncoder(encoding, options);
  }
}

async function createFocusEncoder(
  { version, format }: Extract<Encoding, { kind: 'focus' }>,
  options: EncoderOptions,
): Promise<BatchEncoder> {
  switch (format) {
    case 'csv': {
      const { createCsvEncoder } = await import('./focus-csv/index.ts');
      return createCsvEncoder({ ...options, version });
    }
    case 'ndjson': {
      const { createNdjsonEncoder } = await import('./focus-ndjson/index.ts');
      return createNdjsonEncoder({ ...options, version });
    }
    case 'parquet': {
      const { parquetEncoder } = await import('./parquet/index.ts');
      return parquetEncoder({ ...options, version });
    }
  }
}
