/** Dates of Azure exports. */
import { parseTime } from '../../focus/times.ts';
import {
  deriveTime,
  not,
  present,
  type Test,
  type TimeExpression,
  text,
  timeBy,
} from '../expressions.ts';
import { readTime } from '../written-times.ts';

/** The periods of a row. */
export interface AzurePeriods {
  readonly chargeStart: TimeExpression;
  readonly chargeEnd: TimeExpression;
  readonly billingStart: TimeExpression;
  readonly billingEnd: TimeExpression;
  /** The export names no billing period: it is the month of the charge. */
  readonly assumedBillingPeriod: Test;
}

const DAY = 86_400_000;

/** The day of another date column. */
export function azureDay(column: string): TimeExpression {
  return timeBy(text(column), (value) => startOfDay(readTime(value)));
}

/** The periods of a row. */
export function azurePeriods(): AzurePeriods {
  const chargeStart = azureDay('Date');
  const givenStart = azureDay('BillingPeriodStartDate');
  const givenEnd = azureDay('BillingPeriodEndDate');
  return {
    chargeStart,
    chargeEnd: deriveTime([chargeStart], (day) => startOf(day) + DAY),
    billingStart: deriveTime([givenStart, chargeStart], (given, day) =>
      given === undefined ? monthOf(startOf(day)) : startOf(given),
    ),
    billingEnd: deriveTime([givenStart, givenEnd, chargeStart], (from, to, day) =>
      to === undefined ? nextMonth(startOf(from ?? day)) : endOfPeriod(startOf(to), startOf(from)),
    ),
    assumedBillingPeriod: not(present('BillingPeriodEndDate')),
  };
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
