/** Totals by their attributes, a million of them if need be: numbers in place of texts, no object per group. */

import { Groups, hashOf } from '../../pipelines/focus/groups.ts';
import {
  add,
  COST_COLUMNS,
  type CostColumn,
  type Decimal,
  toNumber,
} from '../../pipelines/focus/index.ts';
import { TOTAL_DIMENSIONS, type Total } from '../../pipelines/plugin/index.ts';
import type { Candidate } from './budget.ts';
import type { Grouping } from './series.ts';

type Costs = Readonly<Record<CostColumn, Decimal>>;

/** A group as it is shown. */
export interface Group {
  /** The billing period or the charge day. */
  readonly slot: string;
  readonly currency: string | null;
  /** In the order of the grouping's dimensions; undefined: it was folded already. */
  readonly values: readonly (string | null)[] | undefined;
  readonly costs: Costs;
}

const CURRENCY = TOTAL_DIMENSIONS.indexOf('BillingCurrency');

/** Groups totals with equal attributes, in order of appearance, and sums them exactly. */
export class SeriesGroups {
  readonly #grouping: Grouping;
  readonly #places: readonly number[];
  readonly #texts = new Map<string | null, number>([[null, 0]]);
  readonly #named: (string | null)[] = [null];
  /** Of each group the numbers of its values, its slot and its currency, and whether it was folded already. */
  readonly #groups: Groups;
  readonly #tuple: Uint32Array;
  /** What competes for the budget: groups, or the values of groups of all slots. */
  readonly #units: Groups;
  readonly #unitOf: number[] = [];
  readonly #sums = COST_COLUMNS.map((name) => new ExactSums(name));

  constructor(grouping: Grouping) {
    this.#grouping = grouping;
    this.#places = grouping.dimensions.map((name) => TOTAL_DIMENSIONS.indexOf(name));
    const width = this.#places.length;
    this.#groups = new Groups(width + 3);
    this.#tuple = new Uint32Array(width + 3);
    this.#units = new Groups(grouping.together ? width : width + 1);
  }

  /** How many there are. */
  get size(): number {
    return this.#groups.size;
  }

  add(total: Total): void {
    const { dimensions, overflow, costs } = total;
    const tuple = this.#tuple;
    const width = this.#places.length;
    for (let i = 0; i < width; i++)
      tuple[i] = overflow ? 0 : this.#number(dimensions[this.#places[i] as number] ?? null);
    tuple[width] = this.#number(this.#grouping.slot(total));
    tuple[width + 1] = this.#number(dimensions[CURRENCY] ?? null);
    tuple[width + 2] = overflow ? 1 : 0;
    const group = numberIn(this.#groups, tuple);
    if (group === this.#unitOf.length)
      this.#unitOf.push(
        overflow ? -1 : numberIn(this.#units, tuple.subarray(0, this.#units.width)),
      );
    for (const sums of this.#sums) sums.add(group, costs);
  }

  group(group: number): Group {
    const { width } = this.#groups;
    const at = group * width;
    return {
      slot: this.#text(at + width - 3) as string,
      currency: this.#text(at + width - 2),
      values: (this.#unitOf[group] as number) < 0 ? undefined : this.#values(at),
      costs: this.#costs(group),
    };
  }

  /** What of it competes for the budget, by number; -1: it was folded already. */
  unit(group: number): number {
    return this.#unitOf[group] as number;
  }

  /** All that competes for the budget, by number. */
  units(): readonly Candidate[] {
    const { size } = this.#units;
    const { slotAttribute, points } = this.#grouping;
    const first = new Uint32Array(size);
    const weights = new Float64Array(size);
    const counts = new Uint32Array(size);
    const effective = this.#sums[COST_COLUMNS.indexOf('EffectiveCost')] as ExactSums;
    for (let group = 0; group < this.size; group++) {
      const unit = this.unit(group);
      if (unit < 0) continue;
      if (counts[unit] === 0) first[unit] = group;
      weights[unit] = (weights[unit] as number) + Math.abs(toNumber(effective.of(group)));
      counts[unit] = slotAttribute === undefined ? 1 : (counts[unit] as number) + 1;
    }
    return Array.from(
      first,
      (group, unit) =>
        new Unit(this, group, weights[unit] as number, (counts[unit] as number) * points),
    );
  }

  /** Equal for groups of the same unit only. */
  key(group: number): string {
    const { width } = this.#groups;
    const at = group * width;
    let key = this.#grouping.together ? '' : `${this.#text(at + width - 3)} `;
    for (const value of this.#values(at)) key += value === null ? '-' : `${value.length}:${value}`;
    return key;
  }

  #number(text: string | null): number {
    let number = this.#texts.get(text);
    if (number === undefined) {
      number = this.#named.push(text) - 1;
      this.#texts.set(text, number);
    }
    return number;
  }

  #text(at: number): string | null {
    return this.#named[this.#groups.tuples[at] as number] as string | null;
  }

  #values(at: number): readonly (string | null)[] {
    return this.#places.map((_, i) => this.#text(at + i));
  }

  #costs(group: number): Costs {
    return Object.fromEntries(this.#sums.map((sums) => [sums.name, sums.of(group)])) as Costs;
  }
}

/** Its key is made when it is asked for. */
class Unit implements Candidate {
  readonly #groups: SeriesGroups;
  /** One of its groups. */
  readonly #group: number;
  readonly weight: number;
  readonly points: number;

  constructor(groups: SeriesGroups, group: number, weight: number, points: number) {
    this.#groups = groups;
    this.#group = group;
    this.weight = weight;
    this.points = points;
  }

  get key(): string {
    return this.#groups.key(this.#group);
  }
}

function numberIn(groups: Groups, tuple: Uint32Array): number {
  const hash = hashOf(tuple);
  const known = groups.find(tuple, hash);
  return known < 0 ? groups.add(tuple, hash) : known;
}

/** A cost of each group. */
class ExactSums {
  readonly name: CostColumn;
  readonly #digits: bigint[] = [];
  readonly #scales: number[] = [];

  constructor(name: CostColumn) {
    this.name = name;
  }

  add(group: number, costs: Costs): void {
    const isNew = group === this.#digits.length;
    const sum = isNew ? costs[this.name] : add(this.of(group), costs[this.name]);
    this.#digits[group] = sum.digits;
    this.#scales[group] = sum.scale;
  }

  of(group: number): Decimal {
    return { digits: this.#digits[group] as bigint, scale: this.#scales[group] as number };
  }
}
