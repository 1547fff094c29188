import type { DatabaseSync } from 'node:sqlite';
import type { ScopeId } from './state.ts';

/** A revision of a scope whose charges are kept on disk. */
export interface KeptRevision {
  /** Counts the scope's revisions from 1; never goes back. */
  readonly number: number;
  readonly revision: string;
  /** Id of the delivery. */
  readonly delivery: string;
  /** Observed time of its events, milliseconds. */
  readonly observedMs: number;
  /** That of the delivery. */
  readonly order?: number;
  /** Exporters that get it; those of `whole` all of its charges, the others what changed. */
  readonly exporters: readonly string[];
  readonly whole: readonly string[];
  readonly files: readonly {
    readonly name: string;
    readonly bytes: number;
    readonly rows: number;
    readonly added: number;
  }[];
}

/** What is kept of a scope. */
export interface KeptScope {
  /** Highest number that a revision had. */
  readonly number: number;
  /** The revision that the exporters have. */
  readonly present?: KeptRevision;
  /** The one that is on its way to them: it may have arrived in part. */
  readonly begun?: KeptRevision;
}

export const KEPT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS kept_charges (
    pipeline TEXT, receiver TEXT, scope TEXT, number INTEGER NOT NULL, present TEXT, begun TEXT, PRIMARY KEY (pipeline, receiver, scope)
  ) STRICT, WITHOUT ROWID;
`;

/** What is kept of a scope; undefined: nothing ever was. */
export function keptOf(
  database: DatabaseSync,
  { pipeline, receiver, scope }: ScopeId,
): KeptScope | undefined {
  const row = database
    .prepare('SELECT * FROM kept_charges WHERE pipeline = ? AND receiver = ? AND scope = ?')
    .get(pipeline, receiver, scope);
  return row === undefined ? undefined : keptScopeOf(row);
}

/** What is kept of a scope, from its row. */
export function keptScopeOf(row: Readonly<Record<string, unknown>>): KeptScope {
  return {
    number: Number(row.number),
    ...(row.present === null ? {} : { present: JSON.parse(String(row.present)) as KeptRevision }),
    ...(row.begun === null ? {} : { begun: JSON.parse(String(row.begun)) as KeptRevision }),
  };
}

/** Writes what is kept of a scope. */
export function putKept(
  database: DatabaseSync,
  { pipeline, receiver, scope }: ScopeId,
  { number, present, begun }: KeptScope,
): void {
  const json = (kept: KeptRevision | undefined): string | null =>
    kept === undefined ? null : JSON.stringify(kept);
  database
    .prepare('INSERT OR REPLACE INTO kept_charges VALUES (?, ?, ?, ?, ?, ?)')
    .run(pipeline, receiver, scope, number, json(present), json(begun));
}
