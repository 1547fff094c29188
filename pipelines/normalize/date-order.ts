/** In which order the short dates of a part (`9/1/26`) are written: found by all of them, so that no part is read in both. */
import type { Batch } from '../focus/batch.ts';
import { eachText, type PartFault, quoted } from './distinct-texts.ts';
import type { Mapping } from './mapping.ts';
import { type DateOrder, orderOfPeriod, orderShown } from './written-times.ts';

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
export type DatesFound = { readonly order: DateOrder; readonly assumed: boolean } | PartFault;

/** A date, and where it stands. */
interface Witness {
  readonly text: string;
  readonly row: number;
  readonly column: string;
}

/** Hears the dates of a part, column by column. */
export class DateVotes {
  /** Dates that are one in this order only. */
  readonly #certain: Partial<Record<DateOrder, Witness>> = {};
  /** Bounds of billing periods that are the first of a month in this order only. */
  readonly #likely: Partial<Record<DateOrder, Witness>> = {};
  #open: Witness | undefined;

  /** Looks at the column of a batch; `isPeriod`: it bounds billing periods. */
  add(name: string, batch: Batch, isPeriod: boolean): void {
    for (const [text, row] of eachText(name, batch)) {
      const shown = orderShown(text);
      if (shown === undefined) continue;
      const witness = { text, row, column: name };
      if (shown !== 'either') this.#certain[shown] ??= witness;
      else {
        this.#open ??= witness;
        const likely = isPeriod ? orderOfPeriod(text) : undefined;
        if (likely !== undefined) this.#likely[likely] ??= witness;
      }
    }
  }

  /** What all dates together say; where they say nothing, what the mapping knows of its source. */
  decide(mapping: Pick<Mapping, 'name' | 'settings' | 'dateOrder'>): DatesFound {
    const { mdy, dmy } = this.#certain;
    if (mdy !== undefined && dmy !== undefined)
      return {
        ...placeOf(dmy),
        fault: `its dates contradict each other: ${dmy.column} is ${quoted(dmy.text)} in row ${dmy.row} and ${mdy.column} is ${quoted(mdy.text)} in row ${mdy.row}; write them alike, or ${remedy(mapping)}`,
      };
    const order = only(this.#certain) ?? only(this.#likely);
    if (order !== undefined || this.#open === undefined)
      return { order: order ?? 'mdy', assumed: false };
    if (mapping.dateOrder !== undefined) return { order: mapping.dateOrder, assumed: true };
    const { column } = this.#open;
    return {
      ...placeOf(this.#open),
      fault: `${column} is ${quoted(this.#open.text)}: day and month can be read either way, and no other date of the file tells which; ${remedy(mapping)}`,
    };
  }
}

function only(votes: Partial<Record<DateOrder, Witness>>): DateOrder | undefined {
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
