import { createHash, createHmac } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { run } from './npm.ts';
import { pipRecipe } from './pip.ts';
import { freePorts } from './ports.ts';
import { type Running, start } from './running.ts';

/** OpenStack Swift with its S3 interface: one proxy, one replica, signatures checked as S3 does. */
export interface Swift {
  readonly url: string;
  /** Owns every bucket. */
  readonly owner: SwiftUser;
  /** May read nothing. */
  readonly stranger: SwiftUser;
  /** Puts a bucket, or an object by its path in a URL, signed by the owner. */
  put(path: string, content?: string): Promise<void>;
  stop(): Promise<void>;
}

interface SwiftUser {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const VERSION = '2.38.3';
/** Keys to a page of a listing. */
const PAGE = 20;
const OWNER = { accessKeyId: 'acme:owner', secretAccessKey: 'owners-secret' };
const STRANGER = { accessKeyId: 'acme:stranger', secretAccessKey: 'strangers-secret' };

/** Swift from PyPI; `PROGRAM` in its environment says which of its programs runs. */
export function swift(): Promise<Program> {
  const run = '"$SITE/bin/swift-$PROGRAM"';
  return cached(
    pipRecipe({ name: 'swift', version: VERSION, requirement: `swift==${VERSION}`, run }),
  );
}

/** Starts the four servers of a Swift in an empty folder. */
export async function startSwift(dir: string): Promise<Swift> {
  const program = await swift();
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(join(dir, 'node', 'disk'), { recursive: true });
  const ports = await freePorts(KINDS.length + 1);
  const proxy = ports[KINDS.length] ?? 0;
  await writeFile(join(dir, 'swift.conf'), SWIFT);
  await writeFile(join(dir, 'proxy.conf'), proxyConf(dir, proxy));
  for (const [index, kind] of KINDS.entries()) {
    const port = ports[index] ?? 0;
    await writeFile(join(dir, `${kind}.conf`), storageConf(dir, kind, port));
    await ring(program.path, dir, { kind, port });
  }
  const servers: Running[] = [];
  for (const [index, kind] of [...KINDS, 'proxy'].entries())
    servers.push(
      await start({
        path: program.path,
        args: [join(dir, `${kind}.conf`), '--verbose'],
        cwd: dir,
        env: { PROGRAM: `${kind}-server` },
        ready: () => answers(ports[index] ?? 0),
      }),
    );
  const url = `http://127.0.0.1:${proxy}`;
  return {
    url,
    owner: OWNER,
    stranger: STRANGER,
    put: (path, content = '') => put(`${url}/${path}`, content),
    async stop() {
      for (const server of servers) await server.stop();
    },
  };
}

const KINDS = ['account', 'container', 'object'] as const;

/** A ring of one device. */
async function ring(
  program: string,
  dir: string,
  { kind, port }: { readonly kind: string; readonly port: number },
): Promise<void> {
  const steps = ['create 4 1 0', `add r1z1-127.0.0.1:${port}/disk 1`, 'rebalance'];
  for (const step of steps) {
    const args = [`${kind}.builder`, ...step.split(' ')] as const;
    const ended = await run([program, ...args], { cwd: dir, env: { PROGRAM: 'ring-builder' } });
    if (ended.code !== 0) throw new Error(`${step}: ${ended.stdout} ${ended.stderr}`);
  }
}

const SWIFT = `[swift-hash]
swift_hash_path_prefix = focusd
swift_hash_path_suffix = focusd
[storage-policy:0]
name = one
default = yes
`;

function storageConf(dir: string, kind: string, port: number): string {
  return `[DEFAULT]
${listening(dir, port)}
devices = ${join(dir, 'node')}
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
[pipeline:main]
pipeline = ${kind}-server
[app:${kind}-server]
use = egg:swift#${kind}
`;
}

function proxyConf(dir: string, port: number): string {
  return `[DEFAULT]
${listening(dir, port)}
[pipeline:main]
pipeline = catch_errors listing_formats s3api tempauth proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
max_bucket_listing = ${PAGE}
[filter:tempauth]
use = egg:swift#tempauth
user_acme_owner = ${OWNER.secretAccessKey} .admin
user_acme_stranger = ${STRANGER.secretAccessKey}
`;
}

function listening(dir: string, port: number): string {
  return `bind_ip = 127.0.0.1
bind_port = ${port}
workers = 0
user = ${userInfo().username}
swift_dir = ${dir}`;
}

/** Whether somebody listens on a port. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A request signed by hand: what writes the buckets is not what reads them. Source: Amazon S3 API reference, Signature Version 4. */
async function put(url: string, content: string): Promise<void> {
  const { host, pathname } = new URL(url);
  const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const hash = sha256(content);
  const headers = { host, 'x-amz-content-sha256': hash, 'x-amz-date': time };
  const names = Object.keys(headers).join(';');
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}`);
  const canonical = ['PUT', pathname, '', ...lines, '', names, hash].join('\n');
  const scope = [time.slice(0, 8), 'us-east-1', 's3', 'aws4_request'];
  const text = ['AWS4-HMAC-SHA256', time, scope.join('/'), sha256(canonical)].join('\n');
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${OWNER.secretAccessKey}`);
  const signature = hmac(key, text).toString('hex');
  const authorization = `AWS4-HMAC-SHA256 Credential=${OWNER.accessKeyId}/${scope.join('/')}, SignedHeaders=${names}, Signature=${signature}`;
  const { host: _, ...sent } = headers;
  const answer = await fetch(url, {
    method: 'PUT',
    headers: { ...sent, authorization },
    ...(content !== '' && { body: content }),
  });
  if (!answer.ok) throw new Error(`PUT ${url}: ${answer.status} ${await answer.text()}`);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
