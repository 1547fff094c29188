import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { add, decimal, formatDecimal } from '../focus/decimal.ts';
import { MAX_SKUS, mergeSkus } from '../fold/skus.ts';
import type { ChargedSkus } from '../plugin/charged-skus.ts';
import type { ResourceCost } from '../plugin/links.ts';
import { TOTAL_DIMENSIONS } from '../plugin/totals.ts';
import type { GroupTotal, LedgerEntry, TaskResult } from './protocol.ts';

/** The results of a delivery's tasks as one. */
export interface Merged {
  readonly rows: TaskResult['rows'];
  readonly ledger: TaskResult['ledger'];
  readonly totals: readonly GroupTotal[];
  readonly resources: readonly ResourceCost[];
  readonly skus: ChargedSkus;
  readonly repairs: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly violations: Readonly<Record<string, number>>;
  readonly dataUntilMs: number;
  readonly stages: Readonly<Record<string, number>>;
}

/** Adds up what the tasks answered; exact. Groups over `maxGroups` are folded by currency, period and day. */
export function mergeResults(results: readonly TaskResult[], maxGroups: number): Merged {
  return {
    rows: {
      read: total(results, ({ rows }) => rows.read),
      written: total(results, ({ rows }) => rows.written),
      rejected: total(results, ({ rows }) => rows.rejected),
      dropped: total(results, ({ rows }) => rows.dropped),
    },
    ledger: mergeLedgers(results.map(({ ledger }) => ledger)),
    totals: mergeTotals(
      results.map(({ totals }) => totals),
      maxGroups,
    ),
    resources: mergeResources(results.map(({ resources }) => resources)),
    skus: mergeSkus(
      results.map(({ skus }) => skus),
      MAX_SKUS,
    ),
    repairs: mergeCounts(results.map(({ repairs }) => repairs)),
    dropped: mergeCounts(results.map(({ dropped }) => dropped)),
    rejected: mergeCounts(results.map(({ rejected }) => rejected)),
    violations: mergeCounts(results.map(({ violations }) => violations)),
    dataUntilMs: results.reduce(
      (until, { dataUntilMs }) =>
        dataUntilMs > until || Number.isNaN(until) ? dataUntilMs : until,
      Number.NaN,
    ),
    stages: mergeCounts(results.map(({ stages }) => stages)),
  };
}

/** Adds ledgers column by column; exact. */
export function mergeLedgers(ledgers: readonly TaskResult['ledger'][]): TaskResult['ledger'] {
  const merged: Partial<Record<CostColumn, LedgerEntry>> = {};
  for (const ledger of ledgers) {
    for (const [cost, entry] of Object.entries(ledger) as [CostColumn, LedgerEntry][]) {
      const known = merged[cost];
      merged[cost] = known === undefined ? entry : addEntries(known, entry);
    }
  }
  return merged;
}

/** Adds counts by key. */
export function mergeCounts(
  counts: readonly Readonly<Record<string, number>>[],
): Record<string, number> {
  const merged: Record<string, number> = Object.create(null);
  for (const one of counts)
    for (const [key, count] of Object.entries(one)) merged[key] = (merged[key] ?? 0) + count;
  return { ...merged };
}

function addEntries(a: LedgerEntry, b: LedgerEntry): LedgerEntry {
  const plus = (key: 'read' | 'exported' | 'rejected' | 'dropped' | 'reshaped'): string =>
    formatDecimal(add(decimal(a[key]), decimal(b[key])));
  const source = a.source === b.source ? a.source : [...new Set([a.source, b.source])].join(', ');
  return {
    ...(source === undefined ? {} : { source }),
    read: plus('read'),
    exported: plus('exported'),
    rejected: plus('rejected'),
    dropped: plus('dropped'),
    reshaped: plus('reshaped'),
  };
}

function mergeTotals(
  lists: readonly (readonly GroupTotal[])[],
  maxGroups: number,
): readonly GroupTotal[] {
  if (lists.length <= 1) return lists[0] ?? [];
  const groups = new Map<string, GroupTotal>();
  for (const total of lists.flat()) {
    let group = total;
    let key = keyOf(group);
    if (!groups.has(key) && groups.size >= maxGroups && !group.overflow) {
      group = overflowOf(group);
      key = keyOf(group);
    }
    const known = groups.get(key);
    groups.set(key, known === undefined ? group : addGroups(known, group));
  }
  return [...groups.values()];
}

function keyOf({ overflow, billingPeriod, day, dimensions }: GroupTotal): string {
  return JSON.stringify([overflow, billingPeriod, day, dimensions]);
}

/** The overflow group of a group's currency, period and day. */
function overflowOf(total: GroupTotal): GroupTotal {
  return {
    ...total,
    overflow: true,
    dimensions: total.dimensions.map((value, i) => (i === CURRENCY ? value : null)),
  };
}

const CURRENCY = TOTAL_DIMENSIONS.indexOf('BillingCurrency');

function addGroups(a: GroupTotal, b: GroupTotal): GroupTotal {
  const costs = COST_COLUMNS.map((_, i) =>
    formatDecimal(add(decimal(a.costs[i] ?? '0'), decimal(b.costs[i] ?? '0'))),
  );
  return { ...a, charges: a.charges + b.charges, costs };
}

function mergeResources(lists: readonly (readonly ResourceCost[])[]): readonly ResourceCost[] {
  if (lists.length <= 1) return lists[0] ?? [];
  const costs = new Map<string, ResourceCost>();
  for (const cost of lists.flat()) {
    const { class: kind, resourceId, startMs, endMs, currency, costSource } = cost;
    const key = JSON.stringify([kind, resourceId, startMs, endMs, currency, costSource]);
    const known = costs.get(key);
    costs.set(key, known === undefined ? cost : addResources(known, cost));
  }
  return [...costs.values()];
}

function addResources(a: ResourceCost, b: ResourceCost): ResourceCost {
  const effectiveCost = formatDecimal(add(decimal(a.effectiveCost), decimal(b.effectiveCost)));
  return { ...a, charges: a.charges + b.charges, effectiveCost };
}

function total(results: readonly TaskResult[], of: (result: TaskResult) => number): number {
  return results.reduce((sum, result) => sum + of(result), 0);
}
