/**
 * The stage that sums: exact totals of the cost columns by metric dimensions, billing period and charge day, within a
 * budget of groups that keeps the money. Hot: column-wise loops over numbers of values.
 */
import type { AmountColumn, Batch, Column } from '../focus/batch.ts';
import { COST_COLUMNS, type CostColumn } from '../focus/columns.ts';
import { Groups, hashOf } from '../focus/groups.ts';
import { grown } from '../focus/grown.ts';
import { Dimension } from './dimension.ts';
import {
  COLUMNS,
  DAY,
  eachTotal,
  type FoldedTotal,
  type FoldedTotals,
  OVERFLOW,
  PERIOD,
} from './folded-totals.ts';
import { GroupSums } from './group-sums.ts';
import { PackedGroups, type Varying } from './packed-groups.ts';

export {
  buffersOf,
  costOfAll,
  eachTotal,
  type FoldedTotal,
  type FoldedTotals,
} from './folded-totals.ts';

/** Sums batches. */
export interface Fold {
  add(batch: Batch): void;
  /** Adds what another fold came to. */
  merge(folded: FoldedTotals): void;
  /** What it came to so far; shares no memory with the fold. */
  totals(): FoldedTotals;
  /** The same, group by group as `eachTotal` sorts them. */
  result(): FoldedTotal[];
  /** Gives back what memory others could use; nothing may be asked after that. */
  close(): void;
}

/** Kept apart in overflow too: amounts of different currencies do not add up. */
const KEPT_IN_OVERFLOW: ReadonlySet<number> = new Set([
  COLUMNS.indexOf('BillingCurrency'),
  PERIOD,
  DAY,
]);

/** A fold with at most `maxGroups` groups beside overflow. */
export function createFold({ maxGroups }: { readonly maxGroups: number }): Fold {
  return new Folding(maxGroups);
}

class Folding implements Fold {
  readonly #maxGroups: number;
  readonly #dimensions = COLUMNS.map((_, place) => new Dimension(place >= PERIOD ? 'day' : 'text'));
  /** As long as tuples fit into keys and the budget is not near. */
  #packed: PackedGroups | undefined = new PackedGroups(COLUMNS.length);
  /** After that. */
  readonly #groups = new Groups(COLUMNS.length);
  readonly #sums = new GroupSums(COST_COLUMNS.length);
  #charges = new Float64Array(128);
  /** Of `#groups`. */
  #normalGroups = 0;
  #groupOf = new Uint32Array(0);
  readonly #tuple = new Uint32Array(COLUMNS.length);
  readonly #masked = new Uint32Array(COLUMNS.length).fill(OVERFLOW);

  constructor(maxGroups: number) {
    this.#maxGroups = maxGroups;
  }

  add(batch: Batch): void {
    const { rows } = batch;
    if (rows === 0) return;
    if (this.#groupOf.length < rows) this.#groupOf = new Uint32Array(rows);
    this.#assign(batch);
    this.#sums.prepare(this.#size, rows);
    this.#count(rows);
    COST_COLUMNS.forEach((name: CostColumn, i) => {
      const column = batch.columns.get(name);
      if (column?.kind === 'amount') this.#sums.add(i, column as AmountColumn, this.#groupOf, rows);
    });
  }

  merge(folded: FoldedTotals): void {
    const { charges, sums } = folded;
    const groupOf = this.#groupsOf(folded);
    this.#roomForCharges();
    for (let group = 0; group < charges.length; group++)
      this.#charges[groupOf[group] as number] =
        (this.#charges[groupOf[group] as number] as number) + (charges[group] as number);
    this.#sums.merge(sums, groupOf, this.#size);
  }

  totals(): FoldedTotals {
    const size = this.#size;
    return {
      values: this.#dimensions.map(({ values }) => [...values]),
      tuples: this.#packed?.tuples() ?? this.#groups.tuples.slice(0, size * COLUMNS.length),
      charges: this.#charges.slice(0, size),
      sums: this.#sums.plain(size),
    };
  }

  result(): FoldedTotal[] {
    return [...eachTotal(this.totals())];
  }

  close(): void {
    this.#packed?.close();
    this.#packed = undefined;
    this.#sums.close();
  }

  get #size(): number {
    return (this.#packed ?? this.#groups).size;
  }

  /** Finds the group of each row. */
  #assign(batch: Batch): void {
    const { rows } = batch;
    const closed = this.#isClosed();
    const numbers = COLUMNS.map((name, i) =>
      (this.#dimensions[i] as Dimension).numbers(
        batch.columns.get(name),
        closed && !KEPT_IN_OVERFLOW.has(i),
      ),
    );
    const tuple = this.#tuple;
    const groupOf = this.#groupOf;
    const varying: Varying[] = [];
    COLUMNS.forEach((name, at) => {
      const column = batch.columns.get(name);
      const ofCode = numbers[at] as Uint32Array;
      const isOne = !closed && this.#dimensions[at]?.values.length === 1;
      if (column === undefined || isOne || isConstant(column, rows))
        tuple[at] = ofCode[column === undefined ? 0 : (column.codes[0] as number)] as number;
      else {
        const { size, transient } = column.values;
        varying.push({ at, codes: column.codes, ofCode, size, transient });
      }
    });
    const packed = this.#packing(rows);
    if (packed === undefined) this.#assignTuples(varying, rows);
    else packed.assign(rows, { varying, tuple, groupOf });
  }

  /** The group of each of theirs. */
  #groupsOf({ values, tuples, charges }: FoldedTotals): Uint32Array {
    const rows = charges.length;
    const closed = this.#isClosed();
    const groupOf = new Uint32Array(rows);
    const tuple = this.#tuple;
    const varying = values.map((all, at): Varying => {
      const isClosed = closed && !KEPT_IN_OVERFLOW.has(at);
      const ofCode = (this.#dimensions[at] as Dimension).numbersOf(all, isClosed);
      const codes = new Uint32Array(rows);
      for (let row = 0; row < rows; row++) codes[row] = tuples[row * COLUMNS.length + at] as number;
      return { at, codes, ofCode, size: all.length, transient: true };
    });
    const packed = tuples.includes(OVERFLOW) ? this.#leave() : this.#packing(rows);
    if (packed !== undefined) packed.assign(rows, { varying, tuple, groupOf });
    else
      for (let row = 0; row < rows; row++) {
        for (const { at, codes, ofCode } of varying)
          tuple[at] = ofCode[codes[row] as number] ?? OVERFLOW;
        groupOf[row] = this.#group(tuple);
      }
    return groupOf;
  }

  #isClosed(): boolean {
    return (this.#packed?.size ?? this.#normalGroups) >= this.#maxGroups;
  }

  /** The packed groups, if it is certain that all new tuples of so many rows can be among them; else there are none from now on. */
  #packing(rows: number): PackedGroups | undefined {
    const packed = this.#packed;
    if (packed === undefined) return undefined;
    const isRoom = packed.size + rows <= this.#maxGroups;
    if (isRoom && packed.fits(this.#dimensions.map(({ values }) => values.length))) return packed;
    return this.#leave();
  }

  #leave(): undefined {
    const packed = this.#packed;
    if (packed === undefined) return;
    const width = COLUMNS.length;
    const tuples = packed.tuples();
    for (let at = 0; at < tuples.length; at += width) {
      const tuple = tuples.subarray(at, at + width);
      this.#groups.add(tuple, hashOf(tuple));
    }
    this.#normalGroups = packed.size;
    packed.close();
    this.#packed = undefined;
  }

  /** Row by row, for values that are not numbered or too many for keys. */
  #assignTuples(varying: readonly Varying[], rows: number): void {
    const groupOf = this.#groupOf;
    const tuple = this.#tuple;
    let previous = -1;
    for (let row = 0; row < rows; row++) {
      let same = previous >= 0;
      for (let i = 0; i < varying.length; i++) {
        const { at, codes, ofCode } = varying[i] as Varying;
        const number = ofCode[codes[row] as number] as number;
        if (tuple[at] !== number) {
          tuple[at] = number;
          same = false;
        }
      }
      if (!same) previous = this.#group(tuple);
      groupOf[row] = previous;
    }
  }

  #group(tuple: Uint32Array): number {
    const hash = hashOf(tuple);
    const found = this.#groups.find(tuple, hash);
    if (found >= 0) return found;
    if (tuple[0] === OVERFLOW) return this.#groups.add(tuple, hash);
    if (this.#normalGroups < this.#maxGroups) {
      this.#normalGroups++;
      return this.#groups.add(tuple, hash);
    }
    const masked = this.#masked;
    for (const place of KEPT_IN_OVERFLOW) masked[place] = tuple[place] as number;
    const overflowHash = hashOf(masked);
    const overflow = this.#groups.find(masked, overflowHash);
    return overflow >= 0 ? overflow : this.#groups.add(masked, overflowHash);
  }

  #count(rows: number): void {
    this.#roomForCharges();
    const charges = this.#charges;
    const groupOf = this.#groupOf;
    for (let row = 0; row < rows; row++) {
      const group = groupOf[row] as number;
      charges[group] = (charges[group] as number) + 1;
    }
  }

  #roomForCharges(): void {
    if (this.#charges.length >= this.#size) return;
    this.#charges = grown(this.#charges, this.#size * 2);
  }
}

function isConstant({ codes, values }: Column, rows: number): boolean {
  if (values.size === 1) return true;
  const first = codes[0];
  for (let row = 1; row < rows; row++) if (codes[row] !== first) return false;
  return true;
}
