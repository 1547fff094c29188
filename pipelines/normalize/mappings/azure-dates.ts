/** Dates of Azure exports: ISO, or `M/D/YYYY` and `D/M/YYYY`, which only the row's other dates or a setting tell apart. */
import { parseTime, utcMilliseconds } from '../../focus/times.ts';
import {
  derive,
  deriveTime,
  is,
  not,
  present,
  type Test,
  type TextExpression,
  type TimeExpression,
  text,
} from '../expressions.ts';
import { readTime } from '../written-times.ts';

/** How a row's dates are to be read: `iso`, `mdy`, `dmy`; `unclear` when its dates contradict each other or nothing says that the day comes first. */
export type DateOrder = 'iso' | 'mdy' | 'dmy' | 'unclear';

/** The periods of a row. */
export interface AzurePeriods {
  readonly chargeStart: TimeExpression;
  readonly chargeEnd: TimeExpression;
  readonly billingStart: TimeExpression;
  readonly billingEnd: TimeExpression;
  /** The dates cannot be read with certainty. */
  readonly unclear: Test;
  /** The export names no billing period: it is the month of the charge. */
  readonly assumedBillingPeriod: Test;
  /** Another date column of the same row. */
  readonly time: (column: string) => TimeExpression;
}

const DAY = 86_400_000;

/** The periods of a row; `order` is `auto`, `mdy` or `dmy`. */
export function azurePeriods(order: string): AzurePeriods {
  const date = text('Date');
  const end = text('BillingPeriodEndDate');
  const found = derive([date, end], (day, last) => dateOrder(order, day, last));
  const at = (column: string | TextExpression): TimeExpression =>
    deriveTime([text(column), found], (value, how) => readDate(value, how as DateOrder));
  const chargeStart = at(date);
  const givenStart = at('BillingPeriodStartDate');
  const givenEnd = at(end);
  return {
    chargeStart,
    chargeEnd: deriveTime([chargeStart], (day) => startOf(day) + DAY),
    billingStart: deriveTime([givenStart, chargeStart], (given, day) =>
      given === undefined ? monthOf(startOf(day)) : startOf(given),
    ),
    billingEnd: deriveTime([givenStart, givenEnd, chargeStart], (from, to, day) =>
      to === undefined ? nextMonth(startOf(from ?? day)) : endOfPeriod(startOf(to), startOf(from)),
    ),
    unclear: is(found, 'unclear'),
    assumedBillingPeriod: not(present(end)),
    time: at,
  };
}

/**
 * The order of a row's dates by what they show. A last day of the billing period settles it; a day first in the charge's date alone
 * is `unclear`, since the other rows of such a file would be misread in silence.
 */
export function dateOrder(
  setting: string,
  date: string | undefined,
  periodEnd: string | undefined,
): DateOrder {
  if (DOTTED.test(date ?? '')) return 'dmy';
  const votes = [date, periodEnd].map(vote);
  if (votes.every((found) => found === 'iso')) return 'iso';
  if (setting === 'mdy' || setting === 'dmy') return setting;
  if (votes.includes('unclear') || (votes.includes('mdy') && votes.includes('dmy')))
    return 'unclear';
  if (!votes.includes('dmy')) return 'mdy';
  return votes[1] === 'dmy' ? 'dmy' : 'unclear';
}

const SLASHED = /^(\d{1,2})\/(\d{1,2})\/(\d{4})(?:[ T]\d{1,2}:\d{2}(?::\d{2})?(?: ?[AP]M)?)?$/i;
const DOTTED = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/;

function vote(value: string | undefined): DateOrder | undefined {
  const match = SLASHED.exec(value?.trim() ?? '');
  if (match === null) return 'iso';
  const [first, second] = [Number(match[1]), Number(match[2])];
  if (first > 12) return second > 12 ? 'unclear' : 'dmy';
  return second > 12 ? 'mdy' : undefined;
}

/** The day as milliseconds; NaN for null, Infinity for what is no date. */
function readDate(value: string | undefined, order: DateOrder): number {
  if (value === undefined) return Number.NaN;
  const day = value.trim();
  const dotted = DOTTED.exec(day);
  const match = dotted ?? SLASHED.exec(day);
  if (match === null) return startOfDay(readTime(day));
  const [first, second, year] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const dayFirst = dotted !== null || order === 'dmy';
  return utcMilliseconds({
    year,
    month: dayFirst ? second : first,
    day: dayFirst ? first : second,
  });
}

function startOfDay(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / DAY) * DAY : ms;
}

function startOf(value: string | undefined): number {
  return value === undefined ? Number.NaN : parseTime(value);
}

function monthOf(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

function nextMonth(ms: number): number {
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

/** The source names the last day of the period; some exports the first day after it. */
function endOfPeriod(last: number, start: number): number {
  return last === nextMonth(start) && start === monthOf(start) ? last : last + DAY;
}
