import { decimal, divide, formatDecimal } from '../../../pipelines/focus/decimal.ts';
import { listTiers } from '../prices/index.ts';

/** A charge as the mapping `serverless` reads it. Every field is always there, null when unknown. */
export interface ChargeLine {
  /** As FOCUS names it in `ServiceProviderName`. */
  readonly provider: string | null;
  readonly service: string | null;
  readonly account: string | null;
  readonly account_type: string | null;
  readonly region: string | null;
  readonly resource_id: string | null;
  readonly resource_name: string | null;
  readonly resource_type: string | null;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly description: string | null;
  readonly meter: string | null;
  readonly sku: string | null;
  readonly sku_details: Readonly<Record<string, string>> | null;
  /** Decimal text. */
  readonly quantity: string | null;
  readonly unit: string | null;
  /** Decimal text, `currency` for one `unit`; null says that no price is known. */
  readonly price: string | null;
  readonly currency: string | null;
  readonly price_source: string | null;
  readonly trace_id: string | null;
  readonly span_id: string | null;
  readonly tags: Readonly<Record<string, string>> | null;
  /** Why this is no charge. */
  readonly problem: string | null;
  /** What was pushed instead of one. */
  readonly text: string | null;
}

/** A line without anything. */
export const NO_CHARGE: ChargeLine = {
  provider: null,
  service: null,
  account: null,
  account_type: null,
  region: null,
  resource_id: null,
  resource_name: null,
  resource_type: null,
  started_at: null,
  ended_at: null,
  description: null,
  meter: null,
  sku: null,
  sku_details: null,
  quantity: null,
  unit: null,
  price: null,
  currency: null,
  price_source: null,
  trace_id: null,
  span_id: null,
  tags: null,
  problem: null,
  text: null,
};

/** A price, and where it is from. */
export interface Priced {
  readonly price: string | null;
  readonly price_source: string;
}

/** Settings that decide prices. */
export interface PriceSettings {
  /** SKU → price for one unit, in place of the public ones. */
  readonly prices: Readonly<Record<string, string>>;
  /** The tier of prices that go down with usage, 1 for the first. */
  readonly tier?: number;
}

/** Most prices that are remembered. */
const MOST_KNOWN = 10_000;

/** Looks up prices by SKU, region and time: the configured one, else the public one of that day; none when it is not known. */
export function pricer(
  provider: string,
  { prices, tier = 1 }: PriceSettings,
): (sku: string, region: string, at: string) => Priced {
  const known = new Map<string, Priced>();
  return (sku, region, at) => {
    const day = at.slice(0, 10);
    const key = `${day} ${region} ${sku}`;
    const found = known.get(key) ?? look(sku, region, day);
    if (known.size >= MOST_KNOWN) known.clear();
    known.set(key, found);
    return found;
  };
  function look(sku: string, region: string, at: string): Priced {
    if (Object.hasOwn(prices, sku))
      return { price: prices[sku] ?? null, price_source: 'configured' };
    const tiers = listTiers(provider, { sku, region, at });
    const found = tiers[Math.min(tier, tiers.length) - 1];
    if (found === undefined) return { price: null, price_source: 'unknown' };
    const which = tiers.length > 1 ? `, tier ${Math.min(tier, tiers.length)}` : '';
    return { price: found.price, price_source: `public: since ${found.from}${which}` };
  }
}

/** count / divisor as exact decimal text; the divisor is made of twos and fives only. */
export function quotient(count: bigint, divisor: bigint): string {
  const exact = divide({ digits: count, scale: 0 }, { digits: divisor, scale: 0 }, PLACES);
  return formatDecimal(exact ?? decimal('0'));
}

/** Enough for 2^20: each two in the divisor takes one place. */
const PLACES = 40;
