/**
 * The stage that sums for linking: exact effective cost by resource and charge period where that may be linked, by charge day
 * where not, within a budget of groups that keeps the money. Hot: one loop over numbers of values.
 */
import type { AmountColumn, Batch, Column, TextColumn, TimeColumn } from '../focus/batch.ts';
import { Groups, hashOf } from '../focus/groups.ts';
import type { ChargedResource, Linkable, LinkClass, ResourceCost } from '../plugin/links.ts';
import { Dimension } from './dimension.ts';
import { GroupSums } from './group-sums.ts';

/** Sums batches by resource. */
export interface ResourceFold {
  add(batch: Batch): void;
  /** Groups of the rows that were added last; good until the next ones are. */
  readonly groupOf: Uint32Array;
  /** What may be linked of the groups from a number on; undefined of a group that may not. */
  resourcesFrom(group: number): (ChargedResource | undefined)[];
  result(): ResourceCost[];
  /** Gives back what memory others could use; nothing may be asked after that. */
  close(): void;
}

/** A fold of what may be linked. */
export function createResourceFold(linkable: Linkable): ResourceFold {
  return new Folding(linkable);
}

const CLASSES: readonly LinkClass[] = [
  'linkable',
  'traced',
  'no_resource',
  'no_spans',
  'period',
  'overflow',
];
const CLASS = Object.fromEntries(CLASSES.map((name, i) => [name, i])) as Readonly<
  Record<LinkClass, number>
>;
/** What a tuple consists of; numbers of values but for the class. */
const PLACE = { class: 0, resource: 1, start: 2, end: 3, currency: 4, source: 5 } as const;
const WIDTH = 6;
const DAY_MS = 86_400_000;

class Folding implements ResourceFold {
  readonly #linkable: Linkable;
  /** Resources that may be linked; the first stands for none. */
  readonly #resources: string[] = [''];
  readonly #numbers = new Map<string, number>();
  readonly #currencies = new Dimension('text');
  readonly #sources = new Dimension('text');
  readonly #times = new Dimension('time');
  readonly #days = new Dimension('day');
  readonly #groups = new Groups(WIDTH);
  readonly #sums = new GroupSums(1);
  readonly #entries = new WeakMap<object, { numbers: Uint32Array; size: number }>();
  readonly #tuple = new Uint32Array(WIDTH);
  #charges = new Float64Array(128);
  groupOf = new Uint32Array(0);
  #told = 0;

  constructor(linkable: Linkable) {
    this.#linkable = linkable;
  }

  add(batch: Batch): void {
    const { rows } = batch;
    if (rows === 0) return;
    if (this.groupOf.length < rows) this.groupOf = new Uint32Array(rows);
    this.#assign(batch);
    this.#sums.prepare(this.#groups.size, rows);
    this.#count(rows);
    const cost = batch.columns.get('EffectiveCost');
    if (cost?.kind === 'amount') this.#sums.add(0, cost as AmountColumn, this.groupOf, rows);
  }

  resourcesFrom(group: number): (ChargedResource | undefined)[] {
    return Array.from({ length: this.#groups.size - group }, (_, i) => this.#resource(group + i));
  }

  result(): ResourceCost[] {
    return Array.from({ length: this.#groups.size }, (_, group) => this.#cost(group));
  }

  close(): void {
    this.#sums.close();
  }

  /** Finds the group of each row. */
  #assign(batch: Batch): void {
    const { rows } = batch;
    const column = batch.columns.get('ResourceId');
    const numbers = column?.kind === 'text' ? this.#numbersOf(column) : undefined;
    const classOf = this.#classifier(batch, numbers);
    const start = batch.columns.get('ChargePeriodStart');
    const from = numbered(this.#times, start);
    const until = numbered(this.#times, batch.columns.get('ChargePeriodEnd'));
    const day = numbered(this.#days, start);
    const currency = numbered(this.#currencies, batch.columns.get('BillingCurrency'));
    const source = numbered(this.#sources, batch.columns.get('x_CostSource'));
    const tuple = this.#tuple;
    for (let row = 0; row < rows; row++) {
      const kind = classOf(row);
      const isLinkable = kind === CLASS.linkable;
      tuple[PLACE.class] = kind;
      tuple[PLACE.resource] = isLinkable
        ? ((numbers as Uint32Array)[(column as Column).codes[row] as number] as number)
        : 0;
      tuple[PLACE.start] = isLinkable ? from(row) : day(row);
      tuple[PLACE.end] = isLinkable ? until(row) : 0;
      tuple[PLACE.currency] = currency(row);
      tuple[PLACE.source] = source(row);
      this.groupOf[row] = this.#group(tuple, () => day(row));
    }
  }

  #classifier({ columns }: Batch, numbers: Uint32Array | undefined): (row: number) => number {
    const resource = columns.get('ResourceId');
    const trace = columns.get('x_TraceId');
    const start = columns.get('ChargePeriodStart');
    const end = columns.get('ChargePeriodEnd');
    const isTimed = start?.kind === 'time' && end?.kind === 'time';
    const { maxWindowMs, sinceMs = Number.NEGATIVE_INFINITY } = this.#linkable;
    return (row) => {
      if (trace?.kind === 'text' && !trace.values.isNull(trace.codes[row] as number))
        return CLASS.traced;
      const code = resource?.codes[row] as number;
      if (numbers === undefined || (resource as TextColumn).values.isNull(code))
        return CLASS.no_resource;
      if (numbers[code] === 0) return CLASS.no_spans;
      if (!isTimed) return CLASS.period;
      const from = msOf(start, row);
      const length = msOf(end, row) - from;
      const isLinkable = length > 0 && length <= maxWindowMs && from >= sinceMs;
      return isLinkable ? CLASS.linkable : CLASS.period;
    };
  }

  /** Numbers by code; 0 where the resource cannot be linked. */
  #numbersOf({ values }: TextColumn): Uint32Array {
    let known = this.#entries.get(values);
    if (known === undefined || values.transient) {
      known = { numbers: new Uint32Array(16), size: 0 };
      this.#entries.set(values, known);
    }
    if (known.numbers.length < values.size) {
      const larger = new Uint32Array(values.size * 2);
      larger.set(known.numbers);
      known.numbers = larger;
    }
    for (; known.size < values.size; known.size++)
      known.numbers[known.size] = this.#number(values.text(known.size));
    return known.numbers;
  }

  #number(resourceId: string | undefined): number {
    if (resourceId === undefined || !this.#isCandidate(resourceId)) return 0;
    const known = this.#numbers.get(resourceId);
    if (known !== undefined) return known;
    const number = this.#resources.push(resourceId) - 1;
    this.#numbers.set(resourceId, number);
    return number;
  }

  #isCandidate(resourceId: string): boolean {
    const segments = resourceId.toLowerCase().split(/[/:]/).slice(-2);
    return segments.some((segment) => this.#linkable.resources.has(segment));
  }

  #group(tuple: Uint32Array, day: () => number): number {
    const hash = hashOf(tuple);
    const found = this.#groups.find(tuple, hash);
    if (found >= 0) return found;
    if (tuple[PLACE.class] !== CLASS.linkable) return this.#groups.add(tuple, hash);
    if (this.#told < this.#linkable.maxGroups) {
      this.#told++;
      return this.#groups.add(tuple, hash);
    }
    tuple[PLACE.class] = CLASS.overflow;
    tuple[PLACE.resource] = 0;
    tuple[PLACE.start] = day();
    tuple[PLACE.end] = 0;
    return this.#group(tuple, day);
  }

  #count(rows: number): void {
    if (this.#charges.length < this.#groups.size) {
      const larger = new Float64Array(this.#groups.size * 2);
      larger.set(this.#charges);
      this.#charges = larger;
    }
    for (let row = 0; row < rows; row++) {
      const group = this.groupOf[row] as number;
      this.#charges[group] = (this.#charges[group] as number) + 1;
    }
  }

  #cost(group: number): ResourceCost {
    return {
      class: CLASSES[this.#at(group, PLACE.class)] as LinkClass,
      ...(this.#resource(group) ?? { resourceId: null, ...this.#day(group) }),
      currency: this.#currencies.values[this.#at(group, PLACE.currency)] ?? null,
      costSource: this.#sources.values[this.#at(group, PLACE.source)] ?? null,
      charges: this.#charges[group] as number,
      effectiveCost: this.#sums.text(group, 0),
    };
  }

  #resource(group: number): ChargedResource | undefined {
    if (this.#at(group, PLACE.class) !== CLASS.linkable) return undefined;
    const time = (place: number): number =>
      Date.parse(String(this.#times.values[this.#at(group, place)]));
    return {
      resourceId: this.#resources[this.#at(group, PLACE.resource)] as string,
      startMs: time(PLACE.start),
      endMs: time(PLACE.end),
    };
  }

  #day(group: number): { readonly startMs: number; readonly endMs: number } {
    const startMs = Date.parse(String(this.#days.values[this.#at(group, PLACE.start)]));
    return { startMs, endMs: startMs + DAY_MS };
  }

  #at(group: number, place: number): number {
    return this.#groups.tuples[group * WIDTH + place] as number;
  }
}

/** Number of a row's value. */
function numbered(dimension: Dimension, column: Column | undefined): (row: number) => number {
  const numbers = dimension.numbers(column, false);
  if (column === undefined) return () => numbers[0] as number;
  const { codes } = column;
  return (row) => numbers[codes[row] as number] as number;
}

function msOf({ codes, values }: TimeColumn, row: number): number {
  return values.ms[codes[row] as number] as number;
}
