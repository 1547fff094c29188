/** Charge and billing periods, half-open and in UTC. They are worked out together, once per distinct combination. */
import type { ChargeColumn } from '../../../focus/columns.ts';
import { formatTime, parseTime } from '../../../focus/times.ts';
import {
  derive,
  type Expression,
  map,
  type Test,
  type TextExpression,
  test,
  timeBy,
} from '../../expressions.ts';
import type { RepairRule } from '../../mapping.ts';
import { readTime } from '../../written-times.ts';
import { endOfCharge, monthOf } from '../usage-months.ts';
import type { Columns } from './columns.ts';

/** The four columns, the repairs they needed, and whether the usage lies before the billing period. */
export interface Periods {
  readonly columns: Readonly<Partial<Record<ChargeColumn, Expression>>>;
  readonly repairs: readonly RepairRule[];
  readonly beforeBill: Test;
  /** Yes where neither the usage nor the bill says when. */
  readonly missing: Test;
}

const CHARGE_START = 0;
const CHARGE_END = 1;
const BILL_START = 2;
const BILL_END = 3;
const FLAGS = 4;

/** The periods of a line item. A fee without a period of its own is charged for the billing period. */
export function periodsOf(columns: Columns): Periods {
  const all = derive(
    [
      usageBound(columns, 'line_item_usage_start_date', 0),
      usageBound(columns, 'line_item_usage_end_date', 1),
      columns.text('bill_billing_period_start_date'),
      columns.text('bill_billing_period_end_date'),
    ],
    periodsText,
  );
  const flagged = (flag: string): Test => test([all], (value) => part(value, FLAGS).includes(flag));
  const time = (index: number): Expression => timeBy(all, (value) => timeOf(part(value, index)));
  return {
    columns: {
      ChargePeriodStart: time(CHARGE_START),
      ChargePeriodEnd: time(CHARGE_END),
      BillingPeriodStart: time(BILL_START),
      BillingPeriodEnd: time(BILL_END),
    },
    repairs: [
      { code: 'charge_period_from_billing_period', where: flagged('c') },
      { code: 'billing_period_from_charge_period', where: flagged('b') },
      { code: 'charge_period_end_derived', where: flagged('e') },
    ],
    beforeBill: flagged('p'),
    missing: flagged('m'),
  };
}

/** The column; in reports that were made without it the bound of `identity_time_interval`, which has the same period as `start/end`. */
function usageBound(columns: Columns, name: string, bound: 0 | 1): TextExpression {
  if (columns.input.has(name)) return columns.text(name);
  return map(columns.text('identity_time_interval'), (interval) => interval.split('/')[bound]);
}

/** The four times and flags in one text, so that all that follows depends on one column. */
function periodsText(
  usageStart: string | undefined,
  usageEnd: string | undefined,
  start: string | undefined,
  end: string | undefined,
): string {
  const flags: string[] = [];
  let chargeStart = read(usageStart);
  let chargeEnd = exclusive(read(usageEnd));
  if (!Number.isNaN(chargeStart) && (usageEnd === undefined || isOneDay(usageStart, usageEnd))) {
    chargeEnd = endOfCharge(chargeStart);
    flags.push('e');
  }
  let billStart = read(start);
  let billEnd = exclusive(read(end));
  if (Number.isNaN(billStart)) {
    billStart = monthOf(chargeStart, 0);
    if (!Number.isNaN(chargeStart)) flags.push('b');
  }
  if (Number.isNaN(billEnd)) billEnd = monthOf(billStart, 1);
  if (Number.isNaN(chargeStart) || Number.isNaN(chargeEnd) || chargeEnd <= chargeStart) {
    if (Number.isNaN(billStart)) flags.push('m');
    else if (chargeStart !== Number.POSITIVE_INFINITY && chargeEnd !== Number.POSITIVE_INFINITY) {
      chargeStart = billStart;
      chargeEnd = billEnd;
      flags.push('c');
    }
  }
  if (chargeEnd <= billStart) flags.push('p');
  return [...[chargeStart, chargeEnd, billStart, billEnd].map(timeText), flags.join('')].join('|');
}

function part(value: string | undefined, index: number): string {
  return value?.split('|')[index] ?? '';
}

function read(text: string | undefined): number {
  return text === undefined ? Number.NaN : readTime(text);
}

/** Monthly items end at the last second of a day; half-open they end with the next one. */
function exclusive(ms: number): number {
  return (ms + 1000) % 3_600_000 === 0 ? ms + 1000 : ms;
}

/** Dates without times, as queries that ask for days give them. */
function isOneDay(start: string | undefined, end: string): boolean {
  return start === end && /^\d{4}-\d{2}-\d{2}$/.test(end);
}

function timeText(ms: number): string {
  return Number.isNaN(ms) ? '' : (formatTime(ms) ?? 'invalid');
}

function timeOf(text: string): number {
  return text === '' ? Number.NaN : parseTime(text);
}
