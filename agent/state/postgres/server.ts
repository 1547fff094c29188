import { isIP } from 'node:net';
import { Client, type ClientConfig, Pool } from 'pg';
import { errorMessage, Misconfigured, Unavailable } from '../../../pipelines/plugin/errors.ts';
import { isLoopback } from '../../../plugins/kit/endpoint.ts';
import { readTls } from '../../../plugins/kit/tls.ts';
import type { Row } from '../rows.ts';
import { type Address, addressOf, nameOf, STATE_SETTING } from './address.ts';

/** Where the server is and how it is spoken to. */
export interface ServerSettings {
  /** `postgres://user:password@host:5432/database`. */
  readonly url: string;
  readonly tls: {
    readonly ca?: string | undefined;
    readonly cert?: string | undefined;
    readonly key?: string | undefined;
  };
}

/** Asks a database; every value of an answer is a text, or null. */
export interface Queries {
  query(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** A PostgreSQL server. What cannot be asked now throws `Unavailable`; connections that break are made anew. */
export interface Server extends Queries {
  /** Host, port and database, to be shown. */
  readonly name: string;
  /** All of it or nothing. */
  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  /** Reads at one moment. */
  reading<T>(work: (queries: Queries) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const CONNECT_WITHIN_MS = 10_000;
const STATEMENT_MS = 60_000;
/** Longest wait for another agent's transaction. */
const LOCK_MS = 20_000;
/** Connections of one agent. */
const MOST_CONNECTIONS = 4;

/** Connects once, to find out whether it can. `Misconfigured` says what is to be set otherwise. */
export async function openServer(settings: ServerSettings): Promise<Server> {
  const address = addressOf(settings.url);
  const config = await clientConfig(address, settings);
  const client = new Client(config);
  client.on('error', () => undefined);
  try {
    await client.connect();
  } catch (error) {
    throw notOpened(error, address);
  } finally {
    await client.end().catch(() => undefined);
  }
  return new PooledServer(nameOf(address), config);
}

class PooledServer implements Server {
  readonly name: string;
  readonly #pool: Pool;

  constructor(name: string, config: ClientConfig) {
    this.name = name;
    this.#pool = new Pool({ ...config, max: MOST_CONNECTIONS, idleTimeoutMillis: 60_000 });
    // A connection that breaks between two queries: the next query says so, and later ones get another.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => void client.on('error', () => undefined));
  }

  async query(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    return await this.#told(async () => (await this.#pool.query(text, [...values])).rows);
  }

  transaction<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#within('BEGIN', work);
  }

  reading<T>(work: (queries: Queries) => Promise<T>): Promise<T> {
    return this.#within('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', work);
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #within<T>(begin: string, work: (queries: Queries) => Promise<T>): Promise<T> {
    return await this.#told(async () => {
      const client = await this.#pool.connect();
      let failure: unknown;
      try {
        await client.query(begin);
        const result = await work({
          query: async (text, values = []) => (await client.query(text, [...values])).rows,
        });
        await client.query('COMMIT');
        return result;
      } catch (error) {
        failure = error;
        await client.query('ROLLBACK').catch((cause: unknown) => {
          failure = cause;
        });
        throw error;
      } finally {
        // One that could not even roll back is not used again.
        client.release(failure !== undefined && isConnectionError(failure));
      }
    });
  }

  async #told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      throw new Unavailable(`the state on ${this.name} cannot be used now: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

async function clientConfig(address: Address, { tls }: ServerSettings): Promise<ClientConfig> {
  const { host, port, database, user, password } = address;
  return {
    ...{ host, port, database, user, password, ssl: await tlsOf(address, tls) },
    application_name: 'focusd',
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: STATEMENT_MS,
    // A server that is gone without a word: what was asked of it ends all the same.
    query_timeout: STATEMENT_MS + CONNECT_WITHIN_MS,
    keepAlive: true,
    types: { getTypeParser: () => (value: unknown) => value },
  };
}

async function tlsOf(
  { host, sslmode }: Address,
  { ca, cert, key }: ServerSettings['tls'],
): Promise<ClientConfig['ssl']> {
  if (
    sslmode === 'disable' ||
    (sslmode === undefined && (host.startsWith('/') || isLoopback(host)))
  )
    return false;
  const files = await readTls(
    { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) },
    'storage.state_tls',
  );
  return { ...files, ...(isIP(host) === 0 && { servername: host }) };
}

/** Errors of the server by SQLSTATE, and what to do about them. */
const REFUSALS: Readonly<Record<string, string>> = {
  '28P01':
    'user or password are wrong; a password with other characters than letters and digits is percent-encoded',
  '28000': 'the server does not let this user in from here: look at its pg_hba.conf',
  '3D000': 'make the database first: createdb --owner=USER DATABASE',
  '42501': 'the user must own the database, or have CREATE on it: GRANT CREATE ON DATABASE … TO …',
};

const TLS_ERROR = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ERR_SSL/;

function notOpened(error: unknown, address: Address): Error {
  const code = codeOf(error);
  const hint = /does not support SSL/.test(messageOf(error))
    ? 'switch TLS on at the server, or end the URL with ?sslmode=disable where the network is safe'
    : TLS_ERROR.test(code)
      ? 'name the authority of its certificate in storage.state_tls.ca; the host must be the one in the certificate'
      : REFUSALS[code];
  const message = `the state on ${nameOf(address)} cannot be opened: ${messageOf(error)}`;
  if (hint !== undefined)
    return new Misconfigured(message, { path: STATE_SETTING, hint, cause: error });
  return new Unavailable(`${message} (${STATE_SETTING})`, { cause: error });
}

/** Turns what the server does not let us do into what the operator has to do. */
export function refused(error: unknown, name: string): unknown {
  const hint = REFUSALS[codeOf(error)];
  if (hint === undefined) return error;
  const message = `the state on ${name} cannot be used: ${messageOf(error)}`;
  return new Misconfigured(message, { path: STATE_SETTING, hint, cause: error });
}

/** Classes of SQLSTATE that pass: connection, resources, operator (shutting down, time is up), serialization, locks; and refusals, which somebody may be mending. */
const PASSING = /^(08|53|57|58|40|55P03|28|3D000|25P0[23])/;

function isPassing(error: unknown): boolean {
  const code = codeOf(error);
  return /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('E')
    ? PASSING.test(code)
    : isConnectionError(error);
}

/** What comes of sockets: errors with a code of the system, and what the client says of them. */
function isConnectionError(error: unknown): boolean {
  return (
    /^E[A-Z]+|^(08|57P0)/.test(codeOf(error)) ||
    TLS_ERROR.test(codeOf(error)) ||
    /Connection terminated|timeout|Client has encountered|not queryable/i.test(messageOf(error))
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}

function messageOf(error: unknown): string {
  // Several addresses of one host, each with its own failure.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map(messageOf).join('; ');
  return errorMessage(error);
}
