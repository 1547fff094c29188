import { Misconfigured } from '../../../pipelines/plugin/errors.ts';
import type { Question, Table } from './bigquery.ts';
import type { Row } from './rows.ts';
import { quoted, type TableName, written } from './table-name.ts';

/** How a table of bills is asked for its months. */
export interface MonthlyTable {
  /** Mapping of its rows. */
  readonly mapping: 'gcp-billing' | 'focus';
  /** Column with the time at which a row was exported. */
  readonly exportTime: string;
  /** Which months have rows that were exported later than `since`; with `first`, none before that month. */
  changed(from: { readonly since?: string; readonly first: string }): Question;
  /** Every row of a month. */
  whole(month: string): Question;
}

/** A billing month, `YYYYMM` (empty: rows that name none), and the latest export time in it. */
export interface ChangedMonth {
  readonly month: string;
  readonly latest: string;
}

/** Rows are loaded into partitions some hours after they were exported, or by another clock. */
const MARGIN_MS = 3 * 86_400_000;

/** Finds out which export the table holds, by its columns; throws `Misconfigured` for the setting at `path` when it is none. */
export function monthlyTable(name: TableName, table: Table, path: string): MonthlyTable {
  const columns = new Map(table.fields.map((field) => [field.name, field.type]));
  if (columns.has('invoice') && columns.has('export_time') && columns.has('cost'))
    return questions(name, table, {
      mapping: 'gcp-billing',
      exportTime: 'export_time',
      month: 'invoice.month',
    });
  const period = columns.get('BillingPeriodStart');
  if (columns.has('BilledCost') && columns.has('x_ExportTime') && period !== undefined)
    return questions(name, table, {
      mapping: 'focus',
      exportTime: 'x_ExportTime',
      month: `FORMAT_${FORMATTED.has(period) ? period : 'TIMESTAMP'}('%Y%m', BillingPeriodStart)`,
    });
  throw new Misconfigured(`${written(name)} is no export of bills`, {
    path,
    hint: 'name a table gcp_billing_export_resource_v1_…, gcp_billing_export_v1_… or gcp_billing_export_focus_…; the pricing export is no bill',
  });
}

/** Months begin at midnight in Los Angeles or in UTC: both are the same day in UTC. */
const FORMATTED = new Set(['DATE', 'DATETIME']);

interface Columns extends Pick<MonthlyTable, 'mapping' | 'exportTime'> {
  /** Expression for the month as `YYYYMM`. */
  readonly month: string;
}

function questions(name: TableName, table: Table, columns: Columns): MonthlyTable {
  const { exportTime, month } = columns;
  const pruned = table.partition === '_PARTITIONTIME' || table.partition === exportTime;
  const bound = pruned ? [`${table.partition} >= @loaded`] : [];
  const from = `FROM ${quoted(name)}`;
  return {
    mapping: columns.mapping,
    exportTime,
    changed: ({ since, first }) => ({
      sql: [
        `SELECT IFNULL(${month}, '') AS month, MAX(${exportTime}) AS latest`,
        from,
        `WHERE ${[
          ...bound,
          since === undefined ? `IFNULL(${month}, @first) >= @first` : `${exportTime} > @since`,
        ].join(' AND ')}`,
        'GROUP BY month ORDER BY month DESC',
      ].join(' '),
      values: {
        ...(since === undefined ? { first: text(first) } : { since: time(since) }),
        ...(pruned && { loaded: time(since === undefined ? startOf(first) : since, MARGIN_MS) }),
      },
    }),
    whole: (of) => ({
      sql: `SELECT * ${from} WHERE ${[...bound, `IFNULL(${month}, '') = @month`].join(' AND ')}`,
      values: { month: text(of), ...(pruned && { loaded: time(startOf(of), MARGIN_MS) }) },
    }),
  };
}

function text(value: string): Question['values'][string] {
  return { type: 'STRING', value };
}

function time(value: string, earlierMs = 0): Question['values'][string] {
  if (earlierMs === 0) return { type: 'TIMESTAMP', value };
  const earlier = Math.max(0, Date.parse(value) - earlierMs);
  return { type: 'TIMESTAMP', value: new Date(earlier).toISOString() };
}

/** Rows may lie anywhere when what they name is no month. */
function startOf(month: string): string {
  const start = `${month.slice(0, 4)}-${month.slice(4)}-01T00:00:00Z`;
  return Number.isNaN(Date.parse(start)) ? new Date(MARGIN_MS).toISOString() : start;
}

/** Months of an answer to `changed`. */
export function changedMonths(rows: readonly Row[]): readonly ChangedMonth[] {
  return rows.flatMap(({ month, latest }) =>
    typeof month === 'string' && typeof latest === 'string' ? [{ month, latest }] : [],
  );
}

/** The month that many months before the one at `ms`, as `YYYYMM`. */
export function monthsBefore(ms: number, months: number): string {
  const now = new Date(ms);
  const then = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1));
  return then.toISOString().slice(0, 7).replace('-', '');
}

/** The later of two points in time as BigQuery writes them: a fraction of any length, then `Z`. */
export function later(a: string, b: string): string {
  return a.replace('Z', '') < b.replace('Z', '') ? b : a;
}
