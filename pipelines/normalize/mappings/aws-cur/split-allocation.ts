/**
 * Split cost allocation of ECS and EKS. The report adds rows for tasks and pods whose cost is already in the row of their EC2
 * instance. `off` leaves them out; `allocate` replaces the instance's row by one row per task or pod and one for the rest.
 */
import type { ChargeColumn } from '../../../focus/columns.ts';
import { any, type Expression, is, present, text } from '../../expressions.ts';
import type { DropRule, MappingTable, RepairRule } from '../../mapping.ts';
import type { Columns } from './columns.ts';
import { rewriteSplitRows } from './split-rewrite.ts';
import { ALLOCATED } from './split-rows.ts';

/** What split cost allocation adds to the table. */
export interface SplitAllocation {
  readonly columns: Readonly<Partial<Record<ChargeColumn, Expression>>>;
  readonly drop: readonly DropRule[];
  readonly repairs: readonly RepairRule[];
  readonly rewrite?: NonNullable<MappingTable['rewrite']>;
}

const PARENT = 'split_line_item_parent_resource_id';

/** The rules for split rows, by the setting `split_rows`. */
export function splitAllocation(columns: Columns): SplitAllocation {
  const isSplit = any(
    present(columns.text(PARENT)),
    is(columns.text('line_item_operation'), 'EKSPod-EC2', 'ECSTask-EC2'),
  );
  const { settings } = columns.input;
  if (settings.split_rows !== 'allocate')
    return {
      columns: {},
      drop: [{ reason: 'split_cost_allocation', where: isSplit }],
      repairs: [],
    };
  if (!columns.input.has(PARENT)) return { columns: {}, drop: [], repairs: [] };
  return {
    columns: {
      AllocatedMethodId: text(ALLOCATED.methodId),
      AllocatedMethodDetails: text(ALLOCATED.methodDetails),
      AllocatedResourceId: text(ALLOCATED.resourceId),
      AllocatedResourceName: text(ALLOCATED.resourceName),
      AllocatedTags: text(ALLOCATED.tags),
    },
    drop: [],
    repairs: [{ code: 'split_row_unallocated', where: isSplit }],
    rewrite: (read) => rewriteSplitRows(read, { shareIdle: settings.split_idle === 'shared' }),
  };
}
