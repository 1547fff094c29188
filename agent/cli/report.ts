import { mergeCounts, mergeLedgers } from '../../pipelines/engine/merge.ts';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { decimal, formatDecimal, subtract } from '../../pipelines/focus/decimal.ts';
import { formatTotals } from '../../plugins/exporters/console/format-totals.ts';
import { type Committed, costsOf, type State } from '../state/state.ts';
import { costAccounts, currencyLines } from './account.ts';

/** What a report is made of. */
export interface ReportOptions {
  readonly state: State;
  readonly pipelines: readonly string[];
  /** Deliveries of this run, in order; restatements are told from them. */
  readonly committed: readonly Committed[];
  readonly ms: number;
  readonly width?: number;
  readonly color?: boolean;
}

/** A readable account of the committed state: totals, money, repairs, rejects, restatements, speed. */
export async function formatReport(options: ReportOptions): Promise<string> {
  const { state, pipelines, committed, ms } = options;
  const deliveries = (await state.deliveries()).filter(
    ({ pipeline, summary }) => pipelines.includes(pipeline) && summary.parts.length > 0,
  );
  const held = await heldBy(state, [...deliveries, ...committed]);
  const totals = formatTotals(state.view(pipelines).totals(), {
    ...(options.width === undefined ? {} : { width: options.width }),
    color: options.color === true,
  });
  const title = (text: string): string =>
    options.color === true ? `\u001b[1m${text}\u001b[0m` : text;
  const sections = [
    totals,
    section(title('Bills'), deliveries.map(billLine)),
    section(
      title('Restated'),
      committed.flatMap((delivery) => restatedLine(held, delivery)),
    ),
    section(title('Money, to the last decimal'), [
      ...moneyLines(deliveries, held),
      ...currencyLines(state.view(pipelines).totals()),
    ]),
    section(
      title('Repaired'),
      countLines(mergeCounts(deliveries.map(({ summary }) => summary.repairs))),
    ),
    section(
      title('Rejected (dead letters)'),
      countLines(mergeCounts(deliveries.map(({ summary }) => summary.rejected))),
    ),
    section(
      title('Left out on purpose'),
      countLines(mergeCounts(deliveries.map(({ summary }) => summary.dropped))),
    ),
    section(
      title('Set aside'),
      deliveries.flatMap(({ summary }) =>
        summary.parts
          .filter(({ refused }) => refused !== undefined)
          .map(({ path, refused }) => `${path}: ${refused}`),
      ),
    ),
    speedLine(committed, ms),
  ];
  return `${sections.filter((text) => text !== '').join('\n')}\n`;
}

/** What the totals of a delivery come to, exact; by its id. */
type Held = ReadonlyMap<string, Readonly<Record<CostColumn, string>>>;

async function heldBy(state: State, deliveries: readonly Committed[]): Promise<Held> {
  const held = new Map<string, Record<CostColumn, string>>();
  for (const { id } of deliveries)
    if (!held.has(id)) held.set(id, costsOf(await state.totalsOf(id)));
  return held;
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${title}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

function billLine({ scope, summary, revision }: Committed): string {
  const { rows, parts } = summary;
  const kinds = [
    ...new Set(
      parts.flatMap(({ mapping, format, focusVersion }) =>
        mapping === undefined
          ? []
          : [`${mapping}${focusVersion === undefined ? '' : ` ${focusVersion}`}, ${format}`],
      ),
    ),
  ].join('; ');
  const name = scope.split('/').slice(-2).join('/');
  return `${name}  ${count(rows.read)} rows → ${count(rows.written)} charges${kinds === '' ? '' : `  (${kinds})`}  revision ${revision.slice(0, 8)}`;
}

function restatedLine(held: Held, { id, scope, replaced }: Committed): string[] {
  if (replaced === undefined) return [];
  const now = decimal(held.get(id)?.EffectiveCost ?? '0');
  const before = decimal(replaced.EffectiveCost);
  const moved = subtract(now, before);
  const sign = moved.digits < 0n ? '' : '+';
  return [
    `${scope.split('/').slice(-2).join('/')}  EffectiveCost ${formatDecimal(before)} → ${formatDecimal(now)}  (${sign}${formatDecimal(moved)}); totals moved, nothing was added up twice`,
  ];
}

/** Read against what the totals in the state hold. */
function moneyLines(deliveries: readonly Committed[], held: Held): string[] {
  const ledger = mergeLedgers(deliveries.map(({ summary }) => summary.ledger));
  return COST_COLUMNS.flatMap((cost) => {
    if (ledger[cost] === undefined) return [];
    const alike = deliveries.filter(({ summary }) => summary.ledger[cost] !== undefined);
    const totals = alike.flatMap(({ id }) => groupOf(held.get(id)));
    return [moneyLine(cost, costAccounts({ ledger, totals })[cost])];
  });
}

function groupOf(costs: Readonly<Record<CostColumn, string>> | undefined): GroupTotal[] {
  if (costs === undefined) return [];
  const sums = COST_COLUMNS.map((cost) => costs[cost]);
  return [{ dimensions: [], billingPeriod: '', day: '', charges: 0, overflow: false, costs: sums }];
}

function moneyLine(
  cost: string,
  {
    in: read = '0',
    out,
    rejected = '0',
    dropped = '0',
    reshaped = '0',
    conserved,
  }: ReturnType<typeof costAccounts>[CostColumn],
): string {
  const rest = Object.entries({ rejected, dropped, reshaped }).flatMap(([stage, value]) =>
    value === '0' ? [] : [` + ${stage} ${value}`],
  );
  return `${cost.padEnd(14)} read ${read} = exported ${out}${rest.join('')}  ${conserved ? 'conserved' : 'NOT CONSERVED'}`;
}

function countLines(counts: Readonly<Record<string, number>>): string[] {
  return Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, rows]) => `${code.padEnd(34)} ${count(rows)} ${rows === 1 ? 'row' : 'rows'}`);
}

function speedLine(committed: readonly Committed[], ms: number): string {
  const rows = committed.reduce((total, { summary }) => total + summary.rows.read, 0);
  if (rows === 0) return '';
  return `${count(rows)} rows in ${(ms / 1000).toFixed(1)} s (${count(Math.round(rows / (ms / 1000)))} rows/s, threads started and files found included)`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
