import { randomUUID } from 'node:crypto';
import { Misconfigured } from '../../../pipelines/plugin/errors.ts';
import { STATE_SETTING } from './address.ts';
import { type Queries, refused, type Server } from './server.ts';

const VERSION = '1';

/** Amounts are exact. Every transaction that adds a delivery or to the audit chain first takes the row `sequence`: they come one after the other. */
const TABLES = `
  CREATE TABLE focusd.meta (key text PRIMARY KEY, value text NOT NULL);
  CREATE TABLE focusd.cursors (pipeline text, receiver text, cursor text NOT NULL, PRIMARY KEY (pipeline, receiver));
  CREATE TABLE focusd.deliveries (
    id text PRIMARY KEY, sequence bigint NOT NULL UNIQUE, pipeline text NOT NULL, receiver text NOT NULL, scope text NOT NULL, revision text NOT NULL,
    mode text NOT NULL, committed_ms bigint NOT NULL, data_until_ms bigint, summary json NOT NULL, replaced json, agent text NOT NULL
  );
  CREATE INDEX deliveries_scope ON focusd.deliveries (pipeline, receiver, scope);
  CREATE TABLE focusd.totals (
    delivery text NOT NULL, billing_period text NOT NULL, day text NOT NULL, dimensions json NOT NULL, overflow boolean NOT NULL, charges bigint NOT NULL,
    billed numeric NOT NULL, effective numeric NOT NULL, list numeric NOT NULL, contracted numeric NOT NULL
  );
  CREATE INDEX totals_delivery ON focusd.totals (delivery, billing_period);
  CREATE TABLE focusd.read_again (delivery text PRIMARY KEY);
  CREATE TABLE focusd.kept_charges (
    pipeline text, receiver text, scope text, number bigint NOT NULL, present json, begun json, PRIMARY KEY (pipeline, receiver, scope)
  );
  CREATE TABLE focusd.closed_periods (
    pipeline text, receiver text, billing_period text, revision bigint NOT NULL, hash text NOT NULL, marker text NOT NULL, reopened boolean NOT NULL,
    changed_ms bigint NOT NULL, PRIMARY KEY (pipeline, receiver, billing_period)
  );
  CREATE TABLE focusd.audit (sequence bigint PRIMARY KEY, entry text NOT NULL, hash text NOT NULL);
  CREATE FUNCTION focusd.append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit chain is append-only'; END $$;
  CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON focusd.audit FOR EACH STATEMENT EXECUTE FUNCTION focusd.append_only();
  CREATE SEQUENCE focusd.lease_tokens;
  CREATE TABLE focusd.leases (name text PRIMARY KEY, holder text NOT NULL, token bigint NOT NULL, expires timestamptz NOT NULL);
`;

/** Any number: agents that start at the same time make the tables one after the other. */
const MAKING = 7_260_911;

/** Makes the tables where there are none. Answers what tells this state from any other. */
export async function prepareSchema(server: Server): Promise<string> {
  const known = await stateId(server);
  if (known !== undefined) return known;
  try {
    await server.transaction(async (queries) => {
      await queries.query(`SELECT pg_advisory_xact_lock(${MAKING})`);
      if (await isMade(queries)) return;
      await queries.query('CREATE SCHEMA IF NOT EXISTS focusd');
      await queries.query(TABLES);
      await queries.query(
        "INSERT INTO focusd.meta VALUES ('schema', $1), ('state', $2), ('sequence', '0')",
        [VERSION, randomUUID()],
      );
    });
  } catch (error) {
    throw refused(error, server.name);
  }
  return (await stateId(server)) ?? '';
}

/** What tells this state from any other; undefined: there is none in the database. */
export async function stateId(server: Server): Promise<string | undefined> {
  try {
    if (!(await isMade(server))) return undefined;
    const rows = await server.query(
      "SELECT key, value FROM focusd.meta WHERE key IN ('schema', 'state')",
    );
    const meta = new Map(rows.map(({ key, value }) => [key, String(value)]));
    if (meta.get('schema') === VERSION) return meta.get('state');
    throw new Misconfigured(
      `the state on ${server.name} has schema version ${meta.get('schema')}, this focusd reads ${VERSION}`,
      { path: STATE_SETTING, hint: 'use the version of focusd that made it, or another database' },
    );
  } catch (error) {
    throw refused(error, server.name);
  }
}

/** Asks the catalogue itself: what `to_regclass` remembers may be older than a lock. */
async function isMade(queries: Queries): Promise<boolean> {
  const rows = await queries.query(
    "SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = 'focusd' AND tablename = 'meta'",
  );
  return rows.length > 0;
}
