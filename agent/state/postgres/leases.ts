import { Unavailable } from '../../../pipelines/plugin/errors.ts';
import type { Lease } from '../state.ts';
import type { Queries, Server } from './server.ts';

/** What an agent holds of what only one may do at a time. A lease runs out, by the server's clock, when its holder is not heard of. */
export interface Leases {
  /** Takes a lease; undefined: another agent has it. `check` looks at what it is for once nobody else can have it: an answer gives it back. */
  take<T extends string>(
    name: string,
    check?: (queries: Queries) => Promise<T | undefined>,
  ): Promise<Lease | T | undefined>;
  /** Renews what is held. */
  renew(): Promise<void>;
  /** Whether a lease was renewed so lately that nobody else can have it. */
  holds(name: string): boolean;
  /** Gives everything back. */
  close(): Promise<void>;
}

/** Throws when a lease is no longer what it was; until the end of the transaction nobody else can take it. */
export async function fence(queries: Queries, { name, token }: Lease): Promise<void> {
  const held = await queries.query(
    'SELECT 1 FROM focusd.leases WHERE name = $1 AND token = $2 FOR UPDATE',
    [name, token],
  );
  if (held.length === 0)
    throw new Unavailable('another agent took over meanwhile: nothing was written');
}

interface Held {
  readonly token: string;
  /** By this machine's own steady clock. */
  until: number;
}

/** The leases of one agent. `holder` names it: what it held when it died is its own again. */
export function openLeases(
  server: Server,
  { holder, leaseMs }: { readonly holder: string; readonly leaseMs: number },
): Leases {
  const held = new Map<string, Held>();
  const expires = "clock_timestamp() + $1 * interval '1 millisecond'";

  async function release(name: string, token: string): Promise<void> {
    if (held.get(name)?.token === token) held.delete(name);
    await server
      .query('DELETE FROM focusd.leases WHERE name = $1 AND token = $2', [name, token])
      .catch(() => undefined);
  }

  return {
    async take(name, check) {
      const asked = performance.now();
      const taken = await server.transaction(async (queries) => {
        await queries.query(
          "INSERT INTO focusd.leases VALUES ($1, '', 0, '-infinity') ON CONFLICT DO NOTHING",
          [name],
        );
        const free = await queries.query(
          'SELECT 1 FROM focusd.leases WHERE name = $1 AND (expires < clock_timestamp() OR holder = $2) FOR UPDATE SKIP LOCKED',
          [name, holder],
        );
        if (free.length === 0) return undefined;
        const answer = await check?.(queries);
        if (answer !== undefined) {
          await queries.query('DELETE FROM focusd.leases WHERE name = $1', [name]);
          return answer;
        }
        const [row] = await queries.query(
          `UPDATE focusd.leases SET holder = $3, token = nextval('focusd.lease_tokens'), expires = ${expires} WHERE name = $2 RETURNING token`,
          [leaseMs, name, holder],
        );
        return { token: String(row?.token) };
      });
      if (typeof taken !== 'object') return taken;
      const { token } = taken;
      held.set(name, { token, until: asked + leaseMs });
      return { name, token, release: () => release(name, token) };
    },

    async renew() {
      if (held.size === 0) return;
      const asked = performance.now();
      const rows = await server.query(
        `UPDATE focusd.leases SET expires = ${expires} WHERE holder = $2 AND token = ANY($3::bigint[]) RETURNING name`,
        [leaseMs, holder, [...held.values()].map(({ token }) => token)],
      );
      const renewed = new Set(rows.map(({ name }) => String(name)));
      for (const [name, lease] of held)
        if (renewed.has(name)) lease.until = asked + leaseMs;
        else if (lease.until < asked + leaseMs) held.delete(name);
    },

    holds(name) {
      return (held.get(name)?.until ?? 0) > performance.now();
    },

    async close() {
      const tokens = [...held.values()].map(({ token }) => token);
      held.clear();
      if (tokens.length === 0) return;
      await server
        .query('DELETE FROM focusd.leases WHERE token = ANY($1::bigint[])', [tokens])
        .catch(() => undefined);
    },
  };
}
