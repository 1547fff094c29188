import { type Decimal, divide, multiply, parseDecimal } from '../../../pipelines/focus/index.ts';

const SUFFIXES: Readonly<Record<string, Decimal>> = {
  '': { digits: 1n, scale: 0 },
  n: { digits: 1n, scale: 9 },
  u: { digits: 1n, scale: 6 },
  m: { digits: 1n, scale: 3 },
  k: { digits: 10n ** 3n, scale: 0 },
  M: { digits: 10n ** 6n, scale: 0 },
  G: { digits: 10n ** 9n, scale: 0 },
  T: { digits: 10n ** 12n, scale: 0 },
  P: { digits: 10n ** 15n, scale: 0 },
  E: { digits: 10n ** 18n, scale: 0 },
  Ki: { digits: 2n ** 10n, scale: 0 },
  Mi: { digits: 2n ** 20n, scale: 0 },
  Gi: { digits: 2n ** 30n, scale: 0 },
  Ti: { digits: 2n ** 40n, scale: 0 },
  Pi: { digits: 2n ** 50n, scale: 0 },
  Ei: { digits: 2n ** 60n, scale: 0 },
};

/** A quantity as Kubernetes writes it (`250m`, `1.5Gi`, `1e3`); undefined when it is none or negative. */
export function parseQuantity(text: string): Decimal | undefined {
  const match = /^([+]?[\d.]+(?:[eE][+-]?\d{1,3})?)([numkMGTPE]|[KMGTPE]i)?$/.exec(text.trim());
  const value = match?.[1] === undefined ? undefined : parseDecimal(match[1]);
  const factor = SUFFIXES[match?.[2] ?? ''];
  return value === undefined || factor === undefined ? undefined : multiply(value, factor);
}

/** In millionths, rounded up: micro-cores of CPU. 0 for what is no quantity. */
export function micros(text: string | undefined): number {
  return units(text, 1_000_000n, 1n);
}

/** In KiB, rounded up. 0 for what is no quantity. */
export function kibibytes(text: string | undefined): number {
  return units(text, 1n, 1024n);
}

/** More than this times a hour's seconds is no exact number any more. */
const MOST = 2n ** 41n;

function units(text: string | undefined, times: bigint, per: bigint): number {
  const value = text === undefined ? undefined : parseQuantity(text);
  if (value === undefined) return 0;
  const divisor = 10n ** BigInt(value.scale) * per;
  const rounded = (value.digits * times + divisor - 1n) / divisor;
  return Number(rounded > MOST ? MOST : rounded);
}

/** Places of a quantity on a charge. */
const PLACES = 9;
const PER: Readonly<Record<'cpu' | 'memory' | 'gpu', bigint>> = {
  cpu: 1_000_000n,
  memory: 1_048_576n,
  gpu: 1_000_000n,
};

/** Seconds, or an amount of a resource summed over seconds, in hours (core-hours, GiB-hours, GPU-hours). */
export function hoursOf(amount: number, resource?: 'cpu' | 'memory' | 'gpu'): Decimal {
  const per = (resource === undefined ? 1n : PER[resource]) * 3600n;
  const value = { digits: BigInt(amount), scale: 0 };
  return divide(value, { digits: per, scale: 0 }, PLACES) ?? value;
}
