import { execFile } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import { chmod, chown, cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { cached, cacheFolder, type Program, unavailable } from './cache.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** A PostgreSQL server of our own on a loopback port; it asks for a password. */
export interface Postgres {
  /** Of a database that there is; without one, of a new one. */
  url(database?: string): Promise<string>;
  /** What a client asked with psql's right to everything answers, one row a line. */
  psql(sql: string, database?: string): Promise<string>;
  /** Stops at once, without a word to its clients, and starts again on the same port. */
  restart(whileDown?: () => Promise<unknown>): Promise<void>;
  stop(): Promise<void>;
}

/** Owner of every database; the colon, slash and at sign are there to be encoded. */
export const PASSWORD = 'p@ss:/word';
const USER = 'focusd';

const run = promisify(execFile);

/** The server of this machine, or the one of its Debian or Ubuntu, which is not installed. */
export async function postgres(): Promise<Program> {
  const found = [
    ...(process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'initdb')),
    ...globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().toReversed(),
  ].find((path) => existsSync(path) && existsSync(join(dirname(path), 'postgres')));
  if (found !== undefined) return { path: found };
  return await cached({
    name: 'initdb',
    version: 'distribution',
    source: 'apt-get download',
    build,
  });
}

async function build(folder: string): Promise<void> {
  const failed = (error: Error): never => {
    throw unavailable(`PostgreSQL needs apt and its libraries: ${error.message.slice(0, 200)}`);
  };
  const { stdout } = await run('apt-cache', [
    'search',
    '--names-only',
    '^postgresql-(client-)?[0-9]+$',
  ]).catch(failed);
  const packages = [...stdout.matchAll(/^postgresql-(?:client-)?[0-9]+/gm)].map(([name]) => name);
  if (packages.length === 0) throw unavailable('apt knows no package of PostgreSQL');
  await run('apt-get', ['download', ...packages], { cwd: folder }).catch(failed);
  for (const archive of (await readdir(folder)).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg-deb', ['-x', archive, '.'], { cwd: folder }).catch(failed);
    await rm(join(folder, archive));
  }
  const [bin = ''] = globSync('usr/lib/postgresql/*/bin', { cwd: folder }).toSorted().toReversed();
  for (const name of ['initdb', 'postgres']) {
    await run(join(folder, bin, name), ['--version']).catch(failed);
    await writeFile(join(folder, name), `#!/bin/sh\nexec "$(dirname "$0")/${bin}/${name}" "$@"\n`);
    await chmod(join(folder, name), 0o755);
  }
}

/** Makes a cluster in a temporary folder and serves it. `tls`: paths of its certificate and key. */
export async function startPostgres(tls?: {
  readonly cert: string;
  readonly key: string;
}): Promise<Postgres> {
  const program = await postgres();
  if ('skip' in program) throw new Error(program.skip);
  const home = await mkdtemp(join(tmpdir(), 'focusd-postgres-'));
  const user = await theirs(home);
  const bin = await binFor(program.path, home);
  const data = join(home, 'data');
  await writeFile(join(home, 'password'), PASSWORD);
  const init = ['-D', data, '-U', USER, '--no-locale', '-E', 'UTF8', '--no-sync'];
  await run(join(bin, 'initdb'), [...init, '-A', 'scram-sha-256', '--pwfile', `${home}/password`], {
    ...user,
    cwd: home,
  });
  if (tls !== undefined) await putTls(tls, data, user);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: '60',
    ssl: tls === undefined ? 'off' : 'on',
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const serve = (): Promise<Running> =>
    start({
      path: join(bin, 'postgres'),
      args: ['-D', data, ...args],
      cwd: home,
      ...(user.uid !== undefined && { user: { uid: user.uid, gid: user.gid ?? user.uid } }),
      ready: /ready to accept connections/,
    });
  let running = await serve();
  let databases = 0;
  const psql = async (sql: string, database = 'postgres'): Promise<string> => {
    const { Client } = await import('pg');
    const client = new Client({
      host: '127.0.0.1',
      port,
      database,
      user: USER,
      password: PASSWORD,
    });
    await client.connect();
    try {
      const { rows } = await client.query({ text: sql, rowMode: 'array' });
      return rows.map((row: unknown[]) => row.join('|')).join('\n');
    } finally {
      await client.end();
    }
  };
  return {
    psql,
    async url(database) {
      const name = database ?? `state_${++databases}`;
      if (database === undefined) await psql(`CREATE DATABASE ${name}`);
      return `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${name}`;
    },
    async restart(whileDown) {
      await running.stop('SIGQUIT');
      await whileDown?.();
      running = await serve();
    },
    async stop() {
      await running.stop('SIGQUIT');
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface User {
  readonly uid?: number;
  readonly gid?: number;
}

/** The account that owns nothing else. */
const NOBODY = 65_534;

/** PostgreSQL does not run as root: the folder is made that of another. */
async function theirs(home: string): Promise<User> {
  if (process.getuid?.() !== 0) return {};
  await chown(home, NOBODY, NOBODY);
  return { uid: NOBODY, gid: NOBODY };
}

/** Folder of the programs; what is cached may be where only root gets to. */
async function binFor(path: string, home: string): Promise<string> {
  const folder = dirname(path);
  if (process.getuid?.() !== 0 || !folder.startsWith(cacheFolder())) return folder;
  const copy = join(home, 'programs');
  await cp(folder, copy, { recursive: true });
  return copy;
}

async function putTls(
  { cert, key }: { readonly cert: string; readonly key: string },
  data: string,
  { uid, gid }: User,
): Promise<void> {
  await mkdir(data, { recursive: true });
  for (const [from, name] of [
    [cert, 'server.crt'],
    [key, 'server.key'],
  ] as const) {
    await cp(from, join(data, name));
    await chmod(join(data, name), 0o600);
    if (uid !== undefined) await chown(join(data, name), uid, gid ?? uid);
  }
}
