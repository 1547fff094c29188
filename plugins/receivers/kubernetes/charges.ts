import type { Hour } from './hour.ts';
import { type Charging, lineOf, type UsageRecord } from './line.ts';
import { clusterCharges, nodeCharges, type Sums, startSums } from './node-charges.ts';
import { networkCharges, serviceCharges, volumeCharges } from './other-charges.ts';

/** The charges of an hour, as lines for the mapping `kubernetes-usage`. */
export function* chargesOf(hour: Hour, charging: Charging): Generator<UsageRecord> {
  const { config, prices } = charging;
  const line = lineOf(hour, charging);
  const sums: Sums = startSums();
  if (config.costs.includes('nodes')) {
    yield* nodeCharges(hour, charging, { line, sums });
    yield* networkCharges(hour, charging, line);
  }
  if (config.node === undefined) {
    if (config.costs.includes('volumes') && prices.storage.size > 0)
      yield* volumeCharges(hour, charging, line);
    if (config.costs.includes('services')) yield* serviceCharges(hour, charging, line);
  }
  if (config.costs.includes('nodes')) yield* clusterCharges(hour, charging, { line, sums });
}
