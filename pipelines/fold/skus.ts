/** The stage that collects SKUs: the distinct ones of a bill with their list prices, within a budget. */
import type { Batch, Column } from '../focus/batch.ts';
import { Groups, hashOf } from '../focus/groups.ts';
import type { ChargedSku, ChargedSkus } from '../plugin/charged-skus.ts';
import { Dimension, UNKNOWN } from './dimension.ts';

/** Collects the SKUs of batches. */
export interface SkuFold {
  add(batch: Batch): void;
  result(): ChargedSkus;
}

/** What tells SKUs apart, in the order of the tuples; then currency and list price. */
const TEXTS = [
  'ServiceProviderName',
  'SkuId',
  'SkuPriceId',
  'SkuMeter',
  'RegionId',
  'PricingUnit',
] as const;
const SKU = TEXTS.indexOf('SkuId');
const WIDTH = TEXTS.length + 2;

/** SKUs kept per task and per delivery. */
export const MAX_SKUS = 50_000;

/** At most `maxSkus` of them; charges of others are counted as omitted. */
export function createSkuFold({ maxSkus }: { readonly maxSkus: number }): SkuFold {
  return new SkuFolding(maxSkus);
}

class SkuFolding implements SkuFold {
  readonly #maxSkus: number;
  readonly #dimensions = Array.from({ length: WIDTH }, () => new Dimension('text'));
  readonly #groups = new Groups(WIDTH);
  readonly #tuple = new Uint32Array(WIDTH);
  readonly #charges: number[] = [];
  readonly #newest: number[] = [];
  #omitted = 0;

  constructor(maxSkus: number) {
    this.#maxSkus = maxSkus;
  }

  add(batch: Batch): void {
    const sku = batch.columns.get('SkuId');
    if (sku === undefined) return;
    const columns = columnsOf(batch);
    const closed = this.#groups.size >= this.#maxSkus;
    const numbers = columns.map((column, i) => this.#dimensions[i]?.numbers(column, closed));
    const starts = batch.columns.get('ChargePeriodStart');
    for (let row = 0; row < batch.rows; row++) {
      if (sku.values.text(sku.codes[row] as number) === undefined) continue;
      const group = this.#groupOf(row, columns, numbers);
      if (group < 0) this.#omitted += 1;
      else this.#count(group, startOf(starts, row));
    }
  }

  result(): ChargedSkus {
    const skus = Array.from({ length: this.#groups.size }, (_, group) => this.#sku(group));
    return { skus, omitted: this.#omitted };
  }

  #groupOf(
    row: number,
    columns: readonly (Column | undefined)[],
    numbers: readonly (Uint32Array | undefined)[],
  ): number {
    const tuple = this.#tuple;
    for (let at = 0; at < WIDTH; at++) {
      const code = columns[at]?.codes[row] ?? 0;
      tuple[at] = numbers[at]?.[code] ?? UNKNOWN;
    }
    const hash = hashOf(tuple);
    const found = this.#groups.find(tuple, hash);
    if (found >= 0 || this.#groups.size >= this.#maxSkus) return found;
    return this.#groups.add(tuple, hash);
  }

  #count(group: number, startMs: number): void {
    this.#charges[group] = (this.#charges[group] ?? 0) + 1;
    const newest = this.#newest[group] ?? Number.NaN;
    this.#newest[group] = startMs > newest || Number.isNaN(newest) ? startMs : newest;
  }

  #sku(group: number): ChargedSku {
    const value = (at: number): string | null =>
      this.#dimensions[at]?.values[this.#groups.tuples[group * WIDTH + at] as number] ?? null;
    return {
      provider: value(0) ?? '',
      sku: value(SKU) ?? '',
      priceId: value(2),
      meter: value(3),
      region: value(4),
      unit: value(5),
      currency: value(6),
      listPrice: value(7),
      newestMs: this.#newest[group] ?? Number.NaN,
      charges: this.#charges[group] ?? 0,
    };
  }
}

/** The currency in which the seller prices, where the bill has it, with the price in it. */
function columnsOf({ columns }: Batch): readonly (Column | undefined)[] {
  const priced = columns.get('PricingCurrencyListUnitPrice');
  const pricing = columns.get('PricingCurrency');
  const money =
    priced === undefined || pricing === undefined
      ? [columns.get('BillingCurrency'), columns.get('ListUnitPrice')]
      : [pricing, priced];
  return [...TEXTS.map((name) => columns.get(name)), ...money];
}

function startOf(column: Column | undefined, row: number): number {
  return column?.kind === 'time'
    ? (column.values.ms[column.codes[row] as number] as number)
    : Number.NaN;
}

/** Those of some tasks as one delivery's. */
export class SkuMerge {
  readonly #maxSkus: number;
  readonly #merged = new Map<string, ChargedSku>();
  #omitted = 0;

  constructor(maxSkus: number) {
    this.#maxSkus = maxSkus;
  }

  add({ skus, omitted }: ChargedSkus): void {
    this.#omitted += omitted;
    for (const sku of skus) {
      const { newestMs: _, charges: __, ...about } = sku;
      const key = JSON.stringify(about);
      const known = this.#merged.get(key);
      if (known === undefined && this.#merged.size >= this.#maxSkus) this.#omitted += sku.charges;
      else this.#merged.set(key, known === undefined ? sku : added(known, sku));
    }
  }

  result(): ChargedSkus {
    return { skus: [...this.#merged.values()], omitted: this.#omitted };
  }
}

function added(a: ChargedSku, b: ChargedSku): ChargedSku {
  const isNewer = b.newestMs > a.newestMs || Number.isNaN(a.newestMs);
  return {
    ...a,
    charges: a.charges + b.charges,
    newestMs: isNewer ? b.newestMs : a.newestMs,
  };
}
