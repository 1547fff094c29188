/** The rows of tasks and pods as the report gives them, collected by the instance and hour they belong to. */
import { type Batch, type Column, cellText } from '../../../focus/batch.ts';
import {
  add,
  type Decimal,
  formatDecimal,
  isZero,
  parseDecimal,
  ZERO,
} from '../../../focus/decimal.ts';
import { canonicalName, parseEntries } from './columns.ts';
import { tagKey } from './details.ts';

/** Names of the columns that the rewriting adds; the table reads them. */
export const ALLOCATED = {
  methodId: 'focusd_allocated_method_id',
  methodDetails: 'focusd_allocated_method_details',
  resourceId: 'focusd_allocated_resource_id',
  resourceName: 'focusd_allocated_resource_name',
  tags: 'focusd_allocated_tags',
} as const;

/** A task's or pod's share of one resource (vCPU, memory, accelerator) of an instance in an hour. */
export interface SplitRow {
  readonly rowNumber: number;
  readonly cost: Decimal;
  /** Its part of what nobody used. */
  readonly idle: Decimal;
  readonly listCost: Decimal;
  readonly listIdle: Decimal;
  readonly resourceId: string | undefined;
  readonly tags: string | undefined;
  /** JSON properties of its element in AllocatedMethodDetails, after AllocatedRatio. */
  readonly usage: string;
}

/** The split rows of one instance and hour. */
export interface SplitGroup {
  readonly rows: SplitRow[];
  /** How many rows of the instance were replaced by them. */
  replaced: number;
}

/** Reads cells of source batches by canonical column name. */
export class CellReader {
  #names = new Map<string, string>();
  #columns = -1;
  #tagColumns: readonly { readonly header: string; readonly key: string }[] = [];
  #batch: Batch | undefined;

  /** Turns to a batch. */
  begin(batch: Batch): void {
    this.#batch = batch;
    if (batch.columns.size === this.#columns) return;
    this.#columns = batch.columns.size;
    this.#names = new Map();
    for (const header of batch.columns.keys()) {
      const name = canonicalName(header);
      if (!this.#names.has(name)) this.#names.set(name, header);
    }
    this.#tagColumns = [...this.#names].flatMap(([name, header]) => {
      const key = /^resource_tags[/_](.+)$/s.exec(name)?.[1];
      return key === undefined ? [] : [{ header, key: tagKey(key) }];
    });
  }

  /** The column and the name it has in the file. */
  column(name: string): { readonly header: string; readonly column: Column } | undefined {
    const header = this.#names.get(name);
    const column = header === undefined ? undefined : this.#batch?.columns.get(header);
    return header === undefined || column === undefined ? undefined : { header, column };
  }

  text(name: string, row: number): string | undefined {
    const column = this.column(name)?.column;
    const value = column === undefined ? undefined : cellText(column, row);
    return value === '' ? undefined : value;
  }

  amount(name: string, row: number): Decimal | undefined {
    const value = this.text(name, row);
    return value === undefined ? undefined : parseDecimal(value);
  }

  /** The first of the columns that is not null. */
  firstAmount(row: number, ...names: readonly string[]): Decimal | undefined {
    for (const name of names) {
      const value = this.amount(name, row);
      if (value !== undefined) return value;
    }
    return undefined;
  }

  /** The tags of the row that say which cluster, namespace and workload it is. */
  workloadTags(row: number): string | undefined {
    const tags: Record<string, string> = {};
    for (const [key, value] of Object.entries(parseEntries(this.text('resource_tags', row) ?? '')))
      tags[tagKey(key)] = value;
    for (const { header, key } of this.#tagColumns) {
      const column = this.#batch?.columns.get(header);
      const value = column === undefined ? undefined : cellText(column, row);
      if (value !== undefined && value !== '') tags[key] = value;
    }
    const workload = Object.entries(tags).filter(([key]) => /^aws:(eks|ecs)[_:]/.test(key));
    return workload.length === 0 ? undefined : JSON.stringify(Object.fromEntries(workload));
  }
}

/** Instance and hour of a split row; undefined when the row is none. */
export function splitKey(cells: CellReader, row: number): string | undefined {
  const parent = cells.text('split_line_item_parent_resource_id', row);
  if (parent === undefined) return undefined;
  const own = cells.firstAmount(row, 'line_item_net_unblended_cost', 'line_item_unblended_cost');
  return own === undefined || isZero(own) ? keyOf(cells, row, parent) : undefined;
}

/** Instance and hour of a row that may be an instance's; undefined when it is none. */
export function instanceKey(cells: CellReader, row: number): string | undefined {
  const id = cells.text('line_item_resource_id', row);
  if (id === undefined || !/(^|\/)i-[0-9a-f]+$/.test(id)) return undefined;
  if (cells.text('split_line_item_parent_resource_id', row) !== undefined) return undefined;
  const runs =
    /(Box|Spot|Dedicated|HostBox|Instance)Usage\b/.test(
      cells.text('line_item_usage_type', row) ?? '',
    ) && /^RunInstances/.test(cells.text('line_item_operation', row) ?? 'RunInstances');
  return runs ? keyOf(cells, row, id) : undefined;
}

function keyOf(cells: CellReader, row: number, instance: string): string {
  const hour =
    cells.text('identity_time_interval', row) ?? cells.text('line_item_usage_start_date', row);
  return `${instance.slice(instance.lastIndexOf('/') + 1)} ${hour ?? ''}`;
}

/** What the allocation needs of a split row. */
export function splitRow(cells: CellReader, row: number, rowNumber: number): SplitRow {
  const amount = (...names: readonly string[]): Decimal =>
    notNegative(cells.firstAmount(row, ...names.map((name) => `split_line_item_${name}`)));
  return {
    rowNumber,
    cost: amount('net_split_cost', 'split_cost'),
    idle: amount('net_unused_cost', 'unused_cost'),
    listCost: amount('public_on_demand_split_cost'),
    listIdle: amount('public_on_demand_unused_cost'),
    resourceId: cells.text('line_item_resource_id', row),
    tags: cells.workloadTags(row),
    usage: usageProperties(cells, row),
  };
}

/** `…:pod/<cluster>/<namespace>/<pod>/<uid>` is the pod, `…:task/<cluster>/<id>` the task's id. */
export function workloadName(resourceId: string | undefined): string | undefined {
  if (resourceId === undefined) return undefined;
  const pod = /:pod\/[^/]+\/[^/]+\/([^/]+)\//.exec(resourceId)?.[1];
  return pod ?? resourceId.slice(Math.max(resourceId.lastIndexOf('/'), -1) + 1);
}

const UNITS: Readonly<Record<string, string>> = {
  'vCPU-Hours': 'vCPU Hours',
  'GB-Hours': 'GB Hours',
  'Accelerator-Hours': 'Accelerator Hours',
};

/** JSON written by hand, so that the numbers keep their decimals. */
function usageProperties(cells: CellReader, row: number): string {
  const usageType = cells.text('line_item_usage_type', row) ?? '';
  const measured = /(?:vCPU|GB|Accelerator)-Hours$/.exec(usageType)?.[0] ?? '';
  const unit = UNITS[measured] ?? cells.text('pricing_unit', row) ?? 'Units';
  const used = cells.amount('split_line_item_split_usage', row);
  const properties = [
    ...(used === undefined
      ? []
      : [`"UsageUnit":${JSON.stringify(unit)}`, `"UsageQuantity":${formatDecimal(used)}`]),
    ...property(cells, row, ['split_line_item_reserved_usage', 'x_ReservedUsage']),
    ...property(cells, row, ['split_line_item_actual_usage', 'x_ActualUsage']),
  ];
  return properties.map((text) => `,${text}`).join('');
}

function property(
  cells: CellReader,
  row: number,
  [column, key]: readonly [string, string],
): readonly string[] {
  const value = cells.amount(column, row);
  return value === undefined ? [] : [`"${key}":${formatDecimal(value)}`];
}

function notNegative(value: Decimal | undefined): Decimal {
  return value === undefined || value.digits < 0n ? ZERO : value;
}

/** Sum of one figure over rows. */
export function total(rows: readonly SplitRow[], of: (row: SplitRow) => Decimal): Decimal {
  return rows.reduce<Decimal>((sum, row) => add(sum, of(row)), ZERO);
}
