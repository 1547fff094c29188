import { any, deriveTime, type Test, test } from '../expressions.ts';
import { readTime } from '../written-times.ts';
import { missing } from './focus-costs.ts';
import type { Part, Section } from './focus-part.ts';
import { endOfCharge, monthOf } from './usage-months.ts';

const PERIODS = [
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargePeriodEnd',
  'ChargePeriodStart',
] as const;

/** The four times. What is no time is refused by the stage; what is null follows from the start of the charge. */
export function periods(part: Part): Section {
  const start = part.text('ChargePeriodStart');
  const end = part.text('ChargePeriodEnd');
  const billingStart = part.text('BillingPeriodStart');
  const billingEnd = part.text('BillingPeriodEnd');
  return {
    columns: {
      ChargePeriodStart: deriveTime([start], stated),
      ChargePeriodEnd: deriveTime([end, start], (text, from) =>
        orElse(exclusiveEnd(text, from), () => endOfCharge(stated(from))),
      ),
      BillingPeriodStart: deriveTime([billingStart, start], (text, from) =>
        orElse(stated(text), () => monthOf(stated(from), 0)),
      ),
      BillingPeriodEnd: deriveTime([billingEnd, billingStart, start], (text, period, from) =>
        orElse(exclusiveBillingEnd(text, period), () =>
          monthOf(
            orElse(stated(period), () => stated(from)),
            1,
          ),
        ),
      ),
    },
    repairs: [
      {
        code: 'time_format',
        where: any(...PERIODS.flatMap((column) => oddlyWritten(part, column))),
      },
      { code: 'charge_period_end_missing', where: missing(end) },
      {
        code: 'period_end_inclusive',
        where: any(
          test([end, start], (text, from) => exclusiveEnd(text, from) > stated(text)),
          test(
            [billingEnd, billingStart],
            (text, from) => exclusiveBillingEnd(text, from) > stated(text),
          ),
        ),
      },
      { code: 'billing_period_missing', where: any(missing(billingStart), missing(billingEnd)) },
    ],
  };
}

const WRITTEN = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;

function oddlyWritten(part: Part, column: (typeof PERIODS)[number]): readonly Test[] {
  if (!part.has(column)) return [];
  const text = part.text(column);
  return [test([text], (value) => value !== undefined && !WRITTEN.test(value))];
}

/** Milliseconds; NaN where the cell says nothing. */
function stated(text: string | undefined): number {
  return text === undefined ? Number.NaN : readTime(text);
}

function orElse(ms: number, otherwise: () => number): number {
  return Number.isNaN(ms) ? otherwise() : ms;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The end, moved where the bill gives the last second or millisecond of the period (Huawei), or its only day twice: ends are exclusive. Zones differ by half hours. */
function exclusiveEnd(end: string | undefined, start: string | undefined): number {
  const ms = stated(end);
  const from = stated(start);
  if (from % (HOUR / 2) !== 0) return ms;
  if (ms === from && from % DAY === 0) return ms + DAY;
  return [1, 1000].map((more) => ms + more).find((next) => next % (HOUR / 2) === 0) ?? ms;
}

/** As `exclusiveEnd`; also where the end of a month is the midnight its last day begins with, as in views of BigQuery. */
function exclusiveBillingEnd(end: string | undefined, start: string | undefined): number {
  const ms = exclusiveEnd(end, start);
  const from = stated(start);
  return from === monthOf(from, 0) && ms + DAY === monthOf(from, 1) ? ms + DAY : ms;
}
