import type { DatabaseSync } from 'node:sqlite';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { decimal } from '../../pipelines/focus/decimal.ts';
import type { Total } from '../../pipelines/plugin/totals.ts';
import type { AuditEvent } from './audit-chain.ts';
import { sealTotals } from './seals.ts';
import { type Commit, type Committed, costsOf, type DeliverySummary } from './state.ts';

/** A row of a database, by column. */
export type Row = Readonly<Record<string, unknown>>;

/** What a commit comes to; `replaced`: costs of the revisions whose place it took. */
export function committedBy(
  { delivery, id, pipeline, receiver, committedMs, dataUntilMs, summary }: Commit,
  replaced: Record<CostColumn, string> | undefined,
): Committed {
  const { scope, revision, mode } = delivery;
  return {
    ...{ id, pipeline, receiver, scope, revision, mode, committedMs, dataUntilMs, summary },
    ...(replaced === undefined ? {} : { replaced }),
  };
}

/** What the audit chain says of a commit. */
export function auditEventOf(
  { delivery, id, pipeline, receiver, summary, totals }: Commit,
  replaced: Record<CostColumn, string> | undefined,
): AuditEvent {
  const { scope, revision, mode } = delivery;
  const { rows, restated } = summary;
  const of = { delivery: id, pipeline, receiver, scope, revision, mode, rows };
  const costs = {
    costs: costsOf(Iterator.from(totals).map(totalOfGroup)),
    ...(replaced && { replaced }),
  };
  return {
    kind: replaced === undefined ? 'delivery.committed' : 'delivery.restated',
    about: { ...of, ...(restated && { restated }), ...costs },
  };
}

/** A delivery from its row. */
export function committedOf(row: Row): Committed {
  return {
    id: String(row.id),
    pipeline: String(row.pipeline),
    receiver: String(row.receiver),
    scope: String(row.scope),
    revision: String(row.revision),
    mode: row.mode === 'append' ? 'append' : 'snapshot',
    committedMs: Number(row.committed_ms),
    dataUntilMs: row.data_until_ms === null ? Number.NaN : Number(row.data_until_ms),
    summary: JSON.parse(String(row.summary)) as DeliverySummary,
    ...(row.replaced === null
      ? {}
      : { replaced: JSON.parse(String(row.replaced)) as Record<CostColumn, string> }),
  };
}

/** A total from its row. */
export function totalOf(row: Row): Total {
  return {
    dimensions: JSON.parse(String(row.dimensions)) as (string | null)[],
    billingPeriod: String(row.billing_period),
    day: String(row.day),
    charges: Number(row.charges),
    overflow: Number(row.overflow) === 1,
    costs: {
      BilledCost: decimal(String(row.billed)),
      EffectiveCost: decimal(String(row.effective)),
      ListCost: decimal(String(row.list)),
      ContractedCost: decimal(String(row.contracted)),
    },
  };
}

function totalOfGroup({ costs, ...group }: GroupTotal): Total {
  const amounts = COST_COLUMNS.map((column, i) => [column, decimal(costs[i] ?? '0')]);
  return { ...group, costs: Object.fromEntries(amounts) as Total['costs'] };
}

/** Writes a delivery into SQLite, in place of one with its id. */
export function putDelivery(database: DatabaseSync, delivery: Committed, sequence: number): void {
  const { dataUntilMs, summary, replaced } = delivery;
  database
    .prepare('INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
    .run(
      delivery.id,
      sequence,
      delivery.pipeline,
      delivery.receiver,
      delivery.scope,
      delivery.revision,
      delivery.mode,
      delivery.committedMs,
      Number.isFinite(dataUntilMs) ? dataUntilMs : null,
      JSON.stringify(summary),
      replaced === undefined ? null : JSON.stringify(replaced),
    );
}

/** Adds totals of a delivery to SQLite, and seals them. */
export function putTotals(
  database: DatabaseSync,
  delivery: string,
  totals: Iterable<GroupTotal>,
): void {
  const insert = database.prepare('INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
  for (const total of totals) {
    const [billed = '0', effective = '0', list = '0', contracted = '0'] = total.costs;
    insert.run(
      delivery,
      total.billingPeriod,
      total.day,
      JSON.stringify(total.dimensions),
      total.overflow ? 1 : 0,
      total.charges,
      billed,
      effective,
      list,
      contracted,
    );
  }
  sealTotals(database, delivery);
}
