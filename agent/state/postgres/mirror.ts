import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { GroupTotal } from '../../../pipelines/engine/protocol.ts';
import { openDatabase } from '../database.ts';
import { committedOf, putDelivery, putTotals, type Row } from '../rows.ts';
import { SqliteState } from '../sqlite-state.ts';
import type { Queries, Server } from './server.ts';

/** A copy of the deliveries and totals on the server, in SQLite on the local disk: exporters read it whenever they want to. */
export interface Mirror {
  /** The copy as it is now. */
  readonly copy: SqliteState;
  /** Brings it up to date; answers whether anything had changed. One after the other. */
  sync(): Promise<boolean>;
  /** Changes when the copy does. */
  readonly version: number;
  close(): Promise<void>;
}

/** Deliveries that are fetched at a time. */
const AT_A_TIME = 20;

/** Opens the copy in a folder. One of another state (`state` tells them apart), or one that is damaged, is begun anew. */
export function openMirror(server: Server, folder: string, state: string): Mirror {
  const { read, write } = openCopy(folder, state);
  let last: string | undefined;
  let version = 0;
  let working: Promise<unknown> = Promise.resolve();

  async function sync(): Promise<boolean> {
    const [head] = await server.query("SELECT value FROM focusd.meta WHERE key = 'sequence'");
    if (head?.value === last) return false;
    const sequence = await server.reading((queries) => copyFrom(queries, write));
    last = sequence;
    version++;
    return true;
  }

  return {
    copy: new SqliteState(read),
    get version() {
      return version;
    },
    sync() {
      const next = working.then(sync);
      working = next.catch(() => undefined);
      return next;
    },
    async close() {
      await working;
      read.close();
      write.close();
    },
  };
}

function openCopy(
  folder: string,
  state: string,
): { readonly read: DatabaseSync; readonly write: DatabaseSync } {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'mirror.sqlite');
  const known = openIf(path, state);
  if (known === undefined)
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
  const write = known ?? openDatabase(path, { checked: false });
  write.prepare("INSERT OR REPLACE INTO meta VALUES ('state', ?)").run(state);
  return { write, read: openDatabase(path, { checked: false }) };
}

function openIf(path: string, state: string): DatabaseSync | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = openDatabase(path, { checked: true });
    const row = database.prepare("SELECT value FROM meta WHERE key = 'state'").get();
    if (row?.value === state) return database;
  } catch {
    // Whatever is wrong with it: it is only a copy.
  }
  database?.close();
  return undefined;
}

/** Makes the copy what the server has at one moment; who reads sees it whole or as it was. */
async function copyFrom(queries: Queries, copy: DatabaseSync): Promise<string> {
  const [head] = await queries.query("SELECT value FROM focusd.meta WHERE key = 'sequence'");
  const there = new Map(
    (await queries.query('SELECT id, sequence FROM focusd.deliveries ORDER BY sequence')).map(
      ({ id, sequence }) => [String(id), Number(sequence)],
    ),
  );
  const here = new Map(
    copy
      .prepare('SELECT id, sequence FROM deliveries')
      .all()
      .map(({ id, sequence }) => [String(id), Number(sequence)]),
  );
  const changed = ([id, sequence]: readonly [string, number], other: Map<string, number>) =>
    other.get(id) !== sequence;
  const gone = [...here].filter((entry) => changed(entry, there)).map(([id]) => id);
  const come = [...there].filter((entry) => changed(entry, here)).map(([id]) => id);
  copy.exec('BEGIN IMMEDIATE');
  try {
    for (const id of gone) remove(copy, id);
    for (let at = 0; at < come.length; at += AT_A_TIME)
      await fetch(queries, copy, come.slice(at, at + AT_A_TIME));
    copy.exec('COMMIT');
  } catch (error) {
    copy.exec('ROLLBACK');
    throw error;
  }
  return String(head?.value);
}

function remove(copy: DatabaseSync, id: string): void {
  copy.prepare('DELETE FROM totals WHERE delivery = ?').run(id);
  copy.prepare('DELETE FROM deliveries WHERE id = ?').run(id);
}

async function fetch(queries: Queries, copy: DatabaseSync, ids: readonly string[]): Promise<void> {
  const deliveries = await queries.query('SELECT * FROM focusd.deliveries WHERE id = ANY($1)', [
    ids,
  ]);
  for (const row of deliveries) putDelivery(copy, committedOf(row), Number(row.sequence));
  for (const id of ids) {
    const totals = await queries.query(
      'SELECT *, overflow::int AS overflow FROM focusd.totals WHERE delivery = $1',
      [id],
    );
    putTotals(copy, id, totals.map(groupOf));
  }
}

/** A total as the workers hand it over: amounts as texts. */
function groupOf(row: Row): GroupTotal {
  return {
    dimensions: JSON.parse(String(row.dimensions)) as (string | null)[],
    billingPeriod: String(row.billing_period),
    day: String(row.day),
    charges: Number(row.charges),
    overflow: row.overflow === '1',
    costs: [row.billed, row.effective, row.list, row.contracted].map(String),
  };
}
