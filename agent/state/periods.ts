import type { DatabaseSync } from 'node:sqlite';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { add, decimal, formatDecimal } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';

type Row = Readonly<Record<string, unknown>>;

/** What one receiver brought of a billing period. */
export interface PeriodId {
  readonly pipeline: string;
  readonly receiver: string;
  /** First day, `2026-09-01`. */
  readonly billingPeriod: string;
}

/** How a billing period stands. */
export interface Period extends PeriodId {
  /** When its totals were last committed, milliseconds. */
  readonly changedMs: number;
  /** Says which deliveries it is made of; another one: it may have changed. */
  readonly marker: string;
  readonly closing?: Closing;
}

/** The last time that a period was closed. */
export interface Closing {
  /** Counts from 1. */
  readonly revision: number;
  /** SHA-256 of the canonical totals. */
  readonly hash: string;
  /** What it was made of when it was last looked at. */
  readonly marker: string;
  /** It has changed since and was not closed again. */
  readonly isReopened: boolean;
}

/** Costs by currency, canonical decimals; charges without a currency stand under the empty text. */
export type PeriodTotals = Readonly<Record<string, Readonly<Record<CostColumn, string>>>>;

export const PERIODS_SCHEMA = `
  CREATE TABLE IF NOT EXISTS closed_periods (
    pipeline TEXT, receiver TEXT, billing_period TEXT, revision INTEGER NOT NULL, hash TEXT NOT NULL, marker TEXT NOT NULL, reopened INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL, PRIMARY KEY (pipeline, receiver, billing_period)
  ) STRICT, WITHOUT ROWID;
`;

/** Every billing period that has totals or had some when it was closed. */
export function periodsOf(database: DatabaseSync): Period[] {
  const held = database
    .prepare(
      `SELECT pipeline, receiver, billing_period, max(committed_ms) AS changed_ms, concat_ws('/', count(*), max(committed_ms), sum(committed_ms)) AS marker
       FROM (SELECT DISTINCT delivery, billing_period FROM totals WHERE billing_period <> '') JOIN deliveries ON id = delivery GROUP BY 1, 2, 3`,
    )
    .all();
  return periodsFrom(held, database.prepare('SELECT * FROM closed_periods').all());
}

/** From the rows of what is held, by period, and of what was closed. */
export function periodsFrom(held: readonly Row[], closed: readonly Row[]): Period[] {
  const closings = new Map(closed.map((row) => [keyOf(row), row]));
  const emptied = closed
    .filter((row) => !held.some((other) => keyOf(other) === keyOf(row)))
    .map((row) => ({ ...row, marker: '' }));
  return [...held, ...emptied].map((row) => periodOf(row, closings.get(keyOf(row))));
}

function keyOf({ pipeline, receiver, billing_period }: Row): string {
  return JSON.stringify([pipeline, receiver, billing_period]);
}

function periodOf(row: Row, closed: Row | undefined): Period {
  const period = {
    pipeline: String(row.pipeline),
    receiver: String(row.receiver),
    billingPeriod: String(row.billing_period),
    changedMs: Number(row.changed_ms),
    marker: String(row.marker),
  };
  if (closed === undefined) return period;
  return {
    ...period,
    closing: {
      revision: Number(closed.revision),
      hash: String(closed.hash),
      marker: String(closed.marker),
      isReopened: Number(closed.reopened) === 1,
    },
  };
}

const CURRENCY = TOTAL_DIMENSIONS.indexOf('BillingCurrency');

/** What a period costs, exactly. */
export function periodTotalsOf(
  database: DatabaseSync,
  { pipeline, receiver, billingPeriod }: PeriodId,
): PeriodTotals {
  const sums: Record<string, Record<CostColumn, string>> = Object.create(null);
  const rows = database
    .prepare(
      `SELECT json_extract(dimensions, ?) AS currency, billed, effective, list, contracted FROM totals JOIN deliveries ON id = delivery
       WHERE pipeline = ? AND receiver = ? AND billing_period = ?`,
    )
    .iterate(`$[${CURRENCY}]`, pipeline, receiver, billingPeriod);
  for (const { currency, billed, effective, list, contracted } of rows) {
    const known = sums[String(currency ?? '')];
    const costs = [billed, effective, list, contracted].map((cost, i) =>
      plus(known?.[COST_COLUMNS[i] as CostColumn] ?? '0', String(cost)),
    );
    const entries = COST_COLUMNS.map((column, i) => [column, costs[i] ?? '0']);
    sums[String(currency ?? '')] = Object.fromEntries(entries) as Record<CostColumn, string>;
  }
  return { ...sums };
}

function plus(a: string, b: string): string {
  return formatDecimal(add(decimal(a), decimal(b)));
}

/** Notes how a period was closed, or opened again. */
export function putClosing(
  database: DatabaseSync,
  { pipeline, receiver, billingPeriod, changedMs }: Omit<Period, 'marker' | 'closing'>,
  { revision, hash, marker, isReopened }: Closing,
): void {
  database
    .prepare('INSERT OR REPLACE INTO closed_periods VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(pipeline, receiver, billingPeriod, revision, hash, marker, isReopened ? 1 : 0, changedMs);
}
