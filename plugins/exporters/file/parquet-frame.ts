import { parquetFoot, parquetHead } from '../../../pipelines/encode/parquet/index.ts';
import type { Frame } from './part-file.ts';

/** A Parquet file around row groups: the magic number before them, what they are behind them. */
export function parquetFrame(): Frame {
  return { head: parquetHead(), foot: (batches) => parquetFoot(batches) };
}
