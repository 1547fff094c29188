import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cached, type Program } from './cache.ts';
import { goRecipe } from './go.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

const VERSION = '2.15.2';

/** nats-server from its Go module. */
export function natsServer(): Promise<Program> {
  return cached(
    goRecipe({
      name: 'nats-server',
      version: VERSION,
      package: 'github.com/nats-io/nats-server/v2',
      module: `v${VERSION}`,
      flags: ['-ldflags=-s -w'],
    }),
  );
}

/** A server with JetStream on a loopback port. */
export interface NatsServer extends Running {
  /** `nats://127.0.0.1:4222`. */
  readonly url: string;
  readonly port: number;
}

/** How a server is started: the same folder and port again for one that goes on. */
export interface NatsStart {
  readonly dir: string;
  readonly port?: number;
  /** Further lines of its configuration. */
  readonly more?: string;
}

/** Starts a server that keeps its streams in a folder. */
export async function startNats({ dir, more = '', ...of }: NatsStart): Promise<NatsServer> {
  const program = await natsServer();
  if ('skip' in program) throw new Error(program.skip);
  const port = of.port ?? (await freePort());
  const path = join(dir, 'nats.conf');
  const lines = [`host: 127.0.0.1`, `port: ${port}`, `jetstream { store_dir: "${dir}" }`, more];
  await writeFile(path, lines.join('\n'));
  const running = await start({
    path: program.path,
    args: ['-c', path],
    cwd: dir,
    ready: /Server is ready/,
  });
  return { ...running, port, url: `nats://127.0.0.1:${port}` };
}
