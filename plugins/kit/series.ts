import {
  add,
  attributeName,
  type CostColumn,
  type Decimal,
  toNumber,
} from '../../pipelines/focus/index.ts';
import { TOTAL_DIMENSIONS, type Total, type TotalDimension } from '../../pipelines/plugin/index.ts';
import { withinBudget } from './budget.ts';

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
  const groups = new Map<string, Group>();
  for (const total of totals) {
    const group = groupOf(total, grouping);
    const known = groups.get(group.key);
    if (known === undefined) groups.set(group.key, group);
    else known.costs = addCosts(known.costs, group.costs);
  }
  return fitted([...groups.values()], grouping, budget);
}

interface Group {
  readonly key: string;
  readonly slot: string;
  readonly currency: string | null;
  /** What competes for the budget; undefined: folded already. */
  readonly unit: string | undefined;
  readonly values: readonly (string | null)[];
  costs: Readonly<Record<CostColumn, Decimal>>;
}

const POSITION = Object.fromEntries(
  TOTAL_DIMENSIONS.map((name, index) => [name, index]),
) as Readonly<Record<TotalDimension, number>>;
const CURRENCY = POSITION.BillingCurrency;

function groupOf(total: Total, grouping: Grouping): Group {
  const slot = grouping.slot(total);
  const currency = total.dimensions[CURRENCY] ?? null;
  if (total.overflow) return folded({ slot, currency, costs: total.costs });
  const values = grouping.dimensions.map((name) => total.dimensions[POSITION[name]] ?? null);
  const named = keyOf(values);
  const key = `${slot} ${named}`;
  return { key, slot, currency, unit: grouping.together ? named : key, values, costs: total.costs };
}

/** Equal for equal values only. */
function keyOf(values: readonly (string | null)[]): string {
  let key = '';
  for (const value of values) key += value === null ? '-' : `${value.length}:${value}`;
  return key;
}

function folded({ slot, currency, costs }: Pick<Group, 'slot' | 'currency' | 'costs'>): Group {
  return { key: foldKey(slot, currency), slot, currency, unit: undefined, values: [], costs };
}

function foldKey(slot: string, currency: string | null): string {
  return `overflow ${slot} ${currency ?? ''}`;
}

function fitted(
  groups: readonly Group[],
  grouping: Grouping,
  budget: { readonly maxPoints: number; readonly shown: ReadonlySet<string> },
): Budgeted {
  const { slotAttribute } = grouping;
  const named = groups.map((group) => seriesName(group, slotAttribute !== undefined));
  const fits = new Set(named).size * grouping.points <= budget.maxPoints;
  const folds = new Set(
    groups.map(({ slot, currency }) => foldKey(slotAttribute === undefined ? '' : slot, currency)),
  );
  const shown = withinBudget(candidates(groups, grouping), {
    limit: fits ? Number.POSITIVE_INFINITY : budget.maxPoints,
    reserved: fits ? 0 : folds.size * grouping.points,
    shown: budget.shown,
  });
  const kept = new Map<string, Group>();
  for (const group of groups) {
    const shownAsIs = group.unit !== undefined && shown.has(group.unit);
    const target = shownAsIs ? group : folded(group);
    const known = kept.get(target.key);
    if (known === undefined) kept.set(target.key, target);
    else known.costs = addCosts(known.costs, target.costs);
  }
  return { series: [...kept.values()].map((group) => series(group, grouping)), shown };
}

/** Equal for the groups that become one series. */
function seriesName({ key, unit, currency }: Group, isSlotNamed: boolean): string {
  return isSlotNamed ? key : (unit ?? foldKey('', currency));
}

function candidates(groups: readonly Group[], { points, slotAttribute }: Grouping) {
  const units = new Map<string, { key: string; weight: number; points: number }>();
  for (const { unit, costs } of groups) {
    if (unit === undefined) continue;
    const known = units.get(unit) ?? { key: unit, weight: 0, points: 0 };
    known.weight += Math.abs(toNumber(costs.EffectiveCost));
    known.points = slotAttribute === undefined ? points : known.points + points;
    units.set(unit, known);
  }
  return [...units.values()];
}

function series({ slot, currency, unit, values, costs }: Group, grouping: Grouping): Series {
  const attributes: Record<string, string | boolean> = {};
  for (const [index, name] of grouping.dimensions.entries()) {
    const value = values[index] ?? null;
    if (value !== null) attributes[name === 'owner' ? 'finops.owner' : attributeName(name)] = value;
  }
  if (unit === undefined) {
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
