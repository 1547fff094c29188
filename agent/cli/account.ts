import type { RejectedRow } from '../../pipelines/decode/source.ts';
import type { Delivered } from '../../pipelines/engine/deliver.ts';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { add, decimal, formatDecimal } from '../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS } from '../../pipelines/plugin/totals.ts';
import { costsHeld } from '../ledger.ts';

/** What a conversion came to. */
export interface Account {
  readonly delivered: Delivered;
  readonly ms: number;
  readonly output: {
    readonly path?: string;
    readonly format: string;
    readonly focusVersion: string;
  };
  /** The first rejected rows. */
  readonly rejected: readonly (RejectedRow & { readonly path: string })[];
}

/** Money of one cost column. `in = out + rejected + dropped + reshaped`, to the last decimal. */
interface CostAccount {
  /** Source column that states the cost; absent when the source states none and FOCUS's is derived. */
  readonly source?: string;
  readonly in?: string;
  readonly out: string;
  readonly rejected?: string;
  readonly dropped?: string;
  readonly reshaped?: string;
  readonly conserved: boolean;
}

/** For machines. */
export function accountJson(account: Account): Readonly<Record<string, unknown>> {
  const { delivered, ms, output } = account;
  const { rows, repairs, rejected, dropped } = delivered;
  return {
    output,
    rows: {
      read: rows.read,
      written: rows.written,
      rejected: rows.rejected,
      dropped: rows.dropped,
    },
    costs: costAccounts(delivered),
    repairs,
    rejected,
    dropped,
    parts: delivered.parts.map(({ part, plan }) =>
      plan.ok
        ? {
            path: part.path,
            format: plan.format,
            mapping: plan.mapping,
            ...(plan.focusVersion === undefined ? {} : { focusVersion: plan.focusVersion }),
          }
        : { path: part.path, refused: plan.reason },
    ),
    firstRejected: account.rejected.map(({ path, row, column, reason, message }) => ({
      path,
      row,
      ...(column === undefined ? {} : { column }),
      reason,
      message,
    })),
    milliseconds: Math.round(ms),
    stages: delivered.stages,
  };
}

/** For people. */
export function accountText(account: Account): string {
  const { delivered, ms, output } = account;
  const { rows } = delivered;
  const read = delivered.parts.filter(({ plan }) => plan.ok);
  const mappings = [
    ...new Set(
      read.map(({ plan }) =>
        plan.ok
          ? `${plan.mapping}${plan.focusVersion === undefined ? '' : ` ${plan.focusVersion}`}`
          : '',
      ),
    ),
  ].join(', ');
  const lines = [
    `${count(rows.read)} rows read (${mappings || 'nothing'}) → ${count(rows.written)} charges written as FOCUS ${output.focusVersion} ${output.format}${output.path === undefined ? '' : ` to ${output.path}`} in ${(ms / 1000).toFixed(1)} s, ${count(Math.round(rows.read / (ms / 1000)))} rows/s`,
    ...Object.entries(costAccounts(delivered)).map(([cost, entry]) => costLine(cost, entry)),
    ...currencyLines(delivered.totals).map((line) => `  ${line}`),
    ...countsLine('repaired', delivered.repairs),
    ...countsLine('left out on purpose', delivered.dropped),
    ...countsLine('rejected', delivered.rejected),
    ...account.rejected.map(
      ({ path, row, column, message }) =>
        `    ${path}, row ${row}${column === undefined ? '' : `, ${column}`}: ${message}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}

const CURRENCY = TOTAL_DIMENSIONS.indexOf('BillingCurrency');

/** Says it where sums that prove conservation add up money of several currencies; such a sum is no amount of anything. */
export function currencyLines(
  totals: Iterable<{ readonly dimensions: readonly (string | null)[] }>,
): readonly string[] {
  const currencies = new Set<string>();
  for (const { dimensions } of totals) currencies.add(dimensions[CURRENCY] ?? 'none');
  return currencies.size < 2
    ? []
    : [
        `${currencies.size} currencies, added up as they stand: ${[...currencies].sort().join(', ')}`,
      ];
}

function costLine(cost: string, entry: CostAccount): string {
  if (entry.in === undefined) return `  ${cost.padEnd(14)} ${entry.out} (derived)`;
  const parts = (['rejected', 'dropped', 'reshaped'] as const).flatMap((stage) =>
    entry[stage] === undefined || entry[stage] === '0' ? [] : [`${stage} ${entry[stage]}`],
  );
  const from = entry.source === cost ? '' : ` (${entry.source})`;
  return `  ${cost.padEnd(14)} in ${entry.in}${from} = out ${entry.out}${parts.map((part) => ` + ${part}`).join('')}  ${entry.conserved ? 'conserved' : 'NOT CONSERVED'}`;
}

function countsLine(what: string, counts: Readonly<Record<string, number>>): string[] {
  const known = Object.entries(counts).sort(([, a], [, b]) => b - a);
  if (known.length === 0) return [];
  return [`  ${what}: ${known.map(([code, rows]) => `${code} ${count(rows)}`).join(', ')}`];
}

/** Out is what the totals hold, summed apart from the ledger: a row lost between the two would show. */
export function costAccounts(
  delivered: Pick<Delivered, 'ledger' | 'totals'>,
): Record<CostColumn, CostAccount> {
  const held = costsHeld(delivered.totals);
  const accounts = COST_COLUMNS.map((cost): [CostColumn, CostAccount] => {
    const out = held[cost];
    const entry = delivered.ledger[cost];
    if (entry === undefined) return [cost, { out: formatDecimal(out), conserved: true }];
    const { source, read, rejected, dropped, reshaped } = entry;
    const accounted = [rejected, dropped, reshaped].map(decimal).reduce(add, out);
    return [
      cost,
      {
        ...(source === undefined ? {} : { source }),
        in: read,
        out: formatDecimal(out),
        rejected,
        dropped,
        reshaped,
        conserved: formatDecimal(accounted) === read,
      },
    ];
  });
  return Object.fromEntries(accounts) as Record<CostColumn, CostAccount>;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
