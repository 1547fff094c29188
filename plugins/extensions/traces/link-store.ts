import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LinkedDelivery } from '../../../pipelines/plugin/index.ts';
import { transaction } from '../../kit/transaction.ts';
import type { Method } from './confidence.ts';
import { type DatabaseOptions, openDatabase } from './database.ts';
import type { KeyAttribute } from './identity.ts';

/** What a cost was linked to, without the cost. */
export interface LinkKey {
  /** Charge day in UTC, `2026-09-17`. */
  readonly day: string;
  /** Name of the service; null: nobody's, or the charges carry the ids of their traces. */
  readonly service: string | null;
  readonly method: Method;
  readonly foundBy: KeyAttribute | null;
  readonly part: 'busy' | 'idle';
  /** Why it is not linked; null: it is. */
  readonly reason: string | null;
  readonly currency: string | null;
  readonly costSource: string | null;
}

/** A sum, canonical decimal text. */
export interface LinkTotal extends LinkKey {
  readonly amount: string;
  /** Some of the spans that it was linked to, the dearest first. */
  readonly spans: readonly LinkedSpan[];
}

/** A span that stands for a part of a sum. */
export interface LinkedSpan {
  /** In hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** When it ended, milliseconds. */
  readonly timeMs: number;
  /** Rounded: it is only shown. */
  readonly cost: number;
}

/** Requests of a service in an hour whose cost was linked. */
export interface ServiceHour {
  readonly service: string;
  /** Since 1970. */
  readonly hour: number;
  readonly requests: number;
}

/** The dearest of the spans; of several parts of one span's the largest stands for it. */
export function dearest(spans: readonly LinkedSpan[], most: number): readonly LinkedSpan[] {
  const sorted = [...spans].sort((a, b) => b.cost - a.cost || (a.spanId < b.spanId ? -1 : 1));
  const seen = new Set<string>();
  return sorted.filter(({ spanId }) => !seen.has(spanId) && seen.add(spanId)).slice(0, most);
}

/** What was linked of one delivery. */
export interface DeliveryLinks {
  readonly totals: readonly LinkTotal[];
  readonly hours: readonly ServiceHour[];
  /** Digests of what was sent, by resource and charge period. */
  readonly sent: ReadonlyMap<number, number>;
}

/** The linked costs on disk, `links.sqlite`. Methods throw what SQLite throws. */
export interface LinkStore {
  /** Changes with every commit. */
  readonly version: number;
  /** The digest of what was sent last. */
  sent(key: number): number | undefined;
  /** Takes the place of what was linked of the delivery, or of the scope where it replaces that; forgets days before `since`. */
  commit(delivery: LinkedDelivery, links: DeliveryLinks, since: string): void;
  totals(pipelines: readonly string[]): readonly LinkTotal[];
  /** Requests by service and day. */
  requests(): readonly {
    readonly service: string;
    readonly day: string;
    readonly requests: number;
  }[];
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS linked (
    delivery TEXT NOT NULL, pipeline TEXT NOT NULL, receiver TEXT NOT NULL, scope TEXT NOT NULL, day TEXT NOT NULL, service TEXT,
    method TEXT NOT NULL, found_by TEXT, part TEXT NOT NULL, reason TEXT, currency TEXT, cost_source TEXT, amount TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS linked_spans (linked INTEGER PRIMARY KEY, spans TEXT NOT NULL) STRICT;
  CREATE TRIGGER IF NOT EXISTS linked_spans_gone AFTER DELETE ON linked BEGIN
    DELETE FROM linked_spans WHERE linked = OLD.rowid;
  END;
  CREATE INDEX IF NOT EXISTS linked_scope ON linked (pipeline, receiver, scope);
  CREATE TABLE IF NOT EXISTS service_hours (
    service TEXT NOT NULL, hour INTEGER NOT NULL, requests REAL NOT NULL, PRIMARY KEY (service, hour)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS sent (key INTEGER PRIMARY KEY, digest INTEGER NOT NULL, day TEXT NOT NULL) STRICT;
`;

/** Opens the linked costs below a folder. */
export function openLinkStore(options: Omit<DatabaseOptions, 'file' | 'schema'>): LinkStore {
  return new OpenLinkStore(openDatabase({ ...options, file: 'links.sqlite', schema: SCHEMA }));
}

const HOUR_MS = 3_600_000;

class OpenLinkStore implements LinkStore {
  version = 0;
  readonly #database: DatabaseSync;
  readonly #sent: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#sent = database.prepare('SELECT digest FROM sent WHERE key = ?');
  }

  sent(key: number): number | undefined {
    const row = this.#sent.get(key);
    return row === undefined ? undefined : Number(row.digest);
  }

  commit(delivery: LinkedDelivery, links: DeliveryLinks, since: string): void {
    transaction(this.#database, () => {
      this.#forget(delivery, since);
      this.#insert(delivery, links.totals);
      const hour = this.#database.prepare('INSERT OR REPLACE INTO service_hours VALUES (?, ?, ?)');
      for (const one of links.hours) hour.run(one.service, one.hour, one.requests);
      const sent = this.#database.prepare('INSERT OR REPLACE INTO sent VALUES (?, ?, ?)');
      const today = new Date(delivery.observedMs).toISOString().slice(0, 10);
      for (const [key, digest] of links.sent) sent.run(key, digest, today);
    });
    this.version++;
  }

  totals(pipelines: readonly string[]): readonly LinkTotal[] {
    const rows = this.#database
      .prepare(
        `SELECT linked.*, spans FROM linked LEFT JOIN linked_spans ON linked_spans.linked = linked.rowid
         WHERE pipeline IN (SELECT value FROM json_each(?))`,
      )
      .all(JSON.stringify(pipelines));
    return rows.map(totalOf);
  }

  requests(): readonly {
    readonly service: string;
    readonly day: string;
    readonly requests: number;
  }[] {
    const rows = this.#database
      .prepare(
        'SELECT service, hour / 24 AS day, sum(requests) AS requests FROM service_hours GROUP BY service, hour / 24',
      )
      .all();
    return rows.map(({ service, day, requests }) => ({
      service: String(service),
      day: new Date(Number(day) * 24 * HOUR_MS).toISOString().slice(0, 10),
      requests: Number(requests),
    }));
  }

  close(): void {
    this.#database.close();
  }

  #forget({ id, pipeline, receiver, scope, mode }: LinkedDelivery, since: string): void {
    const run = (sql: string, ...values: (string | number)[]): void =>
      void this.#database.prepare(sql).run(...values);
    if (mode === 'snapshot')
      run(
        'DELETE FROM linked WHERE pipeline = ? AND receiver = ? AND scope = ?',
        pipeline,
        receiver,
        scope,
      );
    else run('DELETE FROM linked WHERE pipeline = ? AND delivery = ?', pipeline, id);
    run('DELETE FROM linked WHERE day < ?', since);
    run('DELETE FROM sent WHERE day < ?', since);
    run('DELETE FROM service_hours WHERE hour < ?', Date.parse(since) / HOUR_MS);
  }

  #insert({ id, pipeline, receiver, scope }: LinkedDelivery, totals: readonly LinkTotal[]): void {
    const insert = this.#database.prepare(
      'INSERT INTO linked VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    const spans = this.#database.prepare('INSERT INTO linked_spans VALUES (?, ?)');
    for (const one of totals) {
      const { lastInsertRowid } = insert.run(
        ...[id, pipeline, receiver, scope, one.day, one.service, one.method, one.foundBy, one.part],
        ...[one.reason, one.currency, one.costSource, one.amount],
      );
      if (one.spans.length > 0) spans.run(lastInsertRowid, JSON.stringify(one.spans));
    }
  }
}

function totalOf(row: Readonly<Record<string, unknown>>): LinkTotal {
  const text = (name: string): string | null => {
    const value = row[name];
    return typeof value === 'string' ? value : null;
  };
  return {
    day: String(row.day),
    service: text('service'),
    method: String(row.method) as Method,
    foundBy: text('found_by') as KeyAttribute | null,
    part: row.part === 'idle' ? 'idle' : 'busy',
    reason: text('reason'),
    currency: text('currency'),
    costSource: text('cost_source'),
    amount: String(row.amount),
    spans: JSON.parse(text('spans') ?? '[]') as readonly LinkedSpan[],
  };
}
