import type { FileSet } from './store.ts';

/** Exports of the same bill: each holds the same charges. */
export interface Twins {
  readonly account: string;
  readonly period: string;
  readonly scopes: readonly string[];
}

/** Bills of one account and period, or the same share of them, that more than one export speaks for; those whose account or period is not told are not compared. */
export function twinsOf(sets: readonly FileSet[]): readonly Twins[] {
  const told = sets.flatMap(({ account, period, share = '', scope }) =>
    account === undefined || period === undefined ? [] : [{ account, period, share, scope }],
  );
  const byBill = Map.groupBy(told, ({ account, period, share }) => `${account} ${period} ${share}`);
  return [...byBill.values()].flatMap(([first, ...more]) =>
    first === undefined || more.length === 0
      ? []
      : [
          {
            account: first.account,
            period: first.period,
            scopes: [first, ...more].map(({ scope }) => scope),
          },
        ],
  );
}
