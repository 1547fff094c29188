import { mkdir } from 'node:fs/promises';
import { cached, type Program } from './cache.ts';
import { goRecipe } from './go.ts';
import { freePort } from './ports.ts';
import { type Running, start } from './running.ts';

/** A Cloud Storage on a loopback port; nobody has to say who he is. */
export interface FakeGcs extends Running {
  /** Base URL. */
  readonly url: string;
  put(bucket: string, name: string, content: string | Uint8Array): Promise<void>;
  delete(bucket: string, name: string): Promise<void>;
}

const VERSION = '1.56.1';

/** fake-gcs-server from its Go module. */
export function fakeGcs(): Promise<Program> {
  return cached(
    goRecipe({
      name: 'fake-gcs-server',
      version: VERSION,
      package: 'github.com/fsouza/fake-gcs-server',
      module: `v${VERSION}`,
      flags: ['-ldflags=-s -w'],
    }),
  );
}

/** Starts an empty Cloud Storage. */
export async function startFakeGcs(dir: string): Promise<FakeGcs> {
  const program = await fakeGcs();
  if ('skip' in program) throw new Error(program.skip);
  await mkdir(dir, { recursive: true });
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const running = await start({
    path: program.path,
    args: [
      ...['-scheme', 'http', '-host', '127.0.0.1', '-port', String(port)],
      ...['-external-url', url, '-public-host', `127.0.0.1:${port}`],
      ...['-backend', 'memory'],
    ],
    cwd: dir,
    ready: /server started at/,
  });
  const send = async (method: string, path: string, body?: string | Uint8Array): Promise<void> => {
    const headers = { 'content-type': 'application/octet-stream' };
    const more = body === undefined ? {} : { body: Buffer.from(body), headers };
    const answer = await fetch(`${url}${path}`, { method, ...more });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
  };
  return {
    ...running,
    url,
    async put(bucket, name, content) {
      await send('POST', '/storage/v1/b', JSON.stringify({ name: bucket })).catch(() => {});
      const query = new URLSearchParams({ uploadType: 'media', name });
      await send('POST', `/upload/storage/v1/b/${bucket}/o?${query}`, content);
    },
    delete: (bucket, name) =>
      send('DELETE', `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`),
  };
}
