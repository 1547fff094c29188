import type { FileSet } from './store.ts';

/** Exports of the same bill: each holds the same charges. */
export interface Twins {
  readonly account: string;
  readonly period: string;
  readonly scopes: readonly string[];
}

/** Bills of one account and period that more than one export speaks for; those whose account or period is not told are not compared. */
export function twinsOf(sets: readonly FileSet[]): readonly Twins[] {
  const told = sets.flatMap(({ account, period, scope }) =>
    account === undefined || period === undefined ? [] : [{ account, period, scope }],
  );
  const byBill = Map.groupBy(told, ({ account, period }) => `${account} ${period}`);
  return [...byBill.values()].flatMap(([first, ...more]) =>
    first === undefined || more.length === 0
      ? []
      : [{ ...first, scopes: [first, ...more].map(({ scope }) => scope) }],
  );
}
