import type { GroupTotal } from '../../../pipelines/engine/protocol.ts';
import { COST_COLUMNS, type CostColumn } from '../../../pipelines/focus/columns.ts';
import { decimal, formatDecimal } from '../../../pipelines/focus/decimal.ts';
import { TOTAL_DIMENSIONS, type Total, type TotalsView } from '../../../pipelines/plugin/totals.ts';
import { type AuditEvent, type AuditLink, nextLink } from '../audit-chain.ts';
import { type KeptRevision, type KeptScope, keptScopeOf } from '../kept-charges.ts';
import {
  type Closing,
  type Period,
  type PeriodId,
  type PeriodTotals,
  periodsFrom,
} from '../periods.ts';
import { auditEventOf, committedBy, committedOf, totalOf } from '../rows.ts';
import type { Commit, Committed, ScopeId, SharedState, State, Wanted } from '../state.ts';
import { fence } from './leases.ts';
import type { Mirror } from './mirror.ts';
import type { Queries, Server } from './server.ts';

/** What an agent has beside the server. */
export interface AgentSide {
  /** Tells agents apart. */
  readonly agent: string;
  readonly mirror: Mirror;
  readonly sharing: SharedState & { close(): Promise<void> };
}

/** Totals that are written at a time. */
const AT_A_TIME = 5_000;
const CURRENCY = TOTAL_DIMENSIONS.indexOf('BillingCurrency');

/** The state on a PostgreSQL server. Without an agent's side it is only looked at, and changed by hand. */
export class PostgresState implements State {
  readonly sharing?: SharedState;
  readonly #server: Server;
  readonly #side: AgentSide | undefined;
  #closed: Promise<void> | undefined;

  constructor(server: Server, side?: AgentSide) {
    this.#server = server;
    this.#side = side;
    if (side !== undefined) this.sharing = side.sharing;
  }

  async cursor(pipeline: string, receiver: string): Promise<string | undefined> {
    const [row] = await this.#server.query(
      'SELECT cursor FROM focusd.cursors WHERE pipeline = $1 AND receiver = $2',
      [pipeline, receiver],
    );
    return row === undefined ? undefined : String(row.cursor);
  }

  async has(of: Wanted): Promise<boolean> {
    return await isCommitted(this.#server, of);
  }

  async newest({
    pipeline,
    receiver,
    scope,
  }: ScopeId): Promise<Pick<Committed, 'revision' | 'committedMs'> | undefined> {
    const [row] = await this.#server.query(
      'SELECT revision, committed_ms FROM focusd.deliveries WHERE pipeline = $1 AND receiver = $2 AND scope = $3 ORDER BY sequence DESC LIMIT 1',
      [pipeline, receiver, scope],
    );
    if (row === undefined) return undefined;
    return { revision: String(row.revision), committedMs: Number(row.committed_ms) };
  }

  async kept(of: ScopeId): Promise<KeptScope | undefined> {
    return await keptOf(this.#server, of);
  }

  async keep(of: ScopeId, kept: KeptScope): Promise<void> {
    await putKept(this.#server, of, kept);
  }

  async commit(commit: Commit): Promise<Committed> {
    const committed = await this.#server.transaction((queries) => this.#write(queries, commit));
    // Not waited for: what is seen here follows.
    void this.sharing?.refresh().catch(() => undefined);
    return committed;
  }

  async advance(pipeline: string, receiver: string, cursor: string): Promise<void> {
    await putCursor(this.#server, { pipeline, receiver, cursor });
  }

  async deliveries(pipeline?: string): Promise<readonly Committed[]> {
    const rows = await this.#server.query(
      'SELECT * FROM focusd.deliveries WHERE $1::text IS NULL OR pipeline = $1 ORDER BY sequence',
      [pipeline ?? null],
    );
    return rows.map(committedOf);
  }

  seen(): readonly Committed[] {
    return this.#copy.seen();
  }

  async totalsOf(id: string): Promise<readonly Total[]> {
    const rows = await this.#server.query(
      'SELECT *, overflow::int AS overflow FROM focusd.totals WHERE delivery = $1',
      [id],
    );
    return rows.map(totalOf);
  }

  async readAgain(delivery: string): Promise<void> {
    await this.#server.query('INSERT INTO focusd.read_again VALUES ($1) ON CONFLICT DO NOTHING', [
      delivery,
    ]);
  }

  async forgetReadAgain(delivery: string): Promise<void> {
    await this.#server.query('DELETE FROM focusd.read_again WHERE delivery = $1', [delivery]);
  }

  /** Those that this agent took: their files may be on its disk alone. */
  async toReadAgain(pipeline: string, receiver: string): Promise<readonly Committed[]> {
    const rows = await this.#server.query(
      'SELECT * FROM focusd.deliveries WHERE id IN (SELECT delivery FROM focusd.read_again) AND pipeline = $1 AND receiver = $2 AND agent = $3 ORDER BY sequence',
      [pipeline, receiver, this.#agent],
    );
    return rows.map(committedOf);
  }

  async periods(): Promise<readonly Period[]> {
    return await this.#server.reading(async (queries) =>
      periodsFrom(
        await queries.query(
          `SELECT pipeline, receiver, billing_period, max(committed_ms) AS changed_ms, concat_ws('/', count(*), max(sequence), sum(sequence)) AS marker
           FROM (SELECT DISTINCT delivery, billing_period FROM focusd.totals WHERE billing_period <> '') AS held JOIN focusd.deliveries ON id = delivery GROUP BY 1, 2, 3`,
        ),
        await queries.query('SELECT *, reopened::int AS reopened FROM focusd.closed_periods'),
      ),
    );
  }

  async periodTotals({ pipeline, receiver, billingPeriod }: PeriodId): Promise<PeriodTotals> {
    const rows = await this.#server.query(
      `SELECT coalesce(dimensions ->> ${CURRENCY}, '') AS currency, sum(billed) AS billed, sum(effective) AS effective, sum(list) AS list, sum(contracted) AS contracted
       FROM focusd.totals JOIN focusd.deliveries ON id = delivery WHERE pipeline = $1 AND receiver = $2 AND billing_period = $3 GROUP BY 1`,
      [pipeline, receiver, billingPeriod],
    );
    return Object.fromEntries(rows.map((row) => [String(row.currency), costsIn(row)]));
  }

  async closePeriod(
    { pipeline, receiver, billingPeriod, changedMs }: Period,
    { revision, hash, marker, isReopened }: Closing,
    noted?: { readonly event: AuditEvent; readonly timeMs: number },
  ): Promise<void> {
    await this.#server.transaction(async (queries) => {
      await lockChain(queries);
      const known = await queries.query(
        'SELECT 1 FROM focusd.closed_periods WHERE pipeline = $1 AND receiver = $2 AND billing_period = $3 AND revision = $4 AND hash = $5 AND reopened = $6',
        [pipeline, receiver, billingPeriod, revision, hash, isReopened],
      );
      // Another agent, which led before or does now, was faster.
      if (noted !== undefined && known.length > 0) return;
      await queries.query(
        `INSERT INTO focusd.closed_periods VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (pipeline, receiver, billing_period)
         DO UPDATE SET revision = $4, hash = $5, marker = $6, reopened = $7, changed_ms = $8`,
        [pipeline, receiver, billingPeriod, revision, hash, marker, isReopened, changedMs],
      );
      if (noted !== undefined) await this.#note(queries, noted.event, noted.timeMs);
    });
  }

  async audit(event: AuditEvent, timeMs: number): Promise<void> {
    await this.#server.transaction((queries) => this.#note(queries, event, timeMs));
  }

  async auditTrail(): Promise<readonly AuditLink[]> {
    const rows = await this.#server.query('SELECT * FROM focusd.audit ORDER BY sequence');
    return rows.map(({ sequence, entry, hash }) => ({
      sequence: Number(sequence),
      entry: String(entry),
      hash: String(hash),
    }));
  }

  view(pipelines: readonly string[]): TotalsView {
    const { mirror, sharing } = this.#agentSide;
    const view = mirror.copy.view(pipelines);
    return {
      get version() {
        return mirror.version;
      },
      get elsewhere() {
        return !sharing.leads();
      },
      totals: (since) => view.totals(since),
      sources: () => view.sources(),
    };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#side?.sharing.close();
    await this.#side?.mirror.close();
    await this.#server.close();
  }

  get #agentSide(): AgentSide {
    if (this.#side === undefined) throw new Error('no agent has this state open');
    return this.#side;
  }

  get #copy(): Mirror['copy'] {
    return this.#agentSide.mirror.copy;
  }

  get #agent(): string {
    return this.#side?.agent ?? '';
  }

  async #write(queries: Queries, commit: Commit): Promise<Committed> {
    const { pipeline, receiver, delivery, id, totals, kept, lease, committedMs } = commit;
    const of = { pipeline, receiver, scope: delivery.scope };
    if (lease !== undefined) await fence(queries, lease);
    const replaced = delivery.mode === 'snapshot' ? await forget(queries, of) : undefined;
    await queries.query('DELETE FROM focusd.totals WHERE delivery = $1', [id]);
    for (const some of atATime(totals)) await putTotals(queries, id, some);
    const [head] = await queries.query(
      "UPDATE focusd.meta SET value = (value::bigint + 1)::text WHERE key = 'sequence' RETURNING value",
    );
    const committed = committedBy(commit, replaced);
    await putDelivery(queries, committed, { sequence: head?.value, agent: this.#agent });
    await keepPresent(queries, of, kept);
    await putCursor(queries, { pipeline, receiver, cursor: delivery.cursor });
    await queries.query(
      'DELETE FROM focusd.read_again WHERE delivery = $1 OR delivery NOT IN (SELECT id FROM focusd.deliveries)',
      [id],
    );
    await this.#note(queries, auditEventOf(commit, replaced), committedMs);
    return committed;
  }

  /** The chain says which agent it was. */
  async #note(queries: Queries, event: AuditEvent, timeMs: number): Promise<void> {
    const about = { ...event.about, ...(this.#side && { agent: this.#agent }) };
    await appendLink(queries, { ...event, about }, timeMs);
  }
}

/** Whether a revision is committed and not to be read again. */
export async function isCommitted(
  queries: Queries,
  { pipeline, receiver, scope, revision }: Wanted,
): Promise<boolean> {
  const rows = await queries.query(
    'SELECT 1 FROM focusd.deliveries WHERE pipeline = $1 AND receiver = $2 AND scope = $3 AND revision = $4 AND id NOT IN (SELECT delivery FROM focusd.read_again)',
    [pipeline, receiver, scope, revision],
  );
  return rows.length > 0;
}

/** From here to the end of the transaction nobody else adds a link. */
async function lockChain(queries: Queries): Promise<void> {
  await queries.query("SELECT 1 FROM focusd.meta WHERE key = 'sequence' FOR UPDATE");
}

/** Adds a link. */
async function appendLink(queries: Queries, event: AuditEvent, timeMs: number): Promise<void> {
  await lockChain(queries);
  const [last] = await queries.query(
    'SELECT sequence, hash FROM focusd.audit ORDER BY sequence DESC LIMIT 1',
  );
  const { sequence, entry, hash } = nextLink(event, timeMs, last);
  await queries.query('INSERT INTO focusd.audit VALUES ($1, $2, $3)', [sequence, entry, hash]);
}

/** Removes the scope's present revision; answers what it cost. */
async function forget(
  queries: Queries,
  { pipeline, receiver, scope }: ScopeId,
): Promise<Record<CostColumn, string> | undefined> {
  const old = await queries.query(
    'DELETE FROM focusd.deliveries WHERE pipeline = $1 AND receiver = $2 AND scope = $3 RETURNING id',
    [pipeline, receiver, scope],
  );
  if (old.length === 0) return undefined;
  const [sums] = await queries.query(
    `WITH old AS (DELETE FROM focusd.totals WHERE delivery = ANY($1) RETURNING *)
     SELECT coalesce(sum(billed), 0) AS billed, coalesce(sum(effective), 0) AS effective, coalesce(sum(list), 0) AS list, coalesce(sum(contracted), 0) AS contracted FROM old`,
    [old.map(({ id }) => id)],
  );
  return costsIn(sums ?? {});
}

/** Canonical decimals. */
function costsIn(row: Readonly<Record<string, unknown>>): Record<CostColumn, string> {
  const texts = [row.billed, row.effective, row.list, row.contracted];
  const entries = COST_COLUMNS.map((column, i) => [
    column,
    formatDecimal(decimal(String(texts[i] ?? '0'))),
  ]);
  return Object.fromEntries(entries) as Record<CostColumn, string>;
}

async function putDelivery(
  queries: Queries,
  delivery: Committed,
  { sequence, agent }: { readonly sequence: unknown; readonly agent: string },
): Promise<void> {
  const { id, pipeline, receiver, scope, revision, mode, committedMs, dataUntilMs } = delivery;
  const { summary, replaced } = delivery;
  await queries.query('DELETE FROM focusd.deliveries WHERE id = $1', [id]);
  await queries.query(
    'INSERT INTO focusd.deliveries VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)',
    [
      ...[id, sequence, pipeline, receiver, scope, revision, mode, committedMs],
      Number.isFinite(dataUntilMs) ? dataUntilMs : null,
      JSON.stringify(summary),
      replaced === undefined ? null : JSON.stringify(replaced),
      agent,
    ],
  );
}

function* atATime(totals: Iterable<GroupTotal>): Generator<readonly GroupTotal[]> {
  let some: GroupTotal[] = [];
  for (const total of totals) {
    some.push(total);
    if (some.length < AT_A_TIME) continue;
    yield some;
    some = [];
  }
  if (some.length > 0) yield some;
}

async function putTotals(
  queries: Queries,
  id: string,
  totals: readonly GroupTotal[],
): Promise<void> {
  const cost = (at: number): string[] => totals.map(({ costs }) => costs[at] ?? '0');
  await queries.query(
    `INSERT INTO focusd.totals SELECT $1, * FROM unnest($2::text[], $3::text[], $4::json[], $5::boolean[], $6::bigint[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[])`,
    [
      id,
      totals.map(({ billingPeriod }) => billingPeriod),
      totals.map(({ day }) => day),
      totals.map(({ dimensions }) => JSON.stringify(dimensions)),
      totals.map(({ overflow }) => overflow),
      totals.map(({ charges }) => charges),
      ...[cost(0), cost(1), cost(2), cost(3)],
    ],
  );
}

async function putCursor(
  queries: Queries,
  {
    pipeline,
    receiver,
    cursor,
  }: { readonly pipeline: string; readonly receiver: string; readonly cursor: string },
): Promise<void> {
  await queries.query(
    'INSERT INTO focusd.cursors VALUES ($1, $2, $3) ON CONFLICT (pipeline, receiver) DO UPDATE SET cursor = excluded.cursor',
    [pipeline, receiver, cursor],
  );
}

async function keptOf(
  queries: Queries,
  { pipeline, receiver, scope }: ScopeId,
): Promise<KeptScope | undefined> {
  const [row] = await queries.query(
    'SELECT * FROM focusd.kept_charges WHERE pipeline = $1 AND receiver = $2 AND scope = $3',
    [pipeline, receiver, scope],
  );
  return row === undefined ? undefined : keptScopeOf(row);
}

async function putKept(
  queries: Queries,
  { pipeline, receiver, scope }: ScopeId,
  { number, present, begun }: KeptScope,
): Promise<void> {
  const json = (kept: KeptRevision | undefined): string | null =>
    kept === undefined ? null : JSON.stringify(kept);
  await queries.query(
    `INSERT INTO focusd.kept_charges VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (pipeline, receiver, scope)
     DO UPDATE SET number = excluded.number, present = excluded.present, begun = excluded.begun`,
    [pipeline, receiver, scope, number, json(present), json(begun)],
  );
}

/** The exporters have this revision now; its number is never given again. */
async function keepPresent(
  queries: Queries,
  of: ScopeId,
  present: KeptRevision | undefined,
): Promise<void> {
  const number = present?.number ?? (await keptOf(queries, of))?.number;
  if (number !== undefined) await putKept(queries, of, { number, ...(present && { present }) });
}
