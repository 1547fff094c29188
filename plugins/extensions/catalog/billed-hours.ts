/** What an hour of a resource costs by what bills charged for its days. Pure. */
import {
  add,
  compare,
  decimal,
  divide,
  formatDecimal,
  ZERO,
} from '../../../pipelines/focus/index.ts';
import type { ResourceCost } from '../../../pipelines/plugin/index.ts';
import type { BilledDay, BilledSource } from './store/billed.ts';

export const HOUR_MS = 3_600_000;
export const DAY_MS = 24 * HOUR_MS;

/** Charges of a day still come in for so long after it, as the bill itself counts time. */
const SETTLES_MS = 36 * HOUR_MS;

/** Days of a bill that are looked at: it may be three days late and still have one that is settled. */
export const LOOKED_AT_MS = 6 * DAY_MS;

/** Places of a price. */
const PLACES = 12;

/** An hour as a bill says it. */
export interface BilledHour {
  /** Canonical decimal text. */
  readonly hourly: string;
  /** The day it is of, `2026-09-15`. */
  readonly day: string;
  readonly receiver: string;
}

/** One spelling of a resource: ids that are unique in the world without what stands before them (ARN, project), all others in lower case as they are. */
export function resourceKey(resourceId: string): string {
  const all = resourceId.toLowerCase();
  const last = /[^/:]*$/.exec(all)?.[0] ?? '';
  return UNIQUE.test(last) ? last : all;
}

const UNIQUE = /^(i-[0-9a-f]{8,17}|\d{15,20}|ocid1\..+)$/;

/** What the costs of a delivery say of resources that were asked for, by day. Estimates say nothing. */
export function billedDays(
  costs: readonly ResourceCost[],
  isAsked: (resource: string) => boolean,
): Iterable<BilledDay> {
  const days = new Map<string, BilledDay>();
  for (const { resourceId, costSource, currency, startMs, endMs, effectiveCost } of costs) {
    if (resourceId === null || currency === null || costSource === 'estimated') continue;
    const resource = resourceKey(resourceId);
    if (!isAsked(resource)) continue;
    const dayMs = Math.floor(startMs / DAY_MS) * DAY_MS;
    const key = JSON.stringify([resource, currency, dayMs]);
    const before = days.get(key);
    days.set(key, {
      ...{ resource, currency, dayMs },
      untilMs: Math.max(endMs, before?.untilMs ?? 0),
      cost: add(before?.cost ?? ZERO, decimal(effectiveCost)),
    });
  }
  return days.values();
}

/** A 24th of the newest day that is settled and through which the resource was there; undefined without one that cost something. */
export function billedHour(
  sources: readonly BilledSource[],
  sinceMs: number,
): BilledHour | undefined {
  const newest = sources
    .flatMap(({ receiver, days }) => {
      const settled = Math.max(0, ...days.map(({ untilMs }) => untilMs)) - SETTLES_MS;
      return days
        .filter(({ dayMs }) => dayMs >= sinceMs && dayMs + DAY_MS <= settled)
        .map((day) => ({ ...day, receiver }));
    })
    .toSorted((a, b) => b.dayMs - a.dayMs)[0];
  if (newest === undefined || compare(newest.cost, ZERO) <= 0) return undefined;
  const hourly = divide(newest.cost, decimal('24'), PLACES) ?? ZERO;
  const day = new Date(newest.dayMs).toISOString().slice(0, 10);
  return { hourly: formatDecimal(hourly), day, receiver: newest.receiver };
}
