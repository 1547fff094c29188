import { createHmac, randomBytes } from 'node:crypto';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cached, type Program, unavailable } from './cache.ts';
import { attempt } from './npm.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** Microsoft's emulator of Blob storage on a loopback port, with one account and one container. */
export interface Azurite extends Running {
  /** Base URL. */
  readonly url: string;
  /** URL of the container. */
  readonly container: string;
  readonly accountKey: string;
  /** Writes blobs by name. */
  put(blobs: Readonly<Record<string, string>>): Promise<void>;
  delete(name: string): Promise<void>;
  /** A shared access signature that may read and list, until a time. */
  sas(until: Date): string;
}

const VERSION = '3.37.0';
const INSTALL = `npm install --ignore-scripts --omit=dev --no-audit --no-fund azurite@${VERSION}`;
const ENTRY = 'node_modules/azurite/dist/src/blob/main.js';
const ACCOUNT = 'acme';

/** Azurite from npm. */
export function azurite(): Promise<Program> {
  return cached({ name: 'azurite', version: VERSION, source: INSTALL, build: install });
}

async function install(folder: string): Promise<void> {
  await writeFile(join(folder, 'package.json'), '{"private": true}');
  const installed = await attempt(INSTALL, { cwd: folder });
  if ('skip' in installed) throw unavailable(installed.skip);
  const launcher = join(folder, 'azurite');
  await writeFile(launcher, `#!/bin/sh\nexec node "$(dirname "$0")/${ENTRY}" "$@"\n`);
  await chmod(launcher, 0o755);
}

/** Starts Azurite with an empty container. */
export async function startAzurite(dir: string): Promise<Azurite> {
  const program = await azurite();
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const accountKey = randomBytes(64).toString('base64');
  const running = await start({
    path: process.execPath,
    args: [
      join(dirname(program.path), ENTRY),
      ...['--inMemoryPersistence', '--disableTelemetry'],
      ...['--blobHost', '127.0.0.1', '--blobPort', String(port)],
    ],
    cwd: dir,
    env: { AZURITE_ACCOUNTS: `${ACCOUNT}:${accountKey}`, NODE_OPTIONS: '' },
    ready: /successfully listens/i,
  });
  const base = `http://127.0.0.1:${port}`;
  const container = `${base}/${ACCOUNT}/exports`;
  const sas = (until: Date, permissions = 'rl') => accountSas(accountKey, until, permissions);
  const all = sas(new Date(Date.now() + 86_400_000), 'rwdlc');
  const send = async (method: string, path: string, body?: string): Promise<void> => {
    const headers = { 'x-ms-blob-type': 'BlockBlob' };
    const url = `${container}${path}${path.includes('?') ? '&' : '?'}${all}`;
    const answer = await fetch(url, { method, headers, ...(body !== undefined && { body }) });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  await send('PUT', '?restype=container');
  return {
    ...running,
    url: base,
    container,
    accountKey,
    sas,
    async put(blobs) {
      for (const [name, content] of Object.entries(blobs)) await send('PUT', `/${name}`, content);
    },
    delete: (name) => send('DELETE', `/${name}`),
  };
}

/** Source: Azure Storage, Create an account SAS. */
function accountSas(key: string, until: Date, permissions: string): string {
  const [version, services, types] = ['2019-12-12', 'b', 'co'];
  const expiry = until.toISOString().replace(/\.\d+Z$/, 'Z');
  const text = [ACCOUNT, permissions, services, types, '', expiry, '', '', version, ''].join('\n');
  const signature = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  return new URLSearchParams({
    sv: version,
    ss: services,
    srt: types,
    sp: permissions,
    se: expiry,
    sig: signature,
  }).toString();
}
