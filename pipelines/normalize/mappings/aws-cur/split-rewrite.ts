/**
 * Replaces the rows of instances by rows of their tasks and pods. Two passes over the part: the first collects the split rows,
 * the second replaces; a third one only when some of them have no instance in the part. Batches without such rows pass untouched.
 */
import { Amounts } from '../../../focus/amounts.ts';
import type { Batch, Column } from '../../../focus/batch.ts';
import {
  add,
  compare,
  type Decimal,
  decimal,
  formatDecimal,
  isZero,
  multiply,
  subtract,
  ZERO,
} from '../../../focus/decimal.ts';
import { Dictionary } from '../../../focus/dictionary.ts';
import { shares } from '../../../focus/shares.ts';
import {
  ALLOCATED,
  CellReader,
  instanceKey,
  type SplitGroup,
  type SplitRow,
  splitKey,
  splitRow,
  total,
  workloadName,
} from './split-rows.ts';

/** How the cost of what nobody used is treated. */
export interface SplitOptions {
  readonly shareIdle: boolean;
}

const METHOD = 'aws-split-cost-allocation';
const MOST_ROWS = 4096;

/** The part's batches with instances replaced by what ran on them. */
export async function* rewriteSplitRows(
  read: () => AsyncIterable<Batch>,
  options: SplitOptions,
): AsyncGenerator<Batch> {
  const { groups, lastRow } = await collect(read());
  const numbers = { next: lastRow + 1 };
  const cells = new CellReader();
  for await (const batch of read()) {
    cells.begin(batch);
    yield* rewritten(cells, batch, { groups, numbers, options });
  }
  if (groups.values().every(({ replaced }) => replaced > 0)) return;
  for await (const batch of read()) {
    cells.begin(batch);
    const orphans = rowsWhere(batch, (row) => {
      const key = splitKey(cells, row);
      return key !== undefined && groups.get(key)?.replaced === 0;
    });
    if (orphans.length > 0) yield withoutAllocation(gathered(batch, orphans));
  }
}

interface Rewriting {
  readonly groups: ReadonlyMap<string, SplitGroup>;
  /** Numbers for rows that the part does not have. */
  readonly numbers: { next: number };
  readonly options: SplitOptions;
}

async function collect(
  batches: AsyncIterable<Batch>,
): Promise<{ readonly groups: Map<string, SplitGroup>; readonly lastRow: number }> {
  const groups = new Map<string, SplitGroup>();
  const cells = new CellReader();
  let lastRow = 0;
  for await (const batch of batches) {
    cells.begin(batch);
    for (let row = 0; row < batch.rows; row++) {
      const rowNumber = batch.rowNumbers[row] as number;
      if (rowNumber > lastRow) lastRow = rowNumber;
      const key = splitKey(cells, row);
      if (key === undefined) continue;
      let group = groups.get(key);
      if (group === undefined) {
        group = { rows: [], replaced: 0 };
        groups.set(key, group);
      }
      group.rows.push(splitRow(cells, row, rowNumber));
    }
  }
  return { groups, lastRow };
}

function* rewritten(cells: CellReader, batch: Batch, rewriting: Rewriting): Generator<Batch> {
  const { groups } = rewriting;
  const replaced: { readonly row: number; readonly group: SplitGroup }[] = [];
  const kept = rowsWhere(batch, (row) => {
    const key = splitKey(cells, row);
    if (key !== undefined) return !groups.has(key);
    const group = groups.get(instanceKey(cells, row) ?? '');
    if (group === undefined) return true;
    replaced.push({ row, group });
    return false;
  });
  if (kept.length === batch.rows) yield withoutAllocation(batch);
  else if (kept.length > 0) yield withoutAllocation(gathered(batch, kept));
  const parts = replaced.flatMap(({ row, group }) =>
    allocationsOf(cells, { row, number: batch.rowNumbers[row] as number }, group, rewriting),
  );
  for (let from = 0; from < parts.length; from += MOST_ROWS)
    yield allocatedBatch(cells, batch, parts.slice(from, from + MOST_ROWS));
}

/** One row that takes part of an instance's row: what it takes of each amount, and whose it is. */
interface Allocation {
  readonly row: number;
  readonly rowNumber: number;
  readonly ratio: Decimal;
  readonly split: SplitRow | undefined;
  readonly amounts: ReadonlyMap<string, Decimal>;
}

/** Amounts that add up over rows, by what decides about their shares. */
const BY_COST = [
  'line_item_unblended_cost',
  'line_item_net_unblended_cost',
  'reservation_effective_cost',
  'reservation_net_effective_cost',
  'savings_plan_savings_plan_effective_cost',
  'savings_plan_net_savings_plan_effective_cost',
  'line_item_usage_amount',
  'line_item_normalized_usage_amount',
] as const;
const BY_LIST_COST = 'pricing_public_on_demand_cost';

/** Where the amortised cost of an instance's row stands, the net column first. */
const EFFECTIVE: Readonly<Record<string, readonly string[]>> = {
  DiscountedUsage: ['reservation_net_effective_cost', 'reservation_effective_cost'],
  SavingsPlanCoveredUsage: [
    'savings_plan_net_savings_plan_effective_cost',
    'savings_plan_savings_plan_effective_cost',
  ],
};
const UNBLENDED = ['line_item_net_unblended_cost', 'line_item_unblended_cost'];

function allocationsOf(
  cells: CellReader,
  instance: { readonly row: number; readonly number: number },
  group: SplitGroup,
  { numbers, options }: Rewriting,
): readonly Allocation[] {
  const { row } = instance;
  const type = cells.text('line_item_line_item_type', row) ?? '';
  const effective = cells.firstAmount(row, ...(EFFECTIVE[type] ?? UNBLENDED)) ?? ZERO;
  const byCost = weightsOf(effective, group.rows, options, 'cost');
  const list = cells.amount(BY_LIST_COST, row);
  const byList = list === undefined ? byCost : weightsOf(list, group.rows, options, 'list');
  const amounts = group.rows.map(() => new Map<string, Decimal>());
  amounts.push(new Map());
  const divide = (name: string, weights: readonly Decimal[]): void => {
    const whole = cells.amount(name, row);
    if (whole === undefined) return;
    shares(whole, weights).forEach((share, i) => {
      amounts[i]?.set(name, share);
    });
  };
  for (const name of BY_COST) divide(name, byCost);
  divide(BY_LIST_COST, byList);
  const ratios = shares(decimal('1'), byCost);
  const first = group.replaced++ === 0;
  const allocations = group.rows.map((split, i) => ({
    row,
    rowNumber: first ? split.rowNumber : numbers.next++,
    ratio: ratios[i] ?? ZERO,
    split,
    amounts: amounts[i] ?? new Map<string, Decimal>(),
  }));
  const rest = amounts.at(-1) ?? new Map<string, Decimal>();
  if (![...rest.values()].some((amount) => !isZero(amount))) return allocations;
  return [
    ...allocations,
    {
      row,
      rowNumber: instance.number,
      ratio: ratios.at(-1) ?? ZERO,
      split: undefined,
      amounts: rest,
    },
  ];
}

/** Less than this part of the whole is the noise of floating-point figures. */
const NOISE = decimal('0.999999');

/**
 * What each split row weighs, and last what is left to the instance. Normally the split rows and the idle cost make up the
 * instance's cost. When the instance's hour stands in several rows, each is less than that: it is divided in proportion.
 */
function weightsOf(
  whole: Decimal,
  rows: readonly SplitRow[],
  { shareIdle }: SplitOptions,
  of: 'cost' | 'list',
): readonly Decimal[] {
  const used = (row: SplitRow): Decimal => (of === 'cost' ? row.cost : row.listCost);
  const idle = (row: SplitRow): Decimal => (of === 'cost' ? row.idle : row.listIdle);
  const weights = rows.map((row) => (shareIdle ? add(used(row), idle(row)) : used(row)));
  const taken = weights.reduce(add, ZERO);
  const stated = add(total(rows, used), total(rows, idle));
  const inFull = compare(whole, multiply(stated, NOISE)) >= 0;
  const left = inFull ? subtract(whole, taken) : shareIdle ? ZERO : total(rows, idle);
  return [...weights, left.digits < 0n ? ZERO : left];
}

/** A batch of allocated rows: the cells of the instance's row, its amounts replaced by shares. */
function allocatedBatch(cells: CellReader, batch: Batch, parts: readonly Allocation[]): Batch {
  const copied = gathered(
    batch,
    parts.map(({ row }) => row),
  );
  const columns = new Map(copied.columns);
  for (const name of [...BY_COST, BY_LIST_COST]) {
    const found = cells.column(name);
    if (found !== undefined) columns.set(found.header, amountColumn(parts, name));
  }
  const texts = {
    [ALLOCATED.methodId]: () => METHOD,
    [ALLOCATED.methodDetails]: methodDetails,
    [ALLOCATED.resourceId]: ({ split }: Allocation) => split?.resourceId,
    [ALLOCATED.resourceName]: ({ split }: Allocation) => workloadName(split?.resourceId),
    [ALLOCATED.tags]: ({ split }: Allocation) => split?.tags,
  };
  for (const [name, of] of Object.entries(texts)) columns.set(name, textColumn(parts.map(of)));
  return {
    rows: parts.length,
    columns,
    rowNumbers: Float64Array.from(parts, ({ rowNumber }) => rowNumber),
  };
}

function methodDetails({ ratio, split }: Allocation): string {
  return `{"Elements":[{"AllocatedRatio":${formatDecimal(ratio)}${split?.usage ?? ''}}]}`;
}

function amountColumn(parts: readonly Allocation[], name: string): Column {
  const values = new Amounts(parts.length, true);
  for (const { amounts } of parts) {
    const amount = amounts.get(name);
    if (amount === undefined) values.addNull();
    else values.addDecimal(amount);
  }
  return { kind: 'amount', codes: Uint32Array.from(parts, (_, i) => i), values };
}

function textColumn(texts: readonly (string | undefined)[]): Column {
  const values = new Dictionary({ transient: true });
  for (const text of texts) values.add(text);
  return { kind: 'text', codes: Uint32Array.from(texts, (_, i) => i), values };
}

/** The batch with the allocation's columns, all null. */
function withoutAllocation(batch: Batch): Batch {
  const columns = new Map(batch.columns);
  const codes = new Uint32Array(batch.rows);
  for (const name of Object.values(ALLOCATED))
    columns.set(name, { kind: 'text', codes, values: Dictionary.of([]) });
  return { ...batch, columns };
}

function rowsWhere(batch: Batch, wanted: (row: number) => boolean): readonly number[] {
  const rows: number[] = [];
  for (let row = 0; row < batch.rows; row++) if (wanted(row)) rows.push(row);
  return rows;
}

/** The chosen rows; columns that share their codes still do. */
function gathered(batch: Batch, rows: readonly number[]): Batch {
  const picked = new Map<Uint32Array, Uint32Array>();
  const columns = new Map<string, Column>();
  for (const [name, column] of batch.columns) {
    let codes = picked.get(column.codes);
    if (codes === undefined) {
      codes = Uint32Array.from(rows, (row) => column.codes[row] as number);
      picked.set(column.codes, codes);
    }
    columns.set(name, { ...column, codes });
  }
  return {
    rows: rows.length,
    columns,
    rowNumbers: Float64Array.from(rows, (row) => batch.rowNumbers[row] as number),
  };
}
