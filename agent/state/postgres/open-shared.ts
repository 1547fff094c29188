import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentSettings } from '../../../config/schema.ts';
import { errorMessage, Misconfigured } from '../../../pipelines/plugin/errors.ts';
import type { SharedState, Wanted } from '../state.ts';
import { STATE_SETTING } from './address.ts';
import { type Leases, openLeases } from './leases.ts';
import { type Mirror, openMirror } from './mirror.ts';
import { isCommitted, PostgresState } from './postgres-state.ts';
import { prepareSchema, stateId } from './schema.ts';
import { openServer, type Queries, type Server } from './server.ts';

type Storage = AgentSettings['storage'] & { readonly state: string };

/** Looks for commits of others, tries to lead and renews what is held, so often in the time of a lease. */
const TIMES_A_LEASE = 4;
/** But at least so often. */
const LOOK_EVERY_MS = 2_000;
/** What the agent that exports the totals holds. */
const LEAD = 'lead';

/** Opens the state of an agent on a server; makes its tables where there are none. */
export async function openShared(storage: Storage): Promise<PostgresState> {
  const server = await openServer({ url: storage.state, tls: storage.state_tls });
  const undo = [() => server.close()];
  try {
    const state = await prepareSchema(server);
    const mirror = openMirror(server, join(storage.folder, 'state'), state);
    undo.unshift(() => mirror.close());
    await mirror.sync();
    const agent = agentId(storage.folder);
    const leases = openLeases(server, { holder: agent, leaseMs: storage.lease });
    const sharing = shared(server, { agent, mirror, leases, leaseMs: storage.lease });
    undo.unshift(() => sharing.close());
    await sharing.refresh();
    return new PostgresState(server, { agent, mirror, sharing });
  } catch (error) {
    for (const close of undo) await close();
    throw error;
  }
}

/** The state on a server as commands look at it; `Misconfigured` when there is none. */
export async function existingShared(storage: Storage): Promise<PostgresState> {
  const server = await openServer({ url: storage.state, tls: storage.state_tls });
  try {
    if ((await stateId(server)) !== undefined) return new PostgresState(server);
    throw new Misconfigured(`there is no state on ${server.name}`, {
      path: STATE_SETTING,
      hint: 'run the agent with this configuration first',
    });
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** Tells this agent from others for as long as its folder is there. */
function agentId(folder: string): string {
  const path = join(folder, 'agent-id');
  const known = existsSync(path) ? readFileSync(path, 'utf8').trim() : '';
  if (known !== '') return known;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const id = `${hostname()}-${randomBytes(4).toString('hex')}`;
  writeFileSync(path, `${id}\n`, { mode: 0o600 });
  return id;
}

function shared(
  server: Server,
  {
    agent,
    mirror,
    leases,
    leaseMs,
  }: {
    readonly agent: string;
    readonly mirror: Mirror;
    readonly leases: Leases;
    readonly leaseMs: number;
  },
): SharedState & { close(): Promise<void> } {
  const listeners: (() => void)[] = [];
  const troubled: ((reason: string | undefined) => void)[] = [];
  let led = false;
  let trouble: string | undefined;
  let working: Promise<void> = Promise.resolve();
  let queued: Promise<void> | undefined;

  async function look(): Promise<void> {
    await leases.renew();
    if (!leases.holds(LEAD)) await leases.take(LEAD);
    const changed = await mirror.sync();
    const leads = leases.holds(LEAD);
    if (!changed && leads === led) return;
    led = leads;
    for (const listener of listeners) listener();
  }

  function tell(reason: string | undefined): void {
    if ((reason === undefined) === (trouble === undefined)) return;
    trouble = reason;
    for (const listener of troubled) listener(reason);
  }

  /** One look at a time; whoever asks while one is under way gets the next. */
  function refresh(): Promise<void> {
    queued ??= working.then(() => {
      queued = undefined;
      return look();
    });
    working = queued.then(
      () => tell(undefined),
      (error: unknown) => tell(errorMessage(error)),
    );
    return queued;
  }

  // What cannot be asked now is asked the next time; a lease that could not be renewed is found lost at the commit.
  const timer = setInterval(
    () => void refresh().catch(() => undefined),
    Math.min(LOOK_EVERY_MS, leaseMs / TIMES_A_LEASE),
  );
  return {
    async now() {
      const [row] = await server.query("SELECT value FROM focusd.meta WHERE key = 'sequence'");
      return Number(row?.value);
    },
    async take(wanted, since) {
      return (
        (await leases.take(nameOf(wanted), (queries) =>
          standing(queries, wanted, { since, agent }),
        )) ?? 'elsewhere'
      );
    },
    async takeSource({ pipeline, receiver }, since) {
      const name = JSON.stringify([pipeline, receiver]);
      return (
        (await leases.take(name, async (queries) => {
          const moved = await queries.query(
            'SELECT 1 FROM focusd.deliveries WHERE pipeline = $1 AND receiver = $2 AND sequence > $3 AND agent <> $4 LIMIT 1',
            [pipeline, receiver, since, agent],
          );
          return moved.length > 0 ? 'moved' : undefined;
        })) ?? 'elsewhere'
      );
    },
    leads: () => leases.holds(LEAD),
    async settled() {
      let before: unknown;
      for (;;) {
        await refresh();
        if (leases.holds(LEAD)) return;
        const [lead] = await server.query('SELECT expires FROM focusd.leases WHERE name = $1', [
          LEAD,
        ]);
        // Renewed: it is alive.
        if (before !== undefined && lead !== undefined && lead.expires !== before) return;
        before = lead?.expires;
        await sleep(LOOK_EVERY_MS / TIMES_A_LEASE);
      }
    },
    refresh,
    onChange: (listener) => void listeners.push(listener),
    onTrouble: (listener) => void troubled.push(listener),
    async close() {
      clearInterval(timer);
      await working;
      await leases.close();
    },
  };
}

/** Snapshots of a scope take each other's place; what adds up does not. */
function nameOf({ pipeline, receiver, scope, revision, mode }: Wanted): string {
  const of = [pipeline, receiver, scope];
  return JSON.stringify(mode === 'snapshot' ? of : [...of, revision]);
}

async function standing(
  queries: Queries,
  wanted: Wanted,
  { since, agent }: { readonly since: number; readonly agent: string },
): Promise<'done' | 'moved' | undefined> {
  if (await isCommitted(queries, wanted)) return 'done';
  if (wanted.mode === 'append') return undefined;
  const moved = await queries.query(
    'SELECT 1 FROM focusd.deliveries WHERE pipeline = $1 AND receiver = $2 AND scope = $3 AND sequence > $4 AND agent <> $5',
    [wanted.pipeline, wanted.receiver, wanted.scope, since, agent],
  );
  return moved.length > 0 ? 'moved' : undefined;
}
