import { attributeName } from '../../pipelines/focus/index.ts';
import { TOTAL_DIMENSIONS, type Total } from '../../pipelines/plugin/index.ts';

/** How much of a billing period's days a provider's account has charges for. */
export interface Completeness {
  readonly attributes: Readonly<Record<string, string>>;
  /** From 0 to 1. */
  readonly value: number;
}

/** Notes the days of the totals that pass. */
export interface DaysSeen {
  /** Hands the totals on as they are. */
  seeing(totals: Iterable<Total>): Iterable<Total>;
  /** By provider, account and billing period. */
  completeness(): readonly Completeness[];
}

const KEY = ['ServiceProviderName', 'BillingAccountId', 'x_CostSource'] as const;
const POSITIONS = KEY.map((name) => TOTAL_DIMENSIONS.indexOf(name));
const DAY_MS = 86_400_000;

interface Account {
  readonly values: readonly (string | null)[];
  readonly periods: Map<string, Set<string>>;
}

/**
 * Days with charges out of the days from an account's first day to its last, as far as they lie in the billing
 * period: less than 1 is a hole. How far the data reaches is its age, not its completeness.
 */
export function createDaysSeen(): DaysSeen {
  const accounts = new Map<string, Account>();
  /** `period day` of charges that were folded: whose they are is not known any more, so they count for each. */
  const folded = new Set<string>();
  const note = ({ dimensions, overflow, billingPeriod, day }: Total): void => {
    if (overflow) {
      folded.add(`${billingPeriod} ${day}`);
      return;
    }
    const values = POSITIONS.map((position) => dimensions[position] ?? null);
    const key = JSON.stringify(values);
    const account = accounts.get(key) ?? { values, periods: new Map() };
    accounts.set(key, account);
    const days = account.periods.get(billingPeriod) ?? new Set();
    account.periods.set(billingPeriod, days.add(day));
  };
  return {
    *seeing(totals) {
      for (const total of totals) {
        note(total);
        yield total;
      }
    },
    completeness: () =>
      [...accounts.values()].flatMap((account) => completenessOf(account, folded)),
  };
}

function completenessOf({ values, periods }: Account, folded: ReadonlySet<string>): Completeness[] {
  const all = [...periods.values()].flatMap((days) => [...days].sort());
  const first = all.reduce((a, b) => (b < a ? b : a), '9999-99-99');
  const last = all.reduce((a, b) => (b > a ? b : a), '');
  return [...periods].flatMap(([period, days]) => {
    const expected = daysOf(period).filter((day) => day >= first && day <= last);
    if (expected.length === 0) return [];
    const there = expected.filter((day) => days.has(day) || folded.has(`${period} ${day}`));
    const attributes = Object.fromEntries([
      ...KEY.flatMap((name, i) => {
        const value = values[i] ?? null;
        return value === null ? [] : [[attributeName(name), value]];
      }),
      ['focus.billing_period_start', period],
    ]);
    return [{ attributes, value: there.length / expected.length }];
  });
}

/** The days of a billing period: a month from its first day on; none when that cannot be read. */
function daysOf(period: string): readonly string[] {
  const start = new Date(`${period}T00:00:00Z`);
  if (Number.isNaN(start.getTime())) return [];
  const end = new Date(start);
  end.setUTCMonth(end.getUTCMonth() + 1);
  const days = Math.round((end.getTime() - start.getTime()) / DAY_MS);
  return Array.from({ length: days }, (_, i) =>
    new Date(start.getTime() + i * DAY_MS).toISOString().slice(0, 10),
  );
}
