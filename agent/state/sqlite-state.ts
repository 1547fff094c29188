import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { CostColumn } from '../../pipelines/focus/columns.ts';
import { errorMessage } from '../../pipelines/plugin/errors.ts';
import type { Total, TotalsView } from '../../pipelines/plugin/totals.ts';
import { transaction } from '../../plugins/kit/transaction.ts';
import { type AuditEvent, type AuditLink, appendLink, auditLinks } from './audit-chain.ts';
import { emptyLog, type Opening, openDatabase } from './database.ts';
import { type KeptRevision, type KeptScope, keptOf, putKept } from './kept-charges.ts';
import { countChange, lackOf, markOf, readMark, standing, writeMark } from './mark.ts';
import {
  type Closing,
  type Period,
  type PeriodId,
  type PeriodTotals,
  periodsOf,
  periodTotalsOf,
  putClosing,
} from './periods.ts';
import { auditEventOf, committedBy, committedOf, putDelivery, putTotals, totalOf } from './rows.ts';
import { type Commit, type Committed, costsOf, type ScopeId, type State } from './state.ts';

/** Opens (or makes) the state in a folder. A damaged or foreign file is an error that names it. */
export function openState(
  folder: string,
  { checked }: Pick<Opening, 'checked'> = { checked: true },
): SqliteState {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const mark = markOf(folder);
  const database = openDatabase(join(folder, 'state.sqlite'), { checked, mark });
  return new SqliteState(database, { path: mark, isKept: checked });
}

/** Where the mark of a state is, and whether the state keeps it: tools leave that to the agent. */
interface MarkFile {
  readonly path: string;
  readonly isKept: boolean;
}

/** The state in one SQLite file (WAL, one writer). It answers at once. */
export class SqliteState implements State {
  readonly #database: DatabaseSync;
  readonly #mark: MarkFile | undefined;
  #version = 0;

  constructor(database: DatabaseSync, mark?: MarkFile) {
    this.#database = database;
    this.#mark = mark;
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
    this.#change(() => putKept(this.#database, of, kept));
  }

  newest(of: ScopeId): Pick<Committed, 'revision' | 'committedMs'> | undefined {
    const row = this.#database
      .prepare(
        'SELECT revision, committed_ms FROM deliveries WHERE pipeline = ? AND receiver = ? AND scope = ? ORDER BY sequence DESC',
      )
      .get(of.pipeline, of.receiver, of.scope);
    if (row === undefined) return undefined;
    return { revision: String(row.revision), committedMs: Number(row.committed_ms) };
  }

  commit(commit: Commit): Committed {
    const committed = this.#change(() => {
      // Also when the mark cannot be written after it.
      this.#version++;
      return this.#write(commit);
    });
    emptyLog(this.#database);
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
    this.#change(() => {
      putClosing(this.#database, period, closing);
      if (noted !== undefined) appendLink(this.#database, noted.event, noted.timeMs);
    });
  }

  audit(event: AuditEvent, timeMs: number): void {
    this.#change(() => appendLink(this.#database, event, timeMs));
  }

  auditTrail(): Iterable<AuditLink> {
    return auditLinks(this.#database);
  }

  lack(): string | undefined {
    try {
      const mark = this.#mark && readMark(this.#mark.path);
      return mark && lackOf(this.#database, mark);
    } catch (error) {
      return errorMessage(error);
    }
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

  /** All of it or nothing; once it is through, the mark says so. */
  #change<T>(work: () => T): T {
    const result = transaction(this.#database, () => {
      countChange(this.#database);
      return work();
    });
    if (this.#mark?.isKept) writeMark(this.#mark.path, standing(this.#database));
    return result;
  }

  #write(commit: Commit): Committed {
    const { pipeline, receiver, delivery, id, committedMs, totals, kept } = commit;
    const { scope, mode, cursor } = delivery;
    const replaced = mode === 'snapshot' ? this.#forget(pipeline, receiver, scope) : undefined;
    const committed = committedBy(commit, replaced);
    this.#database.prepare('DELETE FROM totals WHERE delivery = ?').run(id);
    const last = this.#database
      .prepare('SELECT coalesce(max(sequence), 0) AS sequence FROM deliveries')
      .get();
    putDelivery(this.#database, committed, Number(last?.sequence) + 1);
    putTotals(this.#database, id, totals);
    this.#keepPresent({ pipeline, receiver, scope }, kept);
    this.advance(pipeline, receiver, cursor);
    this.#database
      .prepare(
        'DELETE FROM read_again WHERE delivery = ? OR delivery NOT IN (SELECT id FROM deliveries)',
      )
      .run(id);
    appendLink(this.#database, auditEventOf(commit, replaced), committedMs);
    return committed;
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
    const totals = this.#database.prepare('SELECT * FROM totals WHERE delivery = ?');
    const held = Iterator.from(old).flatMap(({ id }) => totals.iterate(String(id)));
    const sums = costsOf(held.map(totalOf));
    for (const { id } of old) {
      this.#database.prepare('DELETE FROM totals WHERE delivery = ?').run(String(id));
      this.#database.prepare('DELETE FROM deliveries WHERE id = ?').run(String(id));
    }
    return sums;
  }
}
