import type { StageSettings } from '../pipelines/engine/deliver.ts';
import type { ChargedSkus } from '../pipelines/plugin/charged-skus.ts';
import type { Logger, SkuListener } from '../pipelines/plugin/contract.ts';
import { errorMessage } from '../pipelines/plugin/errors.ts';

/** Who asks what a delivery charges. */
export interface Asking {
  /** Those of now: extensions may be closed and opened again while a run goes on. */
  readonly skuListeners: () => readonly SkuListener[];
  readonly log: Logger;
}

/** The settings of the stages; the workers collect SKUs when somebody asks for them. */
export function withSkus(settings: StageSettings, { skuListeners }: Asking): StageSettings {
  return skuListeners().length === 0 ? settings : { ...settings, skus: true };
}

/** Tells the SKUs of a committed delivery. What a listener throws is said in the log: the delivery is through. */
export function tellSkus(skus: ChargedSkus, { skuListeners, log }: Asking): void {
  for (const listener of skuListeners()) {
    try {
      listener(skus);
    } catch (error) {
      const reason = errorMessage(error);
      log.error('SKUs of a delivery were not looked at', { reason });
    }
  }
}
