import {
  add,
  type Decimal,
  decimal,
  divide,
  multiply,
  parseDecimal,
} from '../../../pipelines/focus/index.ts';
import { Misconfigured } from '../../../pipelines/plugin/index.ts';
import type { KubeNode, KubeVolume } from './objects.ts';
import type { Settings } from './settings.ts';

/** Prices as exact numbers, in the currency of the settings. */
export interface Prices {
  /** By instance type, `type/region`, `type/spot`, `type/region/spot`. */
  readonly nodes: ReadonlyMap<string, Decimal>;
  readonly rates: Rates;
  readonly byRates: boolean;
  /** Of a GiB and hour × 730, by storage class. */
  readonly storage: ReadonlyMap<string, Decimal>;
  readonly loadBalancer: Decimal | undefined;
  readonly controlPlane: Decimal | undefined;
  readonly network: Decimal | undefined;
}

/** Of a core, a GiB and a GPU for an hour. */
export interface Rates {
  readonly cpu: Decimal;
  readonly memory: Decimal;
  readonly gpu: Decimal;
}

/** A price for an hour, and where it is from (`x_PriceSource`). */
export interface Price {
  readonly amount: Decimal;
  readonly source: string;
  /** It is what is asked on demand, for a spot node: another source may know its price. */
  readonly isStretched?: boolean;
}

/** The prices of the settings; `Misconfigured` names the one that is no number. */
export function pricesOf(config: Settings, path: string): Prices {
  const price = (name: string, text: string): Decimal => {
    const value = /^\d+(\.\d+)?$/.test(text) ? parseDecimal(text) : undefined;
    if (value !== undefined) return value;
    throw new Misconfigured(`not a price: ${text}`, {
      path: `${path}.${name}`,
      hint: `write ${config.currency} as a plain number, for example "0.192"`,
    });
  };
  const optional = (name: string, text: string | undefined) =>
    text === undefined ? undefined : price(name, text);
  const all = (name: string, table: Readonly<Record<string, string>>) =>
    new Map(Object.entries(table).map(([key, text]) => [key, price(`${name}.${key}`, text)]));
  return {
    nodes: all('prices', config.prices),
    rates: {
      cpu: price('rates.cpu', config.rates.cpu),
      memory: price('rates.memory', config.rates.memory),
      gpu: price('rates.gpu', config.rates.gpu),
    },
    byRates: config.price_by_rates,
    storage: all('storage_prices', config.storage_prices),
    loadBalancer: optional('load_balancer_price', config.load_balancer_price),
    controlPlane: optional('control_plane_price', config.control_plane_price),
    network: optional('network_price', config.network_price),
  };
}

/** What a node costs an hour; undefined when no price is known. */
export function nodePrice(node: KubeNode, prices: Prices): Price | undefined {
  const { instanceType: type, region, spot } = node;
  const onDemand = [`${type}/${region}`, type];
  const names = spot ? [`${type}/${region}/spot`, `${type}/spot`, ...onDemand] : onDemand;
  for (const name of type === '' ? [] : names) {
    const amount = prices.nodes.get(name);
    if (amount === undefined) continue;
    const isStretched = spot && onDemand.includes(name);
    const more = isStretched ? ' (no spot price is set)' : '';
    return { amount, source: `settings: ${name}${more}`, ...(isStretched && { isStretched }) };
  }
  if (!prices.byRates) return undefined;
  return {
    amount: capacityPrice(node, prices.rates),
    source: 'settings: rates',
    ...(spot && { isStretched: true }),
  };
}

/** What a volume costs an hour; undefined when no price is known. */
export function volumePrice(volume: KubeVolume, { storage }: Prices): Price | undefined {
  const name = storage.has(volume.storageClass) ? volume.storageClass : 'default';
  const monthly = storage.get(name);
  if (monthly === undefined) return undefined;
  const amount = divide(
    multiply(monthly, decimal(String(volume.size))),
    decimal(String(GIB_IN_KIB * HOURS_IN_MONTH)),
  );
  return amount && { amount, source: `settings: storage_prices.${name}` };
}

const GIB_IN_KIB = 2 ** 20;
const HOURS_IN_MONTH = 730;

function capacityPrice({ capacity }: KubeNode, rates: Rates): Decimal {
  const cpu = { digits: BigInt(capacity.cpu), scale: 6 };
  const gpu = { digits: BigInt(capacity.gpu), scale: 6 };
  const memory = divide(decimal(String(capacity.memory)), decimal(String(GIB_IN_KIB))) ?? cpu;
  return add(
    add(multiply(cpu, rates.cpu), multiply(gpu, rates.gpu)),
    multiply(memory, rates.memory),
  );
}

/** Places of the cost of an hour: enough for the smallest container of a cheap node. */
export const COST_PLACES = 12;

/** The cost of so many seconds at a price for an hour, rounded to `COST_PLACES`. */
export function costOf(price: Decimal, seconds: number): Decimal {
  const cost = divide(multiply(price, decimal(String(seconds))), decimal('3600'), COST_PLACES);
  return cost ?? price;
}
