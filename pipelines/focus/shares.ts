import type { Decimal } from './decimal.ts';

/**
 * Splits a total by weights so that the shares add up to it to the last decimal (largest remainder, earlier ones first among
 * equals). Weights must not be negative; when all are zero the last share takes everything.
 */
export function shares(total: Decimal, weights: readonly Decimal[]): readonly Decimal[] {
  if (weights.length === 0) return [];
  const places = placesFor(total, weights);
  const units = rescaled(total, places);
  const scale = Math.max(...weights.map((weight) => weight.scale));
  const integers = weights.map((weight) => rescaled(weight, scale));
  const sum = integers.reduce((a, b) => a + b, 0n);
  if (sum === 0n)
    return weights.map((_, i) => ({
      digits: i === weights.length - 1 ? units : 0n,
      scale: places,
    }));
  const magnitude = units < 0n ? -units : units;
  const quotas = integers.map((weight) => (magnitude * weight) / sum);
  const rests = integers.map((weight) => (magnitude * weight) % sum);
  let left = magnitude - quotas.reduce((a, b) => a + b, 0n);
  const order = rests.map((_, i) => i).sort((a, b) => byRest(rests, a, b));
  for (const i of order) {
    if (left === 0n) break;
    quotas[i] = (quotas[i] ?? 0n) + 1n;
    left--;
  }
  return quotas.map((quota) => ({ digits: units < 0n ? -quota : quota, scale: places }));
}

/** Places of the shares: those of the total, and enough to tell the weights apart. */
function placesFor(total: Decimal, weights: readonly Decimal[]): number {
  const finest = Math.max(12, ...weights.map((weight) => weight.scale));
  return Math.max(total.scale, Math.min(18, finest));
}

function byRest(rests: readonly bigint[], a: number, b: number): number {
  const difference = (rests[b] ?? 0n) - (rests[a] ?? 0n);
  return difference === 0n ? a - b : difference > 0n ? 1 : -1;
}

function rescaled(value: Decimal, scale: number): bigint {
  return value.digits * 10n ** BigInt(scale - value.scale);
}
