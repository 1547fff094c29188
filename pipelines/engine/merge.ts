import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { add, type Decimal, decimal, formatDecimal, ZERO } from '../focus/decimal.ts';
import { costOfAll, createFold, eachTotal, type Fold } from '../fold/index.ts';
import { MAX_SKUS, SkuMerge } from '../fold/skus.ts';
import type { ChargedSkus } from '../plugin/charged-skus.ts';
import type { ResourceCost } from '../plugin/links.ts';
import type { GroupTotal, LedgerEntry, TaskResult } from './protocol.ts';

/** The results of a delivery's tasks as one. */
export interface Merged {
  readonly rows: TaskResult['rows'];
  readonly ledger: TaskResult['ledger'];
  /** Sorted; made while it is gone through, which may be done again. */
  readonly totals: Iterable<GroupTotal>;
  readonly resources: readonly ResourceCost[];
  readonly skus: ChargedSkus;
  readonly repairs: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  readonly rejected: Readonly<Record<string, number>>;
  readonly violations: Readonly<Record<string, number>>;
  readonly dataUntilMs: number;
  readonly stages: Readonly<Record<string, number>>;
}

/**
 * Adds up what the tasks answer as they come; exact. A result is held only until those of the tasks before it are in, so that the
 * outcome does not depend on which came first. Groups over `maxGroups` are folded by currency, period and day.
 */
export class Merge {
  readonly #fold: Fold;
  readonly #resources = new Map<string, ResourceCost>();
  readonly #skus = new SkuMerge(MAX_SKUS);
  readonly #early = new Map<number, TaskResult>();
  /** What the parts cost that state no such cost. */
  readonly #derived = new Map<CostColumn, Decimal>();
  #next = 0;
  #sums: Sums = NOTHING;

  constructor(maxGroups: number) {
    this.#fold = createFold({ maxGroups });
  }

  /** Takes the result of the task with this number, counted from 0. */
  add(task: number, result: TaskResult): void {
    this.#early.set(task, result);
    for (;;) {
      const next = this.#early.get(this.#next);
      if (next === undefined) return;
      this.#early.delete(this.#next++);
      this.#take(next);
    }
  }

  /** All of them as one, at the end: nothing may be added after that. */
  result(): Merged {
    const totals = this.#fold.totals();
    this.#fold.close();
    return {
      ...this.#sums,
      ledger: this.#wholeLedger(),
      totals: eachTotal(totals),
      resources: [...this.#resources.values()],
      skus: this.#skus.result(),
    };
  }

  /** Where some parts state a cost and others do not, what was derived for these is in the totals and in the account too. */
  #wholeLedger(): TaskResult['ledger'] {
    const derived = Object.keys(this.#sums.ledger).flatMap((cost) => {
      const amount = formatDecimal(this.#derived.get(cost as CostColumn) ?? ZERO);
      if (amount === '0') return [];
      const nothing = { rejected: '0', dropped: '0', reshaped: '0' };
      return [{ [cost]: { source: 'derived', read: amount, exported: amount, ...nothing } }];
    });
    return mergeLedgers([this.#sums.ledger, ...derived]);
  }

  #take(result: TaskResult): void {
    const unstated = COST_COLUMNS.filter((cost) => result.ledger[cost] === undefined);
    const costs = unstated.length === 0 ? undefined : costOfAll(result.totals);
    for (const cost of unstated)
      this.#derived.set(cost, add(this.#derived.get(cost) ?? ZERO, costs?.get(cost) ?? ZERO));
    this.#sums = added(this.#sums, result);
    this.#fold.merge(result.totals);
    for (const cost of result.resources) addResource(this.#resources, cost);
    this.#skus.add(result.skus);
  }
}

type Sums = Omit<Merged, 'totals' | 'resources' | 'skus'>;

const NOTHING: Sums = {
  rows: { read: 0, written: 0, rejected: 0, dropped: 0 },
  ledger: {},
  repairs: {},
  dropped: {},
  rejected: {},
  violations: {},
  dataUntilMs: Number.NaN,
  stages: {},
};

function added(a: Sums, b: Sums): Sums {
  const counts = (key: 'rows' | 'repairs' | 'dropped' | 'rejected' | 'violations' | 'stages') =>
    mergeCounts([a[key], b[key]]);
  return {
    rows: counts('rows') as Merged['rows'],
    ledger: mergeLedgers([a.ledger, b.ledger]),
    repairs: counts('repairs'),
    dropped: counts('dropped'),
    rejected: counts('rejected'),
    violations: counts('violations'),
    dataUntilMs: newest(a.dataUntilMs, b.dataUntilMs),
    stages: counts('stages'),
  };
}

function newest(a: number, b: number): number {
  return b > a || Number.isNaN(a) ? b : a;
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
  const sources = [a, b].flatMap(({ source }) => source?.split(', ') ?? []);
  const source = sources.length === 0 ? undefined : [...new Set(sources)].join(', ');
  return {
    ...(source === undefined ? {} : { source }),
    read: plus('read'),
    exported: plus('exported'),
    rejected: plus('rejected'),
    dropped: plus('dropped'),
    reshaped: plus('reshaped'),
  };
}

function addResource(costs: Map<string, ResourceCost>, cost: ResourceCost): void {
  const { class: kind, resourceId, startMs, endMs, currency, costSource } = cost;
  const key = JSON.stringify([kind, resourceId, startMs, endMs, currency, costSource]);
  const known = costs.get(key);
  if (known === undefined) costs.set(key, cost);
  else
    costs.set(key, {
      ...known,
      charges: known.charges + cost.charges,
      effectiveCost: formatDecimal(add(decimal(known.effectiveCost), decimal(cost.effectiveCost))),
    });
}
