import { hash } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import {
  add,
  COST_COLUMNS,
  type CostColumn,
  type Decimal,
  decimal,
  formatDecimal,
  negate,
  parseDecimal,
  ZERO,
} from '../../../../pipelines/focus/index.ts';
import type { ForwardedDelivery } from '../../../../pipelines/plugin/index.ts';
import { transaction } from '../../../kit/transaction.ts';
import { type ForwardedCharge, rowOf } from '../charge-row.ts';
import type { Standing } from '../order.ts';

/** What the record at the end of a delivery says that the whole of it comes to. */
export interface End {
  readonly charges: number;
  /** Canonical decimals. */
  readonly costs: Readonly<Record<CostColumn, string>>;
}

/** What is known of one attempt at a delivery. */
export interface Gathered extends Standing {
  /** Name of its file. */
  readonly key: string;
  readonly delivery: ForwardedDelivery;
  /** Different charges that came. */
  readonly charges: number;
  readonly costs: Readonly<Record<CostColumn, string>>;
  /** Says which charges they are, whatever their order: 32 hexadecimal digits. */
  readonly digest: string;
  readonly bytes: number;
  readonly touchedMs: number;
  readonly end?: End;
  /** Once it counts: the revision under which it was delivered, and digests of what counted before. */
  readonly counted?: Counted;
}

/** How a delivery counts. */
export interface Counted {
  readonly revision: string;
  /** File of its charges; none when other agents have brought all of them. */
  readonly part?: string;
  /** Digests that the scope had before, the newest last. */
  readonly past: readonly string[];
  /** It shares charges with another agent. */
  readonly shared: boolean;
}

const NOTHING: Readonly<Record<CostColumn, string>> = {
  BilledCost: '0',
  EffectiveCost: '0',
  ListCost: '0',
  ContractedCost: '0',
};

/** Charges differ by their ids: what comes again is not kept again. They stand in the order in which they came. */
const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS charges (uid TEXT NOT NULL UNIQUE, row TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS columns (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS about (one INTEGER PRIMARY KEY CHECK (one = 1), about TEXT NOT NULL) STRICT;
`;

/** The file of one attempt at a delivery. What was added is on disk when `add` returns. */
export class GatheredFile {
  readonly #database: DatabaseSync;
  #about: Gathered;
  readonly #columns: Set<string>;

  /** Opens the file, or makes it. */
  constructor(path: string, fresh: () => Pick<Gathered, 'key' | 'delivery' | 'touchedMs'>) {
    this.#database = new DatabaseSync(path);
    try {
      this.#database.exec(SCHEMA);
      const row = this.#database.prepare('SELECT about FROM about').get();
      this.#about =
        row === undefined ? begun(fresh()) : (JSON.parse(String(row.about)) as Gathered);
      if (row === undefined) this.#put(this.#about);
      const names = this.#database.prepare('SELECT name FROM columns').all();
      this.#columns = new Set(names.map(({ name }) => String(name)));
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  get about(): Gathered {
    return this.#about;
  }

  /** Adds charges, the end of the delivery, or both; answers how many were not there yet. */
  add(charges: readonly ForwardedCharge[], end: End | undefined, nowMs: number): number {
    const before = this.#about;
    try {
      return transaction(this.#database, () => this.#add(charges, end, nowMs));
    } catch (error) {
      this.#about = before;
      throw error;
    }
  }

  /** Notes that it counts, or how it counts now. */
  count(counted: Counted, attempt: number): void {
    transaction(this.#database, () =>
      this.#put({ ...this.#about, attempt, status: 'counted', counted }),
    );
  }

  /**
   * Makes changes part of it: it brings all charges of the newer revision then, in one step. False, and nothing changes, when they take back what is not there. `past` grows
   * by the digest that it had.
   */
  apply(path: string, changes: Gathered): boolean {
    const { counted, digest } = this.#about;
    const before = this.#about;
    this.#database.prepare('ATTACH ? AS changes').run(path);
    try {
      return transaction(this.#database, () => {
        const result = this.#applied();
        if (result === undefined) throw new NotThere();
        const { delivery, attempt, restated, touchedMs } = changes;
        this.#put({
          ...{ ...this.#about, ...result, delivery, attempt, touchedMs },
          ...(restated && { restated: { ...restated, whole: true } }),
          end: { charges: result.charges, costs: result.costs },
          ...(counted && {
            counted: {
              ...counted,
              past: [...counted.past, digest].slice(-MOST_PAST),
              shared: true,
            },
          }),
        });
        return true;
      });
    } catch (error) {
      this.#about = before;
      if (error instanceof NotThere) return false;
      throw error;
    } finally {
      this.#database.exec('DETACH changes');
    }
  }

  /** Its charges but for those in `without`, one JSON object per line; the first one names all columns. */
  *lines(): Generator<string> {
    const rows = this.#database
      .prepare('SELECT row FROM charges WHERE uid NOT IN (SELECT uid FROM temp.without)')
      .iterate();
    let isFirst = true;
    for (const { row } of rows) {
      yield isFirst ? this.#withAllColumns(String(row)) : String(row);
      isFirst = false;
    }
  }

  /** Forgets what is to be left out. */
  leaveOutNothing(): void {
    this.#database.exec(
      'CREATE TEMP TABLE IF NOT EXISTS without (uid TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; DELETE FROM temp.without',
    );
  }

  /** Leaves out what a table of another file has, too, `atATime` charges at a time: the caller may do other things in between. */
  *leaveOut(path: string, table: 'charges' | 'seen', atATime = 20_000): Generator<void> {
    const last = Number(
      this.#database.prepare('SELECT coalesce(max(rowid), 0) AS last FROM charges').get()?.last,
    );
    for (let from = 0; from < last; from += atATime) {
      this.#database.prepare('ATTACH ? AS other').run(path);
      try {
        this.#database
          .prepare(
            `INSERT OR IGNORE INTO temp.without SELECT uid FROM main.charges
             WHERE rowid > ? AND rowid <= ? AND uid IN (SELECT uid FROM other.${table})`,
          )
          .run(from, from + atATime);
      } finally {
        this.#database.exec('DETACH other');
      }
      yield;
    }
  }

  /** How many are left out, and the digest of the others. */
  left(): { readonly without: number; readonly digest: string } {
    let without = 0;
    let digest = bytesOf(this.#about.digest);
    for (const { uid } of this.#database.prepare('SELECT uid FROM temp.without').iterate()) {
      without++;
      digest = mixed(digest, String(uid));
    }
    return { without, digest: digest.toString('hex') };
  }

  /** Ids of all charges but for those that are left out. */
  *uids(): Generator<string> {
    const rows = this.#database
      .prepare('SELECT uid FROM charges WHERE uid NOT IN (SELECT uid FROM temp.without)')
      .iterate();
    for (const { uid } of rows) yield String(uid);
  }

  close(): void {
    this.#database.close();
  }

  #add(charges: readonly ForwardedCharge[], end: End | undefined, nowMs: number): number {
    const insert = this.#database.prepare('INSERT OR IGNORE INTO charges VALUES (?, ?)');
    let { charges: count, bytes } = this.#about;
    const costs = COST_COLUMNS.map((column) => decimal(this.#about.costs[column]));
    let digest = bytesOf(this.#about.digest);
    for (const charge of charges) {
      const row = JSON.stringify(rowOf(charge, this.#about.delivery));
      const uid = this.#about.restated === undefined ? charge.uid : contentOf(charge.uid);
      if (insert.run(uid, row).changes === 0) continue;
      this.#nameColumns(charge.columns.keys());
      count++;
      bytes += row.length;
      digest = mixed(digest, uid);
      for (const [i, column] of COST_COLUMNS.entries())
        costs[i] = add(costs[i] ?? ZERO, costOf(charge, column));
    }
    const added = count - this.#about.charges;
    const known = this.#about.end ?? end;
    const sums = COST_COLUMNS.map((column, i) => [column, formatDecimal(costs[i] ?? ZERO)]);
    const about: Gathered = {
      ...this.#about,
      charges: count,
      bytes,
      digest: digest.toString('hex'),
      costs: Object.fromEntries(sums) as Gathered['costs'],
      touchedMs: nowMs,
      ...(known && { end: known }),
    };
    this.#put(isWhole(about) ? { ...about, status: 'whole' } : about);
    return added;
  }

  /** Takes the attached changes over; undefined when a charge is not there that they take back. */
  #applied(): Pick<Gathered, 'charges' | 'costs' | 'digest' | 'bytes'> | undefined {
    let { charges, bytes } = this.#about;
    const costs = COST_COLUMNS.map((column) => decimal(this.#about.costs[column]));
    let digest = bytesOf(this.#about.digest);
    const take = (uid: string, row: string, sign: 1 | -1): void => {
      charges += sign;
      bytes += sign * row.length;
      digest = mixed(digest, uid);
      const values = JSON.parse(row) as Readonly<Record<string, string | null>>;
      for (const [i, column] of COST_COLUMNS.entries()) {
        const cost = parseDecimal(values[column] ?? '0') ?? ZERO;
        costs[i] = add(costs[i] ?? ZERO, sign === 1 ? cost : negate(cost));
      }
    };
    const remove = this.#database.prepare('DELETE FROM main.charges WHERE uid = ? RETURNING row');
    const insert = this.#database.prepare('INSERT OR IGNORE INTO main.charges VALUES (?, ?)');
    const all = this.#database.prepare(
      "SELECT uid, row FROM changes.charges ORDER BY uid NOT GLOB '*.c[0-9]*', rowid",
    );
    for (const { uid, row } of all.iterate()) {
      const takenBack = TAKEN_BACK.exec(String(uid))?.[1];
      if (takenBack === undefined) {
        if (insert.run(String(uid), String(row)).changes > 0) take(String(uid), String(row), 1);
        continue;
      }
      const gone = remove.get(takenBack);
      if (gone === undefined) return undefined;
      take(takenBack, String(gone.row), -1);
    }
    this.#database.exec('INSERT OR IGNORE INTO main.columns SELECT name FROM changes.columns');
    for (const { name } of this.#database.prepare('SELECT name FROM main.columns').all())
      this.#columns.add(String(name));
    const sums = COST_COLUMNS.map((column, i) => [column, formatDecimal(costs[i] ?? ZERO)]);
    return {
      ...{ charges, bytes, digest: digest.toString('hex') },
      costs: Object.fromEntries(sums) as Gathered['costs'],
    };
  }

  #nameColumns(names: Iterable<string>): void {
    for (const name of names) {
      if (this.#columns.has(name)) continue;
      this.#database.prepare('INSERT OR IGNORE INTO columns VALUES (?)').run(name);
      this.#columns.add(name);
    }
  }

  #withAllColumns(row: string): string {
    const charge = JSON.parse(row) as Readonly<Record<string, string>>;
    const nulls = Object.fromEntries([...this.#columns].map((name) => [name, null]));
    return JSON.stringify({ ...nulls, ...charge });
  }

  #put(about: Gathered): void {
    this.#database.prepare('INSERT OR REPLACE INTO about VALUES (1, ?)').run(JSON.stringify(about));
    this.#about = about;
  }
}

function begun(of: Pick<Gathered, 'key' | 'delivery' | 'touchedMs'>): Gathered {
  const { attempt, restated } = of.delivery;
  return {
    ...of,
    attempt,
    ...(restated && { restated }),
    status: 'open',
    charges: 0,
    costs: NOTHING,
    digest: '0'.repeat(DIGEST_BYTES * 2),
    bytes: 0,
  };
}

/** Changes take back a charge that is not there. */
class NotThere extends Error {}

/** Digests that are remembered of a scope. */
export const MOST_PAST = 64;
/** Id of the event that takes a charge back, in a revision by its number; the charge was added by the first revision, or by another one. */
const TAKEN_BACK = /^(.*?)(?:\.r\d+)?\.c\d+$/;

/** What is the same in each agent's id of a charge, whichever of its revisions added it. */
function contentOf(uid: string): string {
  return uid.replace(/\.r\d+$/, '');
}

/** All charges have come, and they cost what they should. */
function isWhole({ charges, costs, end }: Gathered): boolean {
  if (end === undefined || end.charges !== charges) return false;
  return COST_COLUMNS.every((column) => costs[column] === end.costs[column]);
}

function costOf({ columns }: ForwardedCharge, column: CostColumn): Decimal {
  return parseDecimal(columns.get(column) ?? '0') ?? ZERO;
}

const DIGEST_BYTES = 16;

function bytesOf(digest: string): Buffer {
  return Buffer.from(digest, 'hex');
}

/** The digest with a charge more, or less. */
function mixed(digest: Buffer, uid: string): Buffer {
  const bytes = hash('sha256', uid, 'buffer');
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = (digest[i] as number) ^ (bytes[i] as number);
  return digest;
}
