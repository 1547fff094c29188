import type { Decimal } from '../../../pipelines/focus/index.ts';

/** Places after the decimal point of shares, at least. */
const PLACES = 12;

/**
 * An amount shared out by weights: each share rounded down to the last place, what is left over goes to the largest remainders, the
 * first of equals first. The shares add up to the amount exactly. Weights that are all zero count alike.
 */
export function split(amount: Decimal, weights: readonly bigint[]): readonly Decimal[] {
  const scale = Math.max(amount.scale, PLACES);
  const units = amount.digits * 10n ** BigInt(scale - amount.scale);
  const [sign, whole] = units < 0n ? [-1n, -units] : [1n, units];
  const total = weights.reduce((sum, weight) => sum + weight, 0n);
  const used = total === 0n ? weights.map(() => 1n) : weights;
  const divisor = total === 0n ? BigInt(weights.length) : total;
  const shares = used.map((weight) => ({
    floor: (whole * weight) / divisor,
    rest: (whole * weight) % divisor,
  }));
  const left = whole - shares.reduce((sum, { floor }) => sum + floor, 0n);
  const raised = new Set(
    [...shares.keys()]
      .sort((a, b) => compare(shares[b]?.rest, shares[a]?.rest) || a - b)
      .slice(0, Number(left)),
  );
  return shares.map(({ floor }, i) => ({
    digits: sign * (raised.has(i) ? floor + 1n : floor),
    scale,
  }));
}

function compare(a = 0n, b = 0n): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
