import { once } from 'node:events';
import { createServer } from 'node:net';

/** The wished loopback port, or another one when somebody listens there already. */
export async function freePort(wished: number): Promise<number> {
  return (await listening(wished)) ?? (await listening(0)) ?? wished;
}

async function listening(port: number): Promise<number | undefined> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    return typeof address === 'object' ? address?.port : undefined;
  } catch {
    return undefined;
  }
}
