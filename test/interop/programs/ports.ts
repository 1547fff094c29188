import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Ports from here up to those that the system gives to connections: whoever listens on one finds it free again after a restart. */
const FIRST = 10_000;
const ENOUGH = 2_000;

/** A loopback TCP port that nothing listens on at the moment of asking, and that the system does not give to a connection in the meantime. */
export async function freePort(): Promise<number> {
  const end = firstForConnections();
  // Where the system has hardly any ports left for us, it has to choose.
  if (end - FIRST < ENOUGH) return (await listened(0)) ?? freePort();
  return (await listened(randomInt(FIRST, end))) ?? freePort();
}

/** As many different free loopback ports as asked for. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** The port, after it was listened on; undefined if it is taken. */
async function listened(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return undefined;
  }
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' ? address?.port : undefined;
}

/** The first port that the system gives to connections (ip(7), `ip_local_port_range`); 0 where it does not say. */
function firstForConnections(): number {
  try {
    const range = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8');
    return Number.parseInt(range, 10) || 0;
  } catch {
    return 0;
  }
}
