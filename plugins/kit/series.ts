import { add, attributeName, type CostColumn, type Decimal } from '../../pipelines/focus/index.ts';
import type { Total, TotalDimension } from '../../pipelines/plugin/index.ts';
import { type Candidate, withinBudget } from './budget.ts';
import { type Group, SeriesGroups } from './series-groups.ts';

/** Exact sums of the totals with equal attributes. */
export interface Series {
  /** The billing period or the charge day. */
  readonly slot: string;
  readonly attributes: Readonly<Record<string, string | boolean>>;
  readonly costs: Readonly<Record<CostColumn, Decimal>>;
}

/** By what totals are grouped. */
export interface Grouping {
  readonly dimensions: readonly TotalDimension[];
  /** Attribute of the billing period or charge day; absent: the slots of one set of dimensions are points of one series. */
  readonly slotAttribute?: string;
  readonly slot: (total: Total) => string;
  /** Whether all slots of one set of dimensions compete for the budget as one. */
  readonly together: boolean;
  /** Points that a series becomes in one metric. */
  readonly points: number;
}

/** Series within a budget, and which of them to prefer the next time. */
export interface Budgeted {
  readonly series: readonly Series[];
  readonly shown: ReadonlySet<string>;
}

/** Groups totals; what does not fit the budget is folded by slot and currency, so that the sum stays exact. */
export function seriesOf(
  totals: Iterable<Total>,
  grouping: Grouping,
  budget: { readonly maxPoints: number; readonly shown: ReadonlySet<string> },
): Budgeted {
  const groups = new SeriesGroups(grouping);
  for (const total of totals) groups.add(total);
  const units = groups.units();
  const shown = withinBudget(units, limitOf(groups, { grouping, units, ...budget }));
  const isShown = units.map(({ key }) => shown.has(key));
  const series: Series[] = [];
  const folded = new Map<string, Mutable<Series>>();
  for (let number = 0; number < groups.size; number++) {
    const group = groups.group(number);
    if (isShown[groups.unit(number)] === true) {
      series.push(seriesFor(group, grouping));
      continue;
    }
    const key = foldKey(group, true);
    const known = folded.get(key);
    if (known !== undefined) known.costs = addCosts(known.costs, group.costs);
    else {
      const first = seriesFor({ ...group, values: undefined }, grouping);
      folded.set(key, first);
      series.push(first);
    }
  }
  return { series, shown };
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What the points may come to, and how many of them the overflow takes. */
function limitOf(
  groups: SeriesGroups,
  of: {
    readonly grouping: Grouping;
    readonly units: readonly Candidate[];
    readonly maxPoints: number;
    readonly shown: ReadonlySet<string>;
  },
) {
  const { grouping, units, maxPoints, shown } = of;
  const isSlotNamed = grouping.slotAttribute !== undefined;
  const all = new Set<string>();
  const already = new Set<string>();
  for (let number = 0; number < groups.size; number++) {
    const key = foldKey(groups.group(number), isSlotNamed);
    all.add(key);
    if (groups.unit(number) < 0) already.add(key);
  }
  const named = isSlotNamed ? groups.size : units.length + already.size;
  if (named * grouping.points <= maxPoints)
    return { limit: Number.POSITIVE_INFINITY, reserved: 0, shown };
  return { limit: maxPoints, reserved: all.size * grouping.points, shown };
}

/** Equal for what is folded into one series. */
function foldKey(
  { slot, currency }: Pick<Group, 'slot' | 'currency'>,
  isSlotNamed: boolean,
): string {
  return `${isSlotNamed ? slot : ''} ${currency ?? ''}`;
}

function seriesFor({ slot, currency, values, costs }: Group, grouping: Grouping): Series {
  const attributes: Record<string, string | boolean> = {};
  for (const [index, name] of grouping.dimensions.entries()) {
    const value = values?.[index] ?? null;
    if (value !== null) attributes[name === 'owner' ? 'finops.owner' : attributeName(name)] = value;
  }
  if (values === undefined) {
    if (currency !== null) attributes[attributeName('BillingCurrency')] = currency;
    attributes['otel.metric.overflow'] = true;
  }
  if (grouping.slotAttribute !== undefined) attributes[grouping.slotAttribute] = slot;
  return { slot, attributes, costs };
}

function addCosts(
  a: Readonly<Record<CostColumn, Decimal>>,
  b: Readonly<Record<CostColumn, Decimal>>,
): Readonly<Record<CostColumn, Decimal>> {
  return {
    BilledCost: add(a.BilledCost, b.BilledCost),
    EffectiveCost: add(a.EffectiveCost, b.EffectiveCost),
    ListCost: add(a.ListCost, b.ListCost),
    ContractedCost: add(a.ContractedCost, b.ContractedCost),
  };
}
