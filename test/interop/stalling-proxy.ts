/** Stands before a server and stops passing on bytes when a test wants it: whoever has sent or waits then is in the middle of a request. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Test } from 'tap';

export interface StallingProxy {
  readonly port: number;
  /** Resolves when so many bytes more of this side came: nothing passes any more, either way, until `goOn`. */
  stall(side: 'request' | 'answer', after: number): Promise<void>;
  /** Breaks what stands still; others pass. */
  goOn(): void;
}

/** Starts it on loopback before a port; it ends with the test. */
export async function startStallingProxy(t: Test, target: number): Promise<StallingProxy> {
  const open = new Set<Socket>();
  let wanted: { readonly side: string; left: number; readonly met: () => void } | undefined;
  let isStalled = false;

  function pass(side: string, from: Socket, to: Socket): void {
    from.on('data', (bytes: Buffer) => {
      if (isStalled) return;
      if (wanted?.side !== side || bytes.length < wanted.left) {
        if (wanted?.side === side) wanted.left -= bytes.length;
        to.write(bytes);
        return;
      }
      // A request in part, or an answer that never comes.
      if (side === 'request') to.write(bytes.subarray(0, wanted.left));
      isStalled = true;
      wanted.met();
      wanted = undefined;
    });
    from.on('error', () => undefined);
    from.on('close', () => {
      open.delete(from);
      to.destroy();
    });
    open.add(from);
  }

  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    pass('request', client, behind);
    pass('answer', behind, client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const destroy = (): void => {
    for (const socket of open) socket.destroy();
  };
  t.teardown(() => {
    destroy();
    server.close();
  });
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stall(side, after) {
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = { side, left: after, met: resolve };
      return promise;
    },
    goOn() {
      destroy();
      isStalled = false;
    },
  };
}
