import {
  type ChargedSkus,
  errorMessage,
  type SkuListener,
} from '../../../pipelines/plugin/index.ts';
import type { Reading } from './reading.ts';
import { inSlices } from './store/take-list.ts';

/** Compares the SKUs of each committed delivery with the price lists, one delivery after the other. */
export function compareCharged({ context, charged }: Pick<Reading, 'context' | 'charged'>): {
  readonly take: SkuListener;
  /** Resolves when what was taken is compared. */
  idle(): Promise<void>;
} {
  const { clock, log } = context;
  let compared = Promise.resolve();

  async function compare({ skus, omitted }: ChargedSkus): Promise<void> {
    try {
      const found = await inSlices(charged.take(skus, clock.now()), () => clock.sleep(0));
      log.info('SKUs compared with the price lists', { ...found, omitted });
    } catch (error) {
      const reason = errorMessage(error);
      log.error('SKUs were not compared with the price lists', { reason });
    }
  }

  return {
    take(skus) {
      compared = compared.then(() => compare(skus));
    },
    idle: () => compared,
  };
}
