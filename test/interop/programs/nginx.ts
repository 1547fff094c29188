import { execFile } from 'node:child_process';
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached, type Program, unavailable } from './cache.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** nginx with the files of a folder on a loopback port. */
export interface Nginx extends Running {
  readonly url: string;
  readonly port: number;
}

const run = promisify(execFile);

/** nginx of the Debian or Ubuntu that this is; no package is installed, and nobody has to be root. */
export function nginx(): Promise<Program> {
  return cached({ name: 'nginx', version: 'distribution', source: 'apt-get download', build });
}

async function build(folder: string): Promise<void> {
  const failed = (error: Error): never => {
    throw unavailable(`nginx needs apt and its libraries: ${error.message.slice(0, 200)}`);
  };
  await run('apt-get', ['download', 'nginx'], { cwd: folder }).catch(failed);
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.deb'));
  await run('dpkg-deb', ['-x', archive, '.'], { cwd: folder }).catch(failed);
  await rm(join(folder, archive));
  await run(join(folder, 'usr/sbin/nginx'), ['-v']).catch(failed);
  const launcher = join(folder, 'nginx');
  await writeFile(launcher, '#!/bin/sh\nexec "$(dirname "$0")/usr/sbin/nginx" "$@"\n');
  await chmod(launcher, 0o755);
}

/** Serves `<dir>/html`; `locations` are further lines of the server; on a port that is given, or a free one. */
export async function startNginx(dir: string, locations: string, given?: number): Promise<Nginx> {
  const program = await nginx();
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(join(dir, 'html'), { recursive: true });
  const port = given ?? (await freePort());
  await writeFile(join(dir, 'nginx.conf'), configuration(dir, port, locations));
  const running = await start({
    path: program.path,
    args: ['-p', dir, '-c', 'nginx.conf', '-e', 'stderr'],
    cwd: dir,
    ready: /event method[\s\S]*OS: /,
  });
  return { ...running, port, url: `http://127.0.0.1:${port}` };
}

function configuration(dir: string, port: number, locations: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
error_log stderr notice;
pid nginx.pid;
events { worker_connections 64; }
http {
  access_log access.log;
  ${folders.map((name) => `${name}_temp_path ${name};`).join('\n  ')}
  types { text/csv csv; application/jsonl jsonl; application/gzip gz; application/json json; }
  gzip on;
  gzip_min_length 1;
  gzip_types text/csv application/jsonl application/json;
  server {
    listen 127.0.0.1:${port};
    root ${join(dir, 'html')};
    ${locations}
  }
}
`;
}
