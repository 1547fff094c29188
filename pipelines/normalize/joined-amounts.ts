/**
 * Columns of amounts made one: each row's amount is that of the column that took it last. Where few rows take other columns than the first,
 * only these are looked at: they are pointed at copies behind the first column's entries, and nothing else is copied. Hot: row loops.
 */
import { AMOUNT, type Amounts } from '../focus/amounts.ts';
import type { AmountColumn } from '../focus/batch.ts';
import { identityCodes } from './amount-columns.ts';

/** Rows of a batch; undefined: all of them. */
export type Rows = Uint32Array | undefined;

/** At most one row in so many is pointed elsewhere; with more, all are copied. */
const ROWS_PER_PATCH = 4;

/** A column and the rows that take their amounts of it, unless a later one has them, too. */
export interface Taken {
  readonly column: AmountColumn;
  readonly rows: Rows;
}

/** What an expression keeps from batch to batch for what it chooses. */
export interface Own {
  /** Transient: entry 0 null, entry row + 1 for each row. */
  readonly into: Amounts;
  /** A code for each row. */
  codes(): Uint32Array;
}

/** One column of what was taken, in this order: the first by all rows, the others by the listed ones. */
export function joinedAmounts(taken: readonly Taken[], rows: number, own: Own): AmountColumn {
  const [first, ...others] = taken as readonly [Taken, ...(readonly Taken[])];
  const differing = others.filter(({ column }) => !isSame(column, first.column));
  if (differing.length === 0) return first.column;
  if (first.rows === undefined && others.every(({ column }) => isNothing(column)))
    if (canBeHidden(first.column))
      return hidden(first.column, others, { rows, codes: own.codes() });
  const { into } = own;
  if (first.rows === undefined && canBePatched(first.column) && areFew(differing, rows))
    return patched(first.column, others, { rows, own });
  into.clear();
  into.reserve(rows + 1);
  into.size = rows + 1;
  for (const one of taken) {
    if (one.rows === undefined && isInOrder(one.column, rows))
      copyAll(one.column.values, into, rows);
    else copyRows(one, rows, into);
  }
  into.state[0] = AMOUNT.null;
  if (into.invalid > 0 || into.big.size > 0) recount(into);
  return { kind: 'amount', codes: identityCodes(rows), values: into };
}

/** Whether entry 0 is null and entries live on, so that rows may point at another entry instead of being copied. */
function canBeHidden({ values }: AmountColumn): boolean {
  return !values.transient && values.size > 1 && values.state[0] === AMOUNT.null;
}

/** The column, null in those rows. */
function hidden(
  { codes: from, values }: AmountColumn,
  nulls: readonly Taken[],
  { rows: count, codes }: { readonly rows: number; readonly codes: Uint32Array },
): AmountColumn {
  codes.set(from.subarray(0, count));
  for (const { rows = [] } of nulls)
    for (let i = 0; i < rows.length; i++) codes[rows[i] as number] = 0;
  return { kind: 'amount', codes, values };
}

/** Whether so few rows take these columns that all others need not be copied. */
function areFew(taken: readonly Taken[], rows: number): boolean {
  let count = 0;
  for (const one of taken) count += one.rows?.length ?? rows;
  return count * ROWS_PER_PATCH <= rows;
}

/** Whether its values can be added to: they live for this batch only, or are one that is copied. */
function canBePatched({ values }: AmountColumn): boolean {
  return values.transient || values.size === 1;
}

/** The column, with those rows pointed at copies of what they take, behind its own entries. */
function patched(
  { codes: from, values: known }: AmountColumn,
  others: readonly Taken[],
  { rows: count, own }: { readonly rows: number; readonly own: Own },
): AmountColumn {
  const codes = own.codes();
  let values = known;
  if (known.size > 1) codes.set(from.subarray(0, count));
  else {
    values = own.into;
    values.clear();
    values.addNull();
    codes.fill(copyOf(known, 0, values), 0, count);
  }
  for (const { column, rows = [] } of others) {
    const only = column.values.size === 1 ? copyOf(column.values, 0, values) : undefined;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] as number;
      codes[row] = only ?? copyOf(column.values, column.codes[row] as number, values);
    }
  }
  return { kind: 'amount', codes, values };
}

/** Number of the entry in those values, which are added to unless they are the same. */
function copyOf(values: Amounts, code: number, into: Amounts): number {
  if (values === into) return code;
  const copy = into.grow();
  into.copy(copy, values, code);
  return copy;
}

/** What is said of entries that were written over is not true any more. */
function recount(into: Amounts): void {
  into.invalid = 0;
  for (let code = 0; code < into.size; code++)
    if (into.state[code] === AMOUNT.invalid) into.invalid++;
  for (const code of into.big.keys()) if (into.state[code] !== AMOUNT.big) into.big.delete(code);
}

/** Also two columns that have the same amount on all rows. */
function isSame(a: AmountColumn, b: AmountColumn): boolean {
  if (a.values === b.values) return a.codes === b.codes || a.values.size === 1;
  if (a.values.size !== 1 || b.values.size !== 1) return false;
  const state = a.values.state[0] as number;
  if (state !== b.values.state[0] || state > AMOUNT.limbs) return false;
  const { whole, nano, atto } = a.values;
  return (
    whole[0] === b.values.whole[0] && nano[0] === b.values.nano[0] && atto[0] === b.values.atto[0]
  );
}

/** Entry row + 1 for each row, none of them more than limbs. */
function isInOrder({ codes, values }: AmountColumn, rows: number): boolean {
  if (values.size <= rows || values.invalid > 0 || values.big.size > 0) return false;
  if (codes === identityCodes(rows)) return true;
  for (let row = 0; row < rows; row++) if (codes[row] !== row + 1) return false;
  return true;
}

function copyAll(from: Amounts, into: Amounts, rows: number): void {
  const end = rows + 1;
  into.state.set(from.state.subarray(0, end));
  into.whole.set(from.whole.subarray(0, end));
  into.nano.set(from.nano.subarray(0, end));
  into.atto.set(from.atto.subarray(0, end));
  into.double.set(from.double.subarray(0, end));
}

/** The arrays stand in locals because this runs for most rows of several columns. */
function copyRows(
  { column: { codes, values }, rows: list }: Taken,
  rows: number,
  into: Amounts,
): void {
  const { state, whole, nano, atto, double } = values;
  const to = {
    state: into.state,
    whole: into.whole,
    nano: into.nano,
    atto: into.atto,
    double: into.double,
  };
  const count = list?.length ?? rows;
  for (let i = 0; i < count; i++) {
    const row = list === undefined ? i : (list[i] as number);
    const code = codes[row] as number;
    const kind = state[code] as number;
    if (kind > AMOUNT.limbs) into.copy(row + 1, values, code);
    else {
      to.state[row + 1] = kind;
      to.whole[row + 1] = whole[code] as number;
      to.nano[row + 1] = nano[code] as number;
      to.atto[row + 1] = atto[code] as number;
      to.double[row + 1] = double[code] as number;
    }
  }
}

/** Null on every row. */
export function isNothing({ values }: AmountColumn): boolean {
  return values.size === 1 && values.state[0] === AMOUNT.null;
}
