/** Checks that look at several columns of a row. Each marks the rows that break it. Hot: row loops over codes. */
import type { Batch, Column } from '../focus/batch.ts';
import { SERVICE_SUBCATEGORIES } from '../focus/columns.ts';
import { AmountReading, amountAt, TimeReading } from './readings.ts';
import type { Check } from './rule.ts';

/** Marks rows: 1 where the check is broken. What is null breaks nothing (but a subcategory needs its category). */
export type PairCheck = (batch: Batch, marks: Uint8Array) => void;

/** The check over the columns of a part (their names in the part by FOCUS name); undefined for checks of one value. */
export function pairCheck(
  check: Check,
  column: string,
  header: (name: string) => string | undefined,
): PairCheck | undefined {
  const names = [column, ...partnersOf(check)].map(header);
  if (names.some((name) => name === undefined)) return undefined;
  const [own = '', ...others] = names as string[];
  switch (check.op) {
    case 'product':
      return productCheck(others as [string, string, string]);
    case 'same':
      return sameCheck(own, others[0] as string);
    case 'from':
    case 'after':
      return orderCheck(own, others[0] as string, check.op === 'from');
    case 'under':
      return textCheck(
        own,
        others[0] as string,
        (subcategory, category = '') =>
          SERVICE_SUBCATEGORIES[category]?.includes(subcategory) === true,
      );
    default:
      return undefined;
  }
}

/** The columns a check compares its own with. */
export function partnersOf(check: Check): readonly string[] {
  switch (check.op) {
    case 'product':
      return [check.a, check.b, check.result];
    case 'same':
    case 'from':
    case 'after':
    case 'under':
      return [check.column];
    default:
      return [];
  }
}

/** Bills round: a product may be off by a millionth of itself, or by one in the ninth decimal place. */
const RELATIVE = 1e-6;
const ABSOLUTE = 1e-9;

function productCheck(names: readonly [string, string, string]): PairCheck {
  const readings = names.map(() => new AmountReading());
  return (batch, marks) => {
    const columns = names.map((name, i) => {
      const column = batch.columns.get(name);
      return column === undefined ? undefined : readings[i]?.of(column);
    });
    const [a, b, result] = columns;
    if (a === undefined || b === undefined || result === undefined) return;
    for (let row = 0; row < batch.rows; row++) {
      const product = amountAt(a, row) * amountAt(b, row);
      const stated = amountAt(result, row);
      const off = Math.abs(product - stated);
      if (off > ABSOLUTE && off > Math.abs(stated) * RELATIVE) marks[row] = 1;
    }
  };
}

function sameCheck(own: string, other: string): PairCheck {
  const readings = [new AmountReading(), new AmountReading()] as const;
  return (batch, marks) => {
    const [one, two] = [batch.columns.get(own), batch.columns.get(other)];
    const a = one && readings[0].of(one);
    const b = two && readings[1].of(two);
    if (a === undefined || b === undefined) return;
    for (let row = 0; row < batch.rows; row++) {
      const difference = amountAt(a, row) - amountAt(b, row);
      if (difference < 0 || difference > 0) marks[row] = 1;
    }
  };
}

function orderCheck(own: string, other: string, equalAllowed: boolean): PairCheck {
  const readings = [new TimeReading(), new TimeReading()] as const;
  return (batch, marks) => {
    const [one, two] = [batch.columns.get(own), batch.columns.get(other)];
    const later = one && readings[0].of(one);
    const earlier = two && readings[1].of(two);
    if (later === undefined || earlier === undefined) return;
    for (let row = 0; row < batch.rows; row++) {
      const end = later.values.ms[later.codes[row] as number] as number;
      const start = earlier.values.ms[earlier.codes[row] as number] as number;
      if (!Number.isFinite(end) || !Number.isFinite(start)) continue;
      if (equalAllowed ? end < start : end <= start) marks[row] = 1;
    }
  };
}

/** Judges pairs of texts, once per distinct pair while both columns keep their entries. */
function textCheck(
  own: string,
  other: string,
  holds: (own: string, other: string | undefined) => boolean,
): PairCheck {
  let judged = new Map<number, boolean>();
  let known: readonly unknown[] = [];
  return (batch, marks) => {
    const one = batch.columns.get(own);
    const two = batch.columns.get(other);
    if (one === undefined) return;
    const transient = one.values.transient || two?.values.transient === true;
    if (transient || known[0] !== one.values || known[1] !== two?.values) {
      judged = new Map();
      known = [one.values, two?.values];
    }
    for (let row = 0; row < batch.rows; row++) {
      const key = (one.codes[row] as number) * 2 ** 26 + (two === undefined ? 0 : codeAt(two, row));
      let yes = judged.get(key);
      if (yes === undefined) {
        const text = one.values.text(one.codes[row] as number);
        yes = text === undefined || holds(text, two?.values.text(codeAt(two, row)));
        judged.set(key, yes);
      }
      if (!yes) marks[row] = 1;
    }
  };
}

function codeAt(column: Column, row: number): number {
  return column.codes[row] as number;
}
