import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { GroupTotal } from '../../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../../pipelines/focus/columns.ts';
import { decimal } from '../../pipelines/focus/decimal.ts';
import type { Total, TotalsView } from '../../pipelines/plugin/totals.ts';
import { transaction } from '../../plugins/kit/transaction.ts';
import { type AuditEvent, type AuditLink, appendLink, auditLinks } from './audit-chain.ts';
import { openDatabase } from './database.ts';
import { type KeptRevision, type KeptScope, keptOf, putKept } from './kept-charges.ts';
import {
  type Closing,
  type Period,
  type PeriodId,
  type PeriodTotals,
  periodsOf,
  periodTotalsOf,
  putClosing,
} from './periods.ts';
import {
  type Commit,
  type Committed,
  costsOf,
  type DeliverySummary,
  type ScopeId,
  type State,
} from './state.ts';

/** Opens (or makes) the state in a folder. A damaged or foreign file is an error that names it. */
export function openState(folder: string): SqliteState {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'state.sqlite');
  return new SqliteState(openDatabase(path));
}

/** The state in one SQLite file (WAL, one writer). It answers at once. */
export class SqliteState implements State {
  readonly #database: DatabaseSync;
  #version = 0;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  cursor(pipeline: string, receiver: string): string | undefined {
    const row = this.#database
      .prepare('SELECT cursor FROM cursors WHERE pipeline = ? AND receiver = ?')
      .get(pipeline, receiver);
    return row === undefined ? undefined : String(row.cursor);
  }

  has(of: ScopeId & { readonly revision: string }): boolean {
    return (
      this.#database
        .prepare(
          'SELECT 1 FROM deliveries WHERE pipeline = ? AND receiver = ? AND scope = ? AND revision = ? AND id NOT IN (SELECT delivery FROM read_again)',
        )
        .get(of.pipeline, of.receiver, of.scope, of.revision) !== undefined
    );
  }

  kept(of: ScopeId): KeptScope | undefined {
    return keptOf(this.#database, of);
  }

  keep(of: ScopeId, kept: KeptScope): void {
    putKept(this.#database, of, kept);
  }

  revision(of: ScopeId): string | undefined {
    const row = this.#database
      .prepare(
        'SELECT revision FROM deliveries WHERE pipeline = ? AND receiver = ? AND scope = ? ORDER BY sequence DESC',
      )
      .get(of.pipeline, of.receiver, of.scope);
    return row === undefined ? undefined : String(row.revision);
  }

  commit(commit: Commit): Committed {
    const committed = transaction(this.#database, () => this.#write(commit));
    this.#version++;
    return committed;
  }

  advance(pipeline: string, receiver: string, cursor: string): void {
    this.#database
      .prepare(
        'INSERT INTO cursors VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET cursor = excluded.cursor',
      )
      .run(pipeline, receiver, cursor);
  }

  deliveries(pipeline?: string): Committed[] {
    const rows = this.#database
      .prepare('SELECT * FROM deliveries WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY sequence')
      .all(pipeline ?? null);
    return rows.map(committedOf);
  }

  seen(): Committed[] {
    return this.deliveries();
  }

  totalsOf(id: string): Total[] {
    return this.#database.prepare('SELECT * FROM totals WHERE delivery = ?').all(id).map(totalOf);
  }

  readAgain(delivery: string): void {
    this.#database.prepare('INSERT OR IGNORE INTO read_again VALUES (?)').run(delivery);
  }

  forgetReadAgain(delivery: string): void {
    this.#database.prepare('DELETE FROM read_again WHERE delivery = ?').run(delivery);
  }

  toReadAgain(pipeline: string, receiver: string): Committed[] {
    return this.#database
      .prepare(
        'SELECT deliveries.* FROM deliveries JOIN read_again ON read_again.delivery = deliveries.id WHERE pipeline = ? AND receiver = ? ORDER BY sequence',
      )
      .all(pipeline, receiver)
      .map(committedOf);
  }

  periods(): Period[] {
    return periodsOf(this.#database);
  }

  periodTotals(of: PeriodId): PeriodTotals {
    return periodTotalsOf(this.#database, of);
  }

  closePeriod(
    period: Period,
    closing: Closing,
    noted?: { readonly event: AuditEvent; readonly timeMs: number },
  ): void {
    transaction(this.#database, () => {
      putClosing(this.#database, period, closing);
      if (noted !== undefined) appendLink(this.#database, noted.event, noted.timeMs);
    });
  }

  audit(event: AuditEvent, timeMs: number): void {
    transaction(this.#database, () => appendLink(this.#database, event, timeMs));
  }

  auditTrail(): Iterable<AuditLink> {
    return auditLinks(this.#database);
  }

  view(pipelines: readonly string[]): TotalsView {
    const state = this;
    const names = JSON.stringify(pipelines);
    return {
      get version() {
        return state.#version;
      },
      totals: function* (since = '') {
        const rows = state.#database
          .prepare(
            'SELECT totals.* FROM totals JOIN deliveries ON deliveries.id = totals.delivery WHERE totals.billing_period >= ? AND deliveries.pipeline IN (SELECT value FROM json_each(?))',
          )
          .iterate(since, names);
        for (const row of rows) yield totalOf(row);
      },
      sources: () =>
        this.deliveries()
          .filter(({ pipeline }) => pipelines.includes(pipeline))
          .map(({ receiver, scope, committedMs, dataUntilMs }) => ({
            receiver,
            scope,
            committedMs,
            dataUntilMs,
          })),
    };
  }

  close(): void {
    this.#database.close();
  }

  #write({
    pipeline,
    receiver,
    delivery,
    id,
    committedMs,
    dataUntilMs,
    totals,
    summary,
    kept,
  }: Commit): Committed {
    const { scope, revision, mode, cursor } = delivery;
    const replaced = mode === 'snapshot' ? this.#forget(pipeline, receiver, scope) : undefined;
    this.#database.prepare('DELETE FROM totals WHERE delivery = ?').run(id);
    this.#database
      .prepare(
        'INSERT OR REPLACE INTO deliveries VALUES (?, (SELECT coalesce(max(sequence), 0) + 1 FROM deliveries), ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .run(
        id,
        pipeline,
        receiver,
        scope,
        revision,
        mode,
        committedMs,
        Number.isFinite(dataUntilMs) ? dataUntilMs : null,
        JSON.stringify(summary),
        replaced === undefined ? null : JSON.stringify(replaced),
      );
    const insert = this.#database.prepare(
      'INSERT INTO totals VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    for (const total of totals) {
      const [billed = '0', effective = '0', list = '0', contracted = '0'] = total.costs;
      insert.run(
        id,
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
    this.#keepPresent({ pipeline, receiver, scope }, kept);
    this.advance(pipeline, receiver, cursor);
    this.#database
      .prepare(
        'DELETE FROM read_again WHERE delivery = ? OR delivery NOT IN (SELECT id FROM deliveries)',
      )
      .run(id);
    const { rows, restated } = summary;
    const of = { delivery: id, pipeline, receiver, scope, revision, mode, rows };
    const about = { ...of, ...(restated && { restated }) };
    const costs = { costs: costsOf(totals.map(totalOfGroup)), ...(replaced && { replaced }) };
    const kind = replaced === undefined ? 'delivery.committed' : 'delivery.restated';
    appendLink(this.#database, { kind, about: { ...about, ...costs } }, committedMs);
    return {
      id,
      pipeline,
      receiver,
      scope,
      revision,
      mode,
      committedMs,
      dataUntilMs,
      summary,
      ...(replaced === undefined ? {} : { replaced }),
    };
  }

  /** The exporters have this revision now; its number is never given again. */
  #keepPresent(of: ScopeId, present: KeptRevision | undefined): void {
    const number = present?.number ?? this.kept(of)?.number;
    if (number === undefined) return;
    putKept(this.#database, of, { number, ...(present && { present }) });
  }

  /** Removes the scope's present revision; answers what it cost. */
  #forget(
    pipeline: string,
    receiver: string,
    scope: string,
  ): Record<CostColumn, string> | undefined {
    const old = this.#database
      .prepare('SELECT id FROM deliveries WHERE pipeline = ? AND receiver = ? AND scope = ?')
      .all(pipeline, receiver, scope);
    if (old.length === 0) return undefined;
    const sums = costsOf(old.flatMap(({ id }) => this.totalsOf(String(id))));
    for (const { id } of old) {
      this.#database.prepare('DELETE FROM totals WHERE delivery = ?').run(String(id));
      this.#database.prepare('DELETE FROM deliveries WHERE id = ?').run(String(id));
    }
    return sums;
  }
}

type Row = Record<string, unknown>;

function committedOf(row: Row): Committed {
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

function totalOf(row: Row): Total {
  return {
    dimensions: JSON.parse(String(row.dimensions)) as (string | null)[],
    billingPeriod: String(row.billing_period),
    day: String(row.day),
    charges: Number(row.charges),
    overflow: row.overflow === 1,
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
