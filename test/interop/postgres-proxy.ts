/** Stands between an agent and PostgreSQL, and sees every request: a test may lose it, its answer or the whole connection, or answer it with an error. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Test } from 'tap';

/** One request: what the server does before it answers. */
export interface Request {
  /** Counts the requests of all connections. */
  readonly number: number;
  readonly sql: string;
  /** Requests of its transaction before it. */
  readonly transaction: readonly string[];
}

/**
 * What becomes of a request. `lost`: the connection breaks before it is there; `unanswered`: it breaks once the server has done it; an error (SQLSTATE): the server does not do
 * it and says so, and takes the transaction back when it is a COMMIT.
 */
export type Fate = 'pass' | 'lost' | 'unanswered' | { readonly error: string };

export interface PostgresProxy {
  /** The same database by this way. */
  through(url: string): string;
  /** Asked of every request; it waits for the answer. */
  fate: (request: Request) => Fate | Promise<Fate>;
  requests: number;
  /** Breaks every connection, and takes no other one until `mend`. */
  cut(): void;
  mend(): void;
}

/** Starts it on loopback before the server on a port; it ends with the test. */
export async function startPostgresProxy(t: Test, port: number): Promise<PostgresProxy> {
  const open = new Set<Connection>();
  let isCut = false;
  const server: Server = createServer((client) => {
    client.on('error', () => undefined);
    if (isCut) return void client.destroy();
    const connection = new Connection(client, connect(port, '127.0.0.1'), proxy);
    open.add(connection);
    client.on('close', () => open.delete(connection));
  });
  const { promise: listening, resolve } = Promise.withResolvers<void>();
  server.listen(0, '127.0.0.1', resolve);
  await listening;
  t.teardown(() => {
    proxy.cut();
    server.close();
  });
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  const proxy: PostgresProxy = {
    through: (url) => url.replace(`:${port}/`, `:${own}/`),
    fate: () => 'pass',
    requests: 0,
    cut() {
      isCut = true;
      for (const connection of open) connection.break();
    },
    mend() {
      isCut = false;
    },
  };
  return proxy;
}

const SIMPLE = 0x51; // Q
const PARSE = 0x50; // P
const SYNC = 0x53; // S
const READY = 0x5a; // Z

class Connection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #proxy: PostgresProxy;
  #come = Buffer.alloc(0);
  #isStarted = false;
  /** Messages of the request that is coming. */
  #waiting: Buffer[] = [];
  #sql = '';
  #transaction: string[] = [];
  /** Looks at what the server says instead of the client, up to the end of an answer. */
  #answered: (() => void) | undefined;
  #answer = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, proxy: PostgresProxy) {
    this.#client = client;
    this.#server = server;
    this.#proxy = proxy;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.break());
      socket.on('close', () => this.break());
    }
    client.on('data', (bytes) => void this.#take(bytes));
    server.on('data', (bytes) => this.#said(bytes));
  }

  break(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  async #take(bytes: Buffer): Promise<void> {
    this.#come = Buffer.concat([this.#come, bytes]);
    for (;;) {
      const head = this.#isStarted ? 1 : 0;
      if (this.#come.length < head + 4) return;
      const length = head + this.#come.readUInt32BE(head);
      if (this.#come.length < length) return;
      const message = this.#come.subarray(0, length);
      this.#come = this.#come.subarray(length);
      if (!this.#isStarted) this.#server.write(message);
      else await this.#message(message);
      this.#isStarted = true;
    }
  }

  async #message(message: Buffer): Promise<void> {
    this.#waiting.push(message);
    const [type] = message;
    if (type === SIMPLE) this.#sql = text(message, 5);
    if (type === PARSE) this.#sql = text(message, 5 + text(message, 5).length + 1);
    if (type !== SIMPLE && type !== SYNC)
      return type === PARSE ? undefined : this.#passOthers(type);
    const request = {
      number: this.#proxy.requests++,
      sql: this.#sql,
      transaction: this.#transaction,
    };
    await this.#meet(request, await this.#proxy.fate(request));
  }

  /** Of a request that is coming all of it waits; passwords and good-byes do not. */
  #passOthers(type: number | undefined): void {
    if (type !== 0x70 && type !== 0x58) return;
    this.#forward();
  }

  async #meet({ sql }: Request, fate: Fate): Promise<void> {
    if (fate === 'lost') return this.break();
    if (fate === 'pass') {
      this.#forward();
    } else if (fate === 'unanswered') {
      await this.#done(() => this.#forward());
      return this.break();
    } else {
      this.#waiting = [];
      if (sql === 'COMMIT') await this.#done(() => this.#server.write(simple('ROLLBACK')));
      this.#client.write(failure(fate.error, this.#transaction.length > 0 && sql !== 'COMMIT'));
    }
    if (sql.startsWith('BEGIN') || this.#transaction.length > 0)
      this.#transaction = [...this.#transaction, sql];
    if (/^(COMMIT|ROLLBACK)/.test(sql)) this.#transaction = [];
  }

  #forward(): void {
    for (const message of this.#waiting) this.#server.write(message);
    this.#waiting = [];
  }

  /** Resolves when the server has answered what was asked; the client hears nothing of it. */
  #done(ask: () => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#answered = resolve;
    ask();
    this.#server.once('close', resolve);
    return promise;
  }

  #said(bytes: Buffer): void {
    if (this.#answered === undefined) return void this.#client.write(bytes);
    this.#answer = Buffer.concat([this.#answer, bytes]);
    while (this.#answer.length >= 5) {
      const length = 1 + this.#answer.readUInt32BE(1);
      if (this.#answer.length < length) return;
      const isReady = this.#answer[0] === READY;
      this.#answer = this.#answer.subarray(length);
      if (!isReady) continue;
      this.#answered();
      this.#answered = undefined;
      return;
    }
  }
}

/** A text in a message, up to its zero. */
function text(message: Buffer, from: number): string {
  return message.subarray(from, message.indexOf(0, from)).toString();
}

function simple(sql: string): Buffer {
  return framed('Q', Buffer.from(`${sql}\0`));
}

function failure(code: string, inTransaction: boolean): Buffer {
  const fields = `SERROR\0VERROR\0C${code}\0Msaid by the test\0\0`;
  return Buffer.concat([
    framed('E', Buffer.from(fields)),
    framed('Z', Buffer.from(inTransaction ? 'E' : 'I')),
  ]);
}

function framed(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}
