/** In which order the short dates of a part (`9/1/26`) are written: found by all of them, so that no part is read in both. */
import type { Batch } from '../focus/batch.ts';
import { eachText, type PartFault, quoted } from './distinct-texts.ts';
import type { Mapping } from './mapping.ts';
import { type DateOrder, orderOfPeriod, orderShown, readTime } from './written-times.ts';

/** The setting of a mapping by which the operator says how short dates are read. */
export const DATE_ORDER_SETTING = {
  doc: 'How dates such as 2/9/2026 are read; auto goes by all dates of the file (13/9/2026, billing periods from the first of a month) and refuses a file whose dates do not tell.',
  values: ['auto', 'mdy', 'dmy'],
};

/** The order that a setting names; undefined: the dates have to tell. */
export function namedOrder(setting: string | undefined): DateOrder | undefined {
  return setting === 'mdy' || setting === 'dmy' ? setting : undefined;
}

/** How the dates are read, or why they cannot be. */
export type DatesFound = OrderFound | PartFault;

/** The order in which dates are read. */
export interface OrderFound {
  readonly order: DateOrder;
  /** Whether no date tells and it is what is known of the source. */
  readonly assumed: boolean;
  /**
   * Present where a few dates contradict the others: the months that the others show, by column. A date that can be read in both ways and would lie in
   * another month is not read.
   */
  readonly within?: ReadonlyMap<string, Months>;
}

/** Months, as `monthNumber` numbers them. */
interface Months {
  first: number;
  last: number;
}

/** A date, where it stands, and how many rows have one that says the same. */
interface Witness {
  readonly text: string;
  readonly row: number;
  readonly column: string;
  alike: number;
}

type Witnesses = Partial<Record<DateOrder, Witness>>;

/** One date in so many is a mistake: it is refused where it stands, not the part. */
const FEW = 20;

/** Hears the dates of a part, column by column. */
export class DateVotes {
  /** Dates that are one in this order only. */
  readonly #certain: Witnesses = {};
  /** Bounds of billing periods that are the first of a month in this order only. */
  readonly #likely: Witnesses = {};
  /** The months of the certain dates, by order and column. */
  readonly #months = { mdy: new Map<string, Months>(), dmy: new Map<string, Months>() };
  /** The months of dates that can be read both ways, as either order reads them. */
  readonly #either = { mdy: new Set<number>(), dmy: new Set<number>() };
  readonly #open: { first?: Witness } = {};

  /** Looks at the column of a batch; `isPeriod`: it bounds billing periods. */
  add(name: string, batch: Batch, isPeriod: boolean): void {
    for (const [text, { row, rows }] of eachText(name, batch)) {
      const shown = orderShown(text);
      if (shown === undefined) continue;
      const witness = { text, row, column: name, alike: rows };
      if (shown !== 'either') {
        count(this.#certain, shown, witness);
        widen(this.#months[shown], name, monthIn(text, shown));
        continue;
      }
      count(this.#open, 'first', witness);
      for (const order of ORDERS) this.#either[order].add(monthIn(text, order));
      const likely = isPeriod ? orderOfPeriod(text) : undefined;
      if (likely !== undefined) count(this.#likely, likely, witness);
    }
  }

  /** What all dates together say; where they say nothing, what the mapping knows of its source. */
  decide(mapping: Pick<Mapping, 'name' | 'settings' | 'dateOrder'>): DatesFound {
    const { mdy, dmy } = this.#certain;
    if (mdy !== undefined && dmy !== undefined) {
      const order = prevailing(mdy, dmy);
      if (order === undefined) return contradiction(dmy, mdy, mapping);
      return { order, assumed: false, within: this.#months[order] };
    }
    const certain = only(this.#certain);
    if (certain !== undefined) return this.#byFew(certain, mapping);
    const { first: open } = this.#open;
    const likely = only(this.#likely);
    if (likely !== undefined || open === undefined)
      return { order: likely ?? 'mdy', assumed: false };
    if (mapping.dateOrder !== undefined) return { order: mapping.dateOrder, assumed: true };
    return {
      ...placeOf(open),
      fault: `${open.column} is ${quoted(open.text)}: day and month can be read either way, and no other date of the file tells which; ${remedy(mapping)}`,
    };
  }

  /** One order is certain; but a few dates do not decide about many that would scatter over more months than the other order makes of them. */
  #byFew(order: DateOrder, mapping: Pick<Mapping, 'name' | 'settings'>): DatesFound {
    const { first: open } = this.#open;
    const witness = this.#certain[order];
    const other = order === 'mdy' ? 'dmy' : 'mdy';
    const isScattered = this.#either[order].size > this.#either[other].size + 1;
    if (open === undefined || witness === undefined || witness.alike * FEW > open.alike)
      return { order, assumed: false };
    return isScattered ? contradiction(witness, open, mapping) : { order, assumed: false };
  }
}

const ORDERS = ['mdy', 'dmy'] as const;

function count<K extends string>(of: { [key in K]?: Witness }, key: K, witness: Witness): void {
  const known = of[key];
  if (known === undefined) of[key] = witness;
  else known.alike += witness.alike;
}

function widen(months: Map<string, Months>, column: string, month: number): void {
  const known = months.get(column);
  if (known === undefined) months.set(column, { first: month, last: month });
  else {
    known.first = Math.min(known.first, month);
    known.last = Math.max(known.last, month);
  }
}

/** The month of a date in an order: months since the year 0. */
function monthIn(text: string, order: DateOrder): number {
  const date = new Date(readTime(text, order));
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Whether the date, which both orders read, may be read in the one found. */
export function isWithin({ order, within }: OrderFound, column: string, text: string): boolean {
  if (within === undefined || orderShown(text) !== 'either') return true;
  const months = within.get(column) ?? unionOf(within);
  const month = monthIn(text, order);
  return months.first <= month && month <= months.last;
}

/** For columns that have no date that is certain: the months of all, and one more, as bounds of periods lie there. */
function unionOf(within: ReadonlyMap<string, Months>): Months {
  const all = [...within.values()];
  return {
    first: Math.min(...all.map(({ first }) => first)),
    last: Math.max(...all.map(({ last }) => last)) + 1,
  };
}

/** The order of all dates but a few. */
function prevailing(mdy: Witness, dmy: Witness): DateOrder | undefined {
  if (dmy.alike * FEW <= mdy.alike) return 'mdy';
  return mdy.alike * FEW <= dmy.alike ? 'dmy' : undefined;
}

function contradiction(
  one: Witness,
  other: Witness,
  mapping: Pick<Mapping, 'name' | 'settings'>,
): PartFault {
  return {
    ...placeOf(one),
    fault: `its dates contradict each other: ${one.column} is ${quoted(one.text)} in row ${one.row} and ${other.column} is ${quoted(other.text)} in row ${other.row}; write them alike, or ${remedy(mapping)}`,
  };
}

function only(votes: Witnesses): DateOrder | undefined {
  if ((votes.mdy === undefined) === (votes.dmy === undefined)) return undefined;
  return votes.mdy === undefined ? 'dmy' : 'mdy';
}

function placeOf({ row, column }: Witness): { readonly row: number; readonly column: string } {
  return { row, column };
}

function remedy({ name, settings }: Pick<Mapping, 'name' | 'settings'>): string {
  return settings?.date_order === undefined
    ? 'write them like 2026-09-01'
    : `say it: ${name}.date_order of the processor normalize is mdy or dmy (when converting: --set ${name}.date_order=dmy)`;
}
